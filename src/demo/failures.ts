/** Why an attempt failed, as a switch would write it into `disconnect_cause` and `disconnect_reason`. */
export interface Failure {
  /** ITU-T Q.850. A caller who gives up clears the call normally: 16, with no second on the clock. */
  readonly cause: number;
  readonly reason: string;
  /** The called side rang before it failed. */
  readonly rang: boolean;
  /** Median seconds from the attempt to its end. */
  readonly lasts: number;
}

const failure = (cause: number, reason: string, rang: boolean, lasts: number): Failure => ({
  cause,
  reason,
  rang,
  lasts,
});

/** SIP statuses by the usual SIP to Q.850 mapping; below, what the switch itself refuses. */
export const failures = {
  cancelled: failure(16, 'Cancelled by caller', true, 14),
  noAnswer: failure(19, 'No answer from user', true, 35),
  notResponding: failure(18, 'No user responding', false, 20),
  busy: failure(17, 'User busy', false, 2),
  unallocated: failure(1, 'Unallocated number', false, 0.6),
  declined: failure(21, 'Call rejected', true, 5),
  noCircuit: failure(34, 'No circuit available', false, 0.8),
  temporaryFailure: failure(41, 'Temporary failure', false, 1.5),
  congestion: failure(42, 'Switch congestion', false, 0.5),
  outOfOrder: failure(38, 'Network out of order', false, 3),
  timeout: failure(102, 'Recovery on timer expiry', false, 32),
  invalidFormat: failure(28, 'Invalid number format', false, 0.2),
  noRoutes: failure(3, 'No route to destination', false, 0.2),
  noRate: failure(50, 'No rate in tariff', false, 0.05),
  tooManyCalls: failure(42, 'Calls per second limit reached', false, 0.05),
  noBalance: failure(57, 'Insufficient balance', false, 0.05),
  translatorRefused: failure(21, 'External translator rejected', false, 0.3),
} satisfies Record<string, Failure>;

export type FailureName = keyof typeof failures;
