import { describe, expect, test } from 'vitest';
import { doctor } from '../../src/cli/doctor.ts';
import { examineNumbering } from '../../src/cli/numbering-check.ts';
import { createRouter } from '../../src/http/routes.ts';
import { createNumbering } from '../../src/numbering/numbering.ts';
import { numberingSettings } from '../../src/numbering/settings.ts';
import { schema } from '../../src/schema/index.ts';
import { parseSettings } from '../../src/settings/parse.ts';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { aPlan, createDirectory } from './files.ts';

const parseNumbering = (env: Record<string, string>) => parseSettings(numberingSettings, env);

const SAMPLE = {
  planPath: 'src/demo/numbering-plan.sample.csv',
  operatorsPath: 'src/demo/numbering-operators.sample.csv',
  stripPrefixes: [],
};

describe('the settings', () => {
  test('are all left out by default', () => {
    expect(parseNumbering({})).toEqual({ planPath: undefined, operatorsPath: undefined, stripPrefixes: [] });
  });

  test('name files, and prefixes', () => {
    expect(
      parseNumbering({
        NUMBERING_PLAN: '/a/plan.csv',
        NUMBERING_OPERATORS: '/a/operators.csv',
        NUMBERING_STRIP_PREFIXES: '0099#, 8101',
      }),
    ).toEqual({
      planPath: '/a/plan.csv',
      operatorsPath: '/a/operators.csv',
      stripPrefixes: ['0099#', '8101'],
    });
  });

  test.each([
    [{ NUMBERING_STRIP_PREFIXES: '33,abc' }, 'NUMBERING_STRIP_PREFIXES: expected prefixes such as'],
    [{ NUMBERING_OPERATORS: '/a/operators.csv' }, 'NUMBERING_OPERATORS: of no use without NUMBERING_PLAN'],
  ])('are refused when they mean nothing: %o', (env, message) => {
    expect(() => parseNumbering(env)).toThrow(message);
  });
});

describe('doctor', () => {
  async function examine(files: Partial<typeof SAMPLE>) {
    const lines: string[] = [];
    const isWell = await examineNumbering({ ...SAMPLE, ...files } as typeof SAMPLE, (line) =>
      lines.push(line),
    );
    return { isWell, text: lines.join('\n') };
  }

  test('says what is in the files, and what reading and looking up cost', async () => {
    const { isWell, text } = await examine({});
    expect(isWell).toBe(true);
    expect(text).toMatch(/^numbering plan: src\/demo\/numbering-plan\.sample\.csv$/m);
    expect(text).toMatch(/^ {2}114 blocks, 0 bad lines; read in \d+ ms, \d+\.\d MB of memory$/m);
    expect(text).toMatch(/^ {2}8 operators, 0 bad lines; /m);
    expect(text).toMatch(/^looking up: 100,000 numbers of the plan in \d+ ms$/m);
  });

  test('names the first bad lines, and holders without a name', async () => {
    using directory = createDirectory();
    const bad = Array.from({ length: 7 }, (_, index) => `bad ${index}`).join('\n');
    const plan = directory.write('plan.csv', `${aPlan(['0612', 'AAAA'], ['0613', 'EX01'])}${bad}\n`);
    const { isWell, text } = await examine({ planPath: plan });
    expect(isWell).toBe(false);
    expect(text).toContain('  2 blocks, 7 bad lines; ');
    expect(text).toContain('  warning: line 4: has 1 fields, expected at least 5');
    expect(text).toContain('  warning: line 8: ');
    expect(text).toContain('  warning: and 2 more');
    expect(text).toContain('  warning: 1 of 2 holders have no name there, such as AAAA');
  });

  test.each([
    ['none.csv', undefined, 'There is no such file.'],
    ['plan.csv', '', 'It is empty.'],
    ['plan.csv', aPlan(), 'it has no usable line'],
  ])('says why a plan cannot be used: %s', async (name, content, problem) => {
    using directory = createDirectory();
    if (content !== undefined) directory.write(name, content);
    const { isWell, text } = await examine({ planPath: directory.path(name) });
    expect(isWell).toBe(false);
    expect(text).toContain(`  problem: ${problem}`);
  });

  test('says that there is no plan, which is well', async () => {
    const { isWell, text } = await examine({ planPath: undefined, operatorsPath: undefined } as never);
    expect(isWell).toBe(true);
    expect(text).toMatch(/^numbering plan: none;/);
  });

  test('looks at databases and files alike', async () => {
    const lines: string[] = [];
    const env = { REPLICA_URLS: 'postgresql://nobody@127.0.0.1:1/none', NUMBERING_PLAN: SAMPLE.planPath };
    expect(await doctor([], env, (line) => lines.push(line))).toBe(2);
    expect(lines.join('\n')).toMatch(/cannot be reached[\s\S]*114 blocks/);
  });
});

describe('/metrics', () => {
  async function scrape(numbering: ReturnType<typeof createNumbering>): Promise<string[]> {
    await numbering.firstRead;
    const { route } = createMetrics({
      replicas: { snapshot: () => ({ status: 'OK', asOf: null, replicas: [], primary: null, sources: [] }) },
      numbering,
      schema,
      build: { version: '1' },
    });
    const response = await createRouter([route])(new Request('http://gateway/metrics'));
    numbering.close();
    return (await response.text()).split('\n').filter((line) => line.startsWith('gateway_numbering_'));
  }

  test('tells of each file how much of it is in use', async () => {
    const seconds = Math.floor(Date.now() / 1000);
    const series = await scrape(createNumbering(SAMPLE));
    const loaded = series.filter((line) => line.startsWith('gateway_numbering_loaded_timestamp_seconds'));
    expect(series.filter((line) => !loaded.includes(line))).toEqual([
      'gateway_numbering_entries{file="plan"} 114',
      'gateway_numbering_entries{file="operators"} 8',
      'gateway_numbering_bad_lines{file="plan"} 0',
      'gateway_numbering_bad_lines{file="operators"} 0',
      'gateway_numbering_unusable{file="plan"} 0',
      'gateway_numbering_unusable{file="operators"} 0',
    ]);
    for (const line of loaded) expect(Number(line.split(' ')[1])).toBeGreaterThanOrEqual(seconds);
    expect(loaded).toHaveLength(2);
  });

  test('tells that a file cannot be used, and not when it was read', async () => {
    expect(await scrape(createNumbering({ planPath: '/none/plan.csv' }))).toEqual([
      'gateway_numbering_entries{file="plan"} 0',
      'gateway_numbering_bad_lines{file="plan"} 0',
      'gateway_numbering_unusable{file="plan"} 1',
    ]);
  });

  test('tells nothing where no file is configured', async () => {
    expect(await scrape(createNumbering())).toEqual([]);
  });
});
