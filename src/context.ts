import type { Budget, RateLimit } from './access/budget/budget.ts';
import type { Principal } from './access/principals.ts';
import type { Reader } from './db/reader.ts';
import { type FeedStatus, noFeed } from './feed/feed.ts';
import type { Replicas } from './replicas/replicas.ts';
import type { ReaderRequirement, ReplicaSession } from './replicas/session.ts';
import { tenantView } from './replicas/tenant-view.ts';
import type { CarrierLookUp } from './resolvers/carriers.ts';
import { createLoaders, type Loaders } from './resolvers/loaders.ts';

/** What the resolvers of one request may use. */
export interface Context {
  readonly principal: Principal;
  /** As much of their status as the principal may see. */
  readonly replicas: Pick<Replicas, 'snapshot'>;
  /** What the principal may spend, and has left; undefined where it has no limit. */
  rateLimit(): Promise<RateLimit | undefined>;
  readonly feed: { status(): FeedStatus };
  /** See ReplicaSession. */
  reader(requirement?: ReaderRequirement): Promise<Reader>;
  readKept: ReplicaSession['readKept'];
  noteStats: ReplicaSession['noteStats'];
  replaceReader(failed: Reader, error: unknown, had?: { readonly hasRows?: boolean }): Promise<Reader>;
  tokenAt(replayedLsn: string): string;
  token(): Promise<string>;
  /** Of the standby that the request is pinned to: made anew when it is replaced. */
  loaders(): Loaders;
  /** The same for what is looked up while a list is read. */
  nestedLoaders(): Loaders;
}

export interface ContextOptions {
  readonly principal: Principal;
  readonly replicas: Replicas;
  /** Without it there are no subscriptions. */
  readonly feed?: { status(): FeedStatus } | undefined;
  readonly session: ReplicaSession;
  readonly budget: Pick<Budget, 'rateLimit'>;
  /** Looks up who holds a number; needs no standby. */
  readonly carriers: CarrierLookUp;
}

/** Whether the inside of the databases is its business. */
export function seesInfrastructure({ scope }: Pick<Principal, 'scope'>): boolean {
  return scope.kind === 'all';
}

/** How the feed is, as much of it as the principal may see: why it is so is the inside of the databases. */
export function feedStatusFor(
  principal: Pick<Principal, 'scope'>,
  feed: { status(): FeedStatus },
): FeedStatus {
  const status = feed.status();
  return seesInfrastructure(principal) ? status : { ...status, reason: null };
}

/** The context of one request. Nothing is chosen, connected or read before a field needs it. */
export function createContext(options: ContextOptions): Context {
  const { principal, replicas, feed = noFeed, session, budget, carriers } = options;
  return {
    principal,
    replicas: seesInfrastructure(principal) ? replicas : { snapshot: () => tenantView(replicas.snapshot()) },
    feed: { status: () => feedStatusFor(principal, feed) },
    rateLimit: () => budget.rateLimit(principal),
    reader: (requirement) => session.reader(requirement),
    readKept: (reader, queries) => session.readKept(reader, queries),
    noteStats: (refusal) => session.noteStats(refusal),
    replaceReader: (failed, error, had) => session.replaceReader(failed, error, had),
    tokenAt: (lsn) => session.tokenAt(lsn),
    token: () => session.token(),
    // Not an accessor: one with a closure gives every object a shape of its own, which keeps all that it closes over
    // until the next full garbage collection.
    loaders: loadersOf(session, carriers, false),
    nestedLoaders: loadersOf(session, carriers, true),
  };
}

/** Made when first used, and again when the session has another standby. */
function loadersOf(session: ReplicaSession, carriers: CarrierLookUp, isNested: boolean): () => Loaders {
  let loaders: Loaders | undefined;
  let replacements = 0;
  return () => {
    if (!loaders || session.replacements !== replacements) {
      replacements = session.replacements;
      loaders = createLoaders(() => session.reader({ isNested }), carriers);
    }
    return loaders;
  };
}
