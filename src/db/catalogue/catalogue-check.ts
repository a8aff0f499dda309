import { type QueryExecutorProvider, sql } from 'kysely';
import { cdrColumn } from '../sources/cdr-columns.ts';
import { problemsOf } from '../sources/columns.ts';
import {
  type Source,
  type SourceDefinition,
  type SourceName,
  sourceDefinitions,
} from '../sources/sources.ts';
import {
  type Catalogue,
  type CatalogueTable,
  hasUnique,
  hasUniquePlaces,
  hasUniquePlacesInParts,
  type KnownSchemas,
  readCatalogue,
  selectJson,
} from './catalogue.ts';
import { columnsRead } from './catalogue-columns.ts';
import { dropIndex, remedyFor, spoiltByCollation } from './catalogue-indexes.ts';
import { warningsAboutEncoding } from './catalogue-text.ts';

/** The database cannot serve as this source. Its message lists everything that is wrong, for the terminal. */
export class SourceUnusableError extends Error {
  override name = 'SourceUnusableError';
  readonly problems: readonly string[];
  constructor(source: SourceName, problems: readonly string[]) {
    super(
      `The database cannot serve CDR_SOURCE=${source}:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
    );
    this.problems = problems;
  }
}

export interface CheckedSource {
  readonly source: Source;
  /** What will work badly, or is not safe, and what to do about it. Sentences for a log. */
  readonly warnings: readonly string[];
}

/**
 * Looks at the catalogue of one server, as its role sees it. Throws SourceUnusableError, with everything that is
 * wrong, when a table or a required column is not there. Works on a standby.
 */
export async function checkSource(db: QueryExecutorProvider, name: SourceName): Promise<CheckedSource> {
  const { source, problems, warnings } = await examineSource(db, name);
  if (!source || problems.length > 0) throw new SourceUnusableError(name, problems);
  return { source, warnings };
}

/** What can be said of a source that may lack what it needs. */
export interface ExaminedSource {
  /** Without what is gone; undefined where there is no table at all. */
  readonly source: Source | undefined;
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
  /** Where its tables are. */
  readonly schemas: KnownSchemas;
  /** Differs when anything of the catalogue does that a source depends on. */
  readonly fingerprint: string;
}

/** The same for a gateway that runs already, and goes on with what is left. */
export async function examineSource(
  db: QueryExecutorProvider,
  name: SourceName,
  known?: KnownSchemas,
): Promise<ExaminedSource> {
  const definition = sourceDefinitions[name];
  const catalogue = await readCatalogue(db, definition.tables, known);
  const role = await selectRole(db, catalogue);
  const hasTable = catalogue.tables.has(definition.tables[0]);
  const grants = hasTable ? missingGrants(catalogue, definition, role) : [];
  const problems = problemsWith(catalogue, definition, name, grants);
  const found = [...catalogue.tables.values()].map((table) => [table.name, table.schema] as const);
  const about = {
    problems,
    schemas: new Map([...(known ?? []), ...found]),
    fingerprint: fingerprintOf(catalogue),
  };
  if (!hasTable) return { ...about, source: undefined, warnings: [] };
  const source = definition.create(catalogue);
  return {
    ...about,
    source,
    warnings: [
      ...warningsAboutColumns(source, grants),
      ...warningsAboutIndexes(catalogue, definition),
      ...warningsAboutDoubles(catalogue, source),
      ...(await warningsAboutKeys(db, catalogue, definition)),
      ...warningsAboutEncoding(catalogue.encoding),
      ...warningsAboutCollations(catalogue),
      ...warningsAboutRole(role),
      ...warningsAboutRowSecurity(catalogue, role),
    ],
  };
}

function fingerprintOf(catalogue: Catalogue): string {
  return JSON.stringify(catalogue, (_, value: unknown) =>
    value instanceof Map || value instanceof Set ? [...value] : value,
  );
}

function problemsWith(
  { tables }: Catalogue,
  { tables: [main], required }: SourceDefinition,
  name: SourceName,
  grants: readonly MissingGrant[],
): readonly string[] {
  const table = tables.get(main);
  const remedy = grants.find((grant) => grant.table === main)?.statement;
  if (table) return problemsOf(table, required, remedy);
  const other = name === 'xdrs' ? 'sippy' : 'xdrs';
  return [
    `there is no table ${main} that this role can see through its search_path ` +
      `(a database of the other kind wants CDR_SOURCE=${other})`,
  ];
}

function warningsAboutColumns(source: Source, grants: readonly MissingGrant[]): readonly string[] {
  const missing = source.missing.filter((name) => !cdrColumn(name).rare);
  return [
    ...(missing.length > 0
      ? [`Always null, because this role finds no such column: ${missing.join(', ')}.`]
      : []),
    ...grants.map(
      ({ table, columns, statement }) =>
        `This role may not read ${table} (${columns.join(', ')}). On the primary: ${statement}`,
    ),
  ];
}

/** What the gateway would read if it might. */
interface MissingGrant {
  readonly table: string;
  readonly columns: readonly string[];
  readonly statement: string;
}

/** Columns, never whole tables: a switch keeps passwords in its accounts, and may add columns at any time. */
function missingGrants(
  catalogue: Catalogue,
  definition: SourceDefinition,
  { grantee }: Role,
): readonly MissingGrant[] {
  const read = columnsRead(definition, catalogue);
  return [...catalogue.tables.values()].flatMap(({ name: table, hidden }) => {
    const columns = read.get(table)!.filter((column) => hidden.has(column));
    const statement = `grant select (${columns.join(', ')}) on ${table} to ${grantee};`;
    return columns.length > 0 ? [{ table, columns, statement }] : [];
  });
}

function warningsAboutIndexes({ tables }: Catalogue, definition: SourceDefinition): readonly string[] {
  const views = [...tables.values()].filter(({ isView }) => isView);
  const remedies = definition.indexes.flatMap((wanted) => {
    const table = tables.get(wanted.table);
    const remedy = table && !table.isView && remedyFor(table, wanted);
    return remedy ? [{ wanted, remedy }] : [];
  });
  const halfBuilt = [...tables.values()].flatMap(({ indexes, partitionKey }) =>
    indexes
      .filter(({ isValid }) => !isValid)
      .map(({ name }) => ({ name, remedy: `${dropIndex({ partitionKey }, name)};` })),
  );
  return [
    ...views.map(
      ({ name }) =>
        `${name} is a view, whose indexes cannot be seen: see that its tables have keyset indexes.`,
    ),
    ...remedies.map(({ wanted, remedy }) => `Without an index ${wanted.because}. On the primary: ${remedy}`),
    ...halfBuilt
      .filter(({ remedy }) => !remedies.some((other) => other.remedy.includes(remedy)))
      .map(({ name, remedy }) => `Index ${name} is half-built and serves nothing. On the primary: ${remedy}`),
  ];
}

/** A call joined to two rows would be listed, counted and charged twice. */
function warningsAboutDoubles({ tables }: Catalogue, source: Source): readonly string[] {
  const calls = tables.get('calls');
  if (source.name !== 'sippy' || !calls || calls.isView || hasUnique(calls, 'i_call')) return [];
  return ['Nothing makes calls.i_call unique: a call that is there twice would be counted twice.'];
}

/** A page ends behind a place in the list. Of two calls at the same place one may be hidden. */
async function warningsAboutKeys(
  db: QueryExecutorProvider,
  { tables }: Catalogue,
  { tables: [main], key }: SourceDefinition,
): Promise<readonly string[]> {
  const table = tables.get(main)!;
  const place = ['connect_time', key];
  if (table.isView) return [];
  if (hasUniquePlaces(table, place) || (await hasUniquePlacesInParts(db, table, place))) {
    return table.notNull.has(key)
      ? []
      : [
          `${main}.${key} may be null: such calls are shown as errors, and of several with the same connect time all but ` +
            `one may be missing from pages. On the primary: alter table ${main} alter column ${key} set not null;`,
        ];
  }
  return [
    `Nothing makes ${main}.${key} unique: calls with the same connect time and key may be missing from pages. ` +
      uniqueKeyRemedy(table, key),
  ];
}

/** A unique index of a partitioned table has all columns that it is divided by, and cannot be built concurrently. */
function uniqueKeyRemedy({ name, partitionKey }: CatalogueTable, key: string): string {
  if (partitionKey === null) {
    return `On the primary: create unique index concurrently ${name}_${key}_key on ${name} (${key});`;
  }
  const columns = [key, ...partitionKey.filter((column) => column !== key)];
  if (columns.some((column) => column !== key && column !== 'connect_time')) {
    return `No index can, as ${name} is partitioned by something else: the switch must see to it.`;
  }
  return (
    'Writes wait while the index is built. On the primary: ' +
    `create unique index ${name}_${columns.join('_')}_key on ${name} (${columns.join(', ')});`
  );
}

function warningsAboutCollations({ tables }: Catalogue): readonly string[] {
  return [...tables.values()].flatMap(({ indexes }) =>
    indexes.flatMap((index) => {
      const column = spoiltByCollation(index);
      if (!column) return [];
      const { name, recordedVersion, actualVersion } = column.collation!;
      return [
        `Index ${index.name} orders ${column.name} by collation ${name} of version ${recordedVersion ?? 'unknown'}, ` +
          `and this host has ${actualVersion}: searches through it may miss rows. Give the standby the primary's ` +
          'operating system, or on the primary build such indexes with collation "C".',
      ];
    }),
  );
}

interface Role {
  /** Quoted where it must be. */
  readonly name: string;
  /** Who is granted to, quoted: the group that is made for it, or the role itself where it is in no such group. */
  readonly grantee: string;
  readonly superuser: boolean;
  readonly replication: boolean;
  readonly writable: string[] | null;
  readonly readOnly: boolean;
  readonly sees: boolean;
}

async function selectRole(db: QueryExecutorProvider, { tables }: Catalogue): Promise<Role> {
  const [role] = await selectJson<Role>(
    db,
    sql`
    select quote_ident(rolname) as name, rolsuper as superuser, rolreplication as replication,
      quote_ident(coalesce((select rolname from pg_roles as reader
        where rolname = 'gateway_reader' and pg_has_role(reader.oid, 'usage')), pg_roles.rolname)) as grantee,
      (select array_agg(relation order by relation) from unnest(${[...tables.keys()]}::text[]) as relation
        where has_table_privilege(to_regclass(relation), 'insert, update, delete, truncate')
          or has_any_column_privilege(to_regclass(relation), 'insert, update')) as writable,
      current_setting('default_transaction_read_only')::boolean as "readOnly",
      pg_has_role(current_user, 'pg_read_all_stats', 'usage') as sees
    from pg_roles where rolname = current_user`,
  );
  return role!;
}

/** Rows that no policy shows are not missed by anybody: answers are just shorter, or empty. */
function warningsAboutRowSecurity({ tables }: Catalogue, { name }: Role): readonly string[] {
  return [...tables.values()]
    .filter(({ hasRowSecurity, hasScopePolicy }) => hasRowSecurity && !hasScopePolicy)
    .map(
      ({ name: table }) =>
        `Row security of ${table} hides every row that no policy shows to role ${name}, without an error. If it is to see ` +
        `all of them, on the primary: create policy gateway_reads on ${table} for select to ${name} using (true);`,
    );
}

function warningsAboutRole(role: Role): readonly string[] {
  const { name, superuser, replication, writable, readOnly, sees } = role;
  const advice = 'Connect as "gateway", which "migrate up" makes on the primary.';
  if (superuser) return [`Role ${name} is a superuser: it can do anything, also write. ${advice}`];
  return [
    replication ? `Role ${name} has REPLICATION: it can copy the whole cluster. ${advice}` : null,
    writable ? `Role ${name} may write to ${writable.join(', ')}. ${advice}` : null,
    readOnly
      ? null
      : `Role ${name} starts transactions that may write, also after a promotion. On the primary: ` +
        `alter role ${name} set default_transaction_read_only = on;`,
    sees
      ? null
      : `Role ${name} cannot see how old the standby is. On the primary: grant pg_read_all_stats to ${name};`,
  ].filter((warning) => warning !== null);
}
