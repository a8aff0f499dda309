import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  MigrationError,
  migrateDown,
  migrateSql,
  migrateStatus,
  migrateToLatest,
  migrateUp,
} from '../../../src/db/migrate/migrate.ts';
import { scramVerifier } from '../../../src/db/migrate/migrate-password.ts';
import { describe as describeProgress } from '../../../src/db/migrate/migrate-progress.ts';
import { type Cluster, startCluster } from '../../../src/demo/cluster.ts';
import { sippyTablesSql } from '../../support/sippy.ts';
import { createEmptyDatabase, describeDatabase, type EmptyDatabase, queryAt } from './migrate-databases.ts';

/** Resolves when the condition holds; the test's own timeout is the bound. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** All migrations that run unasked, the first one first. */
const names = readdirSync('migrations')
  .map((file) => file.replace('.ts', ''))
  .filter((name) => !/^(0009|0010)_/.test(name))
  .sort();

/** Lines as they are logged, to read back. */
function collect() {
  const lines: string[] = [];
  return { lines, log: (line: string) => void lines.push(line) };
}

const indexesOf = async ({ query }: EmptyDatabase, table: string) =>
  query<{ name: string; valid: boolean; definition: string }>(
    `select indexrelid::regclass::text as name, indisvalid as valid, pg_get_indexdef(indexrelid) as definition
     from pg_index where indrelid = $1::regclass order by 1`,
    [table],
  );

/** Takes back a migration, and before it those that came later, of which `log` is not told. */
async function takeBack({ url }: EmptyDatabase, name: string, log: (line: string) => void = () => {}) {
  for (;;) {
    const { lines, log: note } = collect();
    await migrateDown(url, note);
    if (lines.at(-1) !== `Taken back: ${name}`) continue;
    for (const line of lines) log(line);
    return;
  }
}

describe.each([16, 18])('migrations on PostgreSQL %i', (major) => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster({ major, replicas: 1, settings: { log_statement: 'all' } });
  });
  afterAll(() => cluster?.stop());

  describe('on an empty database', () => {
    test('make the tables, indexes and roles that are on record, and the same again when run again', async () => {
      const database = await createEmptyDatabase(cluster);
      await migrateToLatest(database.url);
      const made = await describeDatabase(database);
      await migrateToLatest(database.url);

      await expect(made).toMatchFileSnapshot('migrated.snapshot.txt');
      expect(await describeDatabase(database)).toBe(made);
    });

    test('may stop after the tables and all their columns, so that calls are loaded before there are indexes', async () => {
      const database = await createEmptyDatabase(cluster);
      const columns = () =>
        database.query(`select attname from pg_attribute where attrelid = 'xdrs'::regclass order by attnum`);
      await migrateToLatest(database.url, { through: 'tables' });
      const before = (await indexesOf(database, 'xdrs')).map(({ name }) => name);
      const columnsBefore = await columns();
      await migrateToLatest(database.url);

      expect(before).toEqual(['xdrs_pkey']);
      expect(await columns()).toEqual(columnsBefore);
      expect(await indexesOf(database, 'xdrs')).toHaveLength(8);
    });

    test('are taken back one by one, or all at once, until nothing is left', async () => {
      const database = await createEmptyDatabase(cluster);
      const { lines, log } = collect();
      await migrateToLatest(database.url);
      await migrateDown(database.url, log);
      await migrateDown(database.url, log, { all: true });
      await migrateDown(database.url, log);

      const said = lines.filter((line) => /^(Taken|Nothing)/.test(line));
      expect(said).toEqual([
        ...names.toReversed().map((name) => `Taken back: ${name}`),
        'Nothing to take back.',
      ]);
      expect(
        await database.query(`select to_regclass('xdrs') as xdrs, to_regclass('accounts') as accounts`),
      ).toEqual([{ xdrs: null, accounts: null }]);
    });

    test('are refused, up and down, where a newer version has run its own', async () => {
      const database = await createEmptyDatabase(cluster);
      await migrateToLatest(database.url);
      await database.query(
        `insert into gateway_migration values ('9998_of', now()), ('9999_tomorrow', now())`,
      );
      const before = await describeDatabase(database);
      const refusal = new MigrationError(
        'A newer version has migrated this database (9998_of, 9999_tomorrow not known here): use that version, or another database.',
      );

      await expect(migrateToLatest(database.url)).rejects.toEqual(refusal);
      await expect(migrateDown(database.url, () => {})).rejects.toEqual(refusal);
      expect(await describeDatabase(database)).toBe(before);
    });

    test('run by two people at once are done once', async () => {
      const database = await createEmptyDatabase(cluster);
      const [one, two] = [collect(), collect()];
      await Promise.all([migrateUp(database.url, one.log), migrateUp(database.url, two.log)]);

      const lines = [...one.lines, ...two.lines];
      expect(lines.filter((line) => line.startsWith('create table'))).toHaveLength(4);
      expect(
        lines.filter((line) => /^Another migration is running .*\(backend \d+;/.test(line)),
      ).toHaveLength(1);
      expect(lines.filter((line) => line === 'Up to date.')).toHaveLength(2);
    });

    test.each([
      ['here', ''],
      [
        "on a switch's table",
        'create table xdrs (i_xdr bigint, i_account bigint, connect_time timestamptz, pdd real);',
      ],
      [
        "on a switch's partitions",
        `create table xdrs (i_xdr bigint, i_account bigint, connect_time timestamptz, pdd real) partition by list (i_account);
         create table xdrs_1 partition of xdrs for values in (1); create table xdrs_2 partition of xdrs default;`,
      ],
    ])(
      'printed as SQL and run by hand %s make the same database, which "up" then only puts on record',
      async (_, tables) => {
        const [byHand, byUs] = [await createEmptyDatabase(cluster), await createEmptyDatabase(cluster)];
        for (const { query } of [byHand, byUs]) await query(tables);
        const before = await describeDatabase(byHand);
        const { lines, log } = collect();
        await migrateSql(byHand.url, log);
        const printed = lines.join('\n');
        expect(await describeDatabase(byHand)).toBe(before);

        const client = new pg.Client({ connectionString: byHand.url });
        await client.connect();
        for (const statement of printed.split(/;$/m)) {
          if (!/^\\password/m.test(statement)) await client.query(statement);
        }
        await client.end();
        const up = collect();
        await migrateUp(byHand.url, up.log);
        await migrateToLatest(byUs.url);

        expect(await describeDatabase(byHand)).toBe(await describeDatabase(byUs));
        expect(up.lines.filter((line) => /(create|drop) (table|index|role)/.test(line))).toEqual([]);
      },
    );

    test('that are pending and done are told apart by status', async () => {
      const database = await createEmptyDatabase(cluster);
      await migrateToLatest(database.url, { through: 'tables' });
      const { lines, log } = collect();
      await migrateStatus(database.url, log);

      expect(lines).toEqual([
        expect.stringMatching(/^0001_tables +done \d{4}-/),
        ...names.slice(1).map((name) => expect.stringMatching(new RegExp(`^${name} +pending$`))),
      ]);
    });
  });

  describe("on a switch's database", () => {
    const switchTable = `
      create table xdrs (i_xdr bigint, i_account bigint, connect_time timestamptz, cld varchar(64), secret text);
      create index dba_idx on xdrs (connect_time desc, i_xdr desc);
      insert into xdrs select number, number % 7, now(), number::text from generate_series(1, 100) as number`;

    test('make indexes and no tables, and taken back leave what is not ours', async () => {
      const database = await createEmptyDatabase(cluster);
      await database.query(switchTable);
      const { lines, log } = collect();
      await migrateUp(database.url, log);
      const indexes = (await indexesOf(database, 'xdrs')).map(({ name }) => name);
      await migrateDown(database.url, () => {}, { all: true });

      expect(indexes).toEqual([
        'dba_idx', // Has the order of all calls already, so no second one is built.
        'xdrs_cld_connect_time_i_xdr_idx',
        'xdrs_i_account_connect_time_i_xdr_idx',
      ]);
      expect(lines.filter((line) => line.includes('create index concurrently'))).toHaveLength(2);
      expect((await indexesOf(database, 'xdrs')).map(({ name }) => name)).toEqual(['dba_idx']);
      expect(await database.query('select count(*)::int as calls from xdrs')).toEqual([{ calls: 100 }]);
      expect(await database.query(`select to_regclass('accounts') as accounts`)).toEqual([
        { accounts: null },
      ]);
    });

    test.each([
      ['before they have run', false],
      ['after they have run', true],
    ])('a half-built index found %s is reported and built again', async (_, hasRun) => {
      const database = await createEmptyDatabase(cluster);
      await database.query(switchTable);
      const name = 'xdrs_i_account_connect_time_i_xdr_idx';
      if (hasRun) {
        await migrateToLatest(database.url);
        await database.query(`drop index ${name}`);
      }
      // A concurrent build that fails leaves its index behind, as a cancelled one does.
      await expect(
        database.query(`create unique index concurrently ${name} on xdrs ((i_account % 7))`),
      ).rejects.toThrow(/could not create unique index/);
      const status = collect();
      await migrateStatus(database.url, status.log);
      const up = collect();
      await migrateUp(database.url, up.log);

      expect(status.lines.at(-1)).toMatch(`Index ${name} is half-built`);
      expect(up.lines[0]).toMatch(/half-built: an earlier build did not finish.*drop index concurrently/);
      expect((await indexesOf(database, 'xdrs')).find((index) => index.name === name)).toEqual({
        name,
        valid: true,
        definition: `CREATE INDEX ${name} ON public.xdrs USING btree (i_account, connect_time DESC, i_xdr DESC)`,
      });
    });

    test('a partitioned table gets its indexes partition by partition', async () => {
      const database = await createEmptyDatabase(cluster);
      await database.query(`
        create schema archive;
        create table xdrs (i_xdr bigint, i_account bigint, connect_time timestamptz)
          partition by range (connect_time);
        create table xdrs_2026 partition of xdrs for values from ('2026-01-01') to ('2027-01-01')
          partition by range (connect_time);
        create table xdrs_2026_01 partition of xdrs_2026 for values from ('2026-01-01') to ('2026-02-01');
        create table archive.xdrs_2025 partition of xdrs for values from ('2025-01-01') to ('2026-01-01')`);
      const { lines, log } = collect();
      await migrateSql(database.url, log);
      await migrateToLatest(database.url);

      const concurrent = lines.filter((line) => line.includes('create index concurrently'));
      expect(concurrent).toHaveLength(4);
      for (const table of ['xdrs', 'xdrs_2026', 'xdrs_2026_01', 'archive.xdrs_2025']) {
        expect((await indexesOf(database, table)).map(({ valid }) => valid)).toEqual([true, true]);
      }
      await migrateDown(database.url, () => {}, { all: true });
      expect(await indexesOf(database, 'xdrs_2026_01')).toEqual([]);
    });

    test('a Sippy gets keyset indexes on cdrs, and no table of ours', async () => {
      const database = await createEmptyDatabase(cluster);
      await database.query(sippyTablesSql);
      await migrateToLatest(database.url);

      expect((await indexesOf(database, 'cdrs')).map(({ name }) => name)).toEqual([
        'cdrs_cld_in_connect_time_i_cdr_idx',
        'cdrs_cli_in_connect_time_i_cdr_idx',
        'cdrs_connect_time_i_cdr_idx',
        'cdrs_i_account_connect_time_i_cdr_idx',
        'cdrs_i_call_idx',
        'cdrs_pkey',
      ]);
      expect((await indexesOf(database, 'calls')).map(({ name }) => name)).toEqual([
        'calls_cld_idx',
        'calls_cli_idx',
        'calls_pkey',
      ]);
      expect(await database.query(`select to_regclass('xdrs') as xdrs`)).toEqual([{ xdrs: null }]);
    });

    test('a build that waits for others says so while it waits', async () => {
      const database = await createEmptyDatabase(cluster);
      await database.query(switchTable);
      const writer = new pg.Client({ connectionString: database.url });
      await writer.connect();
      await writer.query('begin; insert into xdrs values (101, 1, now())');
      const { lines, log } = collect();
      const migration = migrateUp(database.url, log);
      await until(() => lines.some((line) => line.includes('waiting for writers before build')));
      await writer.query('commit');
      await writer.end();
      await migration;

      expect(lines.at(-1)).toBe('Up to date.');
    });
  });

  describe('the covering index of an account', () => {
    const plain = 'xdrs_i_account_connect_time_i_xdr_idx';
    const covering = 'xdrs_i_account_connect_time_i_xdr_covering_idx';
    const key = '(i_account, connect_time DESC, i_xdr DESC)';
    const columns =
      'i_xdr bigint, i_account bigint, connect_time timestamptz, duration numeric, charged_amount numeric';
    const switchTable = `create table xdrs (${columns});
      insert into xdrs select number, number % 7, now(), 0, 0 from generate_series(1, 100) as number;`;

    /** A switch's database as the three migrations before left it. */
    async function createBefore(statements: string): Promise<EmptyDatabase> {
      const database = await createEmptyDatabase(cluster);
      await database.query(statements);
      await migrateToLatest(database.url);
      await takeBack(database, '0004_statistics');
      return database;
    }

    const isAboutIndexes = (line: string) => line.includes(' index ');

    const namesOf = async (database: EmptyDatabase, table = 'xdrs') =>
      (await indexesOf(database, table)).map(({ name, valid }) => (valid ? name : `${name} INVALID`));

    test('is built before the plain one is dropped, both while the switch writes, and taken back the same way', async () => {
      const database = await createBefore(switchTable);
      const before = await describeDatabase(database);
      const [up, down] = [collect(), collect()];
      await migrateUp(database.url, up.log);
      const after = await indexesOf(database, 'xdrs');
      await takeBack(database, '0004_statistics', down.log);

      expect(before).toContain(`CREATE INDEX ${plain} ON public.xdrs USING btree ${key}\n`);
      expect(after.map(({ name }) => name)).toEqual(['xdrs_connect_time_i_xdr_idx', covering]);
      expect(after[1]!.definition).toMatch(`USING btree ${key} INCLUDE (duration, charged_amount)`);
      expect(up.lines.filter(isAboutIndexes)).toEqual([
        expect.stringMatching(`create index concurrently "${covering}"`),
        expect.stringMatching(`drop index concurrently "public"."${plain}"`),
      ]);
      expect(down.lines).toEqual([
        expect.stringMatching(`create index concurrently "${plain}"`),
        expect.stringMatching(`drop index concurrently "public"."${covering}"`),
        'Taken back: 0004_statistics',
      ]);
      expect(await describeDatabase(database)).toBe(before);
      await migrateDown(database.url, () => {}, { all: true });
      expect(await namesOf(database)).toEqual([]);
    });

    test('is the only one that is built where there is none yet', async () => {
      const database = await createEmptyDatabase(cluster);
      await database.query(switchTable);
      const { lines, log } = collect();
      await migrateUp(database.url, log);

      expect(lines.filter((line) => line.includes('i_account_connect_time'))).toEqual([
        expect.stringMatching(`create index concurrently "${covering}"`),
      ]);
    });

    test.each([
      ['a plain one', plain, ''],
      ['one that holds more', 'dba_idx', 'include (duration, charged_amount, i_customer)'],
    ])('leaves %s of somebody else, up and down', async (_, name, include) => {
      const database = await createEmptyDatabase(cluster);
      await database.query(`${switchTable} alter table xdrs add i_customer bigint;
        create index ${name} on xdrs (i_account, connect_time desc, i_xdr desc) ${include}`);
      await migrateToLatest(database.url);
      const made = await namesOf(database);
      await takeBack(database, '0004_statistics');

      expect(made.includes(name)).toBe(true);
      expect(made.includes(covering)).toBe(include === '');
      expect(
        (await namesOf(database)).filter((index) => index.includes('account') || index === name),
      ).toEqual([name]);
    });

    test('holds no text, which could be too long for it, and nothing that is not there', async () => {
      const database = await createEmptyDatabase(cluster);
      await database.query(`create domain seconds as double precision;
        create table xdrs (i_xdr bigint, i_account bigint, connect_time timestamptz, duration seconds, pdd text)`);
      await migrateToLatest(database.url);
      await database.query(
        `insert into xdrs values (1, 2, now(), 3, (select string_agg(md5(n::text), '') from generate_series(1, 1000) n))`,
      );

      expect((await indexesOf(database, 'xdrs')).find(({ name }) => name === covering)!.definition).toMatch(
        /INCLUDE \(duration\)$/,
      );
    });

    test.each([
      ['has not begun', `create table other (a int)`, []],
      [
        'did not finish its build',
        `create unique index concurrently ${covering} on xdrs ((i_account % 7))`,
        [/half-built: an earlier build did not finish.*drop index concurrently/],
      ],
    ])('is built, and the plain one kept until then, when an earlier run %s', async (_, statement, first) => {
      const database = await createBefore(switchTable);
      await database.query(statement).catch(() => {});
      const { lines, log } = collect();
      await migrateUp(database.url, log);

      expect(lines.filter(isAboutIndexes)).toEqual([
        ...first.map((pattern) => expect.stringMatching(pattern)),
        expect.stringMatching(/create index concurrently/),
        expect.stringMatching(`drop index concurrently "public"."${plain}"`),
      ]);
      expect(await namesOf(database)).toEqual(['xdrs_connect_time_i_xdr_idx', covering]);
    });

    test('stays when an earlier run did not finish the drop, which is done then', async () => {
      const database = await createBefore(switchTable);
      await database.query(`create index ${covering} on xdrs (i_account, connect_time desc, i_xdr desc)
        include (duration, charged_amount)`);
      // As a drop that was interrupted leaves it.
      await database.query(`update pg_index set indisvalid = false where indexrelid = '${plain}'::regclass`);
      const { lines, log } = collect();
      await migrateUp(database.url, log);

      expect(lines.filter(isAboutIndexes)).toEqual([
        expect.stringMatching(`drop index concurrently "public"."${plain}"`),
      ]);
      expect(await namesOf(database)).toEqual(['xdrs_connect_time_i_xdr_idx', covering]);
    });

    test('is built again when it was lost, and nothing stays of what stood in for it', async () => {
      const database = await createEmptyDatabase(cluster);
      await database.query(switchTable);
      await migrateToLatest(database.url);
      await database.query(`drop index ${covering}`);
      await migrateToLatest(database.url);

      expect(await namesOf(database)).toEqual(['xdrs_connect_time_i_xdr_idx', covering]);
    });

    const partitioned = `
      create table xdrs (${columns}) partition by range (connect_time);
      create table xdrs_2026 partition of xdrs for values from ('2026-01-01') to ('2027-01-01')
        partition by range (connect_time);
      create table xdrs_2026_01 partition of xdrs_2026 for values from ('2026-01-01') to ('2026-02-01');
      create table xdrs_2025 partition of xdrs for values from ('2025-01-01') to ('2026-01-01');`;

    test('takes the place of the plain one on every partition, later ones too', async () => {
      const database = await createBefore(partitioned);
      const before = await describeDatabase(database);
      await database.query(
        `create table xdrs_2024 partition of xdrs for values from ('2024-01-01') to ('2025-01-01')`,
      );
      const { lines, log } = collect();
      await migrateUp(database.url, log);
      const names = await Promise.all(
        ['xdrs', 'xdrs_2026', 'xdrs_2026_01', 'xdrs_2025', 'xdrs_2024'].map((table) =>
          namesOf(database, table),
        ),
      );
      await takeBack(database, '0004_statistics');
      await database.query('drop table xdrs_2024');

      expect(lines.filter((line) => line.includes('create index concurrently'))).toHaveLength(3);
      expect(names.flat().filter((name) => name.includes('account'))).toEqual(
        ['xdrs', 'xdrs_2026', 'xdrs_2026_01', 'xdrs_2025', 'xdrs_2024'].map(
          (table) => `${table}_i_account_connect_time_i_xdr_covering_idx`,
        ),
      );
      expect(await describeDatabase(database)).toBe(before);
    });

    test('leaves the plain one of all partitions where one of them belongs to somebody else', async () => {
      const database = await createEmptyDatabase(cluster);
      await database.query(`${partitioned}
        create index dba_idx on xdrs_2025 (i_account, connect_time desc, i_xdr desc);
        comment on index dba_idx is 'Of the reports.'`);
      // As the first three did it, where nothing had been built ahead of them.
      await migrateToLatest(database.url, { through: 'tables' });
      const { up } = await import('../../../migrations/0002_indexes.ts');
      const pool = new pg.Pool({ connectionString: database.url, max: 1 });
      const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
      await up(db);
      await db.destroy();
      await migrateToLatest(database.url);

      expect(await namesOf(database)).toEqual(['xdrs_connect_time_i_xdr_idx', covering, plain]);
      expect(await namesOf(database, 'xdrs_2025')).toContain('dba_idx');
    });
  });

  describe('and the role gateway', () => {
    test('reads calls and cannot write, whatever it sets', async () => {
      const database = await createEmptyDatabase(cluster);
      await migrateToLatest(database.url, { gatewayPassword: 'a long password' });
      const url = cluster.primary.url({
        user: 'gateway',
        password: 'a long password',
        database: database.name,
      });
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      const refusal = (statement: string) => client.query(statement).catch((error) => error.code);

      expect((await client.query('select count(*)::int as calls from xdrs')).rows).toEqual([{ calls: 0 }]);
      expect((await client.query('show default_transaction_read_only')).rows[0]).toEqual({
        default_transaction_read_only: 'on',
      });
      expect(await refusal('delete from xdrs')).toBe('25006');
      await client.query('set default_transaction_read_only = off');
      expect(await refusal('delete from xdrs')).toBe('42501');
      expect(await refusal('insert into xdrs (i_account, connect_time) values (1, now())')).toBe('42501');
      expect(await refusal('create table mine (id int)')).toBe('42501');
      expect(await refusal(`select pg_create_physical_replication_slot('mine')`)).toBe('42501');
      expect((await client.query('select count(*)::int as seen from pg_stat_wal_receiver')).rows).toEqual([
        { seen: 0 },
      ]);
      await client.end();
    });

    test('gets its password without any log having seen it', async () => {
      const database = await createEmptyDatabase(cluster);
      const password = `p@ss ${crypto.randomUUID()} $word'"`;
      const { lines, log } = collect();
      await migrateUp(database.url, log, { gatewayPassword: password });
      const url = (given: string) =>
        cluster.primary.url({ user: 'gateway', password: given, database: database.name });

      expect(await queryAt(url(password), 'select current_user::text as me')).toEqual([{ me: 'gateway' }]);
      await expect(queryAt(url('another'), 'select 1')).rejects.toMatchObject({ code: '28P01' });
      const serverLog = await readFile(cluster.primary.logFile, 'utf8');
      expect(serverLog).toContain('alter role gateway password');
      expect(serverLog + lines.join('\n')).not.toContain(password.slice(5, 41));
      expect(lines.join('\n')).not.toContain('SCRAM');
    });

    test('keeps the password it has when none is given', async () => {
      const [first, second] = [await createEmptyDatabase(cluster), await createEmptyDatabase(cluster)];
      await migrateToLatest(first.url, { gatewayPassword: 'kept' });
      await migrateToLatest(second.url);
      const url = cluster.primary.url({ user: 'gateway', password: 'kept', database: second.name });

      expect(await queryAt(url, 'select count(*)::int as calls from xdrs')).toEqual([{ calls: 0 }]);
    });

    /** What a role gets for a statement: the rows, or the SQLSTATE of the refusal. */
    const asGateway = (database: EmptyDatabase, password: string) => {
      const url = cluster.primary.url({ user: 'gateway', password, database: database.name });
      return (statement: string) =>
        queryAt(url, statement).catch((error: { code: string }) => error.code as unknown);
    };

    test('reads no password of accounts, and no table that the owner makes later', async () => {
      const database = await createEmptyDatabase(cluster);
      await database.query(sippyTablesSql);
      await migrateToLatest(database.url, { gatewayPassword: 'reads' });
      await database.query('create table secrets (password text); create table cdrs_20260101 (like cdrs)');
      const read = asGateway(database, 'reads');

      expect(await read('select i_account, username from accounts')).toEqual([]);
      expect(await read('select voip_password from accounts')).toBe('42501');
      expect(await read('select * from secrets')).toBe('42501');
      expect(await read('select i_cdr from cdrs_20260101')).toBe('42501');
    });

    test('reads a partition that the owner makes later, through its table', async () => {
      const database = await createEmptyDatabase(cluster);
      await database.query(`create table xdrs (i_xdr bigint, i_account bigint, connect_time timestamptz)
        partition by range (connect_time)`);
      await migrateToLatest(database.url, { gatewayPassword: 'reads' });
      await database.query(`create table xdrs_2026 partition of xdrs for values from ('2026-01-01') to ('2027-01-01');
        insert into xdrs values (1, 14, '2026-01-05Z')`);

      expect(await asGateway(database, 'reads')('select i_xdr from xdrs')).toEqual([{ i_xdr: '1' }]);
    });

    test('reads a table made anew under its old name after the next "up", and still no password', async () => {
      const database = await createEmptyDatabase(cluster);
      await database.query(sippyTablesSql);
      await migrateToLatest(database.url, { gatewayPassword: 'reads' });
      await database.query(`alter table cdrs rename to cdrs_old; create table cdrs (like cdrs_old including all);
        alter table accounts rename to accounts_old; create table accounts (like accounts_old including all)`);
      const read = asGateway(database, 'reads');
      const before = await read('select i_cdr from cdrs');
      const { lines, log } = collect();
      await migrateUp(database.url, log);

      expect(before).toBe('42501');
      expect(lines.filter((line) => line.startsWith('grant'))).toHaveLength(2);
      expect(await read('select i_cdr from cdrs')).toEqual([]);
      expect(await read('select username from accounts')).toEqual([]);
      expect(await read('select voip_password from accounts')).toBe('42501');
      const again = collect();
      await migrateUp(database.url, again.log);
      expect(again.lines).toEqual(['Up to date.']);
    });

    test('loses what earlier defaults opened, and gets those defaults back when that is taken back', async () => {
      const database = await createEmptyDatabase(cluster);
      await database.query(sippyTablesSql);
      await migrateToLatest(database.url, { gatewayPassword: 'reads' });
      await takeBack(database, '0005_privileges');
      const before = await describeDatabase(database);
      // What the defaults of before open: tables of others, and those with passwords that are made anew.
      await database.query(`create table secrets (password text); drop table accounts;
        create table accounts (i_account bigint, username text, voip_password text)`);
      const read = asGateway(database, 'reads');
      const open = [await read('select * from secrets'), await read('select voip_password from accounts')];
      await migrateToLatest(database.url);

      expect(open).toEqual([[], []]);
      expect(await read('select * from secrets')).toBe('42501');
      expect(await read('select voip_password from accounts')).toBe('42501');
      expect(await read('select i_account, username from accounts')).toEqual([]);
      expect(await read('select i_cdr from cdrs')).toEqual([]);
      expect(before).toContain('default on new tables of postgres   select to gateway_reader');
      expect(await describeDatabase(database)).not.toContain('default on new tables');
    });

    test('loses the defaults of a former owner of the calls too', async () => {
      const database = await createEmptyDatabase(cluster);
      await database.query(
        `create role former_${database.name}; grant create on schema public to former_${database.name}`,
      );
      await migrateToLatest(database.url, { gatewayPassword: 'reads' });
      await takeBack(database, '0005_privileges');
      await database.query(`alter default privileges for role former_${database.name} in schema public
        grant select on tables to gateway_reader`);
      await migrateToLatest(database.url);
      await database.query(`set role former_${database.name}; create table secrets (password text)`);

      expect(await asGateway(database, 'reads')('select * from secrets')).toBe('42501');
    });

    test('stays while another database uses it, and goes with the last one', async () => {
      const own = await startCluster({ major, replicas: 0 });
      try {
        const [first, second] = [await createEmptyDatabase(own), await createEmptyDatabase(own)];
        const roles = () =>
          second.query(`select rolname as name from pg_roles where rolname like 'gateway%' order by 1`);
        await migrateToLatest(first.url, { gatewayPassword: 'shared' });
        await migrateToLatest(second.url);
        await migrateDown(first.url, () => {}, { all: true });
        const between = await roles();
        const url = own.primary.url({ user: 'gateway', password: 'shared', database: second.name });
        expect(await queryAt(url, 'select count(*)::int as calls from xdrs')).toEqual([{ calls: 0 }]);
        await migrateDown(second.url, () => {}, { all: true });

        expect(between).toEqual([{ name: 'gateway' }, { name: 'gateway_reader' }]);
        expect(await roles()).toEqual([]);
      } finally {
        await own.stop();
      }
    });
  });

  test('refuse a standby, name its primary, and still print there what to run', async () => {
    const [replica] = cluster.replicas;
    const database = await createEmptyDatabase(cluster);
    const url = replica!.url({ database: database.name });
    await until(() =>
      queryAt(url, 'select 1').then(
        () => true,
        () => false,
      ),
    );

    const refusal = await migrateUp(url, () => {}).catch((error) => error);
    expect(refusal).toBeInstanceOf(MigrationError);
    expect(refusal.message).toMatch(/hot standby/);
    expect(refusal.message).toMatch(`127.0.0.1:${cluster.primary.port}`);
    expect(refusal.message).toMatch(/Run "migrate up" on/);
    await expect(migrateDown(url, () => {})).rejects.toThrow(/Run "migrate down" on/);
    const { lines, log } = collect();
    await migrateSql(url, log);
    expect(lines.join('\n')).toMatch(/create index "xdrs_i_account_connect_time_i_xdr_idx"/);
    await migrateStatus(url, log);
    expect(lines.at(-1)).toMatch(new RegExp(`^${names.at(-1)} +pending$`));
  });

  test('without the right to make roles say who may, and leave no role behind', async () => {
    const own = await startCluster({ major, replicas: 0 });
    try {
      const database = await createEmptyDatabase(own);
      await database.query(
        `create role owner login password 'owner'; grant create on schema public to owner`,
      );
      const url = own.primary.url({ user: 'owner', password: 'owner', database: database.name });

      const refusal = await migrateUp(url, () => {}).catch((error) => error);
      expect(refusal).toBeInstanceOf(MigrationError);
      expect(refusal.message).toMatch(/permission denied to create role.*"migrate sql"/);
      expect(await database.query(`select rolname from pg_roles where rolname like 'gateway%'`)).toEqual([]);
      await migrateUp(database.url, () => {});
      expect(
        await database.query(`select tableowner::text as owner from pg_tables where tablename = 'xdrs'`),
      ).toEqual([{ owner: 'owner' }]);
    } finally {
      await own.stop();
    }
  });
});

test('a server that cannot be reached is named without the password', async () => {
  const refusal = await migrateUp('postgresql://owner:very-secret@127.0.0.1:1/calls', () => {}).catch(
    (error) => error,
  );

  expect(refusal).toBeInstanceOf(MigrationError);
  expect(refusal.message).toMatch(/^Cannot connect to 127\.0\.0\.1:1\/calls: .*ECONNREFUSED/);
});

test('a password outside printable ASCII is refused with a sentence', () => {
  expect(() => scramVerifier('')).toThrow(/printable ASCII/);
  expect(() => scramVerifier('pässword')).toThrow(MigrationError);
});

test('progress tells the phase, the share done, and whom it waits for', () => {
  const nothing = {
    blocks_done: '0',
    blocks_total: '0',
    tuples_done: '0',
    tuples_total: '0',
    lockers_done: '0',
    lockers_total: '0',
  };
  const building = {
    ...nothing,
    index: 'xdrs_idx',
    phase: 'building index: scanning table',
    blocks_done: '427',
    blocks_total: '1000',
  };
  const waiting = {
    ...nothing,
    index: null,
    phase: 'waiting for old snapshots',
    lockers_done: '1',
    lockers_total: '3',
  };

  expect(describeProgress(building)).toBe('  building xdrs_idx: building index: scanning table, 42 %');
  expect(describeProgress(waiting)).toBe(
    '  building an index: waiting for old snapshots (1 of 3 transactions ended)',
  );
});
