import type { FailureKind } from '../db/failures.ts';
import type { Estimate } from './estimate.ts';
import type { Sample } from './sample.ts';
import type { ReplicaState } from './states.ts';
import type { Tuning } from './tuning.ts';

/** Everything the decision table looks at. Plain data: the same facts give the same verdict. */
export interface Facts {
  /** Null until the first poll brought a sample. */
  readonly sample: Sample | null;
  readonly failure: {
    readonly kind: FailureKind;
    readonly code: string | null;
    readonly inARow: number;
  } | null;
  readonly refusedConnections: number;
  readonly isOtherCluster: boolean;
  /** Its URL leads to another database of the cluster than those of the others. */
  readonly isOtherDatabase: boolean;
  readonly isBesidePrimary: boolean;
  readonly wasStandby: boolean;
  readonly estimate: Estimate;
  readonly now: number;
  /** For how long replay has stood still, as of the sample. */
  readonly stillSeconds: number;
  /** For how long nothing has streamed; null when it never did while we watched. */
  readonly unstreamedSeconds: number | null;
  /** Its slot, when the primary it streams from is polled: lost when the WAL it needs is gone. */
  readonly slot: 'kept' | 'lost' | 'missing' | 'unknown';
  /** The standby it streams from, when that is one of ours. */
  readonly upstream: { readonly name: string; readonly state: ReplicaState } | null;
  readonly isPrimaryPolled: boolean;
  /** The state of the verdict before this one. */
  readonly previousState: ReplicaState;
}

export type Thresholds = Pick<
  Tuning,
  | 'unreachableAfterSeconds'
  | 'freshSeconds'
  | 'stuckSeconds'
  | 'catchUpBytes'
  | 'catchUpSeconds'
  | 'pollIntervalSeconds'
>;
