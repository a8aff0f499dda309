import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  cdrMeasure,
  declareMeasure,
  type StatsMeasure,
  statsMeasures,
} from '../../../src/db/calls/cdr-measures.ts';
import { checkSource } from '../../../src/db/catalogue/catalogue-check.ts';
import { rowOf, someCalls } from '../../schema/calls-oracle.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';

let database: TestDatabase;
/** The calls with what the source works out of them, as the relation `xdrs`. */
let calls: string;
/** Each with its currency, as the relation `currencies`. */
let from: string;

beforeAll(async () => {
  database = await createTestDatabase();
  await database.insertXdrs(someCalls(500, 7).map(rowOf));
  const { source } = await checkSource(database.primary, 'xdrs');
  calls = database.primary
    .selectFrom(source.cdrs({ kind: 'all' }))
    .selectAll()
    .compile().sql;
  from = `from (${calls}) as xdrs
    cross join lateral (select case when xdrs.i_account = 14 then 'EUR' else 'USD' end as currency) as currencies`;
});

afterAll(() => database[Symbol.asyncDispose]());

const mergeable = statsMeasures.filter((name) => cdrMeasure(name).mergeable);

interface Groups {
  /** Nothing: all calls are one group. */
  readonly keys: readonly string[];
  readonly where: string;
}

const list = (...items: readonly (string | readonly string[])[]) => items.flat().join(', ');
const grouped = (keys: readonly string[]) => (keys.length > 0 ? `group by ${list(keys)}` : '');

/** A measure of each group, of all its calls at once. */
function atOnce(name: StatsMeasure, { keys, where }: Groups): string {
  const { partials, finish } = cdrMeasure(name);
  const columns = partials.map((_, index) => `partial_${index}`);
  const aggregates = partials.map(({ sql }, index) => `${sql} as ${columns[index]}`);
  return `select ${list(keys, `${finish(columns)} as value`)}
    from (select ${list(keys, aggregates)} ${from} where ${where} ${grouped(keys)}) as partials
    order by ${list(keys, 'value')}`;
}

/** The same from the partials of each second and cause, merged. */
function inParts(name: StatsMeasure, { keys, where }: Groups): string {
  const { partials, finish } = cdrMeasure(name);
  const columns = partials.map((_, index) => `partial_${index}`);
  const parts = [...keys, "date_trunc('second', connect_time)", 'disconnect_cause'];
  const aggregates = partials.map(({ sql }, index) => `${sql} as ${columns[index]}`);
  const merged = partials.map(({ merge }, index) => `${merge!(columns[index]!)} as ${columns[index]}`);
  return `select ${list(keys, `${finish(columns)} as value`)}
    from (select ${list(keys, merged)}
      from (select ${list(keys, aggregates)} ${from} where ${where} ${grouped(parts)}) as parts
      ${grouped(keys)}) as merged
    order by ${list(keys, 'value')}`;
}

describe.each(mergeable)('%s', (name) => {
  test.each<[string, Groups, number]>([
    ['each account', { keys: ['i_account'], where: 'true' }, 4],
    ['each country and prefix', { keys: ['country', 'prefix'], where: 'true' }, 16],
    ['all calls', { keys: [], where: 'true' }, 1],
    ['no calls', { keys: [], where: 'false' }, 1],
  ])('of %s is the same from parts that are merged', async (_, groups, count) => {
    const { rows: expected } = await database.pool.query(atOnce(name, groups));
    const { rows } = await database.pool.query(inParts(name, groups));
    expect(expected).toHaveLength(count);
    expect(rows).toEqual(expected);
  });
});

const shown = {
  type: 'Decimal',
  nullable: true,
  withoutCalls: null,
  label: 'Any',
  description: 'Any.',
} as const;
const longest = {
  sql: 'max(xdrs.duration)',
  type: 'numeric',
  over: 'calls',
  merge: (column: string) => `max(${column})`,
} as const;
const middle = {
  type: 'numeric',
  over: 'calls',
  sql: 'percentile_disc(0.5) within group (order by xdrs.duration)',
  merge: null,
} as const;

describe('what does not compile: a measure', () => {
  test.each([
    // @ts-expect-error: that can be merged, of a partial that cannot
    () => declareMeasure({ ...shown, mergeable: true, partials: { middle }, finish: (of) => of.middle }),
    // @ts-expect-error: worked out from a partial that it does not have
    () => declareMeasure({ ...shown, mergeable: true, partials: { longest }, finish: (of) => of.middle }),
    // @ts-expect-error: that does not say whether it can be merged
    () => declareMeasure({ ...shown, partials: { longest }, finish: (partials) => partials.longest }),
    // @ts-expect-error: that is worked out from nothing
    () => declareMeasure({ ...shown, mergeable: true, finish: () => '0' }),
  ])('%#', (declare) => {
    // The compiler refuses it, which `npm run check` shows.
    expect(declare).toBeTypeOf('function');
  });

  test('and one that can be merged, of partials that can, compiles', () => {
    const declared = declareMeasure({
      ...shown,
      mergeable: true,
      partials: { longest },
      finish: (partials) => partials.longest,
    });
    expect(declared.finish(['x'])).toBe('x');
  });
});
