import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as client from '../../packages/client/src/index.ts';
import {
  GatewayClient,
  type GatewayError,
  GatewayTimeoutError,
  GatewayUnreachableError,
  InvalidArgumentError,
  QueryTooLargeError,
  ReplicaTooStaleError,
  toError,
  typedDocument,
  UnauthenticatedError,
} from '../../packages/client/src/index.ts';
import { type ErrorCode, errorCodes, errorTraits } from '../../src/errors.ts';
import { type ServedGateway, serveGateway } from '../gateway/served-gateway.ts';
import { anXdr } from '../support/builders.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

let database: TestDatabase;
let gateway: ServedGateway;

beforeAll(async () => {
  database = await createTestDatabase();
  await database.insertXdrs([anXdr({ i_xdr: '1' }), anXdr({ i_xdr: '2', setup_time: 'infinity' })]);
  gateway = await serveGateway(database);
});
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
});

const tokenOf = () => gateway.headers.authorization!.replace('Bearer ', '');
const connect = (more: Partial<client.ClientOptions> = {}) =>
  new GatewayClient({ url: gateway.url, token: tokenOf(), ...more });

const COUNT = typedDocument<{ cdrStats: { totals: { attempts: number } } | null }>(
  'query Count { cdrStats { totals { attempts } } } query Other { viewer { name } }',
);

/** What the promise is rejected with. */
async function failureOf(promise: Promise<unknown>): Promise<GatewayError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(client.GatewayError);
  return error as GatewayError;
}

describe('an operation by GET', () => {
  test('is in the URL, and may be answered that nothing has changed', async () => {
    const sent: { url: string; init: RequestInit }[] = [];
    const gatewayOf = connect({
      fetch(url, init) {
        sent.push({ url: String(url), init });
        return fetch(url, init);
      },
    });
    const options = { operationName: 'Count', method: 'GET' } as const;
    const first = await gatewayOf.request(COUNT, {}, options);
    expect(await first.json()).toMatchObject({ data: { cdrStats: { totals: { attempts: 2 } } } });
    const tag = first.headers.get('etag')!;
    // Nothing writes; a moment when the state of the standby is not known yet may pass.
    await expect
      .poll(
        async () => {
          const again = { ...options, headers: { 'if-none-match': tag } };
          return (await gatewayOf.request(COUNT, {}, again)).status;
        },
        { timeout: 30_000 },
      )
      .toBe(304);
    const { url, init } = sent[0]!;
    expect(new URL(url).searchParams.get('operationName')).toBe('Count');
    expect([init.method, init.body]).toEqual(['GET', undefined]);
  });

  test('that is given again is as old as its headers say, not as when it was read', async () => {
    const body = {
      data: { viewer: { name: 'ann' } },
      extensions: {
        replica: { name: 'a', asOf: '2026-01-05T09:00:00.000000Z', stalenessSeconds: 0.2, token: 't' },
      },
    };
    const response = (headers: Record<string, string>) => Response.json(body, { headers });
    const later = { 'x-data-as-of': '2026-01-05T09:01:00.500000Z', date: 'Mon, 05 Jan 2026 09:01:01 GMT' };
    expect((await client.readAnswer(response({ etag: 'W/"1"', ...later }))).replica).toMatchObject({
      asOf: '2026-01-05T09:01:00.500000Z',
      stalenessSeconds: 1.5,
    });
    expect((await client.readAnswer(response(later))).replica).toMatchObject({ stalenessSeconds: 0.2 });
  });
});

describe('an operation', () => {
  test('is answered with data, standby, token, request id and moments', async () => {
    const requestId = '0123456789abcdef0123456789abcdef';
    const before = Date.now();
    const answer = await connect().execute(COUNT, {}, { operationName: 'Count', requestId });
    expect(answer).toMatchObject({
      data: { cdrStats: { totals: { attempts: 2 } } },
      errors: [],
      isComplete: true,
      resumeAfter: null,
      requestId,
      replica: { name: expect.any(String), asOf: expect.any(String), token: expect.any(String) },
    });
    expect(answer.sentAt).toBeGreaterThanOrEqual(before);
    expect(answer.receivedAt).toBeGreaterThanOrEqual(answer.sentAt);
    expect(structuredClone(answer)).toEqual(answer);
  });

  test('that is answered in part is returned with what is missing', async () => {
    const PARTIAL = typedDocument<{
      cdrs: { nodes: ({ id: string; setupTime: string | null } | null)[] } | null;
    }>('{ cdrs(orderBy: OLDEST_FIRST) { nodes { id setupTime } } viewer { name } }');
    const { data, errors } = await connect().execute(PARTIAL);
    expect(data.cdrs?.nodes[1]).toEqual({ id: '2', setupTime: null });
    expect(errors).toHaveLength(1);
    const error = toError(errors[0]!);
    expect(error).toBeInstanceOf(client.UnreadableValueError);
    expect(error).toMatchObject({ path: ['cdrs', 'nodes', 1, 'setupTime'], retryable: false });
  });

  test('of which nothing is there throws, also where GraphQL answers 200', async () => {
    const error = await failureOf(connect().execute(typedDocument('{ cdrs(first: -1) { nodes { id } } }')));
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect(error).toMatchObject({ name: 'InvalidArgumentError', path: ['cdrs'], status: 200 });
  });

  test('about one thing that is not there is answered with null', async () => {
    const { data } = await connect().execute(typedDocument<{ cdr: null }>('{ cdr(id: 77) { id } }'));
    expect(data).toEqual({ cdr: null });
  });

  test('may be sent for somebody else each time', async () => {
    const tokens = ['wrong', tokenOf()];
    const changing = connect({ token: async () => tokens.shift()! });
    const VIEWER = typedDocument<{ viewer: { role: string } }>('{ viewer { role } }');
    expect(await failureOf(changing.execute(VIEWER))).toBeInstanceOf(UnauthenticatedError);
    expect((await changing.execute(VIEWER)).data.viewer.role).toBe('ADMIN');
  });

  test('is sent in the words of the server in between', async () => {
    const seen: string[] = [];
    const named = connect({
      encode: ({ query, variables }) => ({ documentId: query, variables }),
      fetch: async (_, { body }) => {
        seen.push(String(body));
        return Response.json({ data: { viewer: {} } });
      },
    });
    await named.execute(typedDocument<object, { a: number }>('sha256:1'), { a: 1 });
    expect(seen).toEqual(['{"documentId":"sha256:1","variables":{"a":1}}']);
  });
});

describe('freshness', () => {
  const count = (options: client.RequestOptions) =>
    connect().execute(COUNT, {}, { operationName: 'Count', ...options });

  test('is demanded in seconds, and refused with what there is', async () => {
    const error = await failureOf(count({ maxStalenessSeconds: 0.000001, maxAttempts: 1 }));
    expect(error).toBeInstanceOf(ReplicaTooStaleError);
    expect(error).toMatchObject({ status: 503, retryable: true, retryAfterSeconds: expect.any(Number) });
    expect(error.details).toHaveProperty('stalenessSeconds');
    expect(error.requestId).toMatch(/./);
  });

  test('is demanded by the token of an earlier answer', async () => {
    const { replica } = await count({});
    await database.insertXdrs([anXdr({ i_xdr: '3' })]);
    expect(
      (await count({ readAfter: replica!.token, maxStalenessSeconds: 60 })).data.cdrStats?.totals.attempts,
    ).toBe(3);
    expect(await failureOf(count({ readAfter: 'nonsense' }))).toBeInstanceOf(client.InvalidTokenError);
  });

  test('is a setting of the client, which a request may take back', async () => {
    const strict = connect({ maxStalenessSeconds: 0.000001, maxAttempts: 1 });
    const options = { operationName: 'Count' };
    expect(await failureOf(strict.execute(COUNT, {}, options))).toBeInstanceOf(ReplicaTooStaleError);
    const { data } = await strict.execute(COUNT, {}, { ...options, maxStalenessSeconds: null });
    expect(data.cdrStats).not.toBeNull();
  });
});

/** In front of the gateway: refuses the first requests as a proxy does, and then hands on. */
async function startFront(
  refusals: readonly { status: number; headers?: Record<string, string>; body?: string }[],
) {
  const arrivals: number[] = [];
  const server = createServer(async (request, response) => {
    const refusal = refusals[arrivals.length];
    arrivals.push(performance.now());
    if (refusal) {
      response.writeHead(refusal.status, refusal.headers).end(refusal.body ?? '<h1>Bad gateway</h1>');
      return;
    }
    const answer = await gateway.ask('{ viewer { name } }');
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text());
    request.resume();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    arrivals,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

describe('what passes is tried again', () => {
  const VIEWER = typedDocument<{ viewer: { name: string } }>('{ viewer { name } }');
  const overloaded = JSON.stringify({
    errors: [{ message: 'busy', extensions: { code: 'OVERLOADED', retryable: true } }],
  });

  const tooSlow = JSON.stringify({
    errors: [{ message: 'slow', extensions: { code: 'QUERY_TIMEOUT', retryable: true } }],
  });

  test('after as long as the gateway says', async () => {
    await using front = await startFront([
      { status: 503, headers: { 'retry-after': '1' }, body: overloaded },
      { status: 502 },
    ]);
    const { data } = await connect({ url: front.url }).execute(VIEWER);
    expect(data.viewer.name).toMatch(/./);
    expect(front.arrivals).toHaveLength(3);
    expect(front.arrivals[1]! - front.arrivals[0]!).toBeGreaterThanOrEqual(990);
  });

  test.each([
    ['asked to leave it', { maxAttempts: 1 }, [{ status: 502 }], 1],
    ['it fails once more than it may', { maxAttempts: 2 }, [{ status: 502 }, { status: 502 }], 2],
    [
      'it is to wait too long',
      { maxWaitSeconds: 5 },
      [{ status: 503, headers: { 'retry-after': '60' }, body: overloaded }],
      1,
    ],
    ['the statement would take as long again', {}, [{ status: 504, body: tooSlow }], 1],
    ['it will not pass', {}, [{ status: 404, body: 'Not found' }], 1],
  ])('but not when %s', async (_, options, refusals, attempts) => {
    await using front = await startFront(refusals);
    const error = await failureOf(connect({ url: front.url, ...options }).execute(VIEWER));
    expect(error.status).toBe(refusals[0]!.status);
    expect(front.arrivals).toHaveLength(attempts);
  });

  test('nor when it is the fault of the request', async () => {
    let count = 0;
    const counting = connect({
      fetch(url, init) {
        count += 1;
        return fetch(url, init);
      },
    });
    const large = `{ ${Array.from({ length: 2000 }, (_, n) => `a${n}: cdrs { nodes { id } }`).join(' ')} }`;
    const error = await failureOf(counting.execute(typedDocument(large)));
    expect(error).toBeInstanceOf(QueryTooLargeError);
    expect(error.details).toMatchObject({ limit: expect.any(String), allowed: expect.any(Number) });
    expect(count).toBe(1);
  });
});

describe('an answer that does not come', () => {
  const VIEWER = typedDocument<object>('{ viewer { name } }');

  test('is a failure of its own where nobody listens', async () => {
    const error = await failureOf(
      connect({ url: 'http://127.0.0.1:9/graphql', maxAttempts: 1 }).execute(VIEWER),
    );
    expect(error).toBeInstanceOf(GatewayUnreachableError);
    expect(error).toMatchObject({ code: 'GATEWAY_UNREACHABLE', retryable: true, status: null });
    expect(error.cause).toBeInstanceOf(Error);
  });

  test('is one after the time it may take, of its beginning and of its end', async () => {
    const server = createServer((request, response) => {
      if (request.url === '/half')
        response.writeHead(200, { 'content-type': 'application/json' }).write('{"da');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    for (const path of ['/none', '/half']) {
      const silent = connect({ url: url + path, maxAttempts: 1, timeoutSeconds: 0.2 });
      expect(await failureOf(silent.execute(VIEWER))).toBeInstanceOf(GatewayTimeoutError);
    }
    const reason = new Error('The page was left.');
    const leaving = new AbortController();
    const waiting = connect({ url: `${url}/half` }).execute(VIEWER, {}, { signal: leaving.signal });
    leaving.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    server.closeAllConnections();
    server.close();
  });
});

describe('an error has the class of its code', () => {
  test.each(Object.keys(errorCodes) as ErrorCode[])('%s', (code) => {
    const { retryable = false } = errorTraits(code);
    const error = toError({ message: 'why', path: ['cdrs'], extensions: { code, retryable, ceiling: 5 } });
    const Class = client.errorClasses[code];
    expect(error).toBeInstanceOf(Class);
    expect(error.name).toBe(Class.name);
    expect(Class).toBe((client as Record<string, unknown>)[Class.name]);
    expect(error).toMatchObject({ code, retryable, message: 'why', path: ['cdrs'], details: { ceiling: 5 } });
  });

  test.each(['NEWER_THAN_THE_CLIENT', 'constructor', '__proto__'])('%s, which it does not know', (code) => {
    const error = toError({ message: 'why', extensions: { code, retryable: true } });
    expect(error.constructor).toBe(client.GatewayError);
    expect(error).toMatchObject({ code, retryable: true });
  });
});
