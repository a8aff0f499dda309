import type { Principal } from './access/principals.ts';
import type { Reader } from './db/reader.ts';
import type { Replicas } from './replicas/replicas.ts';
import type { ReaderRequirement, ReplicaSession } from './replicas/session.ts';
import type { CarrierLookUp } from './resolvers/carriers.ts';
import { createLoaders, type Loaders } from './resolvers/loaders.ts';

/** What one request may use. */
export interface Context {
  readonly principal: Principal;
  readonly replicas: Replicas;
  /** See ReplicaSession. */
  reader(requirement?: ReaderRequirement): Promise<Reader>;
  replaceReader(failed: Reader, error: unknown): Promise<Reader>;
  tokenAt(replayedLsn: string): string;
  token(): Promise<string>;
  /** Of the standby that the request is pinned to: made anew when it is replaced. */
  loaders(): Loaders;
  readonly session: ReplicaSession;
  /** Of the request. */
  readonly headers: Headers;
  /** Aborted when the client goes away or the gateway stops waiting for it. */
  readonly signal: AbortSignal;
  /** Facts for the log of the request and for the metrics. */
  note(facts: RequestFacts): void;
}

export interface RequestFacts {
  readonly replica?: string;
  /** Calls in the answer, and bytes of it, of an answer that is sent as it is read. */
  readonly rows?: number;
  readonly bytes?: number;
  /** Settles when such an answer has ended. */
  readonly finished?: Promise<unknown>;
}

export interface ContextOptions {
  readonly principal: Principal;
  readonly replicas: Replicas;
  readonly session: ReplicaSession;
  /** Looks up who holds a number; needs no standby. */
  readonly carriers: CarrierLookUp;
  readonly headers: Headers;
  readonly signal: AbortSignal;
  note: Context['note'];
}

/** The context of one request. Nothing is chosen, connected or read before a field needs it. */
export function createContext(options: ContextOptions): Context {
  const { principal, replicas, session, carriers, headers, signal, note } = options;
  const reader = (requirement?: ReaderRequirement) => session.reader(requirement);
  let loaders: Loaders | undefined;
  let replacements = 0;
  return {
    principal,
    replicas,
    session,
    headers,
    signal,
    note,
    reader,
    replaceReader: (failed, error) => session.replaceReader(failed, error),
    tokenAt: (lsn) => session.tokenAt(lsn),
    token: () => session.token(),
    // Not an accessor: one with a closure gives every object a shape of its own, which keeps all that it closes over
    // until the next full garbage collection.
    loaders() {
      if (!loaders || session.replacements !== replacements) {
        replacements = session.replacements;
        loaders = createLoaders(() => session.reader(), carriers);
      }
      return loaders;
    },
  };
}
