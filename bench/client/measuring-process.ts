import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** A process that measures, as the harness sees it: orders by IPC, each with an answer. */
export class MeasuringProcess<Order> {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #nextId = 1;

  /** `script` lies beside this file. */
  constructor(script: string) {
    this.#child = fork(fileURLToPath(new URL(script, import.meta.url)), { execArgv: [] });
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

  send(order: Order): Promise<unknown> {
    const id = this.#nextId++;
    const waiting = Promise.withResolvers<unknown>();
    this.#waiting.set(id, waiting);
    this.#child.send({ id, order });
    return waiting.promise;
  }

  /** Without an answer. */
  tell(order: Order): void {
    this.#child.send({ id: 0, order });
  }

  close(): void {
    this.#child.disconnect();
  }
}
