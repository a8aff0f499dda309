import { hash } from 'node:crypto';
import type { Standing } from '../replicas/session.ts';
import { ByteCache } from './byte-cache.ts';

/** The whole answer to an operation, as it was sent. */
export interface StoredResponse {
  /** Without quotes. */
  readonly entityTag: string;
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
  /** Of the standby, before it was read. */
  readonly standing: Standing;
  /** When it was last known to hold. */
  validity: Validity;
}

export interface Validity {
  /** RFC 3339; null when unknown. */
  readonly asOf: string | null;
  /** Upper bound at `at`; null when unknown. */
  readonly stalenessSeconds: number | null;
  /** In milliseconds of the process: not after the standby was chosen from which it was read. */
  readonly at: number;
}

/** How an execution ended that others wait for. */
export type FlightEnd =
  | StoredResponse
  /** Whoever waited executes the operation instead. */
  | 'FAILED'
  /** Nobody is to wait for one like it: it is sent as it is read. */
  | 'UNSUITABLE';

/** An execution under way. */
export interface Flight {
  /** Of its standby, before anything is read. */
  readonly standing: Standing;
  /** Before its standby was chosen, in milliseconds of the process. */
  readonly startedAt: number;
  /** Before anything is read. */
  readonly takenOffAt: number;
  readonly end: Promise<FlightEnd>;
  /** Only the first call counts. */
  settle(end: FlightEnd): void;
}

/** Of all bodies, about. */
const MAX_BYTES = 16 * 1024 * 1024;
/** Of one. */
export const MAX_BODY_BYTES = 512 * 1024;
const BYTES_PER_ENTRY = 1000;

/**
 * Answers that were read a moment ago, and executions that are about to bring one, by what they are of: operation,
 * variables and rights. They are kept for nobody else: a key names the scope and the role it was read for.
 */
export class ResponseStore {
  readonly #stored: ByteCache<StoredResponse>;
  readonly #flights = new Map<string, Flight>();

  constructor({ maxBytes = MAX_BYTES }: { readonly maxBytes?: number } = {}) {
    this.#stored = new ByteCache(maxBytes);
  }

  find(key: string): StoredResponse | undefined {
    return this.#stored.get(key);
  }

  /**
   * One that was read from further on is kept. Of two that were read at one place it is the later one: while standbys are seen
   * rarely, clients that take an answer of a second ago would otherwise have each of theirs read.
   */
  add(key: string, response: StoredResponse): void {
    const stored = this.#stored.get(key);
    if (stored && holdsFor(stored, response.standing) && !holdsFor(response, stored.standing)) return;
    this.#stored.add(key, response, response.body.length + BYTES_PER_ENTRY);
  }

  flightOf(key: string): Flight | undefined {
    return this.#flights.get(key);
  }

  /** Others who want the same may wait for it. It must be settled. */
  takeOff(key: string, standing: Standing, startedAt: number): Flight {
    const { promise, resolve } = Promise.withResolvers<FlightEnd>();
    const flight: Flight = {
      standing,
      startedAt,
      takenOffAt: performance.now(),
      end: promise,
      settle: (end) => {
        if (this.#flights.get(key) === flight) this.#flights.delete(key);
        resolve(end);
      },
    };
    this.#flights.set(key, flight);
    return flight;
  }
}

/**
 * Whether what was read by then has all that a standby had replayed that stands there. Where both stand at one place they
 * show the same: nothing has been replayed between.
 */
export function holdsFor(
  { standing }: { readonly standing: Standing },
  { position, fingerprint }: Standing,
): boolean {
  const read = standing.position;
  return (
    read.lsn >= position.lsn &&
    read.timeline === position.timeline &&
    read.systemIdentifier === position.systemIdentifier &&
    standing.fingerprint === fingerprint
  );
}

/** Says nothing of the cluster: a digest of what was requested, and of what the standby showed before it was read. */
export function entityTagOf(key: string, { position, fingerprint }: Standing): string {
  const { systemIdentifier, timeline, lsn } = position;
  const text = `${key} ${systemIdentifier} ${timeline} ${lsn} ${fingerprint}`;
  return hash('sha256', text, 'base64url').slice(0, 27);
}
