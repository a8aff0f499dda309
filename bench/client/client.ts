import type { Exchange } from './connection.ts';
import type { Job, LoadJob, LoadResult, WireRequest } from './jobs.ts';
import { MeasuringProcess } from './measuring-process.ts';

/** A measuring process, as the harness sees it. */
export class Client {
  readonly #process = new MeasuringProcess<Job>('main.ts');

  /** One request, read to its end. Throws when the status is not 200. */
  read(request: WireRequest): Promise<Exchange> {
    return this.#process.send({ kind: 'read', request }) as Promise<Exchange>;
  }

  /** The same through Node's `fetch`, decoded. */
  fetch(request: WireRequest): Promise<Exchange> {
    return this.#process.send({ kind: 'fetch', request }) as Promise<Exchange>;
  }

  /** Milliseconds of each request, `rounds` times each, taken in turns. */
  alternate(requests: readonly WireRequest[], rounds: number): Promise<number[][]> {
    return this.#process.send({ kind: 'alternate', requests, rounds }) as Promise<number[][]>;
  }

  /** As many requests as `connections` can get answered in the time, or that number of them. */
  load(requests: readonly WireRequest[], load: Omit<LoadJob, 'kind' | 'requests'>): Promise<LoadResult> {
    return this.#process.send({ kind: 'load', requests, ...load }) as Promise<LoadResult>;
  }

  /** Ends a load before its time. */
  stopLoad(): void {
    this.#process.tell({ kind: 'stop' });
  }

  close(): void {
    this.#process.close();
  }
}
