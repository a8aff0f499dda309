import { readFileSync } from 'node:fs';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { shellBlocksOf } from './operations/handbook.ts';
import { startTestCluster, type TestCluster } from './support/postgres.ts';

/** A statement of the handbook, and where it is to be run. */
interface Statement {
  readonly line: number;
  readonly text: string;
  readonly server: 'primary' | 'standby';
  /** PostgreSQL knows it from this major on. */
  readonly since: number;
}

interface Block {
  readonly line: number;
  readonly statements: readonly Statement[];
  /** It is for a primary that nobody follows any more. */
  readonly isForTheEnd: boolean;
}

/**
 * Every block that is marked as SQL. Without a word it is for the primary; a comment `-- on the standby` sends what
 * follows there; after `-- From PostgreSQL N on` the next comment is a statement, for N and later.
 */
function blocksOf(markdown: string): readonly Block[] {
  const lines = markdown.split('\n');
  const starts = lines.flatMap((text, index) => (/^ *```sql$/.test(text) ? [index] : []));
  return starts.map((start) => {
    const length = lines.slice(start + 1).findIndex((text) => /^ *```$/.test(text));
    const own = lines.slice(start + 1, start + 1 + length);
    return {
      line: start + 2,
      statements: statementsOf(own, start + 2),
      isForTheEnd: own.some((text) => /when the standbys are stopped/.test(text)),
    };
  });
}

function statementsOf(lines: readonly string[], first: number): readonly Statement[] {
  const statements: Statement[] = [];
  let [server, since, text]: ['primary' | 'standby', number, string] = ['primary', 0, ''];
  for (const [index, raw] of lines.entries()) {
    const comment = /^\s*-- ?(.*)$/.exec(raw)?.[1];
    const isLater = comment !== undefined && since > 0 && /;$/.test(comment);
    const place = /^on the (primary|standby)/.exec(comment ?? '')?.[1] as 'primary' | 'standby' | undefined;
    if (place) server = place;
    since = Number(/^From PostgreSQL (\d+) on/.exec(comment ?? '')?.[1] ?? (isLater ? since : 0));
    if (comment === undefined) text += `${raw}\n`;
    else if (isLater) text += `${comment}\n`;
    if (!/(;|^\s*\\\w+ \w+)$/m.test(text.trimEnd())) continue;
    statements.push({ line: first + index, text: text.trim(), server, since });
    text = '';
  }
  if (text.trim()) throw new Error(`The block at line ${first} ends within a statement: ${text}`);
  return statements;
}

const blocks = blocksOf(readFileSync('docs/postgresql.md', 'utf8'));

test('the handbook has SQL, and it is found', () => {
  expect(blocks.length).toBeGreaterThanOrEqual(10);
  expect(blocks.every(({ statements }) => statements.length > 0)).toBe(true);
});

test('each block of commands says on which host it runs, or that the tests do not run it', () => {
  const blocks = shellBlocksOf('docs/postgresql.md');
  expect(blocks.length).toBeGreaterThanOrEqual(15);
  expect(blocks.filter(({ host }) => host === undefined).length).toBeLessThanOrEqual(5);
});

describe.each([16, 18])('the SQL of docs/postgresql.md on PostgreSQL %i', (major) => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await startTestCluster({ major, replicas: 1 });
    // The handbook makes one of this name. The standby streams on: a role is looked up when it connects.
    await cluster.pool.query('alter role replicator rename to replicator_of_the_cluster');
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  async function run({ text, server }: Statement): Promise<pg.QueryResult> {
    const url = server === 'primary' ? cluster.primaryUrl : cluster.standbyUrls[0]!;
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      // What psql does for \password, after asking for it.
      return await client.query(text.replace(/^\\password (\w+)$/, "alter role $1 password 'given by hand'"));
    } finally {
      await client.end();
    }
  }

  test.each(blocks.map(({ line, ...rest }) => [line, rest] as const))(
    'line %i runs as it is',
    async (_line, { statements, isForTheEnd }) => {
      await cluster.replayed();
      if (isForTheEnd) await cluster.cluster.replicas[0]!.stop('fast');
      for (const statement of statements) {
        if (statement.since > major) continue;
        await expect(run(statement), `line ${statement.line}: ${statement.text}`).resolves.toBeDefined();
        if (statement.server === 'primary' && !isForTheEnd) await cluster.replayed();
      }
    },
  );

  test('leave nothing behind in the end', async () => {
    const { rows } = await cluster.pool.query(
      `select (select count(*)::int from pg_replication_slots) as slots,
         (select count(*)::int from pg_roles where rolname = 'replicator') as roles`,
    );

    expect(rows).toEqual([{ slots: 0, roles: 0 }]);
  });
});
