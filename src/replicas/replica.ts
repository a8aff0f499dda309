import type { ClientBase, Pool } from 'pg';
import type { Connections } from './connections.ts';
import type { Replayed } from './replayed.ts';
import type { Purpose } from './routing.ts';
import type { Token } from './token.ts';

export interface ReplicaRequest {
  /** The oldest answer that is of use, in seconds. */
  readonly maxStalenessSeconds?: number | undefined;
  /** The standby must have replayed all of them. */
  readonly readAfter?: Token | readonly Token[] | undefined;
  /** Names of standbys that failed this request already: taken again when no other can be, and they answer again. */
  readonly avoid?: ReadonlySet<string> | undefined;
  /** Names of standbys that are of no use. */
  readonly exclude?: ReadonlySet<string> | undefined;
  readonly purpose?: Purpose | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A standby, lent to one request. */
export interface Replica {
  readonly name: string;
  /** Read-only connections, which principals borrow in turn. int8, numeric and all times come as PostgreSQL's text. */
  readonly connections: Connections;
  /** The same without turns, for statements of the gateway itself. */
  readonly pool: Pool;
  /**
   * For a connection that is made beside those: throws ReplicaLostError where it leads to another server, or to this one
   * further back than it was seen.
   */
  verify(client: ClientBase): Promise<void>;
  /**
   * How old what is read here is. `asOf` and `stalenessSeconds` hold for everything read since it was chosen; for the
   * first argument see `token`.
   */
  freshness(replayedLsn?: string, reading?: Reading): Freshness;
  /**
   * The freshness token alone. It is of what was replayed at the last poll; a statement that also selects
   * `replayedPosition` may give that here, and then nothing it saw can be missing after the token.
   */
  token(replayedLsn?: string): string;
  /** What the token holds: a later request that is given it reads nothing older. */
  readAfter(replayedLsn?: string): Token;
  /** What a statement said that selected `replayedPosition`. */
  parseReplayed(text: string): Replayed;
  /**
   * How far it was last seen to have replayed: whatever is read from now on has all of that. Undefined where that may not
   * be so: it is no standby, or may have fallen back since it was chosen.
   */
  position(): SeenPosition | undefined;
  /**
   * To be awaited before `freshness` once everything is read: where the last poll failed, another one tells whether the
   * standby was only silent or has fallen back. Takes a quarter of a second at most, and nothing while polls succeed.
   */
  settle(): Promise<void>;
  /** What a statement ran into. Returns at once; the standby is polled, and avoided until it answers. */
  report(error: unknown): void;
  /** May be called twice. */
  release(): void;
}

/** A place in the WAL of one cluster. Standbys that have replayed exactly so far show the same. */
export interface ReplayPosition {
  readonly systemIdentifier: string;
  readonly timeline: number;
  readonly lsn: bigint;
}

export interface SeenPosition extends ReplayPosition {
  /** Since it was seen there. */
  readonly secondsAgo: number;
}

/** What is known of how something was read. */
export interface Reading {
  /** The statement that read it also returned how far the standby had replayed. */
  readonly isToldByStatement?: boolean;
  /** Since the last statement was sent. The age is then that of what it read, unless it may have waited at the standby. */
  readonly secondsAgo?: number;
}

export interface Freshness {
  /** RFC 3339 with microseconds, on the primary's clock. */
  readonly asOf: string | null;
  /** Upper bound; null, never 0, when unknown. */
  readonly stalenessSeconds: number | null;
  /** For X-Read-After. */
  readonly token: string;
}
