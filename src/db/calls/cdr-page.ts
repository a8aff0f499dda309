import type { CdrFilter } from './cdr-filter.ts';

export type CdrOrder = 'NEWEST_FIRST' | 'OLDEST_FIRST';

/**
 * A place in the list: connect time in microseconds since 1970, and the call's key, which breaks ties. Null is a place
 * too, beyond every other, as PostgreSQL sorts it: a list must be able to go on behind a call that lacks one.
 */
export interface CdrKeyset {
  readonly micros: bigint | null;
  readonly id: bigint | null;
}

export interface CdrPage {
  readonly filter: CdrFilter;
  readonly order: CdrOrder;
  /** Both exclusive, both in the list's own order: after < row < before. */
  readonly after?: CdrKeyset | undefined;
  readonly before?: CdrKeyset | undefined;
  readonly limit: number;
  /** True to read from the end of the list: the last `limit` calls, last one first. */
  readonly fromEnd?: boolean;
  /** See `segmentsOf`; missing where the list needs no second one. */
  readonly segment?: Segment;
}

/**
 * Calls without connect time lie beyond all others, and no comparison with a time finds them. Where a bound would leave
 * them out though they are in the list, it is read in two segments: the calls with a time, and those without.
 */
export type Segment = 'timed' | 'untimed';
