/** What may be tuned. Everything in seconds unless it says otherwise. */
export interface Tuning {
  /** Between two polls of one server; each is moved by up to a fifth, so that polls do not march in step. */
  readonly pollInterval: number;
  /** For connecting, and for the status statement. */
  readonly pollTimeout: number;
  /** Between attempts to open another connection while the old one answers: a frozen postmaster hides behind it. */
  readonly freshConnect: number;
  /** A standby that has not answered for so long is unreachable, whatever the reason. */
  readonly unreachableAfter: number;
  /**
   * When a standby has been unreachable for so long, connections on which nothing comes are broken: a cable that was
   * cut tells nobody, and the requests on them would wait for minutes instead of going elsewhere.
   */
  readonly breakAfter: number;
  /** After a sign of trouble, a standby is preferred again only after so long without another. */
  readonly returnAfter: number;
  /** Newer than this, knowledge of where the WAL ends counts as knowing it. */
  readonly fresh: number;
  /** Standing still for so long, with WAL to replay, is being blocked. */
  readonly stuck: number;
  /** Behind by more than this, or for longer than `catchUp`, is catching up; half of both ends it. */
  readonly catchUpBytes: bigint;
  readonly catchUp: number;
  /**
   * Taken off every claim of freshness: the time a sender may take between reading the end of the WAL and
   * stamping its message. Where the switch commits asynchronously, commits are visible before the WAL is flushed,
   * so add three times its wal_writer_delay.
   */
  readonly claimAllowance: number;
  /** Standbys whose data is older than the freshest by more than this are not chosen without need. */
  readonly spread: number;
  /** How long a request waits for its `readAfter`, or for a limit that is about to be met. */
  readonly readAfterWait: number;
  /** Between polls while a request waits. */
  readonly waitPoll: number;
}

export const defaultTuning: Tuning = {
  pollInterval: 1,
  pollTimeout: 2,
  freshConnect: 30,
  unreachableAfter: 5,
  breakAfter: 5,
  returnAfter: 2,
  fresh: 2,
  stuck: 1,
  catchUpBytes: 1_048_576n,
  catchUp: 1,
  claimAllowance: 0.05,
  spread: 5,
  readAfterWait: 2,
  waitPoll: 0.02,
};
