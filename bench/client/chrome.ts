import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Exchange } from './connection.ts';
import type { WireRequest } from './jobs.ts';
import { toFetch } from './with-fetch.ts';

const COMMANDS = ['chromium', 'chromium-browser', 'google-chrome'];
const OPTIONS = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--remote-debugging-port=0',
];

/** Of the commands that are used here. */
interface Reply {
  readonly targetId?: string;
  readonly sessionId?: string;
  readonly result?: { readonly value?: unknown };
}

/** A page of a real browser that asks the gateway, and reads what it gets. */
export class Chrome {
  readonly #child: ChildProcess;
  readonly #socket: WebSocket;
  readonly #profile: string;
  readonly #waiting = new Map<number, PromiseWithResolvers<Reply>>();
  #nextId = 1;
  #session: string | undefined;

  private constructor(child: ChildProcess, socket: WebSocket, profile: string) {
    this.#child = child;
    this.#socket = socket;
    this.#profile = profile;
    socket.addEventListener('message', ({ data }) => {
      const { id, result, error } = JSON.parse(String(data));
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error) waiting?.reject(new Error(`Chrome: ${error.message}`));
      else waiting?.resolve(result);
    });
  }

  /** A page of the origin that is asked, so that nothing is asked twice. Undefined where there is no Chrome. */
  static async open(port: number): Promise<Chrome | undefined> {
    for (const command of COMMANDS) {
      const profile = mkdtempSync(join(tmpdir(), 'cdr-gateway-bench-chrome-'));
      const child = spawn(command, [...OPTIONS, `--user-data-dir=${profile}`], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      const address = await addressOf(child);
      if (address === undefined) {
        rmSync(profile, { recursive: true, force: true });
        continue;
      }
      const socket = new WebSocket(address);
      await once(socket, 'open');
      const chrome = new Chrome(child, socket, profile);
      await chrome.#openPage(`http://127.0.0.1:${port}/livez`);
      return chrome;
    }
    return undefined;
  }

  /** As the page sees it: bytes are decoded. */
  async read(request: WireRequest): Promise<Exchange> {
    const { path, options } = toFetch(request);
    const expression = `(${readInPage})(${JSON.stringify(path)}, ${JSON.stringify(options)})`;
    const { result } = await this.#send('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    const exchange = result?.value as Exchange | undefined;
    if (exchange?.status !== 200) throw new Error(`Chrome: ${JSON.stringify(result)}`);
    return exchange;
  }

  async close(): Promise<void> {
    this.#socket.close();
    const ended = once(this.#child, 'exit');
    this.#child.kill();
    await ended;
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }

  async #openPage(url: string): Promise<void> {
    const { targetId } = await this.#send('Target.createTarget', { url });
    const { sessionId } = await this.#send('Target.attachToTarget', { targetId, flatten: true });
    this.#session = sessionId;
    // Until the page is that of the gateway.
    while (!(await this.#isAt(url))) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  async #isAt(url: string): Promise<boolean> {
    const expression = 'location.href + document.readyState';
    const { result } = await this.#send('Runtime.evaluate', { expression });
    return result?.value === `${url}complete`;
  }

  #send(method: string, params: object): Promise<Reply> {
    const id = this.#nextId++;
    const waiting = Promise.withResolvers<Reply>();
    this.#waiting.set(id, waiting);
    this.#socket.send(JSON.stringify({ id, method, params, sessionId: this.#session }));
    return waiting.promise;
  }
}

/** Where it listens to commands; undefined when it is not there, or ends instead. */
async function addressOf(child: ChildProcess): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  child.once('error', () => resolve(undefined));
  child.once('exit', () => resolve(undefined));
  createInterface({ input: child.stderr! }).on('line', (line) => {
    const found = /DevTools listening on (ws:\S+)/.exec(line)?.[1];
    if (found) resolve(found);
  });
  return promise;
}

/** Runs in the page. */
async function readInPage(path: string, options: RequestInit): Promise<Exchange> {
  const sentAt = performance.now();
  const { status, body } = await fetch(path, options);
  const reader = body!.getReader();
  let [bytes, firstByte] = [0, 0];
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    if (bytes === 0) firstByte = performance.now() - sentAt;
    bytes += read.value.length;
  }
  return { status, bytes, firstByte, total: performance.now() - sentAt };
}
