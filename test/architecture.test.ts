import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';

/** Lowest first. A file imports from its own rank or a lower one, never from a higher one. */
const ranks: readonly (readonly string[])[] = [
  ['errors.ts', 'settings'],
  ['db'],
  ['access', 'streaming', 'numbering'],
  ['replicas'],
  ['feed'],
  ['resolvers'],
  ['context.ts'],
  ['schema'],
  ['http'],
  ['telemetry'],
  ['graphql'],
  ['grafana', 'graphiql', 'sinks', 'rollups'],
  ['app.ts', 'settings.ts'],
  ['serve.ts', 'demo', 'backup'],
  ['cli.ts', 'cli'],
];

/** What the schema may read of `db` beside types: what there is. Everything else of `db` reads or runs. */
const declarations: readonly string[] = [
  'src/db/timestamps.ts',
  'src/db/sources/cdr-columns.ts',
  'src/db/calls/cdr-filter.ts',
  'src/db/calls/cdr-dimensions.ts',
  'src/db/calls/cdr-measures.ts',
];

const roomOf = (path: string): string => path.split('/')[1]!;
const rankOf = (path: string): number => ranks.findIndex((rooms) => rooms.includes(roomOf(path)));

const imports = globSync('src/**/*.ts').flatMap((file) =>
  [
    ...readFileSync(file, 'utf8').matchAll(
      /^(?:import|export) (type )?[^;]*?from '(\.[^']+)';|import\('(\.[^']+)'\)/gm,
    ),
  ].map((found) => ({
    file,
    target: join(dirname(file), (found[2] ?? found[3])!),
    isTypeOnly: Boolean(found[1]),
  })),
);

describe('imports point one way', () => {
  test('every room has a rank', () => {
    expect(globSync('src/**/*.ts').filter((file) => rankOf(file) < 0)).toEqual([]);
    expect(imports.length).toBeGreaterThan(100);
  });

  test.each(imports)('$file may import $target', ({ file, target, isTypeOnly }) => {
    expect(rankOf(file)).toBeGreaterThanOrEqual(rankOf(target));
    if (roomOf(file) === 'schema' && roomOf(target) === 'db' && !declarations.includes(target)) {
      expect(isTypeOnly).toBe(true);
    }
  });

  test('no file reaches itself, not even by types', () => {
    const targets = Map.groupBy(imports, ({ file }) => file);
    const reach = (file: string, seen: Set<string>): Set<string> => {
      for (const { target } of targets.get(file) ?? []) {
        if (seen.has(target)) continue;
        seen.add(target);
        reach(target, seen);
      }
      return seen;
    };
    expect([...targets.keys()].filter((file) => reach(file, new Set()).has(file))).toEqual([]);
  });

  test('migrations import nothing of ours: they are frozen in time', () => {
    for (const file of globSync('migrations/*.ts')) {
      expect(readFileSync(file, 'utf8')).not.toMatch(/from '\.\.?\//);
    }
  });

  test('only the command line reads the environment', () => {
    const readers = globSync('src/**/*.ts').filter((file) =>
      readFileSync(file, 'utf8').includes('process.env'),
    );
    expect(readers.filter((file) => file !== 'src/cli.ts')).toEqual([]);
  });

  test('calls, accounts and customers are read through the relations of a source, which have the scope', () => {
    const named = globSync('src/**/*.ts').filter((file) => namesTable(readFileSync(file, 'utf8')));
    const allowed = ['src/db/sources/', 'src/demo/'];
    expect(named.filter((file) => !allowed.some((place) => file.startsWith(place)))).toEqual([]);
    expect(named).toContain('src/db/sources/xdrs.ts');
  });

  test.each([
    'select 1 from xdrs',
    'select 1 from "xdrs"',
    'select 1 from public.accounts',
    'select 1 from "public"."accounts"',
    'select 1 from only calls',
    'select 1\nfrom\n  cdrs',
    'select 1 join  customers on true',
    'select 1 from pg_class, xdrs',
    'select (table xdrs)',
    'table calls',
  ])('a table is found in SQL: %s', (text) => {
    expect(namesTable(`const statement = sql\`${text}\`;`)).toBe(true);
  });

  test('what is read for a principal goes through the two functions that bind a statement to its scope', () => {
    const lending = globSync('src/**/*.ts').filter((file) =>
      /\.connect\(\)|\breadRows\b/.test(readFileSync(file, 'utf8')),
    );
    expect(lending.filter((file) => roomOf(file) !== 'demo').sort()).toEqual(
      [
        // For a principal.
        'src/db/reader.ts',
        'src/db/wire/raw-rows.ts',
        'src/db/wire/rows.ts',
        'src/replicas/connections.ts',
        'src/replicas/moment-lender.ts',
        // Of the gateway itself and of its commands.
        'src/db/calls/ledger-entries.ts',
        'src/db/doctor/checks/pooling.ts',
        'src/db/keys/key-table.ts',
        'src/db/migrate/migrate-progress.ts',
        'src/db/setup/walsender.ts',
        'src/replicas/replication-connection.ts',
        'src/replicas/watcher-connections.ts',
        'src/rollups/snapshot-reader.ts',
        // To no database.
        'src/sinks/redis-stream.ts',
      ].sort(),
    );
    for (const file of ['src/db/reader.ts', 'src/db/wire/raw-rows.ts']) {
      expect(readFileSync(file, 'utf8')).toContain('statement.bind(scope, values)');
    }
  });

  test('only db knows SQL and the driver', () => {
    const drivers =
      imports.length &&
      globSync('src/**/*.ts').filter((file) => /from '(pg|kysely)'/.test(valueImports(file)));
    const allowed = ['db', 'replicas', 'demo'];
    expect((drivers as string[]).filter((file) => !allowed.includes(roomOf(file)))).toEqual([]);
  });
});

function valueImports(file: string): string {
  return readFileSync(file, 'utf8').replaceAll(/^import type [^;]*;/gm, '');
}

const TABLE = '(?:"?[a-z_]+"?\\.)?"?(?:xdrs|cdrs|calls|accounts|customers)\\b(?![-\\w.(])';
const READ_FROM = new RegExp(
  `\\b(?:from|join)\\s+(?:only\\s+)?(?:pg_\\w+(?: as \\w+)?, *)?${TABLE}|[(\`]\\s*table\\s+${TABLE}|\\btableSql\\(`,
);

/** Whether the code, without its comments, reads from a table of calls or of their owners. */
function namesTable(code: string): boolean {
  return READ_FROM.test(code.replaceAll(/^ *(?:\*|\/[/*]).*$/gm, ''));
}
