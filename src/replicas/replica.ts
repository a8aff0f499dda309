import type { Pool } from 'pg';
import type { Connections } from './connections.ts';
import type { Purpose } from './routing.ts';
import type { Token } from './token.ts';

export interface ReplicaRequest {
  /** The oldest answer that is of use, in seconds. */
  readonly maxStalenessSeconds?: number | undefined;
  /** The standby must have replayed all of them. */
  readonly readAfter?: Token | readonly Token[] | undefined;
  /** Names of standbys that failed this request already. */
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
   * How old what is read here is. `asOf` and `stalenessSeconds` hold for everything read since it was chosen; for the
   * argument see `token`.
   */
  freshness(replayedLsn?: string): Freshness;
  /**
   * The freshness token alone. It is of what was replayed at the last poll; a statement that also selects
   * `pg_last_wal_replay_lsn()` may give that here, and then nothing it saw can be missing after the token.
   */
  token(replayedLsn?: string): string;
  /** What a statement ran into. Returns at once; the standby is polled, and avoided until it answers. */
  report(error: unknown): void;
  /** May be called twice. */
  release(): void;
}

export interface Freshness {
  /** RFC 3339 with microseconds, on the primary's clock. */
  readonly asOf: string | null;
  /** Upper bound; null, never 0, when unknown. */
  readonly stalenessSeconds: number | null;
  /** For X-Read-After. */
  readonly token: string;
}
