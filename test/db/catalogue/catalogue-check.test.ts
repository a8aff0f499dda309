import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type CheckedSource,
  checkSource,
  SourceUnusableError,
} from '../../../src/db/catalogue/catalogue-check.ts';
import { createDatabase } from '../../../src/db/reader.ts';
import type { SourceName } from '../../../src/db/sources/sources.ts';
import { doctor } from '../../support/doctor.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';
import { createSourceDatabase, sourceNames } from '../source-databases.ts';

const open = new Set<pg.Pool>();
afterAll(() => Promise.all([...open].map((pool) => pool.end())));

/** What the gateway would find at its start, on a standby and as its own role. */
async function checkAsGateway(database: TestDatabase, name: SourceName = 'xdrs'): Promise<CheckedSource> {
  await database.replayed();
  const pool = new pg.Pool({ connectionString: database.replicaUrls[0]!, max: 1 });
  pool.on('error', () => {});
  open.add(pool);
  return checkSource(createDatabase(pool), name);
}

async function withTables<Result>(
  statements: string,
  work: (database: TestDatabase) => Promise<Result>,
): Promise<Result> {
  await using database = await createTestDatabase({ empty: true });
  await database.pool.query(`${statements}; grant select on all tables in schema public to gateway_reader`);
  return await work(database);
}

const keysets = `
  create index on xdrs (i_account, connect_time desc, i_xdr desc);
  create index on xdrs (connect_time desc, i_xdr desc);`;

const smallest = `
  create table xdrs (i_xdr bigint primary key, i_account bigint, connect_time timestamptz, duration numeric,
    charged_amount numeric);`;

describe('the check at start', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database?.[Symbol.asyncDispose]());

  test('finds nothing to say about a migrated database, on a standby and as the role gateway', async () => {
    const { source, warnings } = await checkAsGateway(database);

    expect(source.name).toBe('xdrs');
    expect(warnings).toEqual([]);
  });

  test('says of a superuser only that it is one', async () => {
    const { warnings } = await checkSource(database.primary, 'xdrs');

    expect(warnings).toEqual([expect.stringMatching(/^Role postgres is a superuser.*Connect as "gateway"/)]);
  });

  describe('says that calls with the same place may be hidden', () => {
    const columns =
      'i_xdr bigint, i_account bigint, connect_time timestamptz, duration numeric, charged_amount numeric';
    const inMonths = `create table xdrs (${columns}) partition by range (connect_time);
      create table xdrs_1 partition of xdrs for values from (minvalue) to ('2026-02-01Z');
      create table xdrs_2 partition of xdrs for values from ('2026-02-01Z') to (maxvalue);`;
    const aboutKeys = async (database: TestDatabase) =>
      (await checkAsGateway(database)).warnings.filter((warning) => warning.includes('unique:'));
    const remedyIn = ([warning]: readonly string[]) => /On the primary: (.*)$/.exec(warning!)![1]!;

    test.each([
      ['nothing makes their keys unique', `create table xdrs (${columns})`],
      [
        'an index has other columns too',
        `create table xdrs (${columns}); create unique index on xdrs (i_xdr, i_account)`,
      ],
      [
        'an index is of some calls only',
        `create table xdrs (${columns}); create unique index on xdrs (i_xdr) where duration > 0`,
      ],
      ['a partition has no index of its own', `${inMonths} create unique index on xdrs_1 (i_xdr)`],
    ])('where %s; the statement that is printed mends it', (_, tables) =>
      withTables(tables, async (database) => {
        const warnings = await aboutKeys(database);
        expect(warnings).toEqual([expect.stringMatching(/^Nothing makes xdrs\.i_xdr unique: /)]);
        await database.pool.query(remedyIn(warnings));
        expect(await aboutKeys(database)).toEqual([]);
      }),
    );

    test.each([
      ['of the whole table', `${inMonths} create unique index on xdrs (i_xdr, connect_time)`],
      [
        'of each partition',
        `${inMonths} create unique index on xdrs_1 (i_xdr); create unique index on xdrs_2 (connect_time, i_xdr)`,
      ],
      [
        'of partitions of partitions',
        `create table xdrs (${columns}) partition by range (connect_time);
         create table xdrs_1 partition of xdrs default partition by hash (i_xdr);
         create table xdrs_1_1 partition of xdrs_1 for values with (modulus 1, remainder 0);
         create unique index on xdrs_1_1 (i_xdr)`,
      ],
    ])('and says nothing where there are indexes %s', (_, tables) =>
      withTables(tables, async (database) => expect(await aboutKeys(database)).toEqual([])),
    );

    test('and that no index can help where a key may be in several partitions', () =>
      withTables(
        `create table xdrs (${columns}) partition by list (i_account);
         create table xdrs_1 partition of xdrs default; create unique index on xdrs_1 (i_xdr)`,
        async (database) =>
          expect(await aboutKeys(database)).toEqual([
            expect.stringMatching(/No index can, as xdrs is partitioned by/),
          ]),
      ));

    test('and those without a key', () =>
      withTables(`create table xdrs (${columns}); create unique index on xdrs (i_xdr)`, async (database) => {
        const isAboutNull = expect.stringMatching(/^xdrs\.i_xdr may be null: .*set not null;$/);
        expect((await checkAsGateway(database)).warnings).toContainEqual(isAboutNull);
        await database.pool.query('alter table xdrs alter column i_xdr set not null');
        expect((await checkAsGateway(database)).warnings).not.toContainEqual(isAboutNull);
      }));
  });

  test('of a partitioned table prints statements that PostgreSQL takes', () =>
    withTables(
      `create table xdrs (i_xdr bigint, i_account bigint, connect_time timestamptz, duration numeric, charged_amount numeric)
         partition by range (connect_time);
       create table xdrs_1 partition of xdrs default; create index half_built on only xdrs (duration)`,
      async (database) => {
        const { warnings } = await checkAsGateway(database);
        const statements = warnings.flatMap(
          (warning) => /On the primary: (.* (?:index|on) .*)$/.exec(warning)?.[1] ?? [],
        );
        for (const statement of statements) await database.pool.query(statement);
        expect(statements).toHaveLength(5);
        expect((await checkAsGateway(database)).warnings.filter((warning) => /index/.test(warning))).toEqual(
          [],
        );
      },
    ));

  test('says that row security hides calls, as long as it does', () =>
    withTables(smallest + keysets, async (database) => {
      const isAboutRows = expect.stringMatching(
        /^Row security of xdrs hides every row .* role gateway, without an error/,
      );
      const warnings = async () => (await checkAsGateway(database)).warnings;
      expect(await warnings()).not.toContainEqual(isAboutRows);
      await database.pool.query('alter table xdrs enable row level security');
      const found = await warnings();
      expect(found).toContainEqual(isAboutRows);
      const remedy = /on the primary: (create policy .*)$/.exec(
        found.find((each) => each.startsWith('Row'))!,
      )![1]!;
      await database.pool.query(`insert into xdrs values (1, 14, now(), 0, 0); ${remedy}`);
      await database.replayed();
      const gateway = new pg.Client({ connectionString: database.replicaUrls[0]! });
      await gateway.connect();
      expect((await gateway.query('select i_xdr from xdrs')).rows).toHaveLength(1);
      await gateway.end();
      // Policies may still hide others.
      expect(await warnings()).toContainEqual(isAboutRows);
      await database.pool.query('alter table xdrs disable row level security');
      expect(await warnings()).not.toContainEqual(isAboutRows);
    }));

  test.each([
    ['SQL_ASCII', /^The database is in SQL_ASCII, .*shown as null/],
    ['WIN1252', /^The database is in WIN1252: .*matches nothing/],
    ['EUC_JP', /^The database is in EUC_JP, .*fails every query/],
  ])('says what of the text of a database in %s is lost', async (encoding, sentence) => {
    await using kept = await createTestDatabase({ encoding });
    expect((await checkAsGateway(kept)).warnings).toEqual([expect.stringMatching(sentence)]);
  });

  test('names the other source when there is no such table', async () => {
    const refusal = await checkAsGateway(database, 'sippy').catch((error) => error);

    expect(refusal).toBeInstanceOf(SourceUnusableError);
    expect(refusal.message).toMatch(/CDR_SOURCE=sippy:\n {2}- there is no table cdrs .*CDR_SOURCE=xdrs/);
  });

  test('stops with one list of everything required that is missing, hidden or of a useless type', () =>
    withTables(
      'create table xdrs (i_xdr uuid, i_account integer, connect_time timestamp, cli text, duration float8)',
      async (database) => {
        await database.pool.query(
          'revoke select on xdrs from gateway_reader; grant select (i_xdr, connect_time, duration) on xdrs to gateway_reader',
        );
        const refusal = await checkAsGateway(database).catch((error) => error);

        expect(refusal.problems).toEqual([
          'xdrs.i_xdr is uuid; it must be smallint or integer or bigint. No bigint can be made of it: give the table another column, or read a view that has one',
          'xdrs.i_account may not be read by this role. On the primary: grant select (i_account, cli) on xdrs to gateway_reader;',
          "xdrs.connect_time is timestamp without time zone; it must be timestamp with time zone. On the primary, which rewrites the table: alter table xdrs alter column connect_time type timestamp with time zone using connect_time at time zone 'UTC';",
          'xdrs.charged_amount is missing',
        ]);
      },
    ));

  test('reads null from optional columns that are missing, and says which', () =>
    withTables(smallest + keysets, async (database) => {
      await database.pool.query(`insert into xdrs values (1, 14, '2026-01-05 09:00:00+00', 12.5, 0.25)`);
      const { source, warnings } = await checkAsGateway(database);
      const call = await database.primary
        .selectFrom(source.cdrs({ kind: 'all' }))
        .selectAll()
        .executeTakeFirstOrThrow();

      expect(warnings).toEqual([
        expect.stringMatching(/^Always null, .*: i_customer, cli, cld, cli_in, .*, i_protocol\.$/),
      ]);
      expect(call).toMatchObject({
        i_xdr: '1',
        cli: null,
        country: null,
        disconnect_cause: null,
        i_protocol: null,
      });
      expect(call).toMatchObject({ outcome: 'ANSWERED', successful: true, duration: '12.5' });
      expect(source.accounts).toBeNull();
      expect(source.customers).toBeNull();
    }));

  test('is silent about a rare column that is missing, whose value is null', async () => {
    await using lacking = await createTestDatabase();
    await lacking.pool.query('alter table xdrs drop column p_asserted_id');
    await lacking.pool.query(`insert into xdrs (i_account, connect_time) values (14, '2026-01-05Z')`);
    const { source, warnings } = await checkAsGateway(lacking);
    const call = await lacking.primary
      .selectFrom(source.cdrs({ kind: 'all' }))
      .select('p_asserted_id')
      .executeTakeFirstOrThrow();

    expect(warnings).toEqual([]);
    expect(source.missing).toEqual(['p_asserted_id']);
    expect(call).toEqual({ p_asserted_id: null });
  });

  test('reads other types of the switch as those of the model', () =>
    withTables(
      `create domain seconds as double precision;
       create table xdrs (i_xdr integer primary key, i_account integer, connect_time timestamptz, duration seconds,
         charged_amount real, setup_time timestamp, cld varchar(64), disconnect_cause bigint, remote_ip inet, pdd text);
       create table accounts (i_account integer primary key, username varchar(32), blocked integer);${keysets}`,
      async (database) => {
        await database.pool.query(`insert into xdrs values
          (1, 14, '2026-01-05 09:00:00+00', 12.5, 0.25, '2026-01-05 08:59:00', '44', 16, '192.0.2.7', 'odd')`);
        await database.pool.query(`insert into accounts values (14, 'dialler', 1)`);
        const { source, warnings } = await checkAsGateway(database);
        const call = await database.primary
          .selectFrom(source.cdrs({ kind: 'all' }))
          .selectAll()
          .executeTakeFirstOrThrow();
        const account = await database.primary
          .selectFrom(source.accounts!({ kind: 'all' }))
          .selectAll()
          .executeTakeFirstOrThrow();

        expect(call).toMatchObject({
          duration: '12.5',
          charged_amount: '0.25',
          setup_time: '2026-01-05 08:59:00+00',
          cld: '44',
          disconnect_cause: 16,
          remote_ip: '192.0.2.7',
          pdd: null, // Text that might be no number: one odd row must not fail the page.
        });
        expect(account).toMatchObject({ username: 'dialler', blocked: true, currency: null });
        expect(warnings[0]).toMatch(/pdd/);
      },
    ));

  test.each<[string, string, readonly RegExp[]]>([
    [
      'no index at all',
      '',
      [
        /lists of one account.*: create index concurrently xdrs_i_account_connect_time_i_xdr_idx on xdrs \(i_account, connect_time desc, i_xdr desc\);$/,
        /lists of every account.*: create index concurrently xdrs_connect_time_i_xdr_idx on xdrs \(connect_time desc, i_xdr desc\);$/,
      ],
    ],
    [
      'the same, ascending: read backwards',
      'create index on xdrs (i_account, connect_time, i_xdr); create index on xdrs (connect_time, i_xdr)',
      [],
    ],
    [
      'indexes that give another order',
      `create index on xdrs (i_account, connect_time desc, i_xdr); create index on xdrs (i_xdr, connect_time);
       create index on xdrs (connect_time desc nulls last, i_xdr desc nulls last); create index on xdrs (i_account)`,
      [/lists of one account/, /lists of every account/],
    ],
    [
      'indexes on some rows only, or of another kind',
      `create index on xdrs (i_account, connect_time desc, i_xdr desc) where duration > 0;
       create index on xdrs using brin (connect_time, i_xdr)`,
      [/lists of one account/, /lists of every account/],
    ],
    [
      'one that serves both an order and something more',
      `create index on xdrs (connect_time desc, i_xdr desc, cld) include (duration);
       create index on xdrs (i_account, connect_time desc, i_xdr desc)`,
      [],
    ],
    [
      'one that covers the statistics',
      `create index on xdrs (i_account, connect_time desc, i_xdr desc) include (duration, charged_amount);
       create index on xdrs (connect_time desc, i_xdr desc)`,
      [],
    ],
    [
      'a column of the order only included',
      `create index on xdrs (i_account, connect_time desc) include (i_xdr);
       create index on xdrs (connect_time desc) include (i_xdr)`,
      [/lists of one account/, /lists of every account/],
    ],
  ])('with %s warns of just the keyset indexes that do not serve', (_, indexes, expected) =>
    withTables(`${smallest} alter table xdrs add cld text; ${indexes}`, async (database) => {
      const { warnings } = await checkAsGateway(database);

      const about = warnings.filter((warning) => warning.startsWith('Without an index lists'));
      expect(about).toEqual(expected.map((pattern) => expect.stringMatching(pattern)));
    }),
  );

  test.each<[string, string, readonly string[]]>([
    ['none', '', ['cld', 'cld_in']],
    ['one of the order of a language', 'create index on xdrs (cld collate "en-x-icu")', ['cld', 'cld_in']],
    [
      'one on other columns first',
      'create index on xdrs (i_account, cld text_pattern_ops)',
      ['cld', 'cld_in'],
    ],
    ['one on some rows', `create index on xdrs (cld text_pattern_ops) where cld <> ''`, ['cld', 'cld_in']],
    [
      'a plain one',
      'create index on xdrs (cld text_pattern_ops); create index on xdrs (cld_in collate "C")',
      [],
    ],
  ])(
    'with %s on numbers says which are sought by reading all calls, and what helps',
    (_, indexes, expected) =>
      withTables(
        `${smallest} ${keysets} alter table xdrs add cld text, add cld_in varchar(64), add cli bigint; ${indexes}`,
        async (database) => {
          const about = async () =>
            (await checkAsGateway(database)).warnings.filter((warning) =>
              /^Without an index a number/.test(warning),
            );
          const before = await about();
          for (const warning of before) await database.pool.query(/On the primary: (.*)$/.exec(warning)![1]!);

          expect(before).toEqual(
            expected.map((column) =>
              expect.stringMatching(
                new RegExp(
                  `xdrs\\.${column} is sought .* \\(${column} text_pattern_ops, connect_time desc, i_xdr desc\\);$`,
                ),
              ),
            ),
          );
          expect(await about()).toEqual([]);
        },
      ),
  );

  test('the statement a warning prints, run on the primary, silences it', () =>
    withTables(smallest, async (database) => {
      const before = (await checkAsGateway(database)).warnings;
      for (const warning of before) {
        const statement = /On the primary: (.*)$/.exec(warning)?.[1];
        if (statement) await database.pool.query(statement);
      }
      const after = (await checkAsGateway(database)).warnings;

      expect(before.filter((warning) => warning.startsWith('Without'))).toHaveLength(2);
      expect(after.filter((warning) => warning.startsWith('Without'))).toEqual([]);
    }));

  test('a half-built index serves nothing, and the statement drops it first', () =>
    withTables(smallest + keysets, async (database) => {
      await database.pool.query(`insert into xdrs values (1, 14, now(), 0, 0), (2, 14, now(), 0, 0)`);
      await database.pool.query('drop index xdrs_i_account_connect_time_i_xdr_idx');
      for (const name of ['xdrs_i_account_connect_time_i_xdr_idx', 'other_idx']) {
        await database.pool
          .query(`create unique index concurrently ${name} on xdrs (i_account)`)
          .catch(() => {});
      }
      const { warnings } = await checkAsGateway(database);

      expect(warnings.slice(1)).toEqual([
        expect.stringMatching(
          /: drop index concurrently xdrs_i_account_connect_time_i_xdr_idx; create index concurrently /,
        ),
        'Index other_idx is half-built and serves nothing. On the primary: drop index concurrently other_idx;',
      ]);
    }));

  test('a view may stand for a table, and says that its indexes cannot be seen', () =>
    withTables(
      `create table calls_2026 (i_xdr bigint, i_account bigint, connect_time timestamptz, duration numeric,
      charged_amount numeric); create view xdrs as select * from calls_2026`,
      async (database) => {
        const { warnings } = await checkAsGateway(database);

        expect(warnings.at(-1)).toMatch(/^xdrs is a view/);
      },
    ));

  test('a role that may write, or that starts in a writing transaction, is told so with the remedy', () =>
    withTables(smallest + keysets, async (database) => {
      const role = `writer_${database.name}`;
      await database.pool.query(
        `create role ${role} login password 'writer'; grant select, insert on xdrs to ${role}`,
      );
      const url = new URL(database.replicaUrls[0]!);
      [url.username, url.password] = [role, 'writer'];
      const { warnings } = await checkAsGateway({ ...database, replicaUrls: [url.href] });

      expect(warnings.slice(1)).toEqual([
        `Role ${role} may write to xdrs. Connect as "gateway", which "migrate up" makes on the primary.`,
        expect.stringMatching(`alter role ${role} set default_transaction_read_only = on;$`),
        expect.stringMatching(`grant pg_read_all_stats to ${role};$`),
      ]);
      await database.pool.query(`drop owned by ${role}; drop role ${role}`);
    }));
});

describe('the check of a Sippy', () => {
  test('works without calls, accounts and destinations, whose columns are then null', () =>
    withTables(
      `create table cdrs (i_cdr bigint primary key, i_call bigint, i_account bigint, connect_time timestamptz,
         duration float8, cost float8, result integer);
       create index on cdrs (i_account, connect_time desc, i_cdr desc);
       create index on cdrs (connect_time desc, i_cdr desc); create index on cdrs (i_call);
       insert into cdrs values (1, 2, 14, '2026-01-05 09:00:00+00', 0, 0, 486)`,
      async (database) => {
        const { source, warnings } = await checkAsGateway(database, 'sippy');
        const call = await database.primary
          .selectFrom(source.cdrs({ kind: 'all' }))
          .selectAll()
          .executeTakeFirstOrThrow();

        expect(call).toMatchObject({
          i_xdr: '1',
          cld: null,
          country: null,
          outcome: 'BUSY',
          i_customer: null,
        });
        expect(warnings).toEqual([expect.stringMatching(/^Always null, .*: i_customer, cli, cld, /)]);
      },
    ));

  test('warns when a call could be joined twice, and when nothing leads to its numbers', async () => {
    await using database = await createSourceDatabase('sippy');
    await database.pool.query(
      'alter table calls drop constraint calls_pkey; grant select on all tables in schema public to gateway_reader',
    );
    const { warnings } = await checkAsGateway(database, 'sippy');

    expect(warnings).toEqual([
      expect.stringMatching(
        /the whole table of numbers.*create index concurrently calls_i_call_idx on calls \(i_call\);$/,
      ),
      expect.stringMatching(/^Nothing makes calls.i_call unique/),
    ]);
  });
});

describe('collations', () => {
  test('warn where this host orders text otherwise than the host that built the index', async () => {
    await using database = await createTestDatabase();
    // What a standby on another operating system sees, made here by changing what was recorded.
    await database.pool.query(`
      create collation other (provider = icu, locale = 'fr');
      create index spoilt_idx on xdrs (cld_in collate other);
      create index sound_idx on xdrs (cli_in collate other text_pattern_ops);
      update pg_collation set collversion = '0.1' where collname = 'other'`);
    const { warnings } = await checkAsGateway(database);

    expect(warnings).toEqual([
      expect.stringMatching(
        /^Index spoilt_idx orders cld_in by collation other of version 0\.1, and this host has /,
      ),
    ]);
  });

  test('warn of every text index when it is the database as a whole', async () => {
    await using around = await createTestDatabase({ empty: true });
    const name = `${around.name}_icu`;
    await around.pool.query(`create database ${name} template template0 locale_provider icu icu_locale 'fr'`);
    const url = new URL(around.primaryUrl);
    url.pathname = `/${name}`;
    const pool = new pg.Pool({ connectionString: url.href, max: 1 });
    try {
      await pool.query(`${smallest} ${keysets} alter table xdrs add cld text, add cli text;
        create index cld_idx on xdrs (cld); create index cli_idx on xdrs (cli collate "C")`);
      const check = async () => (await checkSource(createDatabase(pool), 'xdrs')).warnings.join();
      const before = await check();
      await pool.query(`update pg_database set datcollversion = '0.1' where datname = current_database()`);

      expect(before).not.toMatch(/collation/);
      expect(await check()).toMatch(/Index cld_idx orders cld by collation default of version 0\.1/);
      expect(await check()).not.toMatch(/cli_idx/);
    } finally {
      await pool.end();
      await around.pool.query(`drop database ${name}`);
    }
  });
});

describe('doctor', () => {
  const examine = async (urls: readonly string[], source: SourceName = 'xdrs') => {
    const lines: string[] = [];
    const code = await doctor(urls, source, (line) => lines.push(line));
    return { code, text: lines.join('\n') };
  };

  test('finds the standbys of a migrated cluster well, and answers 0', async () => {
    await using database = await createTestDatabase();
    const { code, text } = await examine(database.replicaUrls);

    expect(text.match(/PostgreSQL \d+.*, standby, as gateway\n {2}well/g)).toHaveLength(
      database.replicaUrls.length,
    );
    expect(code).toBe(0);
  });

  test('advises against reading the primary, and answers 1', async () => {
    await using database = await createTestDatabase();
    const { code, text } = await examine([database.primaryUrl]);

    expect(text).toMatch(/primary, as postgres\n {2}warning: This is a primary/);
    expect(code).toBe(1);
  });

  test.each(sourceNames)('lists every reason why %s could not be served, and answers 2', async (name) => {
    await using database = await createTestDatabase({ empty: true });
    await database.replayed();
    const { code, text } = await examine(
      [...database.replicaUrls, 'postgresql://gateway:very-secret@127.0.0.1:1/sippy'],
      name,
    );

    expect(text).toMatch(/problem: there is no table/);
    expect(text).toMatch(/^127\.0\.0\.1:1\/sippy\n {2}problem: cannot be reached: .*ECONNREFUSED/m);
    expect(text).not.toContain('very-secret');
    expect(code).toBe(2);
  });
});
