import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { on, serveGateway } from '../gateway/served-gateway.ts';
import { anAccount, anXdr } from '../support/builders.ts';
import { createTestGateway, type GraphQLAnswer } from '../support/gateway.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

/** Settings of the database and of the role, which every new session would have. */

let database: TestDatabase;
let expected: GraphQLAnswer['data'];

const document = `{
  cdrs { nodes { id cli country setupTime connectTime disconnectTime durationSeconds pddSeconds chargedAmount } totalCount }
  found: cdrs(filter: { cli: { is: "a\\\\b'c" }, from: "2026-01-05T09:00:00Z", countries: ["null", "é"] }) { nodes { id } }
  cdrStats(groupBy: [DAY, OUTCOME], timeZone: "Europe/Paris") { rows { bucket outcome attempts minutes asr acdSeconds } }
  cdr(id: 2) { connectTime }
  account(id: 14) { username timeZone }
}`;

beforeAll(async () => {
  database = await createTestDatabase();
  await database.pool.query(
    'alter table xdrs alter duration type double precision, alter pdd type real, alter setup_time type timestamp',
  );
  await database.insertAccounts([anAccount()]);
  await database.insertXdrs([
    anXdr({ i_xdr: '1', duration: '0.1', pdd: '1.1', connect_time: '2026-01-05 23:30:00.123456+00' }),
    anXdr({ i_xdr: '2', cli: "a\\b'c", country: 'null', duration: '123456.789012345' }),
    anXdr({ i_xdr: '3', country: 'é', duration: '1e-7', pdd: null }),
  ]);
  await using gateway = await createTestGateway(database);
  expected = (await gateway.query(document)).data;
  expect(expected.found.nodes).toEqual([{ id: '2' }]);
  expect(expected.cdrs.nodes[1].durationSeconds).toBe('0.0000001');
});
afterAll(() => database[Symbol.asyncDispose]());

const hostile: readonly (readonly [name: string, value: string])[] = [
  ['extra_float_digits', '-5'],
  ['DateStyle', "'SQL, DMY'"],
  ['IntervalStyle', 'iso_8601'],
  ['TimeZone', "'Asia/Kathmandu'"],
  ['timezone_abbreviations', "'India'"],
  ['standard_conforming_strings', 'off'],
  ['default_transaction_isolation', 'serializable'],
  ['default_transaction_deferrable', 'on'],
  ['default_transaction_read_only', 'off'],
  ['bytea_output', 'escape'],
  ['client_encoding', 'LATIN1'],
  ['array_nulls', 'off'],
  ['transform_null_equals', 'on'],
  ['row_security', 'off'],
  ['role', 'stranger'],
  ['search_path', 'evil, pg_catalog, public'],
  ['statement_timeout', "'1ms'"],
  ['lock_timeout', "'1ms'"],
  ['idle_session_timeout', "'200ms'"],
  ['idle_in_transaction_session_timeout', "'1ms'"],
  ['client_min_messages', 'debug5'],
  ['plan_cache_mode', 'force_generic_plan'],
];

const reset = async () => {
  await database.pool.query(`alter database ${database.name} reset all`);
  await database.pool.query(`alter role gateway in database ${database.name} reset all`);
};

describe.each(['database', 'role in the database'])('what the %s has been given', (owner) => {
  const target = () =>
    owner === 'database' ? `database ${database.name}` : `role gateway in database ${database.name}`;

  beforeAll(async () => {
    await database.pool.query(`
      create schema if not exists evil;
      create or replace function evil.count() returns bigint language sql immutable as 'select 42::bigint';
      create or replace function evil.date_trunc(text, timestamptz, text) returns timestamptz language sql immutable as 'select ''epoch''::timestamptz';
      create or replace function evil.host(inet) returns text language sql immutable as 'select ''evil''';
      grant usage on schema evil to public;
      do $$ begin create role stranger; exception when duplicate_object then null; end $$;
      grant stranger to gateway`);
  });
  afterAll(reset);

  test.each(hostile)('as %s changes no answer', async (name, value) => {
    await reset();
    await database.pool.query(`alter ${target()} set ${name} = ${value}`);
    await database.replayed();
    await using gateway = await createTestGateway(database);
    const { data, errors } = await gateway.query(document);
    expect(errors).toBeUndefined();
    expect(data).toEqual(expected);
    const { data: status } = await gateway.query('{ replicationStatus { replicas { status } } }');
    for (const replica of status.replicationStatus.replicas) {
      expect(['STREAMING', 'CATCHING_UP']).toContain(replica.status);
    }
  });

  test('as time limits of PostgreSQL 17 changes no answer', async () => {
    if (database.major < 17) return;
    await reset();
    await database.pool.query(`alter ${target()} set transaction_timeout = '100ms'`);
    await database.replayed();
    await using gateway = await createTestGateway(database);
    const answers = await Promise.all(Array.from({ length: 40 }, () => gateway.query(document)));
    for (const { data } of answers) expect(data).toEqual(expected);
  });
});

test('a table of the same name that comes before ours is not read by a gateway that runs', async () => {
  await using gateway = await serveGateway(database, { DB_MAX_CONNECTIONS: '2' });
  await database.pool.query(`
    create schema other;
    create table other.xdrs (like public.xdrs including all);
    create table other.accounts (like public.accounts including all);
    grant usage on schema other to public; grant select on all tables in schema other to public;
    alter database ${database.name} set search_path = other, public`);
  await database.replayed();
  // So that every session is a new one.
  const terminate = `select pg_terminate_backend(pid) from pg_stat_activity
    where usename = 'gateway' and datname = current_database() and application_name = 'cdr-gateway'`;
  for (const url of database.standbyUrls) await on(url, terminate);
  try {
    for (let round = 0; round < 6; round++) {
      expect((await gateway.query(document)).data).toEqual(expected);
    }
  } finally {
    await reset();
    await database.pool.query('drop schema other cascade');
  }
});
