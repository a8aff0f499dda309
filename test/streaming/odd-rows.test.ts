import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { usedMemory } from '../../src/db/wire/used-memory.ts';
import { anXdr } from '../support/builders.ts';
import {
  ACCOUNT_TOKEN,
  createTestGateway,
  type GraphQLAnswer,
  type TestGateway,
} from '../support/gateway.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

/** Rows that no switch should write, on a table that allows them, over a single connection. */

let database: TestDatabase;
let gateway: TestGateway;

beforeAll(async () => {
  database = await createTestDatabase();
  await database.pool.query(`
    alter table xdrs alter connect_time drop not null;
    alter table xdrs alter i_account drop not null`);
  await database.insertXdrs([
    ...Array.from({ length: 60 }, (_, index) =>
      anXdr({ i_xdr: String(100 + index), i_account: '2', cli: `FOREIGN${index}`, cld: 'FOREIGN' }),
    ),
    ...Array.from({ length: 60 }, (_, index) => anXdr({ i_xdr: String(500 + index), cli: `own${index}` })),
  ]);
  gateway = await createTestGateway(database, { tuning: { poolSize: 1 } });
  // What was used up is nobody's any more: whoever reads it still, reads this.
  usedMemory.overwrite = (bytes) => bytes.fill('POISON');
});
afterAll(async () => {
  usedMemory.overwrite = undefined;
  await gateway[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

const MULTIPART = { headers: { accept: 'multipart/mixed' } };

/** Whoever accepts nothing but parts is answered by the ordinary executor. */
async function ordinary(document: string, token?: string): Promise<GraphQLAnswer> {
  const response = await gateway.ask(document, {}, { ...MULTIPART, token });
  const text = await response.text();
  return JSON.parse(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1));
}

const unreadable = (...path: (string | number)[]) => ({
  path,
  extensions: { code: 'UNREADABLE_VALUE', retryable: false },
});

describe('a call without connect time', () => {
  beforeEach(async () => {
    await database.pool.query(
      "insert into xdrs (i_xdr, i_account, cli, cld, connect_time) values (920041, 14, '111', '331', null)",
    );
    await database.replayed();
  });
  afterEach(async () => {
    await database.pool.query('delete from xdrs where connect_time is null');
    await database.replayed();
  });

  test.each([
    '{ cdrs { nodes { id callId cli cld } } }',
    '{ cdrs(first: 50) { nodes { id connectTime cli cld country } } }',
    '{ cdrs { nodes { id cli } } }',
    '{ cdrs { nodes { cli } } }',
    '{ cdrs { nodes { __typename } } }',
    '{ cdrs { edges { cursor node { id } } } }',
    '{ cdrs { edges { node { connectTime } } } }',
  ])('is null with its error, first of the newest: %s', async (document) => {
    const list = document.includes('edges') ? 'edges' : 'nodes';
    for (let round = 1; round <= 3; round++) {
      // Somebody else's rows have been through the only connection just before.
      await gateway.query('{ cdrs(filter: { accountIds: [2] }) { nodes { id cli cld connectTime } } }');
      for (const answer of [
        await gateway.query(document, {}, { token: ACCOUNT_TOKEN }),
        await ordinary(document, ACCOUNT_TOKEN),
      ]) {
        expect(answer.errors).toMatchObject([unreadable('cdrs', list, 0)]);
        expect(answer.data.cdrs[list]).toHaveLength(50);
        expect(answer.data.cdrs[list][0]).toBeNull();
        expect(answer.data.cdrs[list].slice(1)).not.toContain(null);
        expect(JSON.stringify(answer)).not.toMatch(/FOREIGN|POISON/);
      }
    }
  });

  test('is left out of a file, which says so in its last line', async () => {
    const document = '{ cdrs(filter: { accountIds: [14] }, first: 100) { nodes { id cli } } }';
    const csv = await (await gateway.ask(document, {}, { headers: { accept: 'text/csv' } })).text();
    const records = csv.trimEnd().split('\r\n');
    expect(records).toHaveLength(62);
    expect(records.at(-1)).toBe(
      '# INCOMPLETE code=UNREADABLE_VALUE rows=60 unreadableCalls=1 unreadableValues=0 resumeAfter=',
    );
    const ndjson = await (
      await gateway.ask(document, {}, { headers: { accept: 'application/x-ndjson' } })
    ).text();
    const lines = ndjson.trimEnd().split('\n');
    expect(lines).toHaveLength(61);
    expect(JSON.parse(lines.at(-1)!)).toMatchObject({
      error: {
        code: 'UNREADABLE_VALUE',
        rows: 60,
        unreadableCalls: 1,
        unreadableValues: 0,
        resumeAfter: null,
      },
    });
  });

  test('is null where it is looked up by its key', async () => {
    const { data, errors } = await gateway.query('{ cdr(id: 920041) { id cli } }');
    expect([data, errors]).toMatchObject([{ cdr: null }, [unreadable('cdr')]]);
  });
});

describe('a call without account', () => {
  beforeAll(async () => {
    await database.pool.query(
      "insert into xdrs (i_xdr, i_account, cli, connect_time) values (930000, null, 'nobody', '2026-02-01Z')",
    );
    await database.replayed();
  });
  afterAll(async () => {
    await database.pool.query('delete from xdrs where i_account is null');
    await database.replayed();
  });

  test('is null only where its account is selected', async () => {
    const document = '{ cdrs(first: 2) { with: nodes { id accountId } } }';
    const without = '{ cdrs(first: 2) { nodes { id cli } } }';
    for (const ask of [gateway.query, ordinary]) {
      const voided = await ask(document);
      expect(voided.data.cdrs.with[0]).toBeNull();
      expect(voided.errors).toMatchObject([unreadable('cdrs', 'with', 0, 'accountId')]);
      const whole = await ask(without);
      expect(whole.errors).toBeUndefined();
      expect(whole.data.cdrs.nodes[0]).toEqual({ id: '930000', cli: 'nobody' });
    }
  });

  test('has no account to look up, which is no error', async () => {
    const { data, errors } = await gateway.query('{ cdrs(first: 1) { nodes { id account { id } } } }');
    expect([data.cdrs.nodes[0], errors]).toEqual([{ id: '930000', account: null }, undefined]);
  });

  test('is a line of a file, which says that a value is not there', async () => {
    const document = '{ cdrs(first: 1) { nodes { id accountId } } }';
    const csv = await (await gateway.ask(document, {}, { headers: { accept: 'text/csv' } })).text();
    expect(csv.split('\r\n')).toEqual([
      'id,accountId',
      '"930000",',
      '# INCOMPLETE code=UNREADABLE_VALUE rows=1 unreadableCalls=0 unreadableValues=1 resumeAfter=',
      '',
    ]);
    const ndjson = await gateway.ask(document, {}, { headers: { accept: 'application/x-ndjson' } });
    const [line] = (await ndjson.text()).split('\n');
    expect(line).toBe('{"id":"930000","accountId":null}');
  });
});
