import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { createPrincipals } from '../../src/access/authentication.ts';
import { createApp } from '../../src/app.ts';
import { checkSource } from '../../src/db/catalogue/catalogue-check.ts';
import { createDatabase } from '../../src/db/reader.ts';
import type { Frame } from '../../src/grafana/frames.ts';
import type { Handler } from '../../src/http/routes.ts';
import { createReplicas, type Replicas } from '../../src/replicas/replicas.ts';
import { createSampleHistory, type SampleHistory } from '../../src/replicas/sample-history.ts';
import { parseGatewaySettings } from '../../src/settings.ts';
import { createLogger } from '../../src/telemetry/logging.ts';
import { ACCOUNT_ID, ACCOUNT_TOKEN, ADMIN_TOKEN } from '../support/gateway.ts';

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly body: any;
}

export type LogLine = Readonly<Record<string, unknown>>;

/** The gateway over real standbys, without a socket, as Grafana's JSON datasource asks it. */
export interface GrafanaGateway extends AsyncDisposable {
  readonly fetch: Handler;
  readonly replicas: Replicas;
  readonly history: SampleHistory;
  /** What the log says, oldest first. */
  readonly logged: readonly LogLine[];
  /** Posts as the administrator unless told otherwise: an object, or the bytes of one. */
  post(path: string, body: unknown, token?: string): Promise<Answered>;
  get(path: string, token?: string): Promise<Answered>;
  /** Asks for one metric over a span; expects 200. */
  frames(target: string, payload?: unknown, more?: object): Promise<readonly Frame[]>;
}

/** The standbys are called replica-a, replica-b, … as in the captured requests. */
export async function createGrafanaGateway(replicaUrls: readonly string[]): Promise<GrafanaGateway> {
  const named = replicaUrls.map((url, index) => `${url}#replica-${'abc'[index]}`);
  const settings = parseGatewaySettings({
    REPLICA_URLS: named.join(','),
    ADMIN_TOKEN,
    ACCOUNT_TOKEN,
    ACCOUNT_ID,
  });
  const replicas = createReplicas({ replicaUrls: named, poolSize: 4, pollIntervalSeconds: 0.1 });
  const history = createSampleHistory({ pollIntervalSeconds: 0.1 });
  replicas.onSample((status) => history.note(status));
  await replicas.firstLook;
  const replica = await replicas.choose();
  const { source } = await checkSource(createDatabase(replica.pool), settings.source.name);
  replica.release();
  const logged: LogLine[] = [];
  const logger = createLogger({ level: 'info' }, { write: (line) => logged.push(JSON.parse(line)) });
  const { fetch } = createApp({
    replicas,
    history,
    source: () => source,
    principals: createPrincipals(settings.access),
    logger,
    allowedOrigins: [],
    maxStalenessSeconds: undefined,
    routes: [],
  });

  async function ask(path: string, init: RequestInit, token: string): Promise<Answered> {
    const headers = {
      'content-type': 'application/json',
      accept: 'application/json, text/plain, */*',
      authorization: `Bearer ${token}`,
    };
    const response = await fetch(new Request(`http://gateway/grafana${path}`, { ...init, headers }));
    return { status: response.status, headers: response.headers, body: await response.json() };
  }

  const post: GrafanaGateway['post'] = (path, body, token = ADMIN_TOKEN) =>
    ask(path, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) }, token);

  return {
    fetch,
    replicas,
    history,
    logged,
    post,
    get: (path, token = ADMIN_TOKEN) => ask(path, {}, token),
    async frames(target, payload = {}, more = {}) {
      const answer = await post('/query', {
        range: { from: '2026-01-05T00:00:00.000Z', to: '2026-01-06T00:00:00.000Z' },
        maxDataPoints: 240,
        targets: [{ refId: 'A', target, payload }],
        ...more,
      });
      expect(answer).toMatchObject({ status: 200 });
      return answer.body;
    },
    [Symbol.asyncDispose]: () => replicas.close(),
  };
}

export interface CapturedRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly body_first_open?: string;
  readonly purpose?: string;
}

type Plugin = 'simpod_0_6' | 'infinity_3_11' | 'wild_graphql_1_6' | 'json_api_1_4';

/** What Grafana's plugins really send, byte for byte. */
export const captured: Readonly<Record<Plugin, readonly CapturedRequest[]>> = JSON.parse(
  readFileSync(new URL('grafana-wire.json', import.meta.url), 'utf8'),
);
