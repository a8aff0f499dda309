import type { Principal } from './access/principals.ts';
import type { Reader } from './db/reader.ts';
import type { Replicas } from './replicas/replicas.ts';
import type { Loaders } from './resolvers/loaders.ts';

/** What one request may use. */
export interface Context {
  readonly principal: Principal;
  readonly replicas: Replicas;
  /**
   * The door to the calls, on the one standby this request is pinned to. It is chosen when first asked for, so that
   * a request which needs no calls is answered when every standby is down. `readAfter` is the token of a cursor: the
   * standby must have replayed as much.
   */
  reader(requirement?: { readonly readAfter?: string | undefined }): Promise<Reader>;
  /** Another door after this one failed; throws when there is none, or the failure is final. */
  replaceReader(failed: Reader, error: unknown): Promise<Reader>;
  /** The freshness token of the standby that answers, for cursors. */
  token(): Promise<string>;
  readonly loaders: Loaders;
  /** Aborted when the client goes away or the gateway stops waiting for it. */
  readonly signal: AbortSignal;
}
