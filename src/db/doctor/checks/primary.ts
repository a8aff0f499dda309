import { sql } from 'kysely';
import { selectJson } from '../../catalogue/catalogue.ts';
import { checkServers, present } from '../check.ts';
import { alterSystem, type Finding } from '../finding.ts';
import type { Server } from '../server.ts';

interface PrimaryState {
  readonly failedLast: boolean;
  readonly failedWal: string | null;
  readonly connections: number;
  readonly oldestTransactionSeconds: number | null;
  readonly oldestPreparedSeconds: number | null;
  readonly transactionAge: number;
}

const MAX_TRANSACTION_SECONDS = 3600;
/** Autovacuum forces itself at autovacuum_freeze_max_age; far beyond it something holds it back. */
const MAX_TRANSACTION_AGE = 1_000_000_000;
const FULL_SHARE = 0.8;
const MAX_KEEP_SIZE_MB = 64 * 1024;

/** What on the primary grows until it stops, or keeps its standbys from being of use. */
export const primaryCheck = checkServers(
  'primary',
  ({ primary }) => present([primary]),
  async (server) => {
    const state = await selectState(server);
    return present([
      ...archiver(server, state),
      connections(server, state),
      transaction(server, state),
      prepared(server, state),
      age(server, state),
      keepSize(server),
      senders(server),
      listening(server),
    ]);
  },
);

async function selectState({ db }: Server): Promise<PrimaryState> {
  const [state] = await selectJson<PrimaryState>(
    db,
    sql`
    select coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false) as "failedLast",
      last_failed_wal as "failedWal",
      (select count(*)::int from pg_stat_activity where backend_type = 'client backend') as connections,
      (select extract(epoch from max(now() - xact_start))::float8 from pg_stat_activity
        where backend_type = 'client backend' and pid <> pg_backend_pid() and state <> 'active') as "oldestTransactionSeconds",
      (select extract(epoch from max(now() - prepared))::float8 from pg_prepared_xacts) as "oldestPreparedSeconds",
      (select max(age(datfrozenxid)) from pg_database) as "transactionAge"
    from pg_stat_archiver`,
  );
  return state!;
}

function warn(server: Server, code: string, message: string, run?: string): Finding {
  const remedy = run === undefined ? undefined : ({ on: 'primary', run } as const);
  return { code, severity: 'warning', server: server.place, message, remedy };
}

function archiver(server: Server, { failedLast, failedWal }: PrimaryState): readonly (Finding | undefined)[] {
  if (server.setting('archive_mode')?.value === 'off') return [];
  const command = server.setting('archive_command')?.value ?? '';
  const library = server.setting('archive_library')?.value ?? '';
  const off = "alter system set archive_mode = 'off'; (then restart it), or set up a real archiver";
  const isEmpty = command === '' && library === '';
  return [
    isEmpty
      ? warn(
          server,
          'ARCHIVE_NOWHERE',
          'archive_mode is on without a command or a library: every WAL segment is kept until the disk is full.',
          off,
        )
      : undefined,
    failedLast
      ? warn(
          server,
          'ARCHIVE_FAILS',
          `The archiver failed last, at ${failedWal}: every WAL segment is kept until the disk is full.`,
          'select * from pg_stat_archiver; (and see the log)',
        )
      : undefined,
    /^\s*(test .*&&\s*)?cp\s/.test(command)
      ? warn(
          server,
          'ARCHIVE_BY_CP',
          'archive_command is cp, which does not flush what it writes and overwrites what is there: no archive to rely on.',
          off,
        )
      : undefined,
    /^\s*(\/bin\/)?(true|:)\s*$/.test(command)
      ? warn(
          server,
          'ARCHIVE_THROWN_AWAY',
          'archive_command throws WAL away and says that it was kept: nothing can be restored from it.',
          off,
        )
      : undefined,
  ];
}

function connections(server: Server, { connections }: PrimaryState): Finding | undefined {
  const limit = Number(server.setting('max_connections')!.value);
  if (connections < limit * FULL_SHARE) return undefined;
  return warn(
    server,
    'CONNECTIONS_USED_UP',
    `${connections} of ${limit} connections are in use: the next ones, the switch's among them, are refused.`,
    'select usename, application_name, state, count(*) from pg_stat_activity group by 1, 2, 3 order by 4 desc;',
  );
}

function transaction(
  server: Server,
  { oldestTransactionSeconds: seconds }: PrimaryState,
): Finding | undefined {
  if (seconds === null || seconds < MAX_TRANSACTION_SECONDS) return undefined;
  return warn(
    server,
    'TRANSACTION_FORGOTTEN',
    `A transaction has been open and idle for ${Math.round(seconds)} s: VACUUM removes nothing that is younger.`,
    "select pid, usename, application_name, xact_start from pg_stat_activity where state like 'idle in%' order by xact_start;",
  );
}

/** Nobody forgets one for minutes who means to commit it. */
const MAX_PREPARED_SECONDS = 600;

function prepared(server: Server, { oldestPreparedSeconds: seconds }: PrimaryState): Finding | undefined {
  if (seconds === null || seconds < MAX_PREPARED_SECONDS) return undefined;
  return warn(
    server,
    'PREPARED_FORGOTTEN',
    `A prepared transaction is ${Math.round(seconds)} s old: it keeps its locks, and VACUUM away, also over a restart.`,
    'select gid, prepared, owner from pg_prepared_xacts; (then commit prepared or rollback prepared)',
  );
}

function age(server: Server, { transactionAge }: PrimaryState): Finding | undefined {
  if (transactionAge < MAX_TRANSACTION_AGE) return undefined;
  return warn(
    server,
    'TRANSACTION_IDS',
    `The oldest transaction id is ${transactionAge} old: at 2,100,000,000 the server stops taking writes.`,
    'vacuum (freeze, verbose); (in the database with the highest age(datfrozenxid))',
  );
}

function keepSize(server: Server): Finding | undefined {
  const megabytes = Number(server.setting('wal_keep_size')!.value);
  if (megabytes <= MAX_KEEP_SIZE_MB) return undefined;
  return warn(
    server,
    'KEEP_SIZE_LARGE',
    `wal_keep_size is ${megabytes} MB: it keeps that much WAL for nobody. Slots keep what is needed.`,
    alterSystem('wal_keep_size', '0'),
  );
}

function senders(server: Server): Finding | undefined {
  const [senders, slots] = ['max_wal_senders', 'max_replication_slots'].map((name) =>
    Number(server.setting(name)!.value),
  );
  if (senders! >= 2 && slots! >= 2) return undefined;
  return warn(
    server,
    'REPLICATION_NO_ROOM',
    `max_wal_senders is ${senders} and max_replication_slots ${slots}: a standby needs one of each, and its clone two senders.`,
    "alter system set max_wal_senders = '10'; alter system set max_replication_slots = '10'; (then restart it)",
  );
}

function listening(server: Server): Finding | undefined {
  const addresses = server.setting('listen_addresses')?.value;
  if (addresses === undefined || addresses !== '') return undefined;
  return warn(
    server,
    'LISTENS_NOWHERE',
    'listen_addresses is empty: no standby on another host can reach it.',
    "alter system set listen_addresses = '*'; (then restart it)",
  );
}
