import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

export interface GatewayAnswer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: the answer of any operation
  readonly data: any;
  readonly errors?: readonly { readonly message: string; readonly extensions?: { readonly code?: string } }[];
  readonly extensions?: {
    readonly replica?: {
      readonly name: string;
      readonly stalenessSeconds: number | null;
      readonly token: string;
    } | null;
  };
}

export interface StandbyStatus {
  readonly name: string;
  readonly status: string;
  readonly lagSeconds: number | null;
  readonly confidence: string;
}

export interface GatewayStatus {
  readonly status: string;
  readonly replicas: readonly StandbyStatus[];
  readonly primary: { readonly status: string } | null;
}

const STATUS =
  '{ replicationStatus { status replicas { name status lagSeconds confidence } primary { status } } }';

/** A process starts in one or two; machines that run tests may be very busy. */
const MAX_START_SECONDS = 120;
/** For an answer, where it does not matter how long it takes. */
export const PATIENCE_SECONDS = 10;

/** A gateway as it is deployed: a process of its own, which can be frozen. */
export class GatewayProcess {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #url: string;
  readonly #token: string;

  private constructor(name: string, child: ChildProcess, url: string, token: string) {
    this.name = name;
    this.#child = child;
    this.#url = url;
    this.#token = token;
  }

  /** Resolves when what it says of its standbys is as it should be. */
  static async start(
    name: string,
    settings: Readonly<Record<string, string>>,
    isWell: (status: GatewayStatus | undefined) => boolean = (status) => status?.status === 'OK',
  ): Promise<GatewayProcess> {
    const port = await freePort();
    const token = randomBytes(16).toString('hex');
    const child = spawn(process.execPath, ['src/cli.ts', 'serve'], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: {
        PATH: process.env.PATH,
        API_PORT: String(port),
        API_HOST: '127.0.0.1',
        ADMIN_TOKEN: token,
        LOG_LEVEL: 'silent',
        GRAPHIQL: 'false',
        DRAIN_TIMEOUT: '1',
        ...settings,
      },
    });
    const gateway = new GatewayProcess(name, child, `http://127.0.0.1:${port}/graphql`, token);
    try {
      await gateway.#untilWell(isWell);
    } catch (error) {
      await gateway.stop();
      throw error;
    }
    return gateway;
  }

  async #untilWell(isWell: (status: GatewayStatus | undefined) => boolean): Promise<void> {
    for (const end = performance.now() + MAX_START_SECONDS * 1000; ; await delay(50)) {
      if (this.#child.exitCode !== null)
        throw new Error(`The gateway "${this.name}" ended with ${this.#child.exitCode}.`);
      const status = await this.status(PATIENCE_SECONDS);
      if (isWell(status)) return;
      if (performance.now() > end)
        throw new Error(
          `The gateway "${this.name}" is not well after ${MAX_START_SECONDS} s: ${JSON.stringify(status)}`,
        );
    }
  }

  ask(
    query: string,
    { headers = {}, timeoutSeconds = 60 }: { headers?: Record<string, string>; timeoutSeconds?: number } = {},
  ): Promise<Response> {
    return fetch(this.#url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/graphql-response+json',
        authorization: `Bearer ${this.#token}`,
        ...headers,
      },
      body: JSON.stringify({ query }),
      signal: AbortSignal.timeout(timeoutSeconds * 1000),
    });
  }

  async query(...given: Parameters<GatewayProcess['ask']>): Promise<GatewayAnswer> {
    const response = await this.ask(...given);
    return { ...((await response.json()) as Omit<GatewayAnswer, 'status'>), status: response.status };
  }

  /** Undefined when it does not answer in that time: at once, where nothing else is said. */
  async status(timeoutSeconds = 1): Promise<GatewayStatus | undefined> {
    const answer = await this.query(STATUS, { timeoutSeconds }).catch(() => undefined);
    return answer?.data?.replicationStatus;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGCONT');
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 5000);
    await once(this.#child, 'exit');
    clearTimeout(timer);
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
