import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SourceName } from '../../src/db/sources/sources.ts';
import { createSourceDatabase } from '../db/source-databases.ts';
import { createTestGateway, type TestGateway } from '../support/gateway.ts';
import type { TestDatabase } from '../support/postgres.ts';

/** What the tables of calls have: as either switch, with the measured columns of another type. */
const tables: readonly (readonly [SourceName, string])[] = [
  ['xdrs', 'numeric'],
  ['xdrs', 'double precision'],
  ['xdrs', 'real'],
  ['sippy', 'double precision'],
  ['sippy', 'numeric'],
];

interface OddCall {
  readonly duration: string | null;
  readonly amount: string | null;
  readonly pdd: string | null;
  readonly billed: string | null;
  /** Q.850. */
  readonly cause: number | string | null;
}

const ordinary: OddCall = { duration: '60', amount: '1', pdd: '2', billed: '61', cause: 16 };
const failed: OddCall = { duration: '0', amount: '0', pdd: null, billed: '0', cause: 17 };

/** By name; the amounts are powers of two, so that a sum tells whose are in it. */
const calls: Readonly<Record<string, OddCall>> = {
  ordinary,
  'not a number': { ...ordinary, duration: 'NaN', amount: '2' },
  endless: { ...ordinary, duration: 'Infinity', amount: '4' },
  'less than nothing': { ...ordinary, duration: '-Infinity', amount: '8' },
  'of no amount': { ...ordinary, amount: 'NaN' },
  'of an endless amount': { ...ordinary, amount: '-Infinity' },
  'of no delay': { ...ordinary, pdd: 'NaN', amount: '16' },
  'of an endless delay': { ...ordinary, pdd: 'Infinity', amount: '32' },
  'billed beyond an Int': { ...ordinary, billed: '3000000000', amount: '64' },
  'billed as no number': { ...ordinary, billed: 'NaN', amount: '128' },
  'without cause, and no number': { ...ordinary, duration: 'NaN', amount: '256', cause: null },
  'busy, and no number': { ...failed, duration: 'NaN' },
  failed,
  'of a cause beyond an Int': { ...failed, cause: '9999999999' },
};
const names = Object.keys(calls);
/** Those that something is left out of. */
const unreadable = names.filter((name) => !['ordinary', 'failed', 'of a cause beyond an Int'].includes(name));

async function insertOddCalls(database: TestDatabase, source: SourceName, type: string): Promise<void> {
  const { pool } = database;
  const [table, columns] =
    source === 'xdrs'
      ? (['xdrs', ['duration', 'charged_amount', 'pdd', 'charged_quantity', 'disconnect_cause']] as const)
      : (['cdrs', ['duration', 'cost', 'pdd1xx', 'billed_duration', 'result']] as const);
  for (const column of columns) {
    const isCause = column === columns[4];
    await pool.query(`alter table ${table} alter column ${column} drop default`);
    await pool.query(`alter table ${table} alter column ${column} type ${isCause ? 'bigint' : type}`);
  }
  for (const [index, name] of names.entries()) {
    const { duration, amount, pdd, billed, cause } = calls[name]!;
    const result = source === 'xdrs' || cause === null ? cause : ({ 16: 0, 17: 486 }[cause] ?? cause);
    const own = [duration, amount, pdd, billed, result];
    const key = source === 'xdrs' ? ['i_xdr', 'cli_in'] : ['i_cdr', 'cli_in'];
    const more = source === 'sippy' ? ['i_call'] : ['setup_time'];
    await pool.query(
      `insert into ${table} (${[...key, 'i_account', 'connect_time', ...columns, ...more]})
       values ($1, $2, 14, '2026-01-05 09:00:00+00', $3, $4, $5, $6, $7, $8)`,
      [index + 1, name, ...own, source === 'sippy' ? index + 1 : '2026-01-05 09:00:00+00'],
    );
  }
  if (source === 'sippy') {
    await pool.query(
      'grant usage on schema public to gateway_reader; grant select on all tables in schema public to gateway_reader',
    );
  }
  await database.replayed();
}

describe.each(tables)(
  'numbers that are none, over the source %s with columns of type %s:',
  (source, type) => {
    let database: TestDatabase;
    let gateway: TestGateway;

    beforeAll(async () => {
      database = await createSourceDatabase(source);
      await insertOddCalls(database, source, type);
      gateway = await createTestGateway(database, { settings: { CDR_SOURCE: source } });
    });
    afterAll(async () => {
      await gateway?.[Symbol.asyncDispose]();
      await database?.[Symbol.asyncDispose]();
    });

    async function ask(document: string) {
      const { data, errors } = await gateway.query(document);
      expect(errors).toBeUndefined();
      return data;
    }

    /** The names of the calls that pass, by the list, the count and the statistics. */
    async function passing(filter: string): Promise<string[]> {
      const { cdrs, cdrStats } = await ask(
        `{ cdrs(filter: ${filter}, orderBy: OLDEST_FIRST) { totalCount nodes { cliIn } }
         cdrStats(filter: ${filter}) { totals { attempts } } }`,
      );
      const found = cdrs.nodes.map(({ cliIn }: { cliIn: string }) => cliIn);
      expect([cdrs.totalCount, cdrStats.totals.attempts]).toEqual([found.length, found.length]);
      return found;
    }

    test('count as missing in sums, averages and all that is worked out from them', async () => {
      const fields = `attempts answered failed asr ner acdSeconds medianDurationSeconds pddSeconds p95PddSeconds
      durationSeconds billedSeconds minutes billedMinutes chargedAmount shortCalls unreadableCalls
      amountsByCurrency { currency chargedAmount calls }`;
      const { cdrStats } = await ask(`{ cdrStats { rows { ${fields} } totals { ${fields} } } }`);
      // Spoken: the ordinary one, and those whose oddity lies elsewhere.
      const expected = {
        attempts: 14,
        answered: 7,
        failed: 7,
        asr: 50,
        // Of five calls the outcome is unknown or, where only the cause is beyond its type, there was no conversation.
        ner: 100,
        acdSeconds: 60,
        medianDurationSeconds: '60',
        pddSeconds: 2,
        p95PddSeconds: '2',
        durationSeconds: '420',
        billedSeconds: 549,
        minutes: '7',
        billedMinutes: '9.15',
        chargedAmount: '511',
        shortCalls: 0,
        unreadableCalls: unreadable.length,
        amountsByCurrency: [{ currency: null, chargedAmount: '511', calls: 14 }],
      };
      expect(cdrStats).toEqual({ rows: [expected], totals: expected });
    });

    test.each([
      ['minutes', '7'],
      ['durationSeconds', '420'],
      ['billedSeconds', 549],
      ['chargedAmount', '511'],
      ['pddSeconds', 2],
      ['acdSeconds', 60],
      ['answered', 7],
      ['unreadableCalls', unreadable.length],
    ])('%s is the same by itself', async (measure, expected) => {
      const { cdrStats } = await ask(
        `{ cdrStats(groupBy: [DAY]) { rows { ${measure} } totals { ${measure} } } }`,
      );
      expect(cdrStats).toEqual({ rows: [{ [measure]: expected }], totals: { [measure]: expected } });
    });

    test('do not make an outcome, unless the cause alone does', async () => {
      const { cdrs, cdrStats } = await ask(
        `{ cdrs(orderBy: OLDEST_FIRST) { nodes { cliIn outcome } }
         cdrStats(groupBy: [OUTCOME]) { rows { outcome attempts answered } } }`,
      );
      const unknown = [
        'not a number',
        'endless',
        'less than nothing',
        'without cause, and no number',
        'of a cause beyond an Int',
      ];
      const expected = names.map((name) => {
        if (unknown.includes(name)) return { cliIn: name, outcome: null };
        return { cliIn: name, outcome: calls[name]!.cause === 17 ? 'BUSY' : 'ANSWERED' };
      });
      expect(cdrs.nodes).toEqual(expected);
      expect(cdrStats.rows).toEqual([
        { outcome: 'ANSWERED', attempts: 7, answered: 7 },
        { outcome: 'BUSY', attempts: 2, answered: 0 },
        { outcome: null, attempts: 5, answered: 0 },
      ]);
    });

    test('pass no filter that compares them, and every type of call is what it says', async () => {
      const durationKnown = names.filter((name) => Number.isFinite(Number(calls[name]!.duration)));
      const spoken = durationKnown.filter((name) => Number(calls[name]!.duration) > 0);
      const errors = names.filter(
        (name) => calls[name]!.cause === 17 || /without cause|cause beyond/.test(name),
      );
      expect(await passing('{ type: NON_ZERO }')).toEqual(spoken);
      expect(await passing('{ type: ERRORS }')).toEqual(errors);
      expect(await passing('{ type: NON_ZERO_AND_ERRORS }')).toEqual(
        names.filter((name) => spoken.includes(name) || errors.includes(name)),
      );
      expect(await passing('{ minDurationSeconds: 0 }')).toEqual(durationKnown);
      expect(await passing('{ maxDurationSeconds: "1e30" }')).toEqual(durationKnown);
      expect(await passing('{ not: { minDurationSeconds: 0 } }')).toEqual(
        names.filter((name) => !durationKnown.includes(name)),
      );
      expect(await passing('{ minPddSeconds: 0 }')).toEqual(names.filter((name) => calls[name]!.pdd === '2'));
    });

    test('are left out before groups are compared, ordered and cut', async () => {
      const rows = async (given: string) =>
        (
          await ask(
            `{ cdrStats(groupBy: [DISCONNECT_CAUSE], ${given}) { rows { disconnectCause minutes } } }`,
          )
        ).cdrStats.rows;
      const [success, busy] = source === 'xdrs' ? [16, 17] : [0, 486];
      const all = [
        { disconnectCause: success, minutes: '7' },
        { disconnectCause: busy, minutes: '0' },
        { disconnectCause: null, minutes: '0' },
      ];
      expect(await rows('orderBy: { measure: MINUTES }')).toEqual(all);
      expect(await rows('orderBy: { measure: MINUTES }, first: 1')).toEqual(all.slice(0, 1));
      expect(await rows('orderBy: { measure: MINUTES, direction: ASC }, first: 2')).toEqual(all.slice(1));
      expect(await rows('having: [{ measure: MINUTES, atMost: 7, atLeast: 1 }]')).toEqual(all.slice(0, 1));
      expect(await rows('having: [{ measure: MINUTES, moreThan: 7 }]')).toEqual([]);
      expect(await rows('having: [{ measure: UNREADABLE_CALLS, is: 1 }]')).toEqual(all.slice(1));
    });
  },
);

describe('numbers beyond a Float', () => {
  test('are exact in sums, and no average', async () => {
    await using database = await createTestDatabaseWith(['1e400', '1', '1e-400', '0']);
    await using gateway = await createTestGateway(database);
    const { data, errors } = await gateway.query(
      '{ cdrStats { totals { durationSeconds minutes acdSeconds medianDurationSeconds pddSeconds unreadableCalls } } }',
    );
    expect(errors).toBeUndefined();
    expect(data.cdrStats.totals).toMatchObject({
      durationSeconds: `1${'0'.repeat(399)}1.${'0'.repeat(399)}1`,
      acdSeconds: null,
      pddSeconds: null,
      unreadableCalls: 0,
    });
  });

  test('and beyond what can be added count as missing', async () => {
    await using database = await createTestDatabaseWith(['9e131071', '9e131071', '60']);
    await using gateway = await createTestGateway(database);
    const { data, errors } = await gateway.query(
      '{ cdrStats { totals { attempts durationSeconds unreadableCalls } } }',
    );
    expect(errors).toBeUndefined();
    expect(data.cdrStats.totals).toEqual({ attempts: 3, durationSeconds: '60', unreadableCalls: 2 });
  });
});

/** Calls of these durations, and of the same delays. */
async function createTestDatabaseWith(durations: readonly string[]): Promise<TestDatabase> {
  const database = await createSourceDatabase('xdrs');
  for (const [index, duration] of durations.entries()) {
    await database.pool.query(
      `insert into xdrs (i_xdr, i_account, connect_time, duration, pdd, disconnect_cause)
       values ($1, 14, '2026-01-05 09:00:00+00', $2, $2, 16)`,
      [index + 1, duration],
    );
  }
  await database.replayed();
  return database;
}
