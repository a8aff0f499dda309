import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { checkSource } from '../../../src/db/catalogue/catalogue-check.ts';
import { createDatabase } from '../../../src/db/reader.ts';
import type { SourceName } from '../../../src/db/sources/sources.ts';
import { doctor } from '../../support/doctor.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';
import { sippyIndexesSql, sippyTablesSql } from '../../support/sippy.ts';
import { sourceNames } from '../source-databases.ts';

/** As a switch has them: with passwords where ours have none. */
const withSecrets: Readonly<Record<SourceName, string>> = {
  xdrs: `
    alter table accounts add voip_password text, add authname text;
    alter table customers add web_password text, add i_wholesaler bigint;`,
  sippy: `${sippyTablesSql} ${sippyIndexesSql}
    create table customers (i_customer bigint primary key, name varchar(64), web_password varchar(64));
    alter table accounts add time_zone text;`,
};

/** Statements that only a role which may read too much can run. */
const closed: Readonly<Record<SourceName, readonly string[]>> = {
  xdrs: [
    'select voip_password from accounts',
    'select web_password from customers',
    'select * from accounts',
  ],
  sippy: [
    'select voip_password from accounts',
    'select web_password from customers',
    'select * from accounts',
  ],
};

/** A role of the test's own on a database of its own, which may log in and nothing else. */
interface Site extends AsyncDisposable {
  readonly database: TestDatabase;
  readonly role: string;
  /** What `doctor` says of a standby to this role. */
  examine(): Promise<{ code: number; text: string }>;
  /** Runs on the primary, as its superuser, every statement that it advises there. */
  follow(text: string): Promise<readonly string[]>;
  /** The rows of a statement on a standby as this role, or the SQLSTATE of the refusal. */
  read(statement: string): Promise<unknown>;
  run(statements: string): Promise<void>;
}

async function createSite(name: SourceName): Promise<Site> {
  const database = await createTestDatabase({ empty: name === 'sippy' });
  const role = `reader_${database.name}`;
  const run = async (statements: string) => {
    await database.pool.query(statements);
    await database.replayed();
  };
  await run(`${withSecrets[name]}
    create role ${role} login password 'reads';
    alter role ${role} set default_transaction_read_only = on;
    grant pg_read_all_stats to ${role};`);
  const url = new URL(database.replicaUrls[0]!);
  [url.username, url.password] = [role, 'reads'];
  return {
    database,
    role,
    run,
    async examine() {
      const lines: string[] = [];
      const code = await doctor([url.href], name, (line) => lines.push(line));
      return { code, text: lines.join('\n') };
    },
    async follow(text) {
      const statements = [...text.matchAll(/On the primary: (.*)$/gm)].map(([, statement]) => statement!);
      for (const statement of statements) await run(statement);
      return statements;
    },
    async read(statement) {
      const client = new pg.Client({ connectionString: url.href });
      await client.connect();
      try {
        return (await client.query(statement)).rows;
      } catch (error) {
        return (error as { code: string }).code;
      } finally {
        await client.end();
      }
    },
    async [Symbol.asyncDispose]() {
      await database.pool.query(`drop owned by ${role}; drop role ${role}`);
      await database[Symbol.asyncDispose]();
    },
  };
}

const closedTo = async (site: Site, name: SourceName) => {
  const answers: unknown[] = [];
  for (const statement of closed[name]) answers.push(await site.read(statement));
  return answers;
};

describe.each(sourceNames)('a role that reads %s', (name) => {
  const main = name === 'xdrs' ? 'xdrs' : 'cdrs';

  test('with no grants at all gets advice that names columns, and is content when it is followed', async () => {
    await using site = await createSite(name);
    const before = await site.examine();
    const first = await site.follow(before.text);
    const between = await site.examine();
    const second = await site.follow(between.text);
    const after = await site.examine();
    const advice = [...first, ...second];

    expect(before.text).toMatch(new RegExp(`problem: ${main}\\.i_account may not be read by this role`));
    expect(before.code).toBe(2);
    for (const statement of advice) {
      expect(statement).toMatch(/^grant select \([a-z0-9_, ]+\) on [a-z]+ to reader_test_\w+;$/);
      expect(statement).not.toMatch(/password|authname/);
    }
    expect(advice.join('\n')).toMatch(/grant select \(.*username.*\) on accounts/);
    expect(after).toEqual({ code: 0, text: expect.stringMatching(/\n {2}well: can serve/) });
    expect(await closedTo(site, name)).toEqual(closed[name].map(() => '42501'));
  });

  test('finds with the advised columns all that it finds with whole tables', async () => {
    await using site = await createSite(name);
    const sourceOf = async (role: string) => {
      const client = new pg.Pool({ connectionString: site.database.primaryUrl, max: 1 });
      client.on('error', () => {});
      try {
        await client.query(`set role ${role}`);
        const { source } = await checkSource(createDatabase(client), name);
        const { rows } = await client.query(
          'select count(*)::int as columns from information_schema.columns',
        );
        const readable = rows[0].columns as number;
        return {
          missing: source.missing,
          hasAccounts: source.accounts !== null,
          hasCustomers: source.customers !== null,
          readable,
        };
      } finally {
        await client.end();
      }
    };
    await site.follow((await site.examine()).text);
    await site.follow((await site.examine()).text);
    const narrow = await sourceOf(site.role);
    await site.run(`grant select on all tables in schema public to ${site.role}`);
    const wide = await sourceOf(site.role);

    expect({ ...narrow, readable: 0 }).toEqual({ ...wide, readable: 0 });
    expect(narrow.readable).toBeLessThan(wide.readable);
  });

  test('with whole tables is told what it may read too much, and is content when that is taken back', async () => {
    await using site = await createSite(name);
    await site.run(
      `create table secrets (word text); grant select on all tables in schema public to ${site.role}`,
    );
    const before = await site.examine();
    const open = await closedTo(site, name);
    await site.follow(before.text);
    const after = await site.examine();

    expect(before.code).toBe(1);
    expect(before.text).toMatch(/may read more of accounts than the gateway does \(.*voip_password.*\)/);
    expect(before.text).toMatch(/may read more of customers than the gateway does \(.*web_password.*\)/);
    expect(before.text).toMatch(
      /may read tables that the gateway does not\. .*: revoke select on secrets from/,
    );
    expect(open).not.toContain('42501');
    expect(after).toEqual({ code: 0, text: expect.stringMatching(/\n {2}well: can serve/) });
    expect(await closedTo(site, name)).toEqual(closed[name].map(() => '42501'));
    expect(await site.read('select word from secrets')).toBe('42501');
  });
});

describe('doctor tells what a role may read too much', () => {
  /** What it says when the role may read what it needs, and this has been done besides. */
  async function adviceAfter(statements: (site: Site) => string, name: SourceName = 'xdrs') {
    await using site = await createSite(name);
    await site.follow((await site.examine()).text);
    await site.follow((await site.examine()).text);
    await site.run(statements(site));
    const before = await site.examine();
    const followed = await site.follow(before.text);
    const after = await site.examine();
    return { before, followed, after, role: site.role };
  }

  test('every table to come, by default privileges of one schema or of all', async () => {
    const { before, followed, after, role } = await adviceAfter(
      (site) => `alter default privileges in schema public grant select on tables to ${site.role};
        alter default privileges grant select on tables to ${site.role}`,
    );

    expect(before.text.match(/may read every table that postgres makes from now on/g)).toHaveLength(2);
    expect(followed).toEqual([
      `alter default privileges for role postgres in schema public revoke select on tables from ${role};`,
      `alter default privileges for role postgres revoke select on tables from ${role};`,
    ]);
    expect(after.code).toBe(0);
  });

  test('what everybody may read', async () => {
    const { followed, after } = await adviceAfter(
      () =>
        'create table secrets (word text); grant select on secrets to public; grant select on accounts to public',
    );

    expect(followed).toEqual([
      expect.stringMatching(
        /^revoke select on accounts from public; grant select \(.*\) on accounts to public;/,
      ),
      'revoke select on secrets from public;',
    ]);
    expect(after.code).toBe(0);
  });

  test('what the roles that it is in may read', async () => {
    const { followed, after } = await adviceAfter(
      (site) => `create role group_${site.role}; create table secrets (word text, hint text);
        grant select (hint) on secrets to group_${site.role}; grant group_${site.role} to ${site.role}`,
    );

    expect(followed).toEqual([expect.stringMatching(/^revoke select on secrets from group_reader_/)]);
    expect(after.code).toBe(0);
  });

  test('every table at all, by pg_read_all_data', async () => {
    const { followed, after, role } = await adviceAfter((site) => `grant pg_read_all_data to ${site.role}`);

    expect(followed).toEqual([`revoke pg_read_all_data from ${role};`]);
    expect(after.code).toBe(0);
  });

  test('a column of the calls that is named like a secret, whatever the others are called', async () => {
    const { before, followed, after } = await adviceAfter(
      (
        site,
      ) => `alter table xdrs add "Order" text, add "user" text, add sip_password text, add passed boolean;
        grant select on xdrs to ${site.role}`,
    );

    expect(before.text).toMatch(/may read more of xdrs than the gateway does \(sip_password\)/);
    expect(followed.join()).toMatch(/"Order", "user", passed\) on xdrs/);
    expect(after.code).toBe(0);
  });

  test('but not partitions, the tables of another source, or what an extension brings', async () => {
    const { before } = await adviceAfter(
      (site) => `create extension if not exists pg_stat_statements;
        create table cdrs (i_cdr bigint); create table cdrs_2026 () inherits (cdrs);
        create table protocols (i_protocol int); grant select on cdrs, cdrs_2026, protocols to ${site.role}`,
    );

    expect(before).toEqual({ code: 0, text: expect.stringMatching(/well: can serve/) });
  });

  test('nor anything of a superuser, of whom it says that it is one', async () => {
    await using database = await createTestDatabase();
    const lines: string[] = [];
    await doctor(database.standbyUrls, 'xdrs', (line) => lines.push(line));

    expect(lines.join('\n')).toMatch(/is a superuser/);
    expect(lines.join('\n')).not.toMatch(/may read/);
  });

  test('and of a role that may write to some columns that it may', async () => {
    const { before } = await adviceAfter((site) => `grant update (blocked) on accounts to ${site.role}`);

    expect(before.text).toMatch(/may write to accounts/);
  });
});
