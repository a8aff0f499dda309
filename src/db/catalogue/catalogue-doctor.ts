import { Kysely, PostgresDialect, type QueryExecutorProvider, sql } from 'kysely';
import pg from 'pg';
import type { SourceName } from '../sources/sources.ts';
import { findPooling, type Pooling, TRANSACTION_POOLING } from '../wire/pooling.ts';
import { selectJson } from './catalogue.ts';
import { checkSource, SourceUnusableError } from './catalogue-check.ts';
import { warningsAboutReach } from './catalogue-reach.ts';
import { selectZoneRules, warningAboutZones, type ZoneRules, zonesThatDiffer } from './catalogue-zones.ts';

/** 0: everything is as it should be. 1: it works, with warnings. 2: the gateway would not start. */
export type ExitCode = 0 | 1 | 2;

interface Server {
  readonly version: string;
  readonly role: string;
  readonly standby: boolean;
  readonly cluster: string;
  readonly receiver: string | null;
  readonly upstream: string | null;
  readonly receiverTimeout: number;
}

/** `doctor`: looks at every server as the gateway would at its start, and says it for humans. */
export async function doctor(
  urls: readonly string[],
  name: SourceName,
  log: (line: string) => void,
): Promise<ExitCode> {
  const examined: Examination[] = [];
  for (const url of urls) examined.push(await examine(url, name));
  for (const { heading, problems, warnings } of examined) {
    log(heading);
    for (const problem of problems) log(`  problem: ${problem}`);
    for (const warning of warnings) log(`  warning: ${warning}`);
    if (problems.length + warnings.length === 0) log(`  well: can serve CDR_SOURCE=${name}`);
  }
  const zones = warningsAboutZones(examined);
  for (const warning of zones) log(`warning: ${warning}`);
  const clusters = new Set(examined.flatMap(({ cluster }) => cluster ?? []));
  if (clusters.size > 1)
    log('problem: these servers are copies of different clusters; they cannot answer for one another.');
  if (clusters.size > 1 || examined.some(({ problems }) => problems.length > 0)) return 2;
  return zones.length > 0 || examined.some(({ warnings }) => warnings.length > 0) ? 1 : 0;
}

/** Each that differs from the first is named once. */
function warningsAboutZones(examined: readonly Examination[]): readonly string[] {
  const [first, ...others] = examined.filter(({ zones }) => zones !== undefined);
  return others.flatMap(
    ({ place, zones }) =>
      warningAboutZones([first!.place, place], zonesThatDiffer(first!.zones!, zones!)) ?? [],
  );
}

interface Examination {
  /** Where the server is, without what is secret. */
  readonly place: string;
  readonly heading: string;
  readonly cluster?: string;
  readonly zones?: ZoneRules;
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

async function examine(url: string, name: SourceName): Promise<Examination> {
  const { host, pathname } = new URL(url);
  const place = `${host}${pathname}`;
  const pool = new pg.Pool({
    connectionString: url,
    max: 1,
    connectionTimeoutMillis: 5_000,
    application_name: 'cdr-gateway doctor',
  });
  pool.on('error', () => {});
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  try {
    const server = await selectServer(db);
    const heading = `${place}: PostgreSQL ${server.version}, ${server.standby ? 'standby' : 'primary'}, as ${server.role}`;
    const about = { place, heading, cluster: server.cluster, zones: await selectZoneRules(db) };
    const pooling = await poolingOf(url);
    const pooled = {
      problems: pooling === 'transaction' ? [TRANSACTION_POOLING] : [],
      warnings: pooling === 'session' ? [SESSION_POOLING] : [],
    };
    const { problems, warnings } = await examineSource(db, name);
    return {
      ...about,
      problems: [...pooled.problems, ...problems],
      warnings: [
        ...pooled.warnings,
        ...warningsAboutServer(server),
        ...warnings,
        ...(await warningsAboutReach(db, name)),
      ],
    };
  } catch (error) {
    return { place, heading: place, problems: [`cannot be reached: ${reasonOf(error)}`], warnings: [] };
  } finally {
    await db.destroy();
  }
}

const SESSION_POOLING =
  'It is reached through a pooler, which works as long as it leads to this server alone; better is the server itself.';

/** With session settings, as the gateway connects: a pooler may refuse them. */
async function poolingOf(url: string): Promise<Pooling> {
  const clients: pg.Client[] = [];
  async function connect(): Promise<pg.Client> {
    const client = new pg.Client({
      connectionString: url,
      connectionTimeoutMillis: 5_000,
      query_timeout: 5_000,
      application_name: 'cdr-gateway doctor',
      options: '-c default_transaction_read_only=on',
    });
    client.on('error', () => {});
    clients.push(client);
    await client.connect();
    return client;
  }
  try {
    return await findPooling(await connect(), connect);
  } finally {
    await Promise.all(clients.map((client) => client.end()));
  }
}

async function examineSource(
  db: QueryExecutorProvider,
  name: SourceName,
): Promise<Pick<Examination, 'problems' | 'warnings'>> {
  try {
    const { warnings } = await checkSource(db, name);
    return { problems: [], warnings };
  } catch (error) {
    if (!(error instanceof SourceUnusableError)) throw error;
    return { problems: error.problems, warnings: [] };
  }
}

async function selectServer(db: QueryExecutorProvider): Promise<Server> {
  const [server] = await selectJson<Server>(
    db,
    sql`
    select current_setting('server_version') as version, current_user as role, pg_is_in_recovery() as standby,
      (select system_identifier::text from pg_control_system()) as cluster,
      (select coalesce(status, 'hidden') from pg_stat_wal_receiver) as receiver,
      (select sender_host || ':' || sender_port from pg_stat_wal_receiver) as upstream,
      (select setting::int from pg_settings where name = 'wal_receiver_timeout') as "receiverTimeout"`,
  );
  return server!;
}

function warningsAboutServer({ standby, receiver, receiverTimeout }: Server): readonly string[] {
  if (!standby) {
    return [
      'This is a primary. Reading calls here is what the gateway is meant to spare the switch: use a standby.',
    ];
  }
  return [
    receiver === null ? 'Nothing streams to this standby now: it answers, and its answers grow old.' : null,
    // The receiver pings an idle link after half of this, so it also limits how well the age is known.
    receiverTimeout > 10_000
      ? `wal_receiver_timeout is ${receiverTimeout / 1000} s, so a cut connection goes unnoticed as long. ` +
        "On this standby: alter system set wal_receiver_timeout = '10s'; select pg_reload_conf();"
      : null,
  ].filter((warning) => warning !== null);
}

/** Never the URL, which may hold a password. */
function reasonOf(error: unknown): string {
  const { code, message } = error as { code?: string; message?: string };
  return message || code || 'unknown error';
}
