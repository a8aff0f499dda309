/** What may be tuned. Everything in seconds unless it says otherwise. */
export interface Tuning {
  /** Between two polls of one server; each is moved by up to a fifth, so that polls do not march in step. */
  readonly pollIntervalSeconds: number;
  /** For connecting, and for the status statement. */
  readonly pollTimeoutSeconds: number;
  /** Between attempts to open another connection while the old one answers: a frozen postmaster hides behind it. */
  readonly reconnectAfterSeconds: number;
  /** A standby that has not answered for so long is unreachable. */
  readonly unreachableAfterSeconds: number;
  /**
   * When a standby has been unreachable for so long, connections on which nothing comes are broken: a cable that was
   * cut ends no connection, and the requests on them would wait for minutes instead of going elsewhere.
   */
  readonly breakAfterSeconds: number;
  /** A server that is not named any more may finish its requests for so long. */
  readonly drainSeconds: number;
  /** After a sign of trouble, a standby is preferred again only after so long without another. */
  readonly returnAfterSeconds: number;
  /** Newer than this, knowledge of where the WAL ends counts as knowing it. */
  readonly freshSeconds: number;
  /** Standing still for so long, with WAL to replay, is being blocked. */
  readonly stuckSeconds: number;
  /** Behind by more than this, or for longer than `catchUpSeconds`, is catching up; half of both ends it. */
  readonly catchUpBytes: bigint;
  readonly catchUpSeconds: number;
  /**
   * Taken off every claim of freshness: the time a sender may take between reading the end of the WAL and
   * stamping its message. Where the switch commits asynchronously, commits are visible before the WAL is flushed,
   * so add three times its wal_writer_delay.
   */
  readonly claimAllowanceSeconds: number;
  /** Standbys whose data is older than the freshest by more than this are not chosen without need. */
  readonly spreadSeconds: number;
  /** How long a request waits for its `readAfter`, or for a limit that is about to be met. */
  readonly readAfterWaitSeconds: number;
  /** Between polls while a request waits. */
  readonly waitPollSeconds: number;
}

export const defaultTuning: Tuning = {
  pollIntervalSeconds: 1,
  pollTimeoutSeconds: 1,
  reconnectAfterSeconds: 30,
  unreachableAfterSeconds: 5,
  breakAfterSeconds: 5,
  drainSeconds: 600,
  returnAfterSeconds: 2,
  freshSeconds: 2,
  stuckSeconds: 1,
  catchUpBytes: 1_048_576n,
  catchUpSeconds: 1,
  claimAllowanceSeconds: 0.05,
  spreadSeconds: 5,
  readAfterWaitSeconds: 2,
  waitPollSeconds: 0.02,
};
