import type { FailureKind } from '../db/failures.ts';
import type { WalSizes } from './lsn.ts';
import type { SwitchPoint } from './token.ts';

/**
 * What one poll of one server saw. `sentAt` and `answeredAt` are on the gateway's clock and enclose
 * everything else; `clock` and the stamps are on servers' clocks, in seconds since 1970.
 */
export interface Sample {
  readonly sentAt: number;
  readonly answeredAt: number;
  /** The server's clock, read while it answered. */
  readonly clock: number;
  readonly systemIdentifier: string;
  /** When the server was started, on its clock: tells two servers from one with two names. */
  readonly startStamp: number;
  /** Such as 180004. */
  readonly serverVersion: number;
  readonly port: number;
  /** Null over a Unix socket. */
  readonly address: string | null;
  readonly timeline: number;
  /** Replayed so far on a standby, flushed so far on a primary. */
  readonly lsn: bigint;
  /**
   * Where a primary's WAL ends, flushed or not: with synchronous_commit off, commits are visible before they are flushed.
   * Null on a standby.
   */
  readonly insertLsn: bigint | null;
  /** Null on a server that is not in recovery. */
  readonly standby: StandbySample | null;
  readonly walSizes: WalSizes;
  /** Of a primary that was promoted: up to where it had replayed as a standby. Null when it was started anew since. */
  readonly replayEndLsn: bigint | null;
  /** Empty on a standby. */
  readonly slots: readonly SlotSample[];
  /** Where the timelines before its own ended, the oldest first; missing unless that was read with this sample. */
  readonly switches?: readonly SwitchPoint[];
}

export interface StandbySample {
  /** Informational: after a restart it goes back to the start of a segment. Null while nothing was streamed. */
  readonly receivedLsn: bigint | null;
  readonly pauseState: 'not paused' | 'pause requested' | 'paused';
  /** The primary's clock when it committed what was replayed last; null until a commit is replayed after a start. */
  readonly lastCommitStamp: number | null;
  /** The primary's clock when it began the last checkpoint this standby has passed. Whole seconds. */
  readonly checkpointStamp: number;
  /** Null when there is none: nothing streams. */
  readonly receiver: ReceiverSample | 'hidden' | null;
  /**
   * Which startup process replays: another one after a start of the server, and after a backend's crash, which ends
   * all its processes. Null without privileges.
   */
  readonly replayProcess: string | null;
  /** What the startup process, which replays, waits for; null when it works, or without privileges. */
  readonly replayWait: { readonly type: string; readonly event: string } | null;
  readonly usesArchive: boolean;
  readonly slotName: string | null;
  /** Seconds; 0 when the receiver waits for ever. */
  readonly receiverTimeout: number;
  readonly applyDelay: number;
  /** Seconds a query may hold up replay; null for ever. */
  readonly maxStreamingDelay: number | null;
  readonly feedback: boolean;
  /** Queries cancelled by replay since the statistics were reset, by cause. */
  readonly conflicts: Readonly<Record<string, number>>;
}

/** A row of pg_stat_wal_receiver. `send` stamps are the upstream's clock, `receipt` stamps the standby's. */
export interface ReceiverSample {
  readonly pid: number;
  /** Only `streaming` means connected: 19 shows a row before there is a connection. */
  readonly status: string;
  readonly timeline: number;
  readonly writtenLsn: bigint;
  /** What the upstream said of itself last. */
  readonly latestEndLsn: bigint;
  readonly messageSendStamp: number;
  readonly messageReceiptStamp: number;
  /** The last message moved `latestEndLsn` forward. */
  readonly isAdvance: boolean;
  /** No message has come since the receiver started: all its stamps are the time of its own start. */
  readonly isSilent: boolean;
  /** When the message came that moved `latestEndLsn` last. */
  readonly latestEndStamp: number;
  readonly host: string | null;
  readonly port: number | null;
  readonly slotName: string | null;
  /** It connects to nothing but a primary (target_session_attrs), so no standby in between sends what it receives. */
  readonly isFromPrimary: boolean;
}

export interface SlotSample {
  readonly name: string;
  /** `reserved`, `extended`, `unreserved` or `lost`. */
  readonly walStatus: string | null;
}

/** A poll that brought no sample. */
export interface Failure {
  readonly kind: FailureKind;
  /** SQLSTATE or errno; null when the driver gave only a message. Never a host, never a password. */
  readonly code: string | null;
  readonly failedAt: number;
}

export interface Observation {
  readonly result: Sample | Failure;
  /** Attempts in a row to open another connection, while the old one answered, that failed. */
  readonly refusedConnections: number;
}

export function isSample(result: Sample | Failure): result is Sample {
  return 'clock' in result;
}
