import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPrincipals } from '../../src/access/authentication.ts';
import { createApp } from '../../src/app.ts';
import { NoReplicaAvailableError } from '../../src/errors.ts';
import { createReplicas } from '../../src/replicas/replicas.ts';
import { parseGatewaySettings } from '../../src/settings.ts';
import { createLogger } from '../../src/telemetry/logging.ts';
import { aFailedXdr, anXdr } from '../support/builders.ts';
import { ADMIN_TOKEN, createTestGateway, type TestGateway } from '../support/gateway.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { type CapturedRequest, captured } from './grafana-gateway.ts';

let database: TestDatabase;
let gateway: TestGateway;

/** From 2026-01-05T09:00:00Z for an hour, as dashboards know it. */
const FROM = 1_767_603_600_000;
const TO = 1_767_607_200_000;

beforeAll(async () => {
  database = await createTestDatabase();
  await database.insertXdrs([
    anXdr({ connect_time: '2026-01-05 09:00:00+00' }),
    aFailedXdr({ connect_time: '2026-01-05 09:59:59.999+00' }),
    anXdr({ connect_time: '2026-01-05 10:00:00+00' }),
  ]);
  gateway = await createTestGateway(database);
});

afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

interface Answer {
  readonly status: number;
  readonly type: string | null;
  // biome-ignore lint/suspicious/noExplicitAny: the shape of the answer to each query
  readonly body: any;
}

/** Sends a captured request, with the token that the data source is configured with. */
async function send(
  { method, path, headers = {}, body }: CapturedRequest,
  fetch: TestGateway['fetch'] = gateway.fetch,
): Promise<Answer> {
  const response = await fetch(
    new Request(`http://gateway${path}`, {
      method,
      headers: { ...headers, authorization: `Bearer ${ADMIN_TOKEN}` },
      ...(body !== undefined && { body }),
    }),
  );
  const text = await response.text();
  return { status: response.status, type: response.headers.get('content-type'), body: JSON.parse(text) };
}

/** As Go writes JSON: keys in order, and nothing that HTML would mind. */
const asGo = (value: unknown): string =>
  JSON.stringify(value).replaceAll(/[<>&]/g, (character) => `\\u00${character.charCodeAt(0).toString(16)}`);

const withQuery = (request: CapturedRequest, query: string): CapturedRequest => {
  const body = { ...JSON.parse(request.body!), query };
  expect(asGo(JSON.parse(request.body!))).toBe(request.body);
  return { ...request, body: asGo(body) };
};

const LAG = '{ replicationStatus { replicas { name lagSeconds } } }';
const hours = (from: unknown, to: unknown) =>
  `{ cdrStats(filter: { from: ${from}, to: ${to} }, groupBy: [HOUR]) { rows { bucket attempts asr acdSeconds minutes } } }`;
const theHour = { bucket: '2026-01-05T09:00:00.000000Z', attempts: 2, asr: 50, acdSeconds: 60.25 };

describe('Infinity', () => {
  const [posted, got] = captured.infinity_3_11 as [CapturedRequest, CapturedRequest];

  test('its bytes are understood as they are: JSON, null variables, no name', async () => {
    // The query in them is of another schema, which is not a matter of the bytes.
    for (const request of [posted, got]) {
      const { type, body } = await send(request);
      expect(type).toMatch(/^application\/json/);
      expect(body.errors[0].extensions.code).toBe('GRAPHQL_VALIDATION_FAILED');
    }
  });

  test('asks for replication and gets flat rows', async () => {
    const { status, type, body } = await send(withQuery(posted, LAG));
    expect([status, type]).toEqual([200, 'application/json; charset=utf-8']);
    expect(body.data.replicationStatus.replicas).toEqual([
      { name: 'replica-1', lagSeconds: expect.any(Number) },
      { name: 'replica-2', lagSeconds: expect.any(Number) },
    ]);
  });

  test('writes times into the text of the query, as numbers beyond 32 bits', async () => {
    const { status, body } = await send(withQuery(posted, hours(FROM, TO)));
    expect(status).toBe(200);
    expect(body.data.cdrStats.rows).toEqual([expect.objectContaining(theHour)]);
  });

  test('may put them into quotes, or write them as ISO 8601', async () => {
    for (const [from, to] of [
      [`"${FROM}"`, `"${TO}"`],
      ['"2026-01-05T09:00:00.000Z"', '"2026-01-05T10:00:00.000Z"'],
    ]) {
      const { body } = await send(withQuery(posted, hours(from, to)));
      expect(body.data.cdrStats.rows).toEqual([expect.objectContaining(theHour)]);
    }
  });

  test('may ask with GET', async () => {
    const { status, body } = await send({ ...got, path: `/graphql?query=${encodeURIComponent(LAG)}` });
    expect([status, body.data.replicationStatus.replicas.length]).toEqual([200, 2]);
  });

  test('gets rows in which every value is a number, a text, a boolean or null', async () => {
    const status = `{ replicationStatus { replicas { name status reason confidence lagBytes lagIsLowerBound lagSeconds
      receivedLsn replayedLsn upstreamLsn timeline sampledAt networkLagBytes replayLagBytes conflicts isReadFrom } } }`;
    const { body } = await send(withQuery(posted, status));
    const stats = await send(withQuery(posted, hours(FROM, TO)));
    const rows = [...body.data.replicationStatus.replicas, ...stats.body.data.cdrStats.rows];
    expect(rows).toHaveLength(3);
    for (const value of rows.flatMap(Object.values)) {
      expect(value === null || ['number', 'string', 'boolean'].includes(typeof value)).toBe(true);
    }
  });

  test('with its body type left at "raw" is told what to choose', async () => {
    const headers = { ...posted.headers, 'Content-Type': 'text/plain' };
    const { status, body } = await send({ ...withQuery(posted, LAG), headers });
    expect(status).toBe(415);
    expect(body.errors[0].message).toContain('Content-Type: application/json');
  });
});

describe('Wild GraphQL', () => {
  const [posted, tested] = captured.wild_graphql_1_6 as [CapturedRequest, CapturedRequest];

  test('sends variables that no query declares, and times as numbers', async () => {
    const query =
      'query ($from: DateTime!, $to: DateTime!) { cdrStats(filter: {from: $from, to: $to}, groupBy: [HOUR]) { rows { bucket attempts } } }';
    const request = withQuery(posted, query);
    const sent = JSON.parse(request.body!);
    const variables = { ...sent.variables, from: FROM, to: TO };
    const { status, body } = await send({ ...request, body: asGo({ ...sent, variables }) });
    expect(status).toBe(200);
    expect(body.data.cdrStats.rows).toEqual([{ bucket: theHour.bucket, attempts: 2 }]);
  });

  test('its captured bytes fail for the query in them alone', async () => {
    const { body } = await send(posted);
    expect(body.errors.map(({ message }: { message: string }) => message).join()).toContain('Long');
  });

  test('"Save & test" may ask what the query type is called', async () => {
    const { status, body } = await send({ ...tested, headers: posted.headers! });
    expect([status, body]).toEqual([
      200,
      expect.objectContaining({ data: { __schema: { queryType: { name: 'Query' } } } }),
    ]);
  });
});

describe('JSON API', () => {
  const [posted, got] = captured.json_api_1_4 as [CapturedRequest, CapturedRequest];

  test('posts without variables, and reads with GET', async () => {
    expect((await send(withQuery(posted, LAG))).status).toBe(200);
    const path = `/graphql?query=${encodeURIComponent(LAG)}`;
    expect((await send({ ...got, path })).body.data.replicationStatus.replicas).toHaveLength(2);
  });
});

describe('failures that a dashboard shows', () => {
  const settings = parseGatewaySettings({
    REPLICA_URLS: 'postgresql://gateway@127.0.0.1:1/none',
    ADMIN_TOKEN,
  });
  const [infinity] = captured.infinity_3_11 as [CapturedRequest];
  const [wild] = captured.wild_graphql_1_6 as [CapturedRequest];
  const replicas = createReplicas({ replicaUrls: settings.databases.replicaUrls, poolSize: 1 });
  const { fetch } = createApp({
    replicas,
    source: () => {
      throw new NoReplicaAvailableError([]);
    },
    principals: createPrincipals(settings.access),
    logger: createLogger({ level: 'silent' }),
    allowedOrigins: [],
    maxStalenessSeconds: undefined,
    routes: [],
  });
  afterAll(() => replicas.close());

  test.each([
    ['Infinity', infinity],
    ['Wild GraphQL', wild],
  ])('%s gets 503 instead of an empty panel when no standby answers', async (_, request) => {
    const { status, body } = await send(withQuery(request, hours(FROM, TO)), fetch);
    expect(status).toBe(503);
    expect(body.errors[0].extensions.code).toBe('NO_REPLICA_AVAILABLE');
  });

  test('replication is told even then: the panel that should say so must not lose its source', async () => {
    await replicas.firstLook;
    const { status, body } = await send(
      withQuery(infinity, '{ replicationStatus { status replicas { name status lagSeconds } } }'),
      fetch,
    );
    expect(status).toBe(200);
    expect(body.data.replicationStatus).toEqual({
      status: 'DOWN',
      replicas: [{ name: 'replica-1', status: 'UNREACHABLE', lagSeconds: null }],
    });
  });
});
