import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cdrMeasure, statsMeasures } from '../../../src/db/calls/cdr-measures.ts';
import { type CdrStatsQuery, selectCdrStats } from '../../../src/db/calls/cdr-stats.ts';
import { UTC } from '../../../src/db/calls/time-zones.ts';
import { checkSource } from '../../../src/db/catalogue/catalogue-check.ts';
import type { Reader } from '../../../src/db/reader.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';
import { recordingLender } from '../../support/recording-lender.ts';

/** A node of EXPLAIN (FORMAT JSON). */
interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Index Cond'?: string;
  readonly 'Heap Fetches'?: number;
  readonly Plans?: readonly PlanNode[];
}

const flatten = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(flatten)];

let database: TestDatabase;
let reader: Reader;
const sent: { text: string; values: unknown[] }[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  await database.pool.query(
    `insert into xdrs (i_account, i_customer, connect_time, cld, country, duration, charged_quantity,
       charged_amount, disconnect_cause, pdd)
     select number % 40, number % 7, '2026-01-01T00:00:00Z'::timestamptz + number * interval '10 seconds',
       '33' || number, 'FR', number % 600, number % 600, number % 600 * 0.001, 16 + number % 3, 0.5
     from generate_series(1, 50000) as number`,
  );
  // What index-only scans need, and autovacuum does in time.
  await database.pool.query('vacuum analyze xdrs');
  const { source } = await checkSource(database.primary, 'xdrs');
  const pool = recordingLender(database.pool, (text, values) => sent.push({ text, values }));
  reader = { pool, source, scope: { kind: 'all' }, signal: undefined };
});
afterAll(() => database?.[Symbol.asyncDispose]());

/** Every measure but those that look at the calls once more. */
const ofOnePass = statsMeasures.filter((name) =>
  cdrMeasure(name).partials.every(({ over }) => over === 'calls'),
);

/** How the table of calls is read for such measures. */
async function scanOf(question: Partial<CdrStatsQuery>, accountIds?: readonly string[]) {
  await selectCdrStats(
    { ...reader, scope: accountIds ? { kind: 'accounts', accountIds } : { kind: 'all' } },
    { filter: {}, groupBy: [], timeZone: UTC, having: [], limit: 1_000, ...question },
    ofOnePass,
  );
  const { text, values } = sent.at(-1)!;
  const { rows } = await database.pool.query(`explain (analyze, format json) ${text}`, values);
  const scans = flatten(rows[0]['QUERY PLAN'][0].Plan).filter((node) => node['Relation Name'] === 'xdrs');
  expect(scans).toHaveLength(1);
  return scans[0]!;
}

const day = { from: '2026-01-02T00:00:00Z', to: '2026-01-03T00:00:00Z' };

describe('the statistics of one account read no table,', () => {
  test.each<[string, Partial<CdrStatsQuery>, (readonly string[])?]>([
    ['as the totals of a day', { filter: { accountIds: ['7'], ...day } }],
    ['as the totals of a tenant', {}, ['7']],
    ['by hour', { filter: { accountIds: ['7'], ...day }, groupBy: ['HOUR'] }],
    [
      'by day of a zone',
      {
        filter: { accountIds: ['7'] },
        groupBy: ['DAY'],
        timeZone: { name: 'Europe/Paris', splitsHours: false, hasWholeHours: true },
      },
    ],
    ['by account', { filter: { accountIds: ['7'], ...day }, groupBy: ['ACCOUNT'] }],
    ['by cause', { filter: { accountIds: ['7'], ...day }, groupBy: ['DISCONNECT_CAUSE'] }],
    ['by outcome', { filter: { accountIds: ['7'], ...day }, groupBy: ['OUTCOME'] }],
  ])('%s', async (_, question, accountIds) => {
    const scan = await scanOf(question, accountIds);

    expect(scan).toMatchObject({
      'Node Type': 'Index Only Scan',
      'Index Name': 'xdrs_i_account_connect_time_i_xdr_covering_idx',
      'Heap Fetches': 0,
    });
    expect(scan['Index Cond']).toContain("i_account = '7'");
    if (question.filter?.from) {
      expect(scan['Index Cond']).toMatch(/connect_time >= .* AND .*connect_time < /);
    }
  });
});

test('the statistics of one account by country read its calls, and no others', async () => {
  const scan = await scanOf({ filter: { accountIds: ['7'], ...day }, groupBy: ['COUNTRY'] });

  expect(scan['Node Type']).not.toBe('Index Only Scan');
  expect(scan['Index Cond'] ?? scan.Plans?.[0]?.['Index Cond']).toContain("i_account = '7'");
});
