import { setTimeout as delay } from 'node:timers/promises';
import type { Kysely } from 'kysely';
import type { Principal } from './access/principals.ts';
import { selectReplayedLsn } from './db/calls/cdrs.ts';
import type { DB } from './db/generated/model.ts';
import type { Reader } from './db/reader.ts';
import type { Source } from './db/sources/sources.ts';
import { ReplicaConflictError, ReplicaLostError } from './errors.ts';
import type { Replica, Replicas } from './replicas/replicas.ts';
import { decodeToken, type Token } from './replicas/token.ts';
import type { CarrierLookUp } from './resolvers/carriers.ts';
import { createLoaders, type Loaders } from './resolvers/loaders.ts';

/** What one request may use. */
export interface Context {
  readonly principal: Principal;
  readonly replicas: Replicas;
  /**
   * The door to the calls, on the one standby this request is pinned to. It is chosen when first asked for, so that
   * a request which needs no calls is answered when every standby is down. `readAfter` are the tokens of cursors: the
   * standby must have replayed as much.
   */
  reader(requirement?: ReaderRequirement): Promise<Reader>;
  /** Another door after this one failed; throws when there is none, or the failure is final. */
  replaceReader(failed: Reader, error: unknown): Promise<Reader>;
  /** The freshness token of what is read, when the standby has replayed so far. */
  tokenAt(replayedLsn: string): string;
  /** The same, asking the standby how far it has replayed when that is not known yet. */
  token(): Promise<string>;
  /** Pins the request to another standby so that it can be done again; false when none is left to try. */
  tryAnotherReplica(error: unknown): Promise<boolean>;
  /** The standby of this request and how old its answer is; null when none was needed. */
  answeredBy(): Promise<ReplicaInfo | null>;
  /** The same, as known before anything was read. */
  readFrom(): ReplicaInfo | null;
  /** Made anew with each standby that is tried. */
  loaders(): Loaders;
  /** Of the request. */
  readonly headers: Headers;
  /** Facts for the log of the request and for the metrics. */
  note(facts: RequestFacts): void;
  /** Aborted when the client goes away or the gateway stops waiting for it. */
  readonly signal: AbortSignal;
  /** Gives the standby back; after this the context is of no more use. */
  end(): void;
}

export interface ReaderRequirement {
  /** The tokens of cursors. */
  readonly readAfter?: readonly string[];
  readonly purpose?: 'page' | 'stream';
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
  /** Who holds a number; needs no standby. */
  readonly carriers: CarrierLookUp;
  readonly signal: AbortSignal;
  readonly headers: Headers;
  /** From X-Max-Staleness and X-Read-After. */
  readonly freshness: {
    readonly maxStalenessSeconds?: number | undefined;
    readonly readAfter?: Token | undefined;
  };
  note: Context['note'];
}

/** Standbys a request may try before anything is sent, the first one included. */
const MAX_REPLICAS = 3;
/** Before the only standby is asked again after a recovery conflict, so that replay gets on. */
const ALONE_MILLIS = { least: 50, most: 250 };

/** The context of one request. Nothing is chosen, connected or read before a field needs it. */
export function createContext(needs: ContextNeeds): Context {
  const { principal, replicas, signal, freshness, headers, note } = needs;
  const failed = new Set<string>();
  let attempts = 1;
  let choosing: Promise<Replica> | undefined;
  let leaving: Promise<boolean> | undefined;
  /** The one chosen last; given back, but still good for a token, while another is looked for. */
  let pinned: Replica | undefined;
  /** How far the standby had replayed when something was read last, and whether the statement itself said so. */
  let replayedLsn: string | undefined;
  let isToldByStatement = false;
  let loaders = createLoaders(() => reader(), needs.carriers);

  async function pin(readAfter: readonly Token[], purpose: ReaderRequirement['purpose']): Promise<Replica> {
    pinned?.release();
    pinned = await replicas.choose({
      maxStalenessSeconds: freshness.maxStalenessSeconds,
      readAfter: [...readAfter, ...(freshness.readAfter ? [freshness.readAfter] : [])],
      exclude: failed,
      purpose,
      signal,
    });
    replayedLsn = undefined;
    isToldByStatement = false;
    note({ replica: pinned.name });
    return pinned;
  }

  async function reader({ readAfter = [], purpose }: ReaderRequirement = {}): Promise<Reader> {
    const tokens = readAfter.map(decodeToken);
    if (choosing && tokens.length > 0) await catchUp(await choosing, tokens);
    choosing ??= pin(tokens, purpose);
    const replica = await choosing;
    return {
      db: needs.databaseOf(replica),
      pool: replica.pool,
      source: needs.source(),
      accountIds: principal.accountIds,
      signal,
    };
  }

  /** More cursors in the same request: the standby it is pinned to must have replayed their pages too. */
  async function catchUp({ name }: Replica, readAfter: readonly Token[]): Promise<void> {
    const exclude = new Set(otherNames(name));
    (await replicas.choose({ readAfter, exclude, signal })).release();
  }

  function otherNames(name: string): string[] {
    return replicas.snapshot().replicas.flatMap((replica) => (replica.name === name ? [] : [replica.name]));
  }

  /** Leaves the standby that failed; what follows must not be older than what was already read. */
  async function leave(error: unknown): Promise<boolean> {
    if (!pinned || !isReplicaFailure(error) || signal.aborted) return false;
    const left = pinned;
    left.report(error);
    failed.add(left.name);
    if (otherNames(left.name).every((name) => failed.has(name))) {
      // None is left untried: each may have recovered, and a conflict was never the standby's fault.
      failed.clear();
      await delay(ALONE_MILLIS.least + Math.random() * (ALONE_MILLIS.most - ALONE_MILLIS.least));
    }
    choosing = pin([decodeToken(left.freshness(replayedLsn).token)], 'page');
    loaders = createLoaders(() => reader(), needs.carriers);
    return choosing.then(
      () => true,
      () => false,
    );
  }

  async function askReplayedLsn(): Promise<void> {
    if (!pinned || isToldByStatement) return;
    // What the watcher saw last will do when the standby no longer answers, and no other does.
    const lsn = await reader()
      .then(selectReplayedLsn)
      .catch(() => null);
    replayedLsn = lsn ?? replayedLsn;
  }

  const info = (): ReplicaInfo | null =>
    pinned ? { name: pinned.name, ...pinned.freshness(replayedLsn) } : null;

  return {
    principal,
    replicas,
    headers,
    signal,
    note,
    // Not an accessor: one with a closure gives every object a shape of its own, which keeps all that it closes over
    // until the next full garbage collection.
    loaders: () => loaders,
    reader,
    async replaceReader(reading, error) {
      // Lists and counts of one request read from the same standby: the first to see it fail leaves it for all.
      if (pinned?.pool === reading.pool) {
        leaving ??= leave(error).finally(() => {
          leaving = undefined;
        });
      }
      if (leaving && !(await leaving)) throw error;
      return reader();
    },
    async tryAnotherReplica(error) {
      attempts++;
      return attempts <= MAX_REPLICAS && leave(error);
    },
    tokenAt(lsn) {
      replayedLsn = lsn;
      isToldByStatement = true;
      return pinned!.freshness(lsn).token;
    },
    async token() {
      await askReplayedLsn();
      return pinned!.freshness(replayedLsn).token;
    },
    async answeredBy() {
      await askReplayedLsn();
      return info();
    },
    readFrom: info,
    end: () => pinned?.release(),
  };
}

/** Failures of the standby, not of the question: elsewhere it may well be answered. */
export function isReplicaFailure(error: unknown): error is ReplicaConflictError | ReplicaLostError {
  return error instanceof ReplicaConflictError || error instanceof ReplicaLostError;
}
