import { afterEach, beforeEach, expect, test } from 'vitest';
import { anAccount, anXdr } from '../support/builders.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { type ServedGateway, serveGateway, until } from './served-gateway.ts';

/** The switch changes its tables while the gateway reads them. Nothing is restarted. */

let database: TestDatabase;
let gateway: ServedGateway;

beforeEach(async () => {
  database = await createTestDatabase();
  await database.insertAccounts([anAccount()]);
  await database.insertXdrs(
    Array.from({ length: 20 }, (_, index) =>
      anXdr({ i_xdr: String(index + 1), connect_time: '2026-01-05 09:00:00Z' }),
    ),
  );
  gateway = await serveGateway(database, { DB_MAX_CONNECTIONS: '2' });
  // Every statement below has been prepared on every connection.
  for (let round = 0; round < 6; round++)
    await Promise.all(documents.map((document) => gateway.query(document)));
});
afterEach(async () => {
  await gateway[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

const LIST = '{ cdrs(first: 3) { nodes { id cli connectTime } } }';
const WITH_REGION = '{ cdrs(first: 3) { nodes { id region } } }';
const WITH_DURATION = '{ cdrs(first: 3) { nodes { id durationSeconds } } }';
const STATS = '{ cdrStats { totals { attempts minutes } } }';
const ONE = '{ cdr(id: 3) { id cli region } account(id: 14) { username } }';
const ORDINARY = '{ cdrs(first: 3) { nodes { id account { username } } edges { node { id region } } } }';
const documents = [LIST, WITH_REGION, WITH_DURATION, STATS, ONE, ORDINARY];

async function change(statement: string): Promise<void> {
  await database.pool.query(statement);
  await database.replayed();
}

const ready = async () => {
  const response = await fetch(new URL('/readyz', gateway.url));
  return (await response.json()) as { status: string; output?: string };
};

/** Whole answers, several times over, so that each connection of each standby gives one. */
async function answers(document: string) {
  const all = [];
  for (let round = 0; round < 6; round++) all.push(await gateway.query(document));
  for (const { errors } of all) expect(errors).toBeUndefined();
  return all.map(({ data }) => data);
}

test.each([
  [
    'a column of another type',
    'alter table xdrs alter disconnect_cause type bigint, alter duration type double precision, alter i_customer type numeric',
  ],
  [
    'keys of another type',
    'alter table xdrs alter i_xdr drop identity if exists, alter i_xdr type integer, alter i_account type integer',
  ],
  [
    'a column more',
    'alter table xdrs add column extra text; alter table xdrs alter column extra set default 7',
  ],
  ['an index less', 'drop index xdrs_connect_time_i_xdr_idx'],
  [
    'another table of the same name',
    'alter table xdrs rename to old; create table xdrs (like old including all); insert into xdrs select * from old; grant select on xdrs to gateway_reader',
  ],
])('%s is noticed by no query', async (_, statement) => {
  await change(statement);
  for (const document of documents) await answers(document);
  for (const data of await answers(LIST)) expect(data.cdrs.nodes[0].id).toBe('20');
  expect((await ready()).status).toBe('pass');
});

test('an optional column that is dropped is null from then on, and back when it is', async () => {
  await change('alter table xdrs drop column region');
  for (const data of await answers(WITH_REGION))
    expect(data.cdrs.nodes[0]).toEqual({ id: '20', region: null });
  for (const document of documents) await answers(document);
  await change(
    "alter table xdrs add column region text default 'Paris'; grant select on xdrs to gateway_reader",
  );
  // Nothing fails because of it: the regular look finds it.
  await until(
    'the column',
    async () => (await gateway.query(WITH_REGION)).data.cdrs.nodes[0].region === 'Paris',
    25,
  );
});

test('a column that may no longer be read is null, and queries that do not need it go on', async () => {
  await change(
    'revoke select on xdrs from gateway_reader; revoke select (region) on xdrs from gateway_reader',
  );
  await change(
    'grant select (i_xdr, i_account, cli, connect_time, duration, charged_amount, disconnect_cause) on xdrs to gateway_reader',
  );
  for (const data of await answers(WITH_REGION))
    expect(data.cdrs.nodes[0]).toEqual({ id: '20', region: null });
  await answers(LIST);
  await answers(STATS);
});

test('without a required column the queries that need it are refused with a reason, and all others go on', async () => {
  await change('alter table xdrs drop column duration');
  for (const data of await answers(LIST)) expect(data.cdrs.nodes).toHaveLength(3);
  await answers(WITH_REGION);
  for (const document of [WITH_DURATION, STATS]) {
    const { errors, status } = await gateway.query(document);
    expect(errors!.map(({ extensions }) => extensions.code)).toEqual(['NO_REPLICA_AVAILABLE']);
    expect(status).toBe(503);
  }
  expect(await ready()).toMatchObject({ status: 'warn', output: 'xdrs.duration is missing' });
  await change(
    'alter table xdrs add column duration numeric default 60; grant select on xdrs to gateway_reader',
  );
  await until('the column', async () => (await gateway.query(WITH_DURATION)).errors === undefined);
  for (const data of await answers(WITH_DURATION)) expect(data.cdrs.nodes[0].durationSeconds).toBe('60');
  await until('readiness', async () => (await ready()).status === 'pass', 25);
});

test('a table that is gone is told by readiness, and used again when it is back', async () => {
  await change('alter table xdrs rename to taken_away');
  for (const document of [LIST, STATS, '{ cdr(id: 3) { id } }']) {
    const { errors } = await gateway.query(document);
    expect(errors!.map(({ extensions }) => extensions.code)).toEqual(['NO_REPLICA_AVAILABLE']);
  }
  await until('readiness to fail', async () => {
    const response = await fetch(new URL('/readyz', gateway.url));
    return response.status === 503 && (await response.text()).includes('there is no table xdrs');
  });
  await change('alter table taken_away rename to xdrs');
  await until('the table', async () => (await gateway.query(LIST)).errors === undefined, 25);
  await until('readiness', async () => (await fetch(new URL('/readyz', gateway.url))).status === 200, 25);
});

test('partitions come and go beneath a list', async () => {
  await change(`
    alter table xdrs alter i_xdr drop identity if exists;
    alter table xdrs rename to first_days;
    create table xdrs (like first_days including defaults) partition by range (connect_time);
    alter table xdrs attach partition first_days for values from ('2026-01-01') to ('2026-02-01');
    grant select on xdrs to gateway_reader`);
  for (const document of documents) await answers(document);
  await change(`create table next_days partition of xdrs for values from ('2026-02-01') to ('2026-03-01');
    insert into xdrs (i_xdr, i_account, connect_time, duration) values (100, 14, '2026-02-02', 1)`);
  for (const data of await answers(LIST)) expect(data.cdrs.nodes[0].id).toBe('100');
  await change('alter table xdrs detach partition next_days');
  for (const data of await answers(LIST)) expect(data.cdrs.nodes[0].id).toBe('20');
});
