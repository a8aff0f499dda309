import { endOfRecordBefore, parseLsn } from './lsn.ts';
import type { ReceiverSample, Sample, SlotSample, StandbySample } from './sample.ts';

/**
 * Everything one poll reads, for majors 14 to 19, on standby and primary alike.
 *
 * Functions that raise on the wrong role stand behind CASE. Stamps travel as numbers, since text would depend on
 * settings. The receiver is in FROM, the replayed position in the select list: read in this order, a standby that
 * has replayed all it had received is seen to have done so. Without pg_read_all_stats the receiver's row has nothing
 * but a pid, and the startup process no row.
 */
export const STATUS_STATEMENT = `select /* replicaStatus */
  extract(epoch from clock_timestamp())::float8 as clock,
  control.system_identifier::text as "systemIdentifier",
  extract(epoch from pg_postmaster_start_time())::float8 as "startStamp",
  current_setting('server_version_num') as "serverVersion",
  current_setting('port') as port,
  pg_backend_pid() as "backendPid",
  host(inet_server_addr()) as address,
  standby.is_standby as "isStandby",
  case when standby.is_standby
    then greatest(receiver.received_tli, checkpoint.timeline_id, recovery.min_recovery_end_timeline)::text
    else ('x' || left(pg_walfile_name(pg_current_wal_flush_lsn()), 8))::bit(32)::int::text
  end as timeline,
  case when standby.is_standby then pg_last_wal_replay_lsn() else pg_current_wal_flush_lsn() end as lsn,
  case when not standby.is_standby then pg_current_wal_insert_lsn() end as "insertLsn",
  case when not standby.is_standby then pg_last_wal_replay_lsn() end as "replayEndLsn",
  current_setting('wal_block_size') as "walBlockSize",
  pg_size_bytes(current_setting('wal_segment_size')) as "walSegmentSize",
  case when standby.is_standby then pg_last_wal_receive_lsn() end as "receivedLsn",
  case when standby.is_standby then pg_get_wal_replay_pause_state() end as "pauseState",
  extract(epoch from case when standby.is_standby then pg_last_xact_replay_timestamp() end)::float8 as "lastCommitStamp",
  extract(epoch from checkpoint.checkpoint_time)::float8 as "checkpointStamp",
  replay.wait_event_type as "waitType",
  replay.wait_event as "waitEvent",
  replay.pid as "replayPid",
  extract(epoch from replay.backend_start)::float8 as "replayStartStamp",
  current_setting('restore_command') <> '' as "usesArchive",
  nullif(current_setting('primary_slot_name'), '') as "slotName",
  extract(epoch from current_setting('wal_receiver_timeout')::interval)::float8 as "receiverTimeout",
  extract(epoch from current_setting('recovery_min_apply_delay')::interval)::float8 as "applyDelay",
  current_setting('max_standby_streaming_delay') as "maxStreamingDelay",
  current_setting('hot_standby_feedback')::bool as feedback,
  (select to_jsonb(conflicts) from pg_stat_database_conflicts as conflicts
    where standby.is_standby and conflicts.datname = current_database())::text as conflicts,
  (select json_agg(json_build_object('name', slot_name, 'walStatus', wal_status)) from pg_replication_slots
    where not standby.is_standby)::text as slots,
  receiver.pid as "receiverPid",
  receiver.status as "receiverStatus",
  receiver.received_tli as "receiverTimeline",
  receiver.written_lsn as "writtenLsn",
  receiver.latest_end_lsn as "latestEndLsn",
  extract(epoch from receiver.last_msg_send_time)::float8 as "messageSendStamp",
  extract(epoch from receiver.last_msg_receipt_time)::float8 as "messageReceiptStamp",
  extract(epoch from receiver.latest_end_time)::float8 as "latestEndStamp",
  receiver.latest_end_time = receiver.last_msg_send_time as "isAdvance",
  receiver.last_msg_receipt_time = receiver.last_msg_send_time as "isSilent",
  receiver.sender_host as "senderHost",
  receiver.sender_port as "senderPort",
  receiver.slot_name as "receiverSlotName",
  receiver.conninfo ~ '(^| )target_session_attrs=(primary|read-write)( |$)' as "isFromPrimary"
from (select pg_is_in_recovery() as is_standby) as standby
cross join pg_control_system() as control
cross join pg_control_checkpoint() as checkpoint
cross join pg_control_recovery() as recovery
left join pg_stat_wal_receiver as receiver on true
left join pg_stat_get_activity(null) as replay on standby.is_standby and replay.backend_type = 'startup'`;

/** A row of the statement above, every value as PostgreSQL's text. */
export type StatusRow = Readonly<Record<string, string | null>>;

/** Throws a plain Error when the row lacks what every server has. */
export function parseStatus(row: StatusRow, times: { sentAt: number; answeredAt: number }): Sample {
  const slots: readonly SlotSample[] = row.slots ? JSON.parse(row.slots) : [];
  const insert = optionalLsn(row.insertLsn);
  const walSizes = { block: BigInt(text(row, 'walBlockSize')), segment: BigInt(text(row, 'walSegmentSize')) };
  return {
    ...times,
    clock: number(row, 'clock'),
    systemIdentifier: text(row, 'systemIdentifier'),
    startStamp: number(row, 'startStamp'),
    serverVersion: number(row, 'serverVersion'),
    port: number(row, 'port'),
    address: row.address ?? null,
    timeline: number(row, 'timeline'),
    lsn: parseLsn(text(row, 'lsn')),
    insertLsn: insert === null ? null : endOfRecordBefore(insert, walSizes),
    walSizes,
    replayEndLsn: optionalLsn(row.replayEndLsn),
    standby: row.isStandby === 't' ? parseStandby(row) : null,
    slots,
  };
}

function parseStandby(row: StatusRow): StandbySample {
  return {
    receivedLsn: optionalLsn(row.receivedLsn),
    pauseState: text(row, 'pauseState') as StandbySample['pauseState'],
    lastCommitStamp: optionalNumber(row.lastCommitStamp),
    checkpointStamp: number(row, 'checkpointStamp'),
    receiver: parseReceiver(row),
    replayProcess: row.replayPid ? `${row.replayPid} ${row.replayStartStamp}` : null,
    replayWait: row.waitType && row.waitEvent ? { type: row.waitType, event: row.waitEvent } : null,
    usesArchive: row.usesArchive === 't',
    slotName: row.slotName ?? row.receiverSlotName ?? null,
    receiverTimeout: number(row, 'receiverTimeout'),
    applyDelay: number(row, 'applyDelay'),
    maxStreamingDelay: parseDelay(text(row, 'maxStreamingDelay')),
    feedback: row.feedback === 't',
    conflicts: parseConflicts(row.conflicts),
  };
}

function parseReceiver(row: StatusRow): ReceiverSample | 'hidden' | null {
  if (!row.receiverPid) return null;
  if (!row.receiverStatus) return 'hidden';
  const latestEndLsn = optionalLsn(row.latestEndLsn) ?? 0n;
  return {
    pid: number(row, 'receiverPid'),
    status: row.receiverStatus,
    timeline: number(row, 'receiverTimeline'),
    writtenLsn: optionalLsn(row.writtenLsn) ?? 0n,
    latestEndLsn,
    messageSendStamp: optionalNumber(row.messageSendStamp) ?? 0,
    messageReceiptStamp: optionalNumber(row.messageReceiptStamp) ?? 0,
    latestEndStamp: optionalNumber(row.latestEndStamp) ?? 0,
    isAdvance: row.isAdvance === 't',
    isSilent: row.isSilent !== 'f' || latestEndLsn === 0n,
    host: row.senderHost ?? null,
    port: optionalNumber(row.senderPort),
    slotName: row.receiverSlotName ?? null,
    isFromPrimary: row.isFromPrimary === 't',
  };
}

/** 14 and 15 lack one of the causes; the names lose their prefix: `snapshot`, `lock`, `bufferpin`, … */
function parseConflicts(json: string | null | undefined): Readonly<Record<string, number>> {
  const columns: Record<string, unknown> = json ? JSON.parse(json) : {};
  const counts = Object.entries(columns).filter(
    ([name, count]) => /^confl_/.test(name) && typeof count === 'number',
  );
  return Object.fromEntries(counts.map(([name, count]) => [name.slice('confl_'.length), count as number]));
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { ms: 0.001, s: 1, min: 60, h: 3600, d: 86_400 };

/** `30s`, `1min`, `0`; `-1` is null, for ever. */
function parseDelay(setting: string): number | null {
  const found = /^(-?\d+)(ms|s|min|h|d)?$/.exec(setting);
  if (!found || found[1]!.startsWith('-')) return null;
  return Number(found[1]) * UNIT_SECONDS[found[2] ?? 'ms']!;
}

function text(row: StatusRow, name: string): string {
  const value = row[name];
  if (value === null || value === undefined) throw new Error(`The server says nothing about ${name}`);
  return value;
}

const number = (row: StatusRow, name: string): number => Number(text(row, name));

const optionalNumber = (value: string | null | undefined): number | null => (value ? Number(value) : null);

const optionalLsn = (value: string | null | undefined): bigint | null => (value ? parseLsn(value) : null);
