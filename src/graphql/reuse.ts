import { abortable } from '../replicas/abortable.ts';
import type { ReplicaSession, Standing } from '../replicas/session.ts';
import type { Freshness } from './freshness.ts';
import type { RequestConditions } from './request-conditions.ts';
import {
  entityTagOf,
  type Flight,
  holdsFor,
  type ResponseStore,
  type StoredResponse,
} from './response-store.ts';

/** An answer that need not be read for this request. */
export interface ReusedAnswer {
  readonly kind: 'not_modified' | 'stored' | 'collapsed';
  readonly entityTag: string;
  /** Undefined: the client has it. */
  readonly response: StoredResponse | undefined;
  /** RFC 3339; null when unknown. */
  readonly asOf: string | null;
}

/** An execution whose answer others may be given too. */
export interface SharedExecution {
  readonly kind: 'executed';
  readonly key: string;
  readonly standing: Standing;
  /** In milliseconds of the process. */
  readonly startedAt: number;
  /** Undefined: nobody waits for this one. */
  readonly flight: Flight | undefined;
}

export interface ReuseRequest {
  /** Of operation, variables, rights, and the form of the answer. */
  readonly key: string;
  readonly conditions: RequestConditions;
  readonly freshness: Freshness;
  readonly session: Pick<ReplicaSession, 'standing'>;
  readonly signal: AbortSignal;
}

/** Where standbys are looked at less often, what was replayed since would be missing for too long. */
const MAX_LOOK_SECONDS = 2;
/** How often a request waits for the executions of others, before it has its own. */
const MAX_WAITS = 3;

/**
 * An answer that holds for this request, or the execution that is to bring one. Undefined: it must be executed, and answers
 * nobody else. Rejects with the reason of the signal.
 */
export async function findReuse(
  store: ResponseStore,
  request: ReuseRequest,
): Promise<ReusedAnswer | SharedExecution | undefined> {
  const { key, conditions } = request;
  if (conditions.isReload) return undefined;
  const arrivedAt = performance.now();
  for (let waits = 0; ; waits++) {
    const stored = store.find(key);
    if (stored && isYoung(stored.validity.at, request) && isFreshEnough(stored, request)) {
      return reuse('stored', stored, request);
    }
    let flight = store.flightOf(key);
    if (!flight || !isYoung(flight.startedAt, request)) {
      const startedAt = performance.now();
      const standing = await standingOf(request);
      if (!standing) return undefined;
      const isRecent = standing.secondsAgo <= MAX_LOOK_SECONDS;
      const known = isRecent ? findKnown(store, request, standing) : undefined;
      if (known) return known;
      // Others may have taken off while the standby was chosen.
      flight = store.flightOf(key);
      const isShared = waits < MAX_WAITS;
      const mayWait = flight && (isRecent || flight.takenOffAt >= arrivedAt) && holdsFor(flight, standing);
      if (!flight || !isShared || !(mayWait || isYoung(flight.startedAt, request))) {
        const own = isShared ? store.takeOff(key, standing, startedAt) : undefined;
        return { kind: 'executed', key, standing, startedAt, flight: own };
      }
    }
    const end = await abortable(flight.end, request.signal);
    if (end === 'UNSUITABLE') return undefined;
    if (end !== 'FAILED') {
      return isFreshEnough(end, request) ? reuse('collapsed', end, request) : undefined;
    }
  }
}

/** What has all that the standby has replayed, as far as is known. */
function findKnown(
  store: ResponseStore,
  request: ReuseRequest,
  standing: Standing,
): ReusedAnswer | undefined {
  const { key, conditions } = request;
  const { asOf, stalenessSeconds } = standing;
  const stored = store.find(key);
  if (stored && holdsFor(stored, standing)) {
    // RFC 3339 in one form: texts are in the order of time.
    if ((asOf ?? '') >= (stored.validity.asOf ?? '')) {
      stored.validity = { asOf, stalenessSeconds, at: performance.now() };
    }
    return reuse('stored', stored, request);
  }
  // Of another gateway, or of this one before it was started anew: the answer need not be here.
  const entityTag = entityTagOf(key, standing);
  if (!conditions.entityTags.includes(entityTag)) return undefined;
  return { kind: 'not_modified', entityTag, response: undefined, asOf };
}

function reuse(
  kind: 'stored' | 'collapsed',
  response: StoredResponse,
  { conditions }: ReuseRequest,
): ReusedAnswer {
  const { entityTag, validity } = response;
  const { asOf } = validity;
  if (conditions.entityTags.includes(entityTag)) {
    return { kind: 'not_modified', entityTag, response: undefined, asOf };
  }
  return { kind, entityTag, response, asOf };
}

/** What goes wrong here goes wrong with the first field that is read, which says it. */
async function standingOf({ session, signal }: ReuseRequest): Promise<Standing | undefined> {
  const standing = await session.standing().catch(() => undefined);
  signal.throwIfAborted();
  return standing;
}

/** Young enough for the client, which has said how old an answer may be that was not read for it. */
function isYoung(at: number, { conditions: { maxAgeSeconds } }: ReuseRequest): boolean {
  return maxAgeSeconds > 0 && performance.now() - at <= 1000 * maxAgeSeconds;
}

/** Whether a standby that shows this would have been chosen for the request. */
function isFreshEnough({ standing, validity }: StoredResponse, { freshness }: ReuseRequest): boolean {
  const { position } = standing;
  const { maxStalenessSeconds, readAfter } = freshness;
  if (maxStalenessSeconds !== undefined) {
    if (validity.stalenessSeconds === null) return false;
    const seconds = validity.stalenessSeconds + (performance.now() - validity.at) / 1000;
    if (seconds > maxStalenessSeconds) return false;
  }
  if (!readAfter) return true;
  return (
    readAfter.systemIdentifier === BigInt(position.systemIdentifier) &&
    readAfter.timeline === position.timeline &&
    readAfter.lsn <= position.lsn
  );
}
