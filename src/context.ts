import type { Kysely } from 'kysely';
import type { Principal } from './access/principals.ts';
import type { DB } from './db/generated/model.ts';
import type { Reader } from './db/reader.ts';
import type { Source } from './db/sources.ts';
import { ReplicaConflictError, ReplicaLostError } from './errors.ts';
import type { Replica, Replicas } from './replicas/replicas.ts';
import { decodeToken, type Token } from './replicas/token.ts';
import { createLoaders, type Loaders } from './resolvers/loaders.ts';

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
  /** Pins the request to another standby so that it can be done again; false when none is left to try. */
  tryAnotherReplica(error: unknown): Promise<boolean>;
  /** The standby of this request and how old its answer is; null when none was needed and none is there. */
  answeredBy(): ReplicaInfo | null;
  /** Made anew with each standby that is tried. */
  readonly loaders: Loaders;
  /** Of the request. */
  readonly headers: Headers;
  /** Facts for the log of the request and for the metrics. */
  note(facts: RequestFacts): void;
  /** Aborted when the client goes away or the gateway stops waiting for it. */
  readonly signal: AbortSignal;
  /** Gives the standby back; after this the context is of no more use. */
  end(): void;
}

export interface RequestFacts {
  readonly replica?: string;
  /** Calls in the answer, and bytes of it, of an answer that is sent as it is read. */
  readonly rows?: number;
  readonly bytes?: number;
  /** Settles when such an answer has ended. */
  readonly finished?: Promise<unknown>;
}

/** `extensions.replica` of a response. */
export interface ReplicaInfo {
  readonly name: string;
  /** RFC 3339; everything committed before is in the answer. Null when unknown. */
  readonly asOf: string | null;
  /** Upper bound of the answer's age; null when unknown, never 0 for that. */
  readonly stalenessSeconds: number | null;
  /** Give it as X-Read-After to read nothing older. */
  readonly token: string;
}

export interface ContextNeeds {
  readonly principal: Principal;
  readonly replicas: Replicas;
  /** Throws NoReplicaAvailableError until the catalogue of a standby was seen. */
  source(): Source;
  databaseOf(replica: Replica): Kysely<DB>;
  readonly signal: AbortSignal;
  readonly headers: Headers;
  /** From X-Max-Staleness and X-Read-After. */
  readonly freshness: {
    readonly maxStalenessSeconds?: number | undefined;
    readonly readAfter?: Token | undefined;
  };
  note: Context['note'];
}

/** Standbys a request may try, the first one included. */
const MOST_REPLICAS = 3;

/** The context of one request. Nothing is chosen, connected or read before a field needs it. */
export function createContext(needs: ContextNeeds): Context {
  const { principal, replicas, signal, freshness, headers, note } = needs;
  const failed = new Set<string>();
  let choosing: Promise<Replica> | undefined;
  let pinned: Replica | undefined;
  let loaders = createLoaders(() => reader());

  async function pin(readAfter: Token | undefined): Promise<Replica> {
    pinned?.release();
    pinned = undefined;
    const tokens = [freshness.readAfter, readAfter].filter((token) => token !== undefined);
    pinned = await replicas.choose({
      maxStalenessSeconds: freshness.maxStalenessSeconds,
      readAfter: tokens,
      exclude: failed,
      signal,
    });
    note({ replica: pinned.name });
    return pinned;
  }

  async function reader({ readAfter }: { readonly readAfter?: string | undefined } = {}): Promise<Reader> {
    const token = readAfter === undefined ? undefined : decodeToken(readAfter);
    if (choosing && token) await catchUp(await choosing, token);
    choosing ??= pin(token);
    const replica = await choosing;
    return {
      db: needs.databaseOf(replica),
      pool: replica.pool,
      source: needs.source(),
      accountIds: principal.accountIds,
      signal,
    };
  }

  /** One more cursor in the same request: the standby it is pinned to must have replayed that one's page too. */
  async function catchUp({ name }: Replica, readAfter: Token): Promise<void> {
    const others = replicas.snapshot().replicas.map((replica) => replica.name);
    const exclude = new Set(others.filter((other) => other !== name));
    (await replicas.choose({ readAfter, exclude, signal })).release();
  }

  /** Leaves the standby that failed; what follows must not be older than what was already read. */
  function leave(error: unknown): boolean {
    if (!pinned || !isReplicaFailure(error) || failed.size + 1 >= MOST_REPLICAS || signal.aborted)
      return false;
    pinned.report(error);
    failed.add(pinned.name);
    choosing = pin(decodeToken(pinned.freshness().token));
    loaders = createLoaders(() => reader());
    return true;
  }

  return {
    principal,
    replicas,
    headers,
    signal,
    note,
    get loaders() {
      return loaders;
    },
    reader,
    async replaceReader(_failed, error) {
      if (!leave(error)) throw error;
      return reader();
    },
    async tryAnotherReplica(error) {
      if (!leave(error)) return false;
      return choosing!.then(
        () => true,
        () => false,
      );
    },
    token: async () => (await choosing!).freshness().token,
    answeredBy: () => (pinned ? { name: pinned.name, ...pinned.freshness() } : null),
    end: () => pinned?.release(),
  };
}

/** Failures of the standby, not of the question: elsewhere it may well be answered. */
export function isReplicaFailure(error: unknown): error is ReplicaConflictError | ReplicaLostError {
  return error instanceof ReplicaConflictError || error instanceof ReplicaLostError;
}
