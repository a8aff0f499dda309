import metadata from 'libphonenumber-js/metadata.max';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestGateway, type GraphQLAnswer, type TestGateway } from '../support/gateway.ts';
import { longestTurnOf, MAX_TURN_MILLIS } from '../support/loop-turns.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

/** Lists whose names cost the gateway as much as a tenant's calls can make them cost. */

const CALLS = 40_000;
const ACCOUNTS = 200_000;

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
  const codes = [
    ...Object.keys(metadata.country_calling_codes),
    ...Object.keys(metadata.nonGeographic),
  ] as const;
  await database.pool.query(
    `insert into customers (i_customer, name) select number, 'Customer ' || number from generate_series(1, ${ACCOUNTS / 10}) as number`,
  );
  await database.pool.query(
    `insert into accounts (i_account, i_customer, username, currency, time_zone, blocked)
     select number, 1 + number % ${ACCOUNTS / 10}, 'user ' || number, 'EUR', null, false from generate_series(1, ${ACCOUNTS}) as number`,
  );
  // Each call is of an account of its own, to a country of its own; some numbers are written as only people do.
  await database.pool.query(
    `insert into xdrs (i_xdr, i_account, i_customer, cld, connect_time, duration)
     select number, 1 + (number * 7919::bigint) % ${ACCOUNTS}, 1 + (number * 7919::bigint) % ${ACCOUNTS / 10},
       case number % 7 when 0 then '+' when 1 then '00' when 2 then '(+) ' else '' end
         || (string_to_array($1, ','))[1 + (number * 31) % ${codes.length}]
         || translate(substr(md5(number::text), 1, 4 + number % 9), 'abcdef', '012345'),
       '2026-01-05T09:00:00Z'::timestamptz + number * interval '1 second', 60
     from generate_series(1, ${CALLS}) as number`,
    [codes.join(',')],
  );
  await database.pool.query('analyze');
  await database.replayed();
});
afterAll(() => database?.[Symbol.asyncDispose]());

const list = (selection: string) => `{ cdrs(first: ${CALLS}) { nodes { id ${selection} } } }`;

describe('the event loop is left to others', () => {
  const formats = ['application/graphql-response+json', 'text/csv', 'application/x-ndjson'];
  const selections = {
    'numbers of every country that nobody has met before': 'carrier { country lineKind blockHolder }',
    'an account, and a customer, of its own for each call':
      'accountId account { username currency customer { name } } customer { name }',
  };

  test.each(
    Object.entries(selections).flatMap(([name, selection]) =>
      formats.map((accept) => ({ name, accept, selection })),
    ),
  )('by $name, as $accept', async ({ accept, selection }) => {
    const longest = await longestTurnOf(async () => {
      // One that has found no number yet.
      await using gateway = await createTestGateway(database);
      await gateway.query('{ cdrs(first: 1) { nodes { id } } }');
      const response = await gateway.ask(list(selection), {}, { headers: { accept } });
      let bytes = 0;
      for await (const chunk of response.body!) bytes += chunk.length;
      expect(bytes).toBeGreaterThan(10 * CALLS);
    });
    expect(longest).toBeLessThan(MAX_TURN_MILLIS);
  });
});

describe('accounts that cannot be looked up any more', () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await createTestGateway(database, { tuning: { poolSize: 4 } });
  });
  afterAll(() => gateway?.[Symbol.asyncDispose]());

  /** Reads the beginning of the list, then the rest with the accounts in trouble. */
  async function readThrough(begin: () => Promise<void>): Promise<GraphQLAnswer & { millis: number }> {
    // Long enough that most of it waits for its reader.
    const times = Array.from({ length: 8 }, (_, index) => `time${index}: connectTime`).join(' ');
    const response = await gateway.ask(list(`account { username } ${times}`));
    const chunks: Uint8Array[] = [];
    let before = 0;
    for await (const chunk of response.body!) {
      chunks.push(chunk);
      if (chunks.length > 1) continue;
      await begin();
      before = performance.now();
    }
    const answer = JSON.parse(Buffer.concat(chunks).toString()) as GraphQLAnswer;
    return { ...answer, millis: performance.now() - before };
  }

  function expectTheRest({ data, errors, millis }: GraphQLAnswer & { millis: number }, code: string): void {
    const { nodes } = data.cdrs as { nodes: { id: string; account: { username: string } | null }[] };
    expect(nodes.map(({ id }) => Number(id))).toEqual(
      Array.from({ length: CALLS }, (_, index) => CALLS - index),
    );
    expect(nodes[0]!.account).not.toBeNull();
    expect(nodes.filter(({ account }) => account === null).length).toBeGreaterThan(100);
    expect(errors).toHaveLength(100);
    expect(errors![99]).toMatchObject({ extensions: { code } });
    expect(millis).toBeLessThan(10_000);
  }

  test('because their table is locked cost their names, and one wait', async () => {
    const client = await database.pool.connect();
    try {
      const answer = await readThrough(async () => {
        await client.query('begin; lock table accounts in access exclusive mode');
        // A commit, which sends the standby what was written before it, the lock included.
        await database.pool.query('select pg_current_xact_id()');
        await database.replayed();
      });
      expectTheRest(answer, 'REPLICA_CONFLICT');
    } finally {
      await client.query('rollback');
      client.release();
      await database.replayed();
    }
  });

  test('because the right to read them was taken away cost their names', async () => {
    try {
      const answer = await readThrough(async () => {
        await database.pool.query('revoke select on accounts from gateway_reader');
        await database.replayed();
      });
      expectTheRest(answer, 'NO_REPLICA_AVAILABLE');
    } finally {
      await database.pool.query('grant select on accounts to gateway_reader');
      await database.replayed();
    }
  });
});
