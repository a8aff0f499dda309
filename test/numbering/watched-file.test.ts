import {
  appendFileSync,
  chmodSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createNumbering, type Numbering } from '../../src/numbering/numbering.ts';
import { aPlan, createDirectory, inWindows1252 } from './files.ts';

const POLL_MILLIS = 20;
const NUMBER = '33612345678';

interface Watched extends Disposable {
  readonly numbering: Numbering;
  readonly path: string;
  readonly logged: { level: string; message: string; facts: Record<string, unknown> }[];
  write(name: string, content: string | Buffer): string;
  /** Whom the number belongs to now. */
  holder(): Promise<string | undefined>;
}

async function watch(content?: string | Buffer, pollMillis = POLL_MILLIS): Promise<Watched> {
  const directory = createDirectory();
  const path = directory.path('plan.csv');
  if (content !== undefined) directory.write('plan.csv', content);
  const logged: Watched['logged'] = [];
  const log = (level: string) => (facts: object, message: string) =>
    logged.push({ level, message, facts: facts as Record<string, unknown> });
  const numbering = createNumbering({
    planPath: path,
    pollMillis,
    logger: { info: log('info'), warn: log('warn'), error: log('error') } as never,
  });
  await numbering.firstRead;
  return {
    numbering,
    path,
    logged,
    write: directory.write,
    holder: async () => (await numbering.lookUp([NUMBER]))[0]?.blockHolderCode ?? undefined,
    [Symbol.dispose]() {
      numbering.close();
      directory[Symbol.dispose]();
    },
  };
}

const problem = ({ numbering }: Watched) => numbering.reports().plan!.problem;
const soon = { timeout: 10_000, interval: 5 };

test('a plan is there at once, and its report says what was read', async () => {
  using watched = await watch(`${aPlan(['0612', 'AAAA'], ['0613', 'BBBB'])}what\n`);
  expect(await watched.holder()).toBe('AAAA');
  expect(watched.numbering.reports().plan).toEqual({
    path: watched.path,
    entries: 2,
    badLines: 1,
    firstBad: [{ line: 4, reason: 'has 1 fields, expected at least 5' }],
    loadedAt: expect.any(Number),
    problem: null,
  });
  expect(watched.logged.map(({ level, message }) => `${level}: ${message}`)).toEqual([
    'info: numbering plan read',
    'warn: numbering plan has bad lines, which are left out',
  ]);
});

test('a plan that is renamed into place is read, old content and size notwithstanding', async () => {
  using watched = await watch(aPlan(['0612', 'AAAA']));
  for (const code of ['BBBB', 'CCCC', 'DDDD']) {
    renameSync(watched.write('new', aPlan(['0612', code])), watched.path);
    await expect.poll(watched.holder, soon).toBe(code);
  }
  expect(watched.logged).toHaveLength(4);
});

test('a plan behind a link is read when the link leads elsewhere', async () => {
  using directory = createDirectory();
  directory.write('january.csv', aPlan(['0612', 'AAAA']));
  directory.write('march.csv', aPlan(['0612', 'BBBB']));
  const path = directory.path('plan.csv');
  symlinkSync('january.csv', path);
  const numbering = createNumbering({ planPath: path, pollMillis: POLL_MILLIS });
  await numbering.firstRead;
  const holder = async () => (await numbering.lookUp([NUMBER]))[0]?.blockHolderCode;
  expect(await holder()).toBe('AAAA');
  symlinkSync('march.csv', directory.path('new'));
  renameSync(directory.path('new'), path);
  await expect.poll(holder, soon).toBe('BBBB');
  numbering.close();
});

test('a plan that is written over is read', async () => {
  using watched = await watch(aPlan(['0612', 'AAAA']));
  writeFileSync(watched.path, inWindows1252(aPlan(['0612', 'BBBB'], ['0613', 'BBBB'])));
  await expect.poll(watched.holder, soon).toBe('BBBB');
});

test('every look-up sees one plan or the other, never a part of one', async () => {
  const prefixes = Array.from({ length: 400 }, (_, index) => `06${100 + index}`);
  const planOf = (code: string) => aPlan(...prefixes.map((prefix) => [prefix, code] as const));
  using watched = await watch(planOf('AAAA'));
  const numbers = prefixes.map((prefix) => prefix.padEnd(10, '5'));
  const seen = new Set<string>();
  for (let turn = 0; !seen.has('BBBB') && turn < 2000; turn++) {
    if (turn === 3) renameSync(watched.write('new', planOf('BBBB')), watched.path);
    const codes = new Set(
      (await watched.numbering.lookUp(numbers)).map((carrier) => carrier?.blockHolderCode),
    );
    expect(codes.size).toBe(1);
    seen.add([...codes][0]!);
    await delay(2);
  }
  expect([...seen]).toEqual(['AAAA', 'BBBB']);
});

test('a plan that is still being written is not read before it has settled', async () => {
  const lines = aPlan(
    ...Array.from({ length: 40 }, (_, index) => [`06${index + 10}`, 'BBBB'] as const),
  ).split('\n');
  using watched = await watch(aPlan(['0612', 'AAAA']), 500);
  rmSync(watched.path);
  for (const line of lines) {
    appendFileSync(watched.path, `${line}\n`);
    await delay(POLL_MILLIS);
  }
  await expect.poll(watched.holder, soon).toBe('BBBB');
  expect(watched.logged.map(({ facts }) => facts.entries)).toEqual([1, 40]);
});

test.each<[string, (path: string) => void, string]>([
  ['emptied', (path) => truncateSync(path, 0), 'It is empty.'],
  ['cut down to its header', (path) => writeFileSync(path, aPlan()), 'It has no usable line.'],
  [
    'cut in the middle',
    (path) => truncateSync(path, 200),
    'It has 2 entries where there were 6, as if it were cut',
  ],
  ['replaced by an error page', (path) => writeFileSync(path, '<html>\n'), 'Line 1 names no column'],
  ['gone', (path) => rmSync(path), 'There is no such file.'],
])('a plan that is %s leaves the one before in use, and says so once', async (_, spoil, sentence) => {
  using watched = await watch(
    aPlan(...['0612', '0613', '0614', '0615', '0616', '0617'].map((prefix) => [prefix, 'AAAA'] as const)),
  );
  spoil(watched.path);
  await expect.poll(() => problem(watched), soon).toContain(sentence);
  await delay(POLL_MILLIS * 5);
  expect(await watched.holder()).toBe('AAAA');
  expect(watched.numbering.reports().plan!.entries).toBe(6);
  const errors = watched.logged.filter(({ level }) => level === 'error');
  expect(errors).toHaveLength(1);
  expect(errors[0]!.message).toBe('numbering plan cannot be used; the 6 entries read before are kept');

  renameSync(watched.write('new', aPlan(['0612', 'BBBB'], ['0613', 'B'], ['0614', 'B'])), watched.path);
  await expect.poll(watched.holder, soon).toBe('BBBB');
  expect(problem(watched)).toBeNull();
});

test('a plan that is missing at the start is said, and read when it comes', async () => {
  using watched = await watch();
  expect(watched.logged).toEqual([
    {
      level: 'error',
      message: 'numbering plan cannot be used; numbers have no holder',
      facts: { file: watched.path, entries: 0, problem: 'There is no such file.' },
    },
  ]);
  expect((await watched.numbering.lookUp([NUMBER]))[0]).toMatchObject({ country: 'FR', blockHolder: null });
  watched.write('plan.csv', aPlan(['0612', 'AAAA']));
  await expect.poll(watched.holder, soon).toBe('AAAA');
});

test.skipIf(process.getuid?.() === 0)(
  'a plan that may not be read is said, and read when it may',
  async () => {
    using directory = createDirectory();
    const path = directory.write('plan.csv', aPlan(['0612', 'AAAA']));
    chmodSync(path, 0);
    const numbering = createNumbering({ planPath: path, pollMillis: POLL_MILLIS });
    await numbering.firstRead;
    expect(numbering.reports().plan!.problem).toBe('It cannot be read (EACCES).');
    chmodSync(path, 0o600);
    await expect.poll(() => numbering.reports().plan!.problem, soon).toBeNull();
    numbering.close();
  },
);

test('names of operators come and change apart from the plan', async () => {
  using directory = createDirectory();
  const operators = (name: string) => `IDENTITE_OPERATEUR;CODE_OPERATEUR\n${name};AAAA\n`;
  const numbering = createNumbering({
    planPath: directory.write('plan.csv', aPlan(['0612', 'AAAA'], ['0613', 'BBBB'])),
    operatorsPath: directory.write('operators.csv', operators('One')),
    pollMillis: POLL_MILLIS,
  });
  await numbering.firstRead;
  const names = async () =>
    (await numbering.lookUp([NUMBER, '0613000000'])).map((found) => found?.blockHolder);
  expect(await names()).toEqual(['One', null]);
  writeFileSync(directory.path('operators.csv'), operators('Another'));
  await expect.poll(names, soon).toEqual(['Another', null]);
  numbering.close();
});
