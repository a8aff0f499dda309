import type { HistoryPoint, StatusChange } from './sample-history.ts';
import type { PrimaryStatus, ReplicaStatus, ReplicationStatus } from './status.ts';

/** Nobody's business but that of who runs the databases: how they are built, and what they went through. */
const hiddenOfReplica = {
  reason: null,
  receivedLsn: null,
  replayedLsn: null,
  upstreamLsn: null,
  timeline: null,
  serverVersion: null,
  slotName: null,
} as const satisfies Partial<ReplicaStatus>;

const hiddenOfPrimary = {
  reason: null,
  lsn: null,
  timeline: null,
  slots: [],
} satisfies Partial<PrimaryStatus>;

const hiddenOfPoint = {
  receivedBytes: null,
  replayedBytes: null,
  upstreamBytes: null,
  timeline: null,
} as const satisfies Partial<HistoryPoint>;

/** The status as it is shown to principals that see a part of the calls: how old answers are, and nothing of why. */
export function tenantView(status: ReplicationStatus): ReplicationStatus {
  return {
    ...status,
    sources: [],
    replicas: status.replicas.map((replica) => ({ ...replica, ...hiddenOfReplica })),
    primary: status.primary && { ...status.primary, ...hiddenOfPrimary },
  };
}

export function tenantViewOfPoint(point: HistoryPoint): HistoryPoint {
  return { ...point, ...hiddenOfPoint };
}

export function tenantViewOfChange(change: StatusChange): StatusChange {
  return { ...change, reason: null };
}
