import { sql } from 'kysely';
import { selectJson } from '../../catalogue/catalogue.ts';
import { sourceDefinitions } from '../../sources/sources.ts';
import { checkServers, present } from '../check.ts';
import type { Finding } from '../finding.ts';
import type { Server } from '../server.ts';

interface Published {
  readonly publication: string;
  readonly table: string;
  /** A table of the calls or of their owners. */
  readonly isOfCalls: boolean;
  readonly changes: boolean;
  /** d: the primary key, n: nothing, f: the whole row, i: an index. */
  readonly identity: string;
  readonly hasKey: boolean;
  readonly hasRowFilter: boolean;
  /** Columns of the replica identity that are not published. */
  readonly lacking: readonly string[];
}

interface Publication {
  readonly name: string;
  readonly isOfAll: boolean;
}

/** Publications can make the switch's own UPDATE and DELETE fail, at once and on the primary. */
export const publicationsCheck = checkServers(
  'publications',
  ({ primary }) => present([primary]),
  async (server, { source }) => {
    const publications = await selectPublications(server);
    const published = await selectPublished(server, sourceDefinitions[source].tables);
    return [
      ...publications.flatMap((publication) => present([ofAll(server, publication)])),
      ...published.flatMap((each) =>
        present([
          withoutIdentity(server, each),
          rowFilter(server, each),
          columnList(server, each),
          wholeRows(server, each),
          passwords(server, each),
        ]),
      ),
      ...(await subscriptions(server)),
    ];
  },
);

function selectPublications({ db }: Server): Promise<readonly Publication[]> {
  return selectJson<Publication>(
    db,
    sql`select quote_ident(pubname) as name, puballtables as "isOfAll" from pg_publication order by 1`,
  );
}

function selectPublished({ db }: Server, tables: readonly string[]): Promise<readonly Published[]> {
  return selectJson<Published>(
    db,
    sql`
    select distinct on (relation.oid, pubname) quote_ident(pubname) as publication, relation.oid::regclass::text as table,
      relname = any(${tables}::text[]) as "isOfCalls", pubupdate or pubdelete as changes, relreplident as identity,
      exists (select from pg_index where indrelid = relation.oid and indisvalid
        and (indisprimary and relreplident = 'd' or indisreplident)) as "hasKey",
      to_jsonb(published) ->> 'rowfilter' is not null as "hasRowFilter",
      coalesce((select json_agg(quote_ident(attname) order by attnum) from pg_attribute
        where attrelid = relation.oid and attnum > 0 and not attisdropped and not to_jsonb(published) -> 'attnames' ? attname
          and (relreplident = 'f' or exists (select from pg_index where indrelid = relation.oid and indisvalid
            and attnum = any(indkey::int2[]) and (indisprimary and relreplident = 'd' or indisreplident)))), '[]') as lacking
    from pg_publication_tables as published join pg_publication using (pubname)
    join pg_namespace on nspname = schemaname
    join pg_class as relation on relation.relname = tablename and relation.relnamespace = pg_namespace.oid
    order by relation.oid, pubname`,
  );
}

function warn(server: Server, code: string, message: string, run?: string): Finding {
  const remedy = run === undefined ? undefined : ({ on: 'primary', run } as const);
  return { code, severity: 'warning', server: server.place, message, remedy };
}

function ofAll(server: Server, { name, isOfAll }: Publication): Finding | undefined {
  if (!isOfAll) return undefined;
  return warn(
    server,
    'PUBLICATION_OF_ALL',
    `Publication ${name} is for all tables: each that the switch makes without a primary key refuses UPDATE and DELETE from its first day, ` +
      'and tables with passwords are sent along.',
    `drop publication ${name}; (and create one that names its tables)`,
  );
}

function withoutIdentity(server: Server, each: Published): Finding | undefined {
  const { publication, table, changes, identity, hasKey } = each;
  if (!changes || identity === 'f' || hasKey) return undefined;
  return warn(
    server,
    'PUBLICATION_REFUSES_CHANGES',
    `Publication ${publication} publishes updates and deletes of ${table}, which has no replica identity: they fail on this primary.`,
    `alter publication ${publication} set (publish = 'insert'); or alter table ${table} replica identity using index …;`,
  );
}

/** PostgreSQL 15 and later, as with lists of columns. */
function rowFilter(
  server: Server,
  { publication, table, changes, hasRowFilter }: Published,
): Finding | undefined {
  if (!changes || !hasRowFilter) return undefined;
  return warn(
    server,
    'PUBLICATION_ROW_FILTER',
    `Publication ${publication} publishes updates and deletes of ${table} through a row filter: where that reads a column beyond the replica ` +
      'identity they fail on this primary, and rows that leave the filter turn into deletions.',
    `alter publication ${publication} drop table ${table}; alter publication ${publication} add table ${table};`,
  );
}

function columnList(
  server: Server,
  { publication, table, changes, lacking, hasRowFilter }: Published,
): Finding | undefined {
  if (!changes || lacking.length === 0 || hasRowFilter) return undefined;
  return warn(
    server,
    'PUBLICATION_COLUMNS',
    `Publication ${publication} publishes updates and deletes of ${table} without ${lacking.join(', ')}, which its replica identity has: they ` +
      'fail on this primary.',
    `alter publication ${publication} drop table ${table}; alter publication ${publication} add table ${table} (…, ${lacking.join(', ')});`,
  );
}

function wholeRows(
  server: Server,
  { table, identity, changes, publication }: Published,
): Finding | undefined {
  if (identity !== 'f' || !changes) return undefined;
  return warn(
    server,
    'PUBLICATION_WHOLE_ROWS',
    `${table}, of publication ${publication}, has replica identity full: every UPDATE writes the whole old row to the WAL, and the other side searches for it.`,
    `alter table ${table} replica identity default;`,
  );
}

function passwords(server: Server, { table, publication, isOfCalls }: Published): Finding | undefined {
  if (!isOfCalls || !/(^|\.)(accounts|customers)$/.test(table)) return undefined;
  return warn(
    server,
    'PUBLICATION_OF_ACCOUNTS',
    `Publication ${publication} sends ${table}, where a switch keeps passwords.`,
    `alter publication ${publication} drop table ${table};`,
  );
}

async function subscriptions(server: Server): Promise<readonly Finding[]> {
  const rows = await selectJson<{ name: string; enabled: boolean }>(
    server.db,
    sql`select quote_ident(subname) as name, subenabled as enabled from pg_subscription
      where subdbid = (select oid from pg_database where datname = current_database())`,
  );
  return rows.map(({ name, enabled }) =>
    warn(
      server,
      'SUBSCRIPTION',
      `Subscription ${name} ${enabled ? 'writes' : 'is switched off, but would write'} into the primary of the switch.`,
      `alter subscription ${name} disable;`,
    ),
  );
}
