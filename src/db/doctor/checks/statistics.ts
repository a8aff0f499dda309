import { sql } from 'kysely';
import { selectJson } from '../../catalogue/catalogue.ts';
import { sourceDefinitions } from '../../sources/sources.ts';
import { checkServers, type Fleet, present } from '../check.ts';
import type { Finding } from '../finding.ts';
import type { Server } from '../server.ts';

interface TableState {
  readonly table: string;
  /** Of the catalogue, which standbys have too: below 0 where the table was never analysed. */
  readonly rows: number;
  readonly pages: number;
  readonly visiblePages: number;
  readonly options: string[] | null;
  readonly isUnlogged: boolean;
  readonly bytes: number;
}

interface TableActivity {
  readonly table: string;
  readonly changed: number;
  readonly live: number;
  readonly dead: number;
  readonly analysedDays: number | null;
}

/** A table with less than this is read as quickly without statistics, and planned by its size. */
const MIN_PAGES = 100;
const MIN_VISIBLE_SHARE = 0.5;
const MAX_CHANGED_SHARE = 0.5;
const MAX_DEAD_SHARE = 0.3;
const MAX_ANALYSED_DAYS = 30;
const MIN_ROWS = 10_000;

/** What the planner knows of the tables of calls, and whether VACUUM comes by. Partitions count each for itself. */
export const statisticsCheck = checkServers(
  'statistics',
  (fleet) => present([fleet.primary ?? fleet.standbys[0]]),
  async (server, fleet) => {
    const tables = await selectTables(server, fleet);
    const activity = fleet.primary ? await selectActivity(server, fleet) : [];
    return [
      ...tables.flatMap((table) =>
        present([
          neverAnalysed(server, table),
          unseenPages(server, table),
          withoutAutovacuum(server, table),
          unlogged(server, table),
        ]),
      ),
      ...activity.flatMap((each) => present([changed(server, each), dead(server, each), old(server, each)])),
    ];
  },
);

/** The tables of the source, each partition for itself. */
function leaves(source: Fleet['source']) {
  const { tables } = sourceDefinitions[source];
  return sql`
    select distinct leaf.oid from unnest(${tables}::text[]) as name
    join pg_class as root on root.oid = to_regclass(name)
    cross join lateral (
      select relid as oid from pg_partition_tree(root.oid) where isleaf
      union select root.oid where root.relkind = 'r'
    ) as leaf`;
}

function selectTables({ db }: Server, { source }: Fleet): Promise<readonly TableState[]> {
  return selectJson<TableState>(
    db,
    sql`
    select pg_class.oid::regclass::text as table, reltuples::float8 as rows, relpages as pages,
      relallvisible as "visiblePages", reloptions as options, relpersistence = 'u' as "isUnlogged",
      pg_relation_size(pg_class.oid)::float8 as bytes
    from pg_class join (${leaves(source)}) as leaf using (oid) order by 1`,
  );
}

/** Counted by each server for itself: only the primary's tell of writes. */
function selectActivity({ db }: Server, { source }: Fleet): Promise<readonly TableActivity[]> {
  return selectJson<TableActivity>(
    db,
    sql`
    select relid::regclass::text as table, n_mod_since_analyze::float8 as changed, n_live_tup::float8 as live,
      n_dead_tup::float8 as dead,
      extract(epoch from now() - greatest(last_analyze, last_autoanalyze))::float8 / 86400 as "analysedDays"
    from pg_stat_user_tables join (${leaves(source)}) as leaf on leaf.oid = relid order by 1`,
  );
}

function warn(server: Server, code: string, message: string, run?: string): Finding {
  const remedy = run === undefined ? undefined : ({ on: 'primary', run } as const);
  return { code, severity: 'warning', server: server.place, message, remedy };
}

const PAGE_BYTES = 8192;

function neverAnalysed(server: Server, { table, rows, bytes }: TableState): Finding | undefined {
  if (rows >= 0 || bytes < MIN_PAGES * PAGE_BYTES) return undefined;
  return warn(
    server,
    'NEVER_ANALYSED',
    `${table} was never analysed: the planner guesses, and may read all of it for one page.`,
    `analyze ${table};`,
  );
}

function unseenPages(server: Server, { table, pages, visiblePages }: TableState): Finding | undefined {
  if (pages < MIN_PAGES || visiblePages >= pages * MIN_VISIBLE_SHARE) return undefined;
  const share = Math.round((visiblePages / pages) * 100);
  return warn(
    server,
    'NOT_VACUUMED',
    `VACUUM has seen ${share} % of the pages of ${table}: statistics look up the others in the table, although an index has it all.`,
    `vacuum (analyze) ${table}; alter table ${table} set (autovacuum_vacuum_insert_scale_factor = 0.01);`,
  );
}

function withoutAutovacuum(server: Server, { table, options }: TableState): Finding | undefined {
  if (!options?.some((option) => /^autovacuum_enabled=(false|off|0|no)$/.test(option))) return undefined;
  return warn(
    server,
    'TABLE_WITHOUT_AUTOVACUUM',
    `Autovacuum is switched off for ${table}: it swells, and its statistics grow old.`,
    `alter table ${table} reset (autovacuum_enabled);`,
  );
}

function unlogged(server: Server, { table, isUnlogged }: TableState): Finding | undefined {
  if (!isUnlogged) return undefined;
  return warn(
    server,
    'TABLE_UNLOGGED',
    `${table} is unlogged: standbys have none of its rows, and a crash empties it.`,
    `alter table ${table} set logged; (writes all of it to the WAL)`,
  );
}

function changed(server: Server, { table, changed, live }: TableActivity): Finding | undefined {
  if (live < MIN_ROWS || changed < live * MAX_CHANGED_SHARE) return undefined;
  return warn(
    server,
    'STATISTICS_OLD',
    `${Math.round(changed)} rows of ${table} changed since it was analysed, and it has ${Math.round(live)}: the planner knows another table.`,
    `analyze ${table};`,
  );
}

function dead(server: Server, { table, dead, live }: TableActivity): Finding | undefined {
  if (dead < MIN_ROWS || dead < (live + dead) * MAX_DEAD_SHARE) return undefined;
  return warn(
    server,
    'TABLE_SWOLLEN',
    `${Math.round((dead / (live + dead)) * 100)} % of the rows of ${table} are dead: VACUUM does not come by, or something holds it back.`,
    `vacuum (verbose, analyze) ${table};`,
  );
}

function old(server: Server, { table, analysedDays, live, changed }: TableActivity): Finding | undefined {
  if (live < MIN_ROWS || changed === 0 || analysedDays === null || analysedDays < MAX_ANALYSED_DAYS)
    return undefined;
  return warn(
    server,
    'STATISTICS_OLD',
    `${table} was analysed ${Math.round(analysedDays)} days ago: newer days are beyond what the planner knows.`,
    `analyze ${table};`,
  );
}
