import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Exchange } from './connection.ts';
import type { Job, LoadJob, LoadResult, WireRequest } from './jobs.ts';

/** A measuring process, as the harness sees it. */
export class Client {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #nextId = 1;

  constructor() {
    this.#child = fork(fileURLToPath(new URL('main.ts', import.meta.url)), { execArgv: [] });
    this.#child.on('message', ({ id, result, error }: { id: number; result?: unknown; error?: string }) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(result);
      else waiting?.reject(new Error(error));
    });
    this.#child.on('exit', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('The measuring process ended.'));
    });
  }

  /** One request, read to its end. Throws when the status is not 200. */
  read(request: WireRequest): Promise<Exchange> {
    return this.#send({ kind: 'read', request }) as Promise<Exchange>;
  }

  /** The same through Node's `fetch`, decoded. */
  fetch(request: WireRequest): Promise<Exchange> {
    return this.#send({ kind: 'fetch', request }) as Promise<Exchange>;
  }

  /** Milliseconds of each request, `rounds` times each, taken in turns. */
  alternate(requests: readonly WireRequest[], rounds: number): Promise<number[][]> {
    return this.#send({ kind: 'alternate', requests, rounds }) as Promise<number[][]>;
  }

  /** As many requests as `connections` can get answered in the time, or that number of them. */
  load(requests: readonly WireRequest[], load: Omit<LoadJob, 'kind' | 'requests'>): Promise<LoadResult> {
    return this.#send({ kind: 'load', requests, ...load }) as Promise<LoadResult>;
  }

  /** Ends a load before its time. */
  stopLoad(): void {
    this.#child.send({ id: 0, job: { kind: 'stop' } });
  }

  close(): void {
    this.#child.disconnect();
  }

  #send(job: Job): Promise<unknown> {
    const id = this.#nextId++;
    const waiting = Promise.withResolvers<unknown>();
    this.#waiting.set(id, waiting);
    this.#child.send({ id, job });
    return waiting.promise;
  }
}
