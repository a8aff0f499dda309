import { sql } from 'kysely';
import { selectJson } from '../../catalogue/catalogue.ts';
import { sourceDefinitions } from '../../sources/sources.ts';
import { checkServers } from '../check.ts';
import type { Finding } from '../finding.ts';
import type { Server } from '../server.ts';

/** Below this a sequential scan is the right plan. */
const MIN_ROWS = 10_000;

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly Plans?: readonly PlanNode[];
}

/** Whether pages are read from an index: it may be there and not be used. */
export const plansCheck = checkServers(
  'plans',
  ({ standbys }) => standbys,
  async (server, { source }) => {
    const { tables, key } = sourceDefinitions[source];
    const [main] = tables;
    const rows = await selectRows(server, main);
    const switches = planSwitches(server);
    if (rows < MIN_ROWS) return switches;
    const table = sql.table(main);
    const page = sql`select ${sql.ref(key)} from ${table} order by connect_time desc, ${sql.ref(key)} desc limit 50`;
    const ofAccount = sql`select ${sql.ref(key)} from ${table} where i_account = 1
      order by connect_time desc, ${sql.ref(key)} desc limit 50`;
    const findings = [
      ...(await readsAll(server, page, `a page of all calls`, main)),
      ...(await readsAll(server, ofAccount, `a page of one account`, main)),
    ];
    return [...switches, ...findings];
  },
);

/** Planner switches that somebody has left off for a role, a database or the server. */
function planSwitches(server: Server): readonly Finding[] {
  const names = [
    'enable_indexscan',
    'enable_indexonlyscan',
    'enable_bitmapscan',
    'enable_nestloop',
    'enable_sort',
    'enable_partition_pruning',
  ];
  return names
    .filter((name) => server.setting(name)?.value === 'off')
    .map((name) => ({
      code: 'PLANNER_SWITCH_OFF',
      severity: 'warning',
      server: server.place,
      message: `${name} is off (${server.setting(name)!.source}): pages that an index has are found by reading and sorting.`,
      remedy: resetOf(server, name),
    }));
}

function resetOf(server: Server, name: string): Finding['remedy'] {
  const { source } = server.setting(name)!;
  const { role, database } = server.facts;
  if (source === 'user') return { on: 'primary', run: `alter role ${role} reset ${name};` };
  if (source === 'database') return { on: 'primary', run: `alter database ${database} reset ${name};` };
  if (source === 'database user')
    return { on: 'primary', run: `alter role ${role} in database ${database} reset ${name};` };
  return { on: 'standby', run: `alter system reset ${name}; select pg_reload_conf();` };
}

async function selectRows({ db }: Server, main: string): Promise<number> {
  const [found] = await selectJson<{ rows: number }>(
    db,
    sql`select coalesce(sum(greatest(reltuples, 0)), 0)::float8 as rows from pg_class
      where oid = to_regclass(${main}) or oid in (select relid from pg_partition_tree(to_regclass(${main})))`,
  );
  return found!.rows;
}

async function readsAll(
  server: Server,
  page: ReturnType<typeof sql>,
  what: string,
  main: string,
): Promise<readonly Finding[]> {
  const { rows } = await sql<{ 'QUERY PLAN': unknown }>`explain (format json) ${page}`.execute(server.db);
  const text = rows[0]!['QUERY PLAN'];
  const [{ Plan: plan }] = (typeof text === 'string' ? JSON.parse(text) : text) as [{ Plan: PlanNode }];
  const nodes = nodesOf(plan);
  if (!nodes.some((node) => node['Node Type'] === 'Seq Scan')) return [];
  return [
    {
      code: 'INDEX_NOT_USED',
      severity: 'warning',
      server: server.place,
      message: `PostgreSQL means to read all of ${main} for ${what}: an index is missing, or its statistics or its settings mislead it.`,
      remedy: { on: 'primary', run: `analyze ${main};` },
    },
  ];
}

function nodesOf(node: PlanNode): readonly PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)];
}
