import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { createPrincipals } from '../../../src/access/principals.ts';
import { createErrorMask } from '../../../src/app/errors.ts';
import { parseFreshness } from '../../../src/app/freshness.ts';
import type { Frame } from '../../../src/app/grafana/frames.ts';
import { createGrafanaRoute } from '../../../src/app/grafana/routes.ts';
import { createRequestLogs, type EndedRequest } from '../../../src/app/request-log.ts';
import { createRouter, type Handler } from '../../../src/app/routes.ts';
import { parseConfig } from '../../../src/config.ts';
import { createContext } from '../../../src/context.ts';
import { checkSource } from '../../../src/db/catalogue-check.ts';
import { createDatabase } from '../../../src/db/reader.ts';
import { createReplicas, type Replicas } from '../../../src/replicas/replicas.ts';
import { createSampleHistory, type SampleHistory } from '../../../src/replicas/sample-history.ts';
import { ACCOUNT_ID, ACCOUNT_TOKEN, ADMIN_TOKEN } from '../../support/gateway.ts';

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly body: any;
}

/** `/grafana` over real standbys, without a socket. */
export interface GrafanaGateway extends AsyncDisposable {
  readonly fetch: Handler;
  readonly replicas: Replicas;
  readonly history: SampleHistory;
  /** Every request that ended, oldest first. */
  readonly ended: readonly EndedRequest[];
  /** Posts as the administrator unless told otherwise: an object, or the bytes of one. */
  post(path: string, body: unknown, token?: string): Promise<Answered>;
  get(path: string, token?: string): Promise<Answered>;
  /** Asks for one metric over a span; expects 200. */
  frames(target: string, payload?: unknown, more?: object): Promise<readonly Frame[]>;
}

/** The standbys are called replica-a, replica-b, … as in the captured requests. */
export async function createGrafanaGateway(replicaUrls: readonly string[]): Promise<GrafanaGateway> {
  const named = replicaUrls.map((url, index) => `${url}#replica-${'abc'[index]}`);
  const config = parseConfig({ REPLICA_URLS: named.join(','), ADMIN_TOKEN, ACCOUNT_TOKEN, ACCOUNT_ID });
  const replicas = createReplicas({ replicaUrls: named, poolSize: 4, pollInterval: 0.1 });
  const history = createSampleHistory({ pollIntervalSeconds: 0.1 });
  replicas.onSample((status) => history.note(status));
  await replicas.firstLook;
  const replica = await replicas.choose();
  const { source } = await checkSource(createDatabase(replica.pool), config.cdrSource);
  replica.release();
  const principals = createPrincipals(config);
  const ended: EndedRequest[] = [];
  const logs = createRequestLogs((one) => ended.push(one));
  const route = createGrafanaRoute({
    history,
    mask: createErrorMask(() => {}),
    logOf: logs.of,
    openContext: (request) =>
      createContext({
        principal: principals.authenticate(request.headers.get('authorization')),
        freshness: parseFreshness(request.headers, undefined),
        replicas,
        source: () => source,
        databaseOf: ({ pool }) => createDatabase(pool),
        signal: request.signal,
        headers: request.headers,
        note: (facts) => Object.assign(logs.of(request), facts),
      }),
  });
  const fetch = logs.around(createRouter([route]));

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
    ended,
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
