import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { LivezReport, ToLivez } from './livez-process.ts';

/** Asks one gateway after the other whether it lives, from a process of its own. */
export class LivezWatch implements AsyncDisposable {
  readonly #child: ChildProcess = fork(fileURLToPath(new URL('livez-process.ts', import.meta.url)), {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });

  start(gateway: ToLivez): void {
    this.#child.send(gateway);
  }

  /** Rejects when the gateway did not answer at all. */
  async stop(): Promise<LivezReport> {
    this.#child.send('stop');
    const [report] = (await once(this.#child, 'message')) as [LivezReport | { readonly error: string }];
    if ('error' in report) throw new Error(report.error);
    return report;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.disconnect();
    await ended;
  }
}
