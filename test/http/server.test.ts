import { once } from 'node:events';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { buildSchema, type ExecutionResult } from 'graphql';
import { afterEach, describe, expect, test } from 'vitest';
import { respondWhole } from '../../src/graphql/streamed-result.ts';
import { createYogaErrands } from '../../src/graphql/yoga.ts';
import type { Handler } from '../../src/http/routes.ts';
import { createGatewayServer, ListenError, type ServerOptions } from '../../src/http/server.ts';
import { createBareGateway } from '../graphql/bare-gateway.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A server on a free port that is closed after the test. */
async function serve(handler: Handler, options: Partial<ServerOptions> = {}) {
  const errors: unknown[] = [];
  const server = createGatewayServer(handler, {
    drainTimeoutSeconds: 0.2,
    onError: (error) => errors.push(error),
    ...options,
  });
  const port = await server.listen({ host: '127.0.0.1', port: 0 });
  cleanups.push(() => server.close());
  return { server, errors, port, url: `http://127.0.0.1:${port}/graphql` };
}

/** A promise that tests can settle and look at. */
function signalled() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return Object.assign(promise, { now: resolve });
}

const post = (url: string, body: string | ReadableStream, signal?: AbortSignal) =>
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
    duplex: 'half',
    ...(signal && { signal }),
  } as RequestInit);

/** A body that gives one chunk, and then nothing until it is cancelled. */
function endlessBody(onCancel: () => void): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start: (controller) => controller.enqueue(Buffer.from('first')),
    pull: () => new Promise(() => {}),
    cancel: onCancel,
  });
}

test('a request reaches the handler whole, and its answer the client', async () => {
  const { url } = await serve(async (request) =>
    Response.json(
      {
        method: request.method,
        path: new URL(request.url).pathname,
        token: request.headers.get('authorization'),
        body: await request.text(),
      },
      { status: 201, headers: { 'x-answer': 'yes' } },
    ),
  );
  const response = await fetch(`${url}?a=1`, {
    method: 'POST',
    headers: { authorization: 'Bearer x' },
    body: 'né',
  });

  expect(response.status).toBe(201);
  expect(response.headers.get('x-answer')).toBe('yes');
  expect(await response.json()).toEqual({
    method: 'POST',
    path: '/graphql',
    token: 'Bearer x',
    body: 'né',
  });
});

test('a streamed body arrives in parts, as they are made', async () => {
  const more = signalled();
  const { url } = await serve(
    () =>
      new Response(
        (async function* () {
          yield Buffer.from('one,');
          await more;
          yield Buffer.from('two');
        })() as never,
      ),
  );
  const reader = (await fetch(url)).body!.pipeThrough(new TextDecoderStream()).getReader();

  expect((await reader.read()).value).toBe('one,');
  more.now();
  expect((await reader.read()).value).toBe('two');
  expect((await reader.read()).done).toBe(true);
});

describe('a client that leaves', () => {
  test.each(['Request of Node', 'Request of Yoga'])(
    'before the answer aborts the request (%s)',
    async (kind) => {
      const [started, aborted, leaving] = [signalled(), signalled(), new AbortController()];
      const schema = buildSchema('type Query { calls: String }');
      schema.getQueryType()!.getFields().calls!.resolve = (_root, _args, { request }) => {
        request.signal.addEventListener('abort', () => aborted.now());
        started.now();
        return new Promise(() => {});
      };
      const gateway = createBareGateway(schema);
      const { url } = await serve(gateway.handler, {
        ...(kind === 'Request of Yoga' && { Request: gateway.Request }),
      });

      const answer = post(url, '{"query":"{ calls }"}', leaving.signal).catch(() => 'left');
      await started;
      leaving.abort();

      await aborted;
      expect(await answer).toBe('left');
    },
  );

  test('during a streamed answer of Yoga aborts the request and destroys the stream', async () => {
    const [aborted, destroyed, leaving] = [signalled(), signalled(), new AbortController()];
    const body = new Readable({ read: () => {}, destroy: () => destroyed.now() });
    body.push('first');
    const { fetchAPI } = createYogaErrands();
    const { url } = await serve((request) => {
      request.signal.addEventListener('abort', () => aborted.now());
      return respondWhole({ stringify: () => body } as ExecutionResult, 'application/json', fetchAPI);
    });

    const response = await post(url, '{"query":"{ calls }"}', leaving.signal);
    await response.body!.getReader().read();
    leaving.abort();

    await Promise.all([aborted, destroyed]);
  });

  test('during any other streamed answer aborts the request and cancels the stream', async () => {
    const [aborted, cancelled, leaving] = [signalled(), signalled(), new AbortController()];
    const { url, errors } = await serve((request) => {
      request.signal.addEventListener('abort', () => aborted.now());
      return new Response(endlessBody(cancelled.now));
    });

    const response = await fetch(url, { signal: leaving.signal });
    await response.body!.getReader().read();
    leaving.abort();

    await Promise.all([aborted, cancelled]);
    expect(errors).toEqual([]);
  });

  test('in the middle of its own body ends there', async () => {
    const { port, url, errors } = await serve(() => new Response('ok'));
    const socket = connect(port, '127.0.0.1');
    socket.write('POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{');
    await once(socket, 'connect');
    socket.destroy();

    expect(await (await fetch(url)).text()).toBe('ok');
    expect(errors).toEqual([]);
  });

  test('only after a whole answer does not abort anything', async () => {
    let signal: AbortSignal | undefined;
    const { server, url } = await serve((request) => {
      signal = request.signal;
      return new Response('whole');
    });
    await (await fetch(url)).text();
    await server.close();

    expect(signal?.aborted).toBe(false);
  });
});

describe('a client that takes nothing', () => {
  const tenMegabytes = () => Readable.toWeb(Readable.from(Array(160).fill(Buffer.alloc(65_536)))) as never;

  test('of what waits for it is cut', async () => {
    const aborted = signalled();
    const { port } = await serve(
      (request) => {
        request.signal.addEventListener('abort', () => aborted.now());
        return new Response(tenMegabytes());
      },
      { stalledSeconds: 0.1 },
    );
    const socket = connect(port, '127.0.0.1').pause();
    socket.on('error', () => {});
    cleanups.push(() => socket.destroy());
    socket.write('GET /graphql HTTP/1.1\r\nhost: x\r\n\r\n');

    await aborted;
  });

  test('because we have nothing yet is not', async () => {
    const slow = signalled();
    const { url } = await serve(() => slow.then(() => new Response('late')), { stalledSeconds: 0.05 });
    const answer = fetch(url);
    setTimeout(slow.now, 300);

    expect(await (await answer).text()).toBe('late');
  });
});

describe('a body', () => {
  const big = 'x'.repeat(2000);

  test.each([
    ['that says its length', () => big],
    ['that does not', () => new Blob([big]).stream()],
  ])('above the limit %s is 413 with a code', async (_how, body) => {
    const { url } = await serve(() => new Response('never'), { maxBodyBytes: 1000 });
    const response = await post(url, body());

    expect(response.status).toBe(413);
    expect(await response.json()).toEqual({
      errors: [
        {
          message: expect.stringContaining('1000 bytes'),
          extensions: { code: 'QUERY_TOO_LARGE', retryable: false },
        },
      ],
    });
  });

  test('far above the limit does not keep the client from reading why', async () => {
    const { url } = await serve(() => new Response('never'), { maxBodyBytes: 1000 });

    for (const _ of Array(5)) {
      expect((await post(url, new Blob([Buffer.alloc(20_000_000)]).stream())).status).toBe(413);
    }
  });

  test('at the limit is read', async () => {
    const { url } = await serve(async (request) => new Response(await request.text()), {
      maxBodyBytes: 2000,
    });

    expect(await (await post(url, big)).text()).toBe(big);
  });
});

describe('a defect', () => {
  test('of the handler is 500 with a code, and told', async () => {
    const { url, errors } = await serve(() => Promise.reject(new Error('defect')));
    const response = await fetch(url);

    expect(response.status).toBe(500);
    expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'INTERNAL' } }] });
    expect(errors).toEqual([new Error('defect')]);
  });

  test('of a body cuts the answer, so that a part does not look whole', async () => {
    const { url } = await serve(
      () =>
        new Response(
          (async function* () {
            yield Buffer.from('part');
            throw new Error('defect');
          })() as never,
        ),
    );
    const response = await fetch(url);

    await expect(response.text()).rejects.toThrow();
  });
});

describe('closing', () => {
  /** A GET over a kept-alive connection. */
  async function get(url: string, agent: Agent): Promise<IncomingMessage> {
    const [response] = await once(httpRequest(url, { agent }).end(), 'response');
    return response;
  }

  test('lets a running request finish, and accepts no new one', async () => {
    const [started, finish] = [signalled(), signalled()];
    const { server, url } = await serve(
      async () => {
        started.now();
        await finish;
        return new Response('finished');
      },
      { drainTimeoutSeconds: 20 },
    );
    const answer = fetch(url);
    await started;
    expect(server.isDraining).toBe(false);
    const closed = server.close();

    expect(server.isDraining).toBe(true);
    await expect(fetch(url)).rejects.toThrow();
    finish.now();
    expect(await (await answer).text()).toBe('finished');
    expect((await answer).headers.get('connection')).toBe('close');
    expect(await closed).toEqual({ cut: 0 });
  });

  test('cuts what is not finished in time', async () => {
    const aborted = signalled();
    const { server, url } = await serve((request) => {
      request.signal.addEventListener('abort', () => aborted.now());
      return new Response(endlessBody(() => {}));
    });
    const response = await fetch(url);

    expect(await server.close()).toEqual({ cut: 1 });
    await aborted;
    await expect(response.text()).rejects.toThrow();
  });

  test('does not wait for connections that are idle, or become so', async () => {
    const [started, finish] = [signalled(), signalled()];
    const { server, url } = await serve(
      async (request) => {
        if (request.url.endsWith('slow')) {
          started.now();
          return new Response(Readable.toWeb(Readable.from(slowParts(finish))) as never);
        }
        return new Response('quick');
      },
      { drainTimeoutSeconds: 20 },
    );
    const agent = new Agent({ keepAlive: true });
    cleanups.push(() => agent.destroy());
    (await get(url, agent)).resume();
    const slow = await get(`${url}/slow`, agent);
    await started;
    const closing = performance.now();
    const closed = server.close();
    finish.now();

    expect((await slow.toArray()).join('')).toBe('firstlast');
    expect(await closed).toEqual({ cut: 0 });
    expect(performance.now() - closing).toBeLessThan(5000);
  });

  test('twice is closing once', async () => {
    const { server } = await serve(() => new Response('ok'));

    expect(server.close()).toBe(server.close());
  });

  async function* slowParts(finish: Promise<void>) {
    yield Buffer.from('first');
    await finish;
    yield Buffer.from('last');
  }
});

test('a port in use is told in one sentence', async () => {
  const { port } = await serve(() => new Response('ok'));
  const second = createGatewayServer(() => new Response('ok'), {
    drainTimeoutSeconds: 1,
    onError: () => {},
  });

  await expect(second.listen({ host: '127.0.0.1', port })).rejects.toThrow(
    new ListenError(
      `Port ${port} of 127.0.0.1 is in use by another program. Stop it, or choose another port.`,
    ),
  );
});

test('an address that is not of this machine is told too', async () => {
  const server = createGatewayServer(() => new Response('ok'), { drainTimeoutSeconds: 1, onError: () => {} });

  await expect(server.listen({ host: '192.0.2.1', port: 0 })).rejects.toThrow(
    'This machine has no address 192.0.2.1.',
  );
});
