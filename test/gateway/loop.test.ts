import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ACCOUNT_TOKEN, createTestGateway, type TestGateway } from '../support/gateway.ts';
import { watchLoopTurns } from '../support/loop-turns.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { insertMany } from './served-gateway.ts';

/**
 * Processor time between two turns of the event loop, whatever a tenant asks for. On a quiet machine a turn takes less
 * than half of this; without portions it took 130 ms and more.
 */
const MAX_TURN_MILLIS = 100;
/** Calls in a list that the ordinary executor walks. */
const CEILING = 10_000;

let database: TestDatabase;
let gateway: TestGateway;

beforeAll(async () => {
  database = await createTestDatabase();
  await insertMany(database);
  await database.pool.query(`insert into accounts (i_account, i_customer, username) values (14, 3, 'acme')`);
  await database.replayed();
  gateway = await createTestGateway({ replicaUrls: database.replicaUrls.slice(0, 1) });
});
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
});

const FIELDS =
  'id callId cli cld connectTime setupTime durationSeconds chargedAmount account { username customer { name } } carrier { country }';
const parts = { accept: 'multipart/mixed' };

async function longestTurn(document: string, headers: Record<string, string> = {}): Promise<number> {
  const ask = async () => {
    const response = await gateway.ask(document, {}, { token: ACCOUNT_TOKEN, headers });
    let bytes = 0;
    for await (const chunk of response.body!) bytes += chunk.length;
    return bytes;
  };
  // Once before it counts: what is compiled and loaded at the first time happens once per process.
  expect(await ask()).toBeGreaterThan(100_000);
  const turns = watchLoopTurns();
  await ask();
  return turns.stop();
}

describe('the event loop is free for others while an answer holds', () => {
  test.each([
    ['a streamed list with names', `{ cdrs(first: 60000) { nodes { ${FIELDS} } } }`, {}],
    ['the same as CSV', `{ cdrs(first: 60000) { nodes { ${FIELDS} } } }`, { accept: 'text/csv' }],
    ['two lists', `{ cdrs(first: ${CEILING}) { nodes { ${FIELDS} } edges { cursor } } }`, {}],
    ['a list for the ordinary executor', `{ cdrs(first: ${CEILING}) { nodes { ${FIELDS} } } }`, parts],
    [
      'a list in parts',
      `{ cdrs(first: 20000) { nodes @stream(initialCount: 10) { ${FIELDS} } pageInfo { endCursor } } }`,
      parts,
    ],
    [
      'many groups',
      '{ cdrStats(groupBy: [CLD], first: 50000) { rows { cld attempts minutes asr acdSeconds chargedAmount } } }',
      {},
    ],
    // The collector of garbage may stop one turn on a busy machine.
  ])('%s', { retry: 2 }, async (_, document, headers) => {
    expect(await longestTurn(document, headers as Record<string, string>)).toBeLessThan(MAX_TURN_MILLIS);
  });
});

describe('a list that the ordinary executor must walk has a ceiling', () => {
  test.each([
    ['two lists of one field', `{ cdrs(first: ${CEILING + 1}) { nodes { id } edges { cursor } } }`, {}],
    ['the same list twice', `{ cdrs(last: ${CEILING + 1}) { one: nodes { id } two: nodes { cli } } }`, {}],
    ['in a format that does not stream', `{ cdrs(first: ${CEILING + 1}) { edges { node { id } } } }`, parts],
  ])('%s', async (_, document, headers) => {
    const response = await gateway.ask(document, {}, { headers: headers as Record<string, string> });
    const text = await response.text();
    const { errors } = JSON.parse(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1));
    expect(errors[0].extensions).toMatchObject({ code: 'PAGE_TOO_LARGE', ceiling: CEILING });
    expect(errors[0].message).toContain('one list');
  });

  test('which is not that of what stands beside no list', async () => {
    const { data, errors } = await gateway.query(
      `{ cdrs(first: 150000, orderBy: OLDEST_FIRST) { pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount } }`,
    );
    expect(errors).toBeUndefined();
    expect(data.cdrs).toMatchObject({
      totalCount: 200_000,
      pageInfo: { hasNextPage: true, hasPreviousPage: false },
    });
    const list = await gateway.query(
      '{ cdrs(first: 150000, orderBy: OLDEST_FIRST) { nodes { id } pageInfo { startCursor endCursor } } }',
    );
    const keyOf = (cursor: string) => cursor.slice(-22);
    for (const end of ['startCursor', 'endCursor'])
      expect(keyOf(data.cdrs.pageInfo[end])).toBe(keyOf(list.data.cdrs.pageInfo[end]));
  });
});
