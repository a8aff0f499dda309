import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createPrincipals } from '../../src/access/authentication.ts';
import { type App, createApp } from '../../src/app.ts';
import { checkSource } from '../../src/db/catalogue/catalogue-check.ts';
import { createDatabase } from '../../src/db/reader.ts';
import { ForbiddenError } from '../../src/errors.ts';
import { Feed } from '../../src/feed/feed.ts';
import type { Phase } from '../../src/graphql/request.ts';
import { createGatewayServer } from '../../src/http/server.ts';
import { createReplicas, type Replicas } from '../../src/replicas/replicas.ts';
import { createSampleHistory } from '../../src/replicas/sample-history.ts';
import { parseGatewaySettings } from '../../src/settings.ts';
import { createLogger } from '../../src/telemetry/logging.ts';
import { anXdr } from '../support/builders.ts';
import { ACCOUNT_ID, ACCOUNT_TOKEN, ADMIN_TOKEN } from '../support/gateway.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

const names = ['admit', 'document', 'reuse', 'cost', 'plan', 'execute', 'report'];

/** Calls of a list that begins to be sent before it is read. */
const LONG = 5000;

let database: TestDatabase;
let replicas: Replicas;
let app: App;
let feed: Feed;
/** What the planted phases saw, in order; emptied before each test. */
const seen: string[] = [];
/** How often it was found out who asks. */
let authentications = 0;
/** In the phase that is planted behind the one of this name, the request is refused, or its client leaves. */
let refusedAfter: string | undefined;
let leftAfter: string | undefined;
let leaving: AbortController;

/** Behind each phase of ours another one, which notes that it ran. */
function plant(ours: readonly Phase[]): readonly Phase[] {
  return ours.flatMap((phase): Phase[] => [
    phase,
    {
      name: `after ${phase.name}`,
      always: phase.always,
      run() {
        seen.push(phase.name);
        if (phase.name === leftAfter) leaving.abort();
        if (phase.name === refusedAfter) throw new ForbiddenError('Not today.');
      },
    },
  ]);
}

beforeAll(async () => {
  database = await createTestDatabase();
  await database.insertXdrs(Array.from({ length: LONG }, () => anXdr()));
  const settings = parseGatewaySettings({
    REPLICA_URLS: database.replicaUrls.join(','),
    ADMIN_TOKEN,
    ACCOUNT_TOKEN,
    ACCOUNT_ID,
  });
  const { replicaUrls } = database;
  replicas = createReplicas({ replicaUrls, poolSize: 4, pollIntervalSeconds: 0.1 });
  const history = createSampleHistory({ pollIntervalSeconds: 0.1 });
  replicas.onSample((status) => history.note(status));
  await replicas.firstLook;
  const replica = await replicas.choose();
  const { source } = await checkSource(createDatabase(replica.pool), settings.source.name);
  replica.release();
  const principals = createPrincipals(settings.access);
  feed = new Feed({ replicas, source: () => source });
  app = createApp({
    replicas,
    feed: { feed, maxSubscriptions: 10, maxWebSockets: 10 },
    history,
    source: () => source,
    principals: {
      authenticate(credentials) {
        authentications++;
        return principals.authenticate(credentials);
      },
    },
    logger: createLogger({ level: 'silent' }),
    allowedOrigins: [],
    maxStalenessSeconds: undefined,
    routes: [],
    phases: plant,
  });
});

afterAll(async () => {
  app.endSubscriptions();
  feed.close();
  await replicas.close();
  await database[Symbol.asyncDispose]();
});

beforeEach(() => {
  seen.length = 0;
  authentications = 0;
  refusedAfter = undefined;
  leftAfter = undefined;
  leaving = new AbortController();
});

interface WayIn {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** It is answered for as long as its client stays: until it has had so many events. */
  readonly events?: number;
}

const LIST = '{ cdrs(first: 5) { nodes { id cld } } }';
const STREAMED = '{ cdrs(first: 5) { nodes @stream(initialCount: 1) { id } } }';
const DEFERRED = '{ viewer { name } ... @defer { cdrs(first: 5) { nodes { id } } } }';
const json = { 'content-type': 'application/json' };
const asJson = (query: string, more: object = {}) => JSON.stringify({ query, ...more });
const inUrl = (query: string) => `/graphql?${new URLSearchParams({ query })}`;
const range = { from: '2026-01-05T00:00:00Z', to: '2026-01-06T00:00:00Z' };
const grafana = (path: string, body: object): WayIn => ({
  path: `/grafana${path}`,
  headers: json,
  body: JSON.stringify(body),
});

const waysIn: Readonly<Record<string, WayIn>> = {
  'a POST of JSON': { headers: json, body: asJson(LIST) },
  'a POST of JSON in other letters': { headers: { 'content-type': 'Application/JSON' }, body: asJson(LIST) },
  'a POST with variables': {
    headers: json,
    body: asJson('query ($first: Int) { cdrs(first: $first) { nodes { id } } }', { variables: { first: 2 } }),
  },
  'a POST through the ordinary executor': {
    headers: json,
    body: asJson('{ cdrs(first: 5) { nodes { id } edges { node { id } } } }'),
  },
  'a POST of a list with accounts': {
    headers: json,
    body: asJson('{ cdrs(first: 5) { nodes { id account { id } } } }'),
  },
  'a POST without a list': { headers: json, body: asJson('{ viewer { name } }') },
  'a POST of application/graphql': { headers: { 'content-type': 'application/graphql' }, body: LIST },
  'a form': {
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ query: LIST }).toString(),
  },
  'a GET': { method: 'GET', path: inUrl(LIST), headers: { 'cache-control': 'no-cache' } },
  'a long list': { headers: json, body: asJson(`{ cdrs(first: ${LONG}) { nodes { id cld } } }`) },
  'a long file': {
    headers: { ...json, accept: 'text/csv' },
    body: asJson(`{ cdrs(first: ${LONG}) { nodes { id cld } } }`),
  },
  'a long list in parts': {
    headers: { ...json, accept: 'multipart/mixed' },
    body: asJson(`{ cdrs(first: ${LONG}) { nodes @stream(initialCount: 1) { id } } }`),
  },
  'a CSV file': { headers: { ...json, accept: 'text/csv' }, body: asJson(LIST) },
  'an NDJSON file': { headers: { ...json, accept: 'application/x-ndjson' }, body: asJson(LIST) },
  'a file by GET': { method: 'GET', path: inUrl(LIST), headers: { accept: 'text/csv' } },
  '@stream as multipart': { headers: { ...json, accept: 'multipart/mixed' }, body: asJson(STREAMED) },
  '@defer as multipart': {
    headers: { ...json, accept: 'multipart/mixed, application/json' },
    body: asJson(DEFERRED),
  },
  '@stream as events': { headers: { ...json, accept: 'text/event-stream' }, body: asJson(STREAMED) },
  '@stream as events by GET': {
    method: 'GET',
    path: inUrl(STREAMED),
    headers: { accept: 'text/event-stream' },
  },
  'one result as events': { headers: { ...json, accept: 'text/event-stream' }, body: asJson(LIST) },
  'a subscription': {
    headers: { ...json, accept: 'text/event-stream' },
    body: asJson('subscription { cdrs { cursor inserted { id } } }'),
    events: 1,
  },
  'a subscription by GET': {
    method: 'GET',
    path: inUrl('subscription { replicationStatus { status } }'),
    headers: { accept: 'text/event-stream' },
    events: 2,
  },
  '@stream to a client of plain JSON': { headers: json, body: asJson(STREAMED) },
  "Grafana's test": { method: 'GET', path: '/grafana' },
  "Grafana's list of metrics": grafana('/metrics', {}),
  "Grafana's query": grafana('/query', {
    range,
    targets: [{ refId: 'A', target: 'replication_lag_seconds' }],
  }),
  "Grafana's query of calls": grafana('/query', { range, targets: [{ refId: 'A', target: 'calls_table' }] }),
  "Grafana's search": grafana('/search', { target: '' }),
  "Grafana's variable": grafana('/variable', { payload: { target: 'accounts' }, range }),
  "Grafana's annotations": grafana('/annotations', { annotation: {}, range }),
  "Grafana's flat rows": { method: 'GET', path: '/grafana/history' },
};

async function send(wayIn: WayIn, token = ADMIN_TOKEN) {
  const { path = '/graphql', method = 'POST', headers = {}, body, events } = wayIn;
  const response = await app.fetch(
    new app.Request(`http://gateway${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...headers },
      ...(body !== undefined && { body }),
      signal: leaving.signal,
    }),
  );
  return { status: response.status, text: await (events ? readEvents(response, events) : response.text()) };
}

/** So much of it as has so many messages, or all where it ends first; its client leaves then. */
async function readEvents(response: Response, count: number): Promise<string> {
  let text = '';
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += Buffer.from(chunk).toString();
    if (text.split('event: next').length > count) break;
  }
  leaving.abort();
  return text;
}

test('who asks is found out once, before the body is read, and the phases know it then', async () => {
  const server = createGatewayServer(app.fetch, {
    Request: app.Request,
    receive: app.receive,
    refuse: app.refuse,
    drainTimeoutSeconds: 0,
    onError: (error) => {
      throw error;
    },
  });
  try {
    const port = await server.listen({ host: '127.0.0.1', port: 0 });
    const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
      method: 'POST',
      headers: { ...json, authorization: `Bearer ${ADMIN_TOKEN}` },
      body: asJson('{ viewer { role } }'),
    });
    expect(await response.json()).toMatchObject({ data: { viewer: { role: 'ADMIN' } } });
    expect(authentications).toBe(1);
  } finally {
    await server.close();
  }
});

/** Beside the one that the feed reads, for as long as somebody subscribes and a little longer. */
const requestsInFlight = () => {
  const counts = replicas.snapshot().replicas.map(({ routing }) => routing.requestsInFlight);
  const read = counts.indexOf(1);
  if (feed.moment && read >= 0) counts[read] = 0;
  return counts;
};

describe.each(Object.entries(waysIn))('%s', (_, wayIn) => {
  test.each(['the first time', 'when it is repeated'])('meets every phase once, in order, %s', async () => {
    const { status, text } = await send(wayIn);
    expect(text).not.toContain('"errors"');
    expect(status).toBe(200);
    expect(seen).toEqual(names);
    expect(authentications).toBe(1);
  });

  test.each(names)('whose client leaves after "%s" leaves nothing behind', async (name) => {
    leftAfter = name;
    await send(wayIn).catch(() => {});
    await expect.poll(requestsInFlight).toEqual([0, 0]);
  });

  test.each(names.slice(0, -1))(
    'that is refused after "%s" meets nothing else but the report',
    async (name) => {
      refusedAfter = name;
      const { status, text } = await send(wayIn);
      expect(text).toContain('FORBIDDEN');
      expect(status).toBe(403);
      expect(seen).toEqual([...names.slice(0, names.indexOf(name) + 1), 'report']);
    },
  );

  test('whose token nobody has meets the report alone', async () => {
    const { status, text } = await send(wayIn, 'a-token-that-nobody-has');
    expect(text).toContain('UNAUTHENTICATED');
    expect(status).toBe(401);
    expect(seen).toEqual(['report']);
  });
});

test('a request that has an answer already meets the report, and nothing of what executes it', async () => {
  const wayIn = { method: 'GET', path: inUrl(LIST), headers: { 'cache-control': 'max-age=60' } };
  await send(wayIn);
  seen.length = 0;
  expect(await send(wayIn)).toMatchObject({ status: 200, text: expect.stringContaining('"nodes"') });
  expect(seen).toEqual(['admit', 'document', 'report']);
  refusedAfter = 'document';
  expect(await send(wayIn)).toMatchObject({ status: 403, text: expect.stringContaining('FORBIDDEN') });
});

test('every standby is given back, whatever became of the request', async () => {
  await expect.poll(requestsInFlight).toEqual([0, 0]);
});

test('a phase that always runs and fails refuses what was reported before', async () => {
  refusedAfter = 'report';
  const { status, text } = await send(waysIn['a long list']!);
  expect([status, JSON.parse(text).errors[0].extensions.code]).toEqual([403, 'FORBIDDEN']);
  await expect.poll(requestsInFlight).toEqual([0, 0]);
});
