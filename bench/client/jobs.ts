/** What the measuring process can do, and what it answers. Messages between two processes: plain data. */

/** A request as it goes over the wire, in latin1. */
export interface WireRequest {
  readonly port: number;
  readonly text: string;
}

export interface ReadJob {
  readonly kind: 'read';
  readonly request: WireRequest;
}

/** Through Node's `fetch`, as it asks by itself. */
export interface FetchJob {
  readonly kind: 'fetch';
  readonly request: WireRequest;
}

/** The requests one after the other, over and over: A B C A B C … */
export interface AlternateJob {
  readonly kind: 'alternate';
  readonly requests: readonly WireRequest[];
  readonly rounds: number;
}

/** Every connection sends the next request as soon as it has its answer, until the time or the pages are over, or `stop` comes. */
export interface LoadJob {
  readonly kind: 'load';
  readonly requests: readonly WireRequest[];
  readonly connections: number;
  readonly milliseconds: number;
  /** Undefined: as many as there is time for. */
  readonly pages?: number | undefined;
}

export interface StopJob {
  readonly kind: 'stop';
}

export type Job = ReadJob | FetchJob | AlternateJob | LoadJob | StopJob;

export interface LoadResult {
  readonly requests: number;
  readonly perSecond: number;
  /** Milliseconds. */
  readonly median: number;
  readonly p99: number;
}
