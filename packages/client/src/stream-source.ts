import type { Deadline } from './deadline.ts';

/** What the gateway could not show: stored in a way that no type holds, or names that could not be looked up. */
export interface Unreadable {
  /** Calls that are left out: without a time or a key they cannot be listed. */
  readonly calls: number;
  /** Values that are null; of their calls everything else is there. */
  readonly values: number;
}

/** Which standby answers, as a stream says it before its first call. */
export interface StreamReplica {
  readonly name: string;
  /** RFC 3339; everything committed before is in the list. Null when unknown. */
  readonly asOf: string | null;
  /** As `readAfter` of a later request; null where a server in between keeps it. */
  readonly token: string | null;
}

/** So much of a list at once. */
export interface ListPage {
  readonly first: number;
  readonly after: string | null;
}

export interface StreamSource {
  /** Requests a part of the list as lines. */
  open(page: ListPage, deadline: Deadline): Promise<Response>;
  /** Calls in all; null: however many there are. */
  readonly first: number | null;
  readonly after: string | null;
  readonly timeoutSeconds: number;
  readonly maxAttempts: number;
  readonly maxWaitSeconds: number;
  readonly signal: AbortSignal | undefined;
}
