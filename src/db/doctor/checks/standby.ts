import { sql } from 'kysely';
import { selectJson } from '../../catalogue/catalogue.ts';
import { checkServers, type Fleet, present } from '../check.ts';
import { alterSystem, type Finding } from '../finding.ts';
import type { Server } from '../server.ts';

const MAX_RECEIVER_STATUS_SECONDS = 5;
const MAX_RETRY_SECONDS = 2;
/** A standby that is for long exports alone may wait so long. */
const MAX_STREAMING_DELAY_SECONDS = 15 * 60;
/** Beyond this, a standby's share of the cancelled statements is no accident. */
const MAX_CONFLICTS = 1000;

/** How a standby replays, and what it does to the statements of the gateway and to the primary. */
export const standbyCheck = checkServers(
  'replay',
  ({ standbys }) => standbys,
  async (server, fleet) =>
    present([
      feedback(server),
      streamingDelay(server, fleet),
      applyDelay(server),
      statusInterval(server),
      retryInterval(server),
      timelineTarget(server),
      ...(await replayState(server)),
    ]),
);

function warn(server: Server, code: string, message: string, run?: string): Finding {
  const remedy = run === undefined ? undefined : ({ on: 'standby', run } as const);
  return { code, severity: 'warning', server: server.place, message, remedy };
}

function feedback(server: Server): Finding | undefined {
  if (server.setting('hot_standby_feedback')?.value !== 'on') return undefined;
  return warn(
    server,
    'FEEDBACK_ON',
    'hot_standby_feedback is on: a long statement here, or a slot of a standby that is gone, forbids VACUUM on the primary, ' +
      'and the tables of the switch grow.',
    alterSystem('hot_standby_feedback', 'off'),
  );
}

function streamingDelay(server: Server, { statementTimeoutSeconds }: Fleet): Finding | undefined {
  const { value } = server.setting('max_standby_streaming_delay')!;
  const seconds = Number(value) / 1000;
  const run = alterSystem('max_standby_streaming_delay', '30s');
  if (seconds < 0 || seconds > MAX_STREAMING_DELAY_SECONDS) {
    const howLong = seconds < 0 ? 'for ever' : `for ${seconds} s`;
    return warn(
      server,
      'STREAMING_DELAY_LONG',
      `max_standby_streaming_delay lets a statement hold up replay ${howLong}: answers grow old, and WAL piles up.`,
      run,
    );
  }
  if (seconds >= Math.min(5, statementTimeoutSeconds)) return undefined;
  return warn(
    server,
    'STREAMING_DELAY_SHORT',
    `max_standby_streaming_delay is ${seconds} s: nearly every conflict with replay cancels a statement, and lists begin again and again.`,
    run,
  );
}

function applyDelay(server: Server): Finding | undefined {
  const seconds = server.seconds('recovery_min_apply_delay')!;
  if (seconds === 0) return undefined;
  return warn(
    server,
    'APPLY_DELAYED',
    `recovery_min_apply_delay is ${seconds} s: it is always that old. As a safety net it is right, and does not belong into REPLICA_URLS.`,
    alterSystem('recovery_min_apply_delay', '0'),
  );
}

function statusInterval(server: Server): Finding | undefined {
  const seconds = server.seconds('wal_receiver_status_interval')!;
  if (seconds > 0 && seconds <= MAX_RECEIVER_STATUS_SECONDS) return undefined;
  return warn(
    server,
    'RECEIVER_STATUS_INTERVAL',
    `wal_receiver_status_interval is ${seconds} s: the primary hears of this standby so seldom${seconds === 0 ? ', which is never' : ''}.`,
    alterSystem('wal_receiver_status_interval', '1s'),
  );
}

function retryInterval(server: Server): Finding | undefined {
  const seconds = server.seconds('wal_retrieve_retry_interval')!;
  if (seconds <= MAX_RETRY_SECONDS) return undefined;
  return warn(
    server,
    'RETRY_INTERVAL',
    `wal_retrieve_retry_interval is ${seconds} s: after each break it waits as long before it looks for its primary again.`,
    alterSystem('wal_retrieve_retry_interval', '1s'),
  );
}

function timelineTarget(server: Server): Finding | undefined {
  const setting = server.setting('recovery_target_timeline');
  if (!setting || setting.value === 'latest') return undefined;
  return warn(
    server,
    'TIMELINE_FIXED',
    `recovery_target_timeline is ${setting.value || 'empty'}: it will not follow a standby that is promoted.`,
    "alter system set recovery_target_timeline = 'latest'; (then restart it)",
  );
}

interface ReplayState {
  readonly pauseState: string;
  readonly conflicts: number;
  readonly lockWait: boolean;
}

async function replayState(server: Server): Promise<readonly (Finding | undefined)[]> {
  const [state] = await selectJson<ReplayState>(
    server.db,
    sql`
    select pg_get_wal_replay_pause_state() as "pauseState",
      (select coalesce(sum(confl_lock + confl_snapshot + confl_bufferpin + confl_deadlock + confl_tablespace), 0)
        from pg_stat_database_conflicts where datname = current_database())::float8 as conflicts,
      exists (select from pg_stat_activity where backend_type = 'startup'
        and (wait_event_type = 'Lock' or wait_event like 'RecoveryConflict%')) as "lockWait"`,
  );
  const { pauseState, conflicts, lockWait } = state!;
  return [
    pauseState !== 'not paused' &&
      warn(
        server,
        'REPLAY_PAUSED',
        'Its replay is paused: it answers, and stays as old as it is. If its log says that a parameter is lower than on the primary, raise that and restart it instead.',
        'select pg_wal_replay_resume();',
      ),
    lockWait &&
      warn(
        server,
        'REPLAY_BLOCKED',
        'Replay waits for a statement to let go of what it needs.',
        "select pid, usename, query from pg_stat_activity where state <> 'idle' and backend_type = 'client backend';",
      ),
    conflicts > MAX_CONFLICTS &&
      warn(
        server,
        'MANY_CONFLICTS',
        `Replay has cancelled ${conflicts} statements here since the statistics were reset: exports want a standby of their own, with max_standby_streaming_delay = 15min.`,
      ),
  ].map((finding) => finding || undefined);
}
