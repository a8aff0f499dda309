import { readFileSync } from 'node:fs';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clockFindings } from '../../src/db/doctor/checks/clock.ts';
import { standbyCheck } from '../../src/db/doctor/checks/standby.ts';
import { whyUnverified } from '../../src/db/doctor/checks/tls.ts';
import type { DoctorReport } from '../../src/db/doctor/doctor.ts';
import type { Server } from '../../src/db/doctor/server.ts';
import { migrateDown, migrateToLatest } from '../../src/db/migrate/migrate.ts';
import { withDatabase } from '../support/database-urls.ts';
import { codesOf, Site } from './planted-faults.ts';

/** Faults that were planted on purpose and found: the last test counts them. */
const found = new Set<string>();

function expectFound(
  report: DoctorReport,
  codes: readonly string[],
  { also = [] as readonly string[] } = {},
) {
  expect(codesOf(report)).toEqual([...codes, ...also].toSorted());
  for (const code of codes) found.add(code);
  for (const { code, message, remedy } of report.findings) {
    expect(message, code).toMatch(/[.?);:]$/);
    if (remedy) expect(remedy.run, code).toMatch(/\S/);
  }
}

describe('a pair as the handbook sets it up', () => {
  let site: Site;
  beforeAll(async () => {
    site = await Site.open();
  });
  afterAll(() => site?.[Symbol.asyncDispose]());

  const healthy = async () => expect(codesOf(await site.examine())).toEqual([]);

  test('is well: nothing is invented', async () => {
    const report = await site.examine();

    expect(report.findings).toEqual([]);
    expect(report).toMatchObject({ exitCode: 0, unseen: [] });
    expect(report.servers.map(({ about }) => about?.isStandby)).toEqual([false, true, true]);
  });

  test('says what the role of the gateway cannot see', async () => {
    const { findings, unseen } = await site.examine({ primaryUrls: [], adminUrls: [] });

    expect(findings).toEqual([]);
    expect(unseen).toEqual([
      expect.stringMatching(/^the primary: slots.*PRIMARY_URL/),
      expect.stringMatching(/^pg_hba\.conf and disk of .*--admin URL/),
    ]);
  });

  test('settings of a standby that make it late, deaf or unkind', async () => {
    const [first, second] = site.replicas;
    await site.set(first!, {
      hot_standby_feedback: 'on',
      max_standby_streaming_delay: '0',
      recovery_min_apply_delay: '1h',
      wal_receiver_status_interval: '60s',
      wal_retrieve_retry_interval: '5s',
      wal_receiver_timeout: '60s',
      log_recovery_conflict_waits: 'off',
      enable_indexscan: 'off',
    });
    await site.set(second!, {
      max_standby_streaming_delay: '-1',
      timezone: 'Europe/Paris',
      max_slot_wal_keep_size: '-1',
    });
    await site.sql('select pg_wal_replay_pause()', second!);
    const report = await site.examine();
    await site.sql('select pg_wal_replay_resume()', second!);
    for (const node of [first!, second!]) {
      await site.set(node, {
        hot_standby_feedback: null,
        max_standby_streaming_delay: null,
        recovery_min_apply_delay: null,
        wal_receiver_status_interval: null,
        wal_retrieve_retry_interval: null,
        wal_receiver_timeout: null,
        log_recovery_conflict_waits: null,
        enable_indexscan: null,
        timezone: null,
        max_slot_wal_keep_size: null,
      });
    }

    expectFound(report, [
      'FEEDBACK_ON',
      'STREAMING_DELAY_SHORT',
      'STREAMING_DELAY_LONG',
      'APPLY_DELAYED',
      'RECEIVER_STATUS_INTERVAL',
      'RETRY_INTERVAL',
      'RECEIVER_TIMEOUT',
      'CONFLICTS_NOT_LOGGED',
      'PLANNER_SWITCH_OFF',
      'INDEX_NOT_USED',
      'PARITY_DIFFERS',
      'SLOT_LIMIT_NONE',
      'REPLAY_PAUSED',
    ]);
    expect(report.findings.find(({ code }) => code === 'FEEDBACK_ON')).toMatchObject({
      server: new URL(site.urlOf(first!)).host + new URL(site.urlOf(first!)).pathname,
      remedy: {
        on: 'standby',
        run: "alter system set hot_standby_feedback = 'off'; select pg_reload_conf();",
      },
    });
  });

  test('a standby that never hears of a cut, and one whose replay waits for a reader', async () => {
    const [first, second] = site.replicas;
    await site.set(first!, { wal_receiver_timeout: '0', wal_receiver_status_interval: '0' });
    const reader = new pg.Client({ connectionString: withDatabase(second!.url(), site.test.name) });
    await reader.connect();
    await reader.query('begin isolation level repeatable read; select count(*) from xdrs');
    await site.sql('begin; lock table xdrs in access exclusive mode; commit');
    await expect
      .poll(async () => codesOf(await site.examine({ checks: [standbyCheck] })), { timeout: 15_000 })
      .toContain('REPLAY_BLOCKED');
    const report = await site.examine();
    await reader.query('rollback');
    await reader.end();
    await site.set(first!, { wal_receiver_timeout: null, wal_receiver_status_interval: null });

    // What waits for the same table cannot be looked at meanwhile.
    expectFound(report, ['RECEIVER_TIMEOUT', 'RECEIVER_STATUS_INTERVAL', 'REPLAY_BLOCKED', 'CHECK_FAILED']);
    await site.replayed();
    await healthy();
  });

  test('how a standby connects: without slot and name, with a password, to any of several hosts', async () => {
    const [first, second] = site.replicas;
    const passfile = await site.passfileOf(first!);
    const secret = readFileSync(passfile, 'utf8').trim().split(':').at(-1)!;
    await site.set(first!, {
      primary_slot_name: '',
      primary_conninfo: `host=0.0.0.0,127.0.0.1 port=${site.primary.port} user=replicator password=${secret} application_name=first`,
    });
    await site.set(second!, {
      cluster_name: '',
      recovery_target_timeline: 'current',
      primary_conninfo: `host=127.0.0.1 port=${site.primary.port} user=replicator passfile=${passfile}`,
    });
    await site.restart(second!);
    await site.replayed();
    await expect
      .poll(async () => codesOf(await site.examine()), { timeout: 15_000 })
      .toContain('SENDER_WITHOUT_SLOT');
    const report = await site.examine();
    for (const [node, slot] of [
      [first!, 'replica1'],
      [second!, 'replica2'],
    ] as const) {
      await site.set(node, {
        primary_slot_name: slot,
        primary_conninfo: `host=127.0.0.1 port=${site.primary.port} user=replicator passfile=${passfile} application_name=${node.name}`,
        recovery_target_timeline: null,
        cluster_name: node.name,
      });
    }
    await site.restart(second!);

    expectFound(report, [
      'NO_SLOT',
      'SLOT_IDLE',
      'SENDER_WITHOUT_SLOT',
      'RECEIVER_NAMELESS',
      'UPSTREAM_UNVERIFIED',
      'PASSWORD_IN_CONNINFO',
      'UPSTREAM_ANY_HOST',
      'TIMELINE_FIXED',
    ]);
    expect(JSON.stringify(report)).not.toContain(secret);
    await expect.poll(async () => codesOf(await site.examine()), { timeout: 20_000 }).toEqual([]);
  });

  test('settings of the primary that lose data, or let its disk run full', async () => {
    const faults = {
      fsync: 'off',
      full_page_writes: 'off',
      autovacuum: 'off',
      track_counts: 'off',
      password_encryption: 'md5',
      max_slot_wal_keep_size: '-1',
      wal_sender_timeout: '0',
      wal_keep_size: '100GB',
      log_min_duration_statement: '1s',
      max_connections: '300',
      synchronous_standby_names: 'nobody',
    };
    await site.set(site.primary, faults);
    const report = await site.examine();
    await site.set(site.primary, {
      ...Object.fromEntries(Object.keys(faults).map((name) => [name, null])),
      max_connections: null,
    });

    expectFound(
      report,
      [
        'FSYNC_OFF',
        'FULL_PAGE_WRITES_OFF',
        'AUTOVACUUM_OFF',
        'TRACK_COUNTS_OFF',
        'PASSWORDS_AS_MD5',
        'SLOT_LIMIT_NONE',
        'SENDER_TIMEOUT',
        'VALUES_LOGGED',
        'KEEP_SIZE_LARGE',
        'RESTART_PENDING',
        'SYNCHRONOUS_NOBODY',
      ],
      { also: ['PARITY_DIFFERS'] },
    );
    await healthy();
  });

  test.each([
    [{ log_min_duration_statement: '1s' }, 1],
    [{ log_statement: 'all' }, 1],
    [{ log_statement: 'mod' }, 1],
    [{ log_statement: 'ddl' }, 0],
    [{ log_min_duration_sample: '1s' }, 1],
    [{ log_min_duration_sample: '1s', log_statement_sample_rate: '0' }, 0],
    [{ log_transaction_sample_rate: '0.1' }, 1],
    [{ log_parameter_max_length_on_error: '-1' }, 1],
    [{ log_statement: 'all', log_parameter_max_length: '0' }, 0],
  ] as const)('%o logs values of statements: %i', async (settings, count) => {
    await site.set(site.primary, settings);
    const report = await site.examine();
    await site.set(site.primary, Object.fromEntries(Object.keys(settings).map((name) => [name, null])));

    expect(codesOf(report)).toEqual(count ? ['VALUES_LOGGED'] : []);
  });

  test('slots that nobody reads, that keep nothing, or that are lost', async () => {
    await site.sql(`select pg_create_physical_replication_slot('lost', true);`);
    await site.sql(
      `select pg_switch_wal(); select pg_logical_emit_message(false, 'test', repeat('x', 1000000));`,
    );
    await site.sql(
      `select pg_switch_wal(); select pg_logical_emit_message(false, 'test', repeat('x', 1000000));`,
    );
    await site.replayed();
    await site.set(site.primary, { max_slot_wal_keep_size: '1MB' });
    await site.sql('checkpoint');
    await site.set(site.primary, { max_slot_wal_keep_size: null });
    await site.sql(`select pg_create_physical_replication_slot('idle', true);
      select pg_create_physical_replication_slot('unused', false);
      select pg_create_physical_replication_slot('more_' || n, false) from generate_series(1, 11) n`);
    const report = await site.examine();
    await site.sql(`select pg_drop_replication_slot(slot_name) from pg_replication_slots where not active`);

    expectFound(report, ['SLOT_LOST', 'SLOT_IDLE', 'SLOT_UNUSED', 'SLOTS_USED_UP']);
    expect(report.findings.find(({ code }) => code === 'SLOT_LOST')).toMatchObject({
      remedy: { on: 'primary', run: "select pg_drop_replication_slot('lost');" },
    });
    await healthy();
  });

  test('a role with three connections, 50 ms, an end in sight, and rights that it should not have', async () => {
    await site.sql(`
      alter role gateway connection limit 3 valid until '${new Date(Date.now() + 86_400_000).toISOString()}'
        bypassrls createdb replication;
      alter role gateway set statement_timeout = '50ms';
      alter role gateway set lock_timeout = '10ms';
      alter role gateway set default_transaction_read_only = off;
      create table theirs (i int); alter table theirs owner to gateway;
      create table secrets (word text); grant select on secrets to gateway;
      grant insert on xdrs to gateway;
      revoke select on customers from gateway_reader;
      grant select on accounts to gateway;
      alter table accounts add voip_password text;
      alter default privileges grant select on tables to gateway;`);
    await site.replayed();
    const report = await site.examine();
    await site.sql(`
      alter role gateway connection limit 100 valid until 'infinity' nobypassrls nocreatedb noreplication;
      alter role gateway set statement_timeout = '10min';
      alter role gateway set lock_timeout = '2s';
      alter role gateway set default_transaction_read_only = on;
      drop table theirs; drop table secrets;
      revoke insert on xdrs from gateway;
      grant select (i_customer, name) on customers to gateway_reader;
      revoke select on accounts from gateway;
      alter table accounts drop voip_password;
      alter default privileges revoke select on tables from gateway;`);
    await site.replayed();

    expectFound(report, [
      'ROLE_FEW_CONNECTIONS',
      'ROLE_EXPIRES',
      'ROLE_BYPASSES_ROW_SECURITY',
      'ROLE_CREATES',
      'ROLE_OWNS_TABLES',
      'ROLE_SHORT_STATEMENTS',
      'ROLE_SHORT_LOCKS',
      'ROLE_REPLICATION',
      'ROLE_WRITES',
      'ROLE_NOT_READ_ONLY',
      'GRANT_MISSING',
      'REACH_COLUMNS',
      'REACH_TABLES',
      'REACH_TABLES_TO_COME',
    ]);
    expect(report.findings.find(({ code }) => code === 'GRANT_MISSING')).toMatchObject({
      remedy: { on: 'primary', run: 'grant select (i_customer, name) on customers to gateway_reader;' },
    });
    await healthy();
  });

  test('a role that sees no statistics, may read everything, and rows that no policy shows', async () => {
    await site.sql(`revoke pg_read_all_stats from gateway; grant pg_read_all_data to gateway;
      alter table xdrs enable row level security`);
    await site.replayed();
    const report = await site.examine();
    await site.sql(`grant pg_read_all_stats to gateway; revoke pg_read_all_data from gateway;
      alter table xdrs disable row level security`);
    await site.replayed();

    expectFound(report, ['ROLE_SEES_NO_STATISTICS', 'REACH_EVERYTHING', 'ROW_SECURITY'], {
      also: codesOf(report)
        .filter((code) => code.startsWith('REACH_'))
        .filter((code) => code !== 'REACH_EVERYTHING'),
    });
    await healthy();
  });

  test('a second wall that is not whole, and what the role may do beside reading', async () => {
    const optional = ['row_security'];
    await migrateToLatest(site.test.primaryUrl, { optional });
    await site.replayed();
    await healthy();
    await site.sql(`drop policy gateway_scope on customers; drop policy gateway_scope_customers on customers;
      drop policy gateway_others on customers;
      alter table customers disable row level security;
      revoke gateway_all from gateway; alter role gateway set work_mem = '1GB';
      grant temporary on database ${site.test.name} to public;
      grant execute on function lo_create(oid) to public`);
    await site.replayed();
    const report = await site.examine();
    await site.sql('alter role gateway reset work_mem; grant gateway_all to gateway');
    await migrateDown(site.test.primaryUrl, () => {}, { optional });
    await site.replayed();

    expectFound(report, [
      'ROLE_LARGE_OBJECTS',
      'ROLE_OWN_SETTINGS',
      'ROLE_TEMPORARY_TABLES',
      'ROW_SECURITY_PARTIAL',
      'ROW_SECURITY_ROLES',
    ]);
    await healthy();
  });

  test('a way to tell positions across promotions that is closed to the role, or missing', async () => {
    await site.sql(`revoke usage on schema cdr_gateway from gateway_reader;
      revoke execute on function cdr_gateway.timeline_history() from gateway_reader`);
    await site.replayed();
    const closed = await site.examine();
    const { run } = closed.findings[0]!.remedy!;
    await site.sql(run);
    await site.replayed();
    await healthy();
    await site.sql(`revoke usage on schema cdr_gateway from gateway;
      alter function cdr_gateway.timeline_history() rename to elsewhere`);
    await site.replayed();
    const missing = await site.examine();
    await site.sql('drop function cdr_gateway.elsewhere()');
    await migrateToLatest(site.test.primaryUrl);
    await site.replayed();

    expectFound(closed, ['TIMELINE_HISTORY_CLOSED']);
    expect(closed.findings[0]!.message).toMatch(/POSITION_LOST/);
    expect(run).toBe(
      'grant usage on schema cdr_gateway to gateway; grant execute on function cdr_gateway.timeline_history() to gateway;',
    );
    expectFound(missing, ['TIMELINE_HISTORY_MISSING']);
    expect(missing.findings[0]).toMatchObject({
      message: expect.stringMatching(/superuser.*POSITION_LOST/),
      remedy: { on: 'primary', run: 'npm run migrate -- up (as a superuser)' },
    });
    await healthy();
  });

  test('columns that are gone or forbidden, and a role that may do anything', async () => {
    await site.sql(`alter table xdrs drop column user_agent; revoke select on xdrs from gateway_reader;
      grant select (i_xdr, connect_time, duration) on xdrs to gateway_reader`);
    await site.replayed();
    const report = await site.examine();
    const asSuperuser = await site.examine({ replicaUrls: site.test.standbyUrls });
    await site.sql(
      'alter table xdrs add user_agent text; revoke select on xdrs from gateway_reader; grant select on xdrs to gateway_reader',
    );
    await site.replayed();

    expect(report.exitCode).toBe(2);
    expect(codesOf(report)).toContain('COLUMN_FORBIDDEN');
    expect(codesOf(asSuperuser)).toEqual(expect.arrayContaining(['COLUMNS_MISSING', 'ROLE_SUPERUSER']));
    for (const code of ['COLUMN_FORBIDDEN', 'COLUMNS_MISSING', 'ROLE_SUPERUSER']) found.add(code);
  });

  test('indexes that are missing, half-built, of another collation, or not used; keys that may come twice', async () => {
    await site.sql(`
      create collation other (provider = icu, locale = 'fr');
      create index spoilt_idx on xdrs (call_id collate other);
      update pg_collation set collversion = '0.1' where collname = 'other';
      create index half_idx on xdrs (remote_ip);
      update pg_index set indisvalid = false where indexrelid = 'half_idx'::regclass;
      alter table xdrs drop constraint xdrs_pkey;
      drop index xdrs_connect_time_i_xdr_idx;`);
    await site.replayed();
    const report = await site.examine();
    await site.sql(
      `alter table xdrs add primary key (i_xdr); drop index half_idx; drop index spoilt_idx;
      create index xdrs_connect_time_i_xdr_idx on xdrs (connect_time desc, i_xdr desc)`,
    );
    await site.replayed();

    expectFound(report, [
      'INDEX_MISSING',
      'INDEX_INVALID',
      'INDEX_COLLATION',
      'INDEX_NOT_USED',
      'KEY_NOT_UNIQUE',
    ]);
    await healthy();
  });

  test('tables that VACUUM and ANALYZE do not visit', async () => {
    await site.sql(
      `alter table xdrs set (autovacuum_enabled = false); update xdrs set cli = cli || '0';
      insert into xdrs (i_xdr, i_account, connect_time, duration, charged_amount)
        select 100000 + n, 1, now(), 1, 0 from generate_series(1, 200) n`,
    );
    await expect
      .poll(async () => codesOf(await site.examine()), { timeout: 20_000 })
      .toEqual(expect.arrayContaining(['STATISTICS_OLD', 'TABLE_SWOLLEN']));
    const report = await site.examine();
    await site.sql('analyze xdrs');
    const analysed = await site.examine();
    await site.sql(
      `create table kept as table xdrs; truncate xdrs; insert into xdrs select * from kept; drop table kept; alter table xdrs set unlogged`,
    );
    const truncated = await site.examine();
    await site.sql('alter table xdrs set logged; alter table xdrs reset (autovacuum_enabled)');
    await site.sql('vacuum (analyze) xdrs');
    await site.replayed();

    expectFound(report, ['TABLE_WITHOUT_AUTOVACUUM', 'STATISTICS_OLD', 'TABLE_SWOLLEN']);
    expect(codesOf(analysed)).toContain('NOT_VACUUMED');
    found.add('NOT_VACUUMED');
    expect(codesOf(truncated)).toEqual(expect.arrayContaining(['NEVER_ANALYSED', 'TABLE_UNLOGGED']));
    for (const code of ['NEVER_ANALYSED', 'TABLE_UNLOGGED']) found.add(code);
    await healthy();
  });

  test('lines of pg_hba.conf that let in too many, and one that is wrong', async () => {
    await site.encrypt(site.primary, 3650);
    const undo = await site.addHbaLines(
      site.primary,
      [
        'host all all 10.0.0.7/32 trust',
        'hostssl all all 10.0.0.8/32 md5',
        'hostssl all all 0.0.0.0/0 scram-sha-256',
        'hostssl replication all 10.0.0.9/32 scram-sha-256',
        'hostssl all all nonsense/99 scram-sha-256',
        '',
      ].join('\n'),
    );
    const report = await site.examine();
    await undo();
    await site.set(site.primary, { ssl: null });

    expectFound(
      report,
      [
        'HBA_TRUST',
        'HBA_WITHOUT_TLS',
        'HBA_WEAK_METHOD',
        'HBA_EVERYBODY',
        'HBA_REPLICATION_ALL',
        'HBA_ERROR',
      ],
      { also: ['PARITY_DIFFERS'] },
    );
  });

  test('a disk that is nearly full, and a limit on slots beyond it', async () => {
    site.freeSpace = async () => ({ freeBytes: 1e9, totalBytes: 100e9 });
    const report = await site.examine();
    site.freeSpace = async () => ({ freeBytes: 500e9, totalBytes: 1000e9 });

    expectFound(report, ['DISK_NEARLY_FULL', 'SLOT_LIMIT_BEYOND_DISK']);
  });

  test('a certificate that ends soon, and the clock of this host', async () => {
    const [first] = site.replicas;
    await site.encrypt(first!, 20);
    const url = `${site.urlOf(first!)}?sslmode=no-verify`;
    const encrypted = await site.examine({ replicaUrls: [url] });
    await site.set(first!, { ssl: null });
    const late = await site.examine({ now: () => Date.now() - 60_000 });

    expectFound(encrypted, ['CERTIFICATE_EXPIRES'], { also: ['PARITY_DIFFERS'] });
    expectFound(late, ['CLOCK_OF_GATEWAY']);
    expect(late.findings[0]!.message).toMatch(/60\.\d s behind all servers/);
  });

  test('URLs that lead to the wrong server, or to none', async () => {
    const [first, second] = site.replicas.map((node) => site.urlOf(node));
    const otherName = first!.replace('127.0.0.1', 'localhost');
    const twice = await site.examine({ replicaUrls: [first!, otherName], primaryUrls: [second!] });
    expectFound(twice, ['SAME_SERVER_TWICE', 'PRIMARY_IS_STANDBY']);

    const wrongPassword = new URL(first!);
    wrongPassword.password = 'very-secret';
    const unreachable = await site.examine({
      replicaUrls: [
        wrongPassword.href,
        withDatabase(first!, 'none'),
        'postgresql://gateway:very-secret@127.0.0.1:1/calls',
        'postgresql://gateway:very-secret@nowhere.invalid/calls',
        `${first!}?sslmode=verify-full`,
        `${first!}?sslmode=verify-full&sslrootcert=/none/ca.crt`,
      ],
      primaryUrls: ['postgresql://gateway:very-secret@127.0.0.1:1/calls'],
    });
    expectFound(unreachable, ['UNREACHABLE', 'PRIMARY_UNREACHABLE']);
    const messages = unreachable.findings.map(({ message }) => message).join('\n');
    for (const advice of [
      /password is wrong/,
      /no such database/,
      /Nothing listens there/,
      /name does not resolve/,
      /has no TLS/,
      /file that the URL names/,
    ]) {
      expect(messages).toMatch(advice);
    }
    expect(messages).not.toContain('very-secret');

    const reading = await site.examine({ replicaUrls: [site.urlOf(site.primary)] });
    expectFound(reading, ['REPLICA_IS_PRIMARY'], { also: ['SAME_SERVER_TWICE'] });
  });

  test('a primary that nobody follows, and standbys that follow nobody', async () => {
    for (const node of site.replicas)
      await site.set(node, { primary_conninfo: 'host=127.0.0.1 port=1 user=replicator' });
    await expect
      .poll(async () => codesOf(await site.examine()), { timeout: 20_000 })
      .toEqual(['NOT_STREAMING', 'NO_SENDER', 'SLOT_IDLE']);
    expectFound(await site.examine(), ['NOT_STREAMING', 'NO_SENDER', 'SLOT_IDLE']);
  });
});

describe('a pair whose primary archives, publishes and is short of room', () => {
  let site: Site;
  beforeAll(async () => {
    site = await Site.open(
      {
        wal_level: 'logical',
        archive_mode: 'on',
        archive_command: '',
        max_connections: '30',
        max_wal_senders: '3',
      },
      { calls: 10, replicas: 1 },
    );
  });
  afterAll(() => site?.[Symbol.asyncDispose]());

  test('archives nowhere, into nothing, by cp, or fails', async () => {
    const codes = async (command: string) => {
      await site.set(site.primary, { archive_command: command });
      return (await site.examine()).findings.map(({ code }) => code);
    };
    expect(await codes('')).toEqual(['ARCHIVE_NOWHERE']);
    expect(await codes('true')).toContain('ARCHIVE_THROWN_AWAY');
    expect(await codes('cp %p /nowhere/%f')).toContain('ARCHIVE_BY_CP');
    await site.sql(`select pg_switch_wal()`);
    await expect.poll(() => codes('false'), { timeout: 20_000 }).toContain('ARCHIVE_FAILS');
    for (const code of ['ARCHIVE_NOWHERE', 'ARCHIVE_THROWN_AWAY', 'ARCHIVE_BY_CP', 'ARCHIVE_FAILS'])
      found.add(code);
    await site.set(site.primary, { archive_command: 'true' });
  });

  test('publishes what makes the switch fail, and keeps rows for a reader that is gone', async () => {
    await site.sql(`
      create publication everything for all tables;
      create table plain (i int); create publication plain for table plain;
      create table whole (i int); alter table whole replica identity full; create publication whole for table whole;
      create publication owners for table accounts;
      create publication answered for table xdrs where (duration > 0);
      create publication short for table xdrs (i_account);`);
    await site.sql(
      `create subscription other connection 'host=127.0.0.1 port=1' publication none with (connect = false)`,
    );
    await site.sql(`select pg_create_logical_replication_slot('reader', 'pgoutput')`);
    await site.replayed();
    const report = await site.examine();
    await site.sql(`alter subscription other set (slot_name = none)`);
    await site.sql(`drop subscription other`);
    await site.sql(`drop publication everything; drop publication plain; drop publication whole; drop publication owners; drop publication answered;
      drop publication short;
      drop table plain; drop table whole; select pg_drop_replication_slot('reader')`);

    expectFound(
      report,
      [
        'PUBLICATION_OF_ALL',
        'PUBLICATION_REFUSES_CHANGES',
        'PUBLICATION_WHOLE_ROWS',
        'PUBLICATION_OF_ACCOUNTS',
        'PUBLICATION_ROW_FILTER',
        'PUBLICATION_COLUMNS',
        'SUBSCRIPTION',
        'SLOT_LOGICAL_IDLE',
        'SLOT_HOLDS_ROWS',
      ],
      { also: codesOf(report).filter((code) => code.startsWith('ARCHIVE_')) },
    );
  });

  test('does not offer what the feed wants', async () => {
    const feed = { publication: 'calls', user: 'nobody_at_all' };
    await site.sql(`create publication calls for table xdrs with (publish = 'insert')`);
    await site.replayed();
    const unsound = await site.examine({ feed });
    await site.sql(`alter publication calls set (publish = 'insert, update, delete')`);
    await site.replayed();
    const unknown = await site.examine({ feed });
    const uncounted = await site.examine({ feed, keepsRollups: true });
    await site.sql('drop publication calls');

    const also = codesOf(unsound).filter((code) => code.startsWith('ARCHIVE_'));
    expectFound(unsound, ['FEED_PUBLICATION', 'FEED_ROLE'], { also });
    expectFound(unknown, ['FEED_OWNER_UNKNOWN', 'FEED_ROLE'], { also });
    expectFound(uncounted, ['FEED_OWNER_UNKNOWN', 'FEED_ROLE', 'ROLLUPS_PUBLICATION'], { also });
  });

  test('has no connection and no room left', async () => {
    const clients: pg.Client[] = [];
    for (let count = 0; count < 22; count++) {
      const client = new pg.Client({ connectionString: site.primary.url() });
      client.on('error', () => {});
      await client.connect();
      clients.push(client);
    }
    const report = await site.examine();
    await Promise.all(clients.map((client) => client.end()));

    expect(codesOf(report)).toContain('CONNECTIONS_USED_UP');
    found.add('CONNECTIONS_USED_UP');
  });

  test('has parameters beyond those of its standby, which stops replaying', async () => {
    await site.set(site.primary, {
      max_connections: '40',
      shared_buffers: '256MB',
      max_wal_senders: '1',
      max_replication_slots: '1',
    });
    await site.restart(site.primary);
    await expect
      .poll(async () => codesOf(await site.examine()), { timeout: 20_000 })
      .toEqual(expect.arrayContaining(['PARITY_LOWER', 'REPLAY_PAUSED']));
    const report = await site.examine();

    expectFound(
      report,
      [
        'PARITY_LOWER',
        'PARITY_MEMORY',
        'PARITY_DIFFERS',
        'REPLAY_PAUSED',
        'REPLICATION_NO_ROOM',
        'SENDERS_USED_UP',
      ],
      { also: codesOf(report).filter((code) => code.startsWith('ARCHIVE_') || code === 'SLOTS_USED_UP') },
    );
  });
});

describe('what cannot be planted on one machine is judged by its facts', () => {
  test.each([
    ['postgresql://gateway@10.0.0.12/sippy', false, /in the open/],
    ['postgresql://gateway@10.0.0.12/sippy?sslmode=no-verify', true, /checks no certificate/],
    [
      'postgresql://gateway@10.0.0.12/sippy?sslmode=require&uselibpqcompat=true',
      true,
      /checks no certificate/,
    ],
    ['postgresql://gateway@10.0.0.12/sippy?sslmode=verify-full', true, undefined],
    ['postgresql://gateway@127.0.0.1/sippy', false, undefined],
    ['postgresql://gateway@localhost/sippy', false, undefined],
    ['postgresql:///sippy?host=/run/postgresql', false, undefined],
  ])('TLS of %s', (url, isEncrypted, reason) => {
    const text = whyUnverified(url, isEncrypted);
    if (reason) expect(text).toMatch(reason);
    else expect(text).toBeUndefined();
  });

  test('one server whose clock is off, and slow answers that prove nothing', () => {
    const at = (place: string) => ({ place }) as Server;
    const findings = clockFindings([
      { server: at('a'), min: -0.1, max: 0.1 },
      { server: at('b'), min: 4.9, max: 5.1 },
      { server: at('c'), min: -30, max: 1 },
    ]);

    expect(findings).toEqual([
      expect.objectContaining({
        code: 'CLOCK_OF_SERVER',
        server: 'b',
        message: expect.stringContaining('5.0 s ahead of'),
      }),
    ]);
    found.add('CLOCK_OF_SERVER');
  });
});

test('at least sixty kinds of faults were planted and found', () => {
  expect(found.size).toBeGreaterThanOrEqual(60);
});
