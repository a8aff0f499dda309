import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { FromGateway, ToGateway } from './gateway-process.ts';

type Act = ToGateway extends infer Message ? (Message extends unknown ? Omit<Message, 'id'> : never) : never;

/** Of what the process said on its way out. */
const MAX_LAST_WORDS = 4000;

/** The process that gateways run in. What it is told to do fails when it ends meanwhile, with its last words. */
export class GatewayHost implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #answers = new Map<number, PromiseWithResolvers<FromGateway>>();
  readonly #ended = Promise.withResolvers<never>();
  #lastWords = '';
  #sent = 0;

  constructor() {
    this.#child = fork(fileURLToPath(new URL('gateway-process.ts', import.meta.url)), {
      execArgv: ['--unhandled-rejections=strict'],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#child.stderr!.on('data', (text: Buffer) => {
      this.#lastWords = (this.#lastWords + text).slice(-MAX_LAST_WORDS);
    });
    this.#child.on('message', (answer: FromGateway) => {
      this.#answers.get(answer.id)?.resolve(answer);
      this.#answers.delete(answer.id);
    });
    this.#child.on('close', (code, signal) =>
      this.#ended.reject(new Error(`The gateway's process ended (${signal ?? code}). ${this.#lastWords}`)),
    );
    this.#ended.promise.catch(() => {});
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Never resolves; rejects when the process ends. */
  get ended(): Promise<never> {
    return this.#ended.promise;
  }

  /** Starts a gateway. Resolves with its URL. */
  async start(environment: Readonly<Record<string, string>>): Promise<string> {
    const answer = await this.#tell({ act: 'start', environment });
    return answer.url!;
  }

  async stop(): Promise<void> {
    await this.#tell({ act: 'stop' });
  }

  /** How long the event loop was held at most since the gateway was started, in milliseconds. */
  async heldMillis(): Promise<number> {
    const answer = await this.#tell({ act: 'measure' });
    return answer.heldMillis!;
  }

  async #tell(message: Act): Promise<Exclude<FromGateway, { readonly error: string }>> {
    const id = ++this.#sent;
    const answer = Promise.withResolvers<FromGateway>();
    this.#answers.set(id, answer);
    // Where the process has ended, `close` says why.
    this.#child.send({ ...message, id }, () => {});
    const given = await Promise.race([answer.promise, this.#ended.promise]);
    if ('error' in given) throw new Error(given.error);
    return given;
  }

  /** Ends it even while it is busy and listens to nobody. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended.promise.catch(() => {});
  }
}
