import { expect, test } from 'vitest';
import { createLogger } from '../../src/telemetry/logging.ts';

/** What a logger wrote, one parsed object per line. */
function logged(write: (logger: ReturnType<typeof createLogger>) => void, level = 'info') {
  const lines: string[] = [];
  write(createLogger({ level }, { write: (line) => lines.push(line) }));
  return lines.map((line) => JSON.parse(line));
}

test('a line is JSON with the level in words and the time in UTC', () => {
  const [line] = logged((logger) => logger.info({ replica: 'replica-1' }, 'standby is back'));

  expect(line).toEqual({
    level: 'info',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    service: 'cdr-gateway',
    replica: 'replica-1',
    msg: 'standby is back',
  });
});

test('lines below the level are not written', () => {
  expect(logged((logger) => logger.info('hello'), 'warn')).toEqual([]);
});

test('secrets and numbers that somebody passes by mistake are not written', () => {
  const secrets = { authorization: 'Bearer s3cret', cookie: 's3cret', variables: { cli: 's3cret' } };
  const lines = logged((logger) => {
    logger.info(secrets);
    logger.info({ headers: secrets, request: { headers: secrets }, call: { cli: 's3cret', cld: 's3cret' } });
  });

  expect(JSON.stringify(lines)).not.toContain('s3cret');
});

test('an error is written with its code, its frames and its cause, without what a driver hangs on it', () => {
  const driver = Object.assign(new Error('invalid input syntax for type bigint: "33123456789"'), {
    code: '22P02',
    detail: 'Key (cli)=(33123456789)',
    parameters: ['33123456789'],
  });
  const [line] = logged((logger) =>
    logger.error({ err: new Error('page failed for 33 1 23 45 67 89', { cause: driver }) }),
  );

  expect(line.err).toMatchObject({
    type: 'Error',
    message: 'page failed for …',
    stack: expect.stringContaining('logging.test.ts'),
    cause: { code: '22P02', message: 'invalid input syntax for type bigint: "…"' },
  });
  expect(JSON.stringify(line)).not.toContain('33123456789');
});

test('the address of a standby that refuses us stays readable', () => {
  const [line] = logged((logger) =>
    logger.error({ err: new Error('connect ECONNREFUSED 10.20.30.40:54321') }),
  );

  expect(line.err.message).toBe('connect ECONNREFUSED 10.20.30.40:54321');
});

test('something thrown that is no error is written too', () => {
  const [line] = logged((logger) => logger.error({ err: 'just text about 33123456789' }));

  expect(line.err).toEqual({ type: 'string', message: 'just text about …' });
});
