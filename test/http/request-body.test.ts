import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { createGatewayServer, type ServerOptions } from '../../src/http/server.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const KIB = 1024;
const TOKEN = 'Bearer known';
const sendable = (text: string) =>
  new Response(text, { headers: { 'content-length': String(Buffer.byteLength(text)) } });

/** Says of each request how long its body was; only requests with the token are worth reading. */
async function serve(options: Partial<ServerOptions> = {}) {
  const heads: string[] = [];
  const server = createGatewayServer(
    async (request) => {
      const isKnown = request.headers.get('authorization') === TOKEN;
      const { byteLength } = await request.arrayBuffer();
      return isKnown ? sendable(`read ${byteLength}`) : new Response('who?', { status: 401 });
    },
    {
      drainTimeoutSeconds: 0.2,
      onError: (error) => {
        throw error;
      },
      receive({ url, headers }) {
        heads.push(url);
        return { wantsBody: headers.authorization === TOKEN };
      },
      ...options,
    },
  );
  cleanups.push(() => server.close());
  const port = await server.listen({ host: '127.0.0.1', port: 0 });
  return { port, heads };
}

/** A connection that sends what it is told, and keeps what comes back. */
interface Client {
  readonly socket: Socket;
  received(): string;
  /** Resolves with all that came, when the pattern is in it. */
  until(pattern: RegExp): Promise<string>;
}

async function open(port: number): Promise<Client> {
  const socket = connect(port, '127.0.0.1')
    .setEncoding('latin1')
    .on('error', () => {});
  cleanups.push(() => socket.destroy());
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  await once(socket, 'connect');
  return {
    socket,
    received: () => text,
    async until(pattern) {
      while (!pattern.test(text) && !socket.closed)
        await Promise.race([once(socket, 'data'), once(socket, 'close')]);
      expect(text).toMatch(pattern);
      return text;
    },
  };
}

const head = (length: number | 'chunked', more = '') =>
  `POST /graphql HTTP/1.1\r\nHost: x\r\n${more}${
    length === 'chunked' ? 'Transfer-Encoding: chunked' : `Content-Length: ${length}`
  }\r\n\r\n`;
const known = `Authorization: ${TOKEN}\r\n`;

describe('a body that nobody wants', () => {
  test.each<[string, number | 'chunked']>([
    ['long', 900 * KIB],
    ['of a length that is not said', 'chunked'],
  ])('%s is not waited for: the answer comes at once, and the connection ends', async (_, length) => {
    const { port, heads } = await serve();
    const { socket, until } = await open(port);
    socket.write(head(length));
    const answer = await until(/who\?/);

    expect(answer).toMatch(/^HTTP\/1\.1 401 .*\r\nconnection: close\r\n/is);
    expect(heads).toEqual(['http://gateway/graphql']);
    await once(socket, 'close');
  });

  test('that is short is passed over, and the connection serves the next request', async () => {
    const { port } = await serve();
    const { socket, until } = await open(port);
    socket.write(head(5));
    await until(/who\?/);
    socket.write(`12345${head(3, known)}abc`);

    expect(await until(/read 3/)).not.toMatch(/connection: close/i);
  });

  test('is not invited either, by whoever waits for an invitation', async () => {
    const { port } = await serve();
    const { socket, until } = await open(port);
    socket.write(head(900 * KIB, 'Expect: 100-continue\r\n'));

    expect(await until(/who\?/)).toMatch(/^HTTP\/1\.1 401 /);
  });
});

test('a body that is wanted is invited where its client waits for that', async () => {
  const { port } = await serve();
  const { socket, until } = await open(port);
  socket.write(head(3, `${known}Expect: 100-continue\r\n`));
  await until(/^HTTP\/1\.1 100 Continue\r\n\r\n/);
  socket.write('abc');

  await until(/HTTP\/1\.1 200 OK\r\n[\s\S]*read 3/);
});

describe('long bodies together', () => {
  const limits = { maxBodyMemoryBytes: 500 * KIB };
  const long = Buffer.alloc(400 * KIB, 'x');

  /** A client that has sent 400 KiB of a body of 500, and stops there. */
  async function stalled(port: number): Promise<Client> {
    const client = await open(port);
    client.socket.write(head(500 * KIB, known));
    client.socket.write(long);
    return client;
  }

  /** Two of them: one has the memory, and the other was refused. */
  async function twoStalled(port: number): Promise<{ holder: Client; refused: Client }> {
    const clients = await Promise.all([stalled(port), stalled(port)]);
    const refused = await Promise.race(
      clients.map(async (client) => {
        await client.until(/OVERLOADED/);
        return client;
      }),
    );
    return { refused, holder: clients.find((client) => client !== refused)! };
  }

  test('take a bounded memory: the one too many is refused with a code, and when to come again', async () => {
    const { port } = await serve(limits);
    const answer = (await twoStalled(port)).refused.received();

    expect(answer).toMatch(/^HTTP\/1\.1 503 .*\r\nretry-after: 1\r\n/is);
    expect(answer).toMatch(/\r\nconnection: close\r\n/i);
    expect(JSON.parse(answer.slice(answer.indexOf('{'), answer.lastIndexOf('}') + 1))).toEqual({
      errors: [{ message: expect.any(String), extensions: { code: 'OVERLOADED', retryable: true } }],
    });
  });

  test('leave room for every short one', async () => {
    const { port } = await serve(limits);
    await twoStalled(port);
    const { socket, until } = await open(port);
    socket.write(`${head(64 * KIB, known)}${'x'.repeat(64 * KIB)}`);

    await until(/read 65536/);
  });

  test.each(['end', 'go away'])('give the memory back when they %s', async (how) => {
    const { port } = await serve(limits);
    const { holder } = await twoStalled(port);
    if (how === 'end') {
      holder.socket.write(Buffer.alloc(100 * KIB));
      await holder.until(/read 512000/);
    } else {
      holder.socket.destroy();
    }

    await expect
      .poll(async () => {
        const third = await stalled(port);
        third.socket.write(Buffer.alloc(100 * KIB));
        await third.until(/read 512000|OVERLOADED/);
        return third.received();
      })
      .toMatch(/read 512000/);
  });
});

describe('what is no request', () => {
  const send = async (text: string, options: Partial<ServerOptions> = {}) => {
    const { port } = await serve(options);
    const { socket, until } = await open(port);
    socket.write(text);
    await once(socket, 'close');
    return until(/./);
  };

  test.each([
    ['no HTTP at all', 'HELO there\r\n\r\n', 400, 'BAD_REQUEST'],
    ['a method of its own', 'BREW /graphql HTTP/1.1\r\nHost: x\r\n\r\n', 400, 'BAD_REQUEST'],
    ['a header without a name', 'GET / HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n', 400, 'BAD_REQUEST'],
    ['two lengths', `${head(3).trim()}\r\nContent-Length: 4\r\n\r\nabc`, 400, 'BAD_REQUEST'],
    [
      'a length and chunks',
      `${head(3).trim()}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      400,
      'BAD_REQUEST',
    ],
    ['an endless header', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(20 * KIB)}`, 431, 'QUERY_TOO_LARGE'],
    [
      'headers without end',
      `GET / HTTP/1.1\r\nHost: x\r\n${'X: y\r\n'.repeat(4 * KIB)}`,
      431,
      'QUERY_TOO_LARGE',
    ],
    ['a target without end', `GET /${'x'.repeat(20 * KIB)}`, 431, 'QUERY_TOO_LARGE'],
  ])('%s is refused with a code, shortly, and the connection ends', async (_, text, status, code) => {
    const answer = await send(text);
    const [top = '', body = ''] = answer.split('\r\n\r\n');

    expect(top).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(top).toMatch(/\r\nconnection: close$/);
    expect(JSON.parse(body)).toEqual({
      errors: [{ message: expect.any(String), extensions: { code, retryable: false } }],
    });
    expect(answer.length).toBeLessThan(500);
  });

  const quick = { headersTimeout: 100, requestTimeout: 200, connectionsCheckingInterval: 20 };

  test.each([
    ['headers', 'GET / HTTP/1.1\r\nHost: x\r\n'],
    ['a body', `${head(3, known)}a`],
  ])('%s that come too slowly end the connection', async (_, text) => {
    const { port } = await serve({ timeouts: quick });
    const { socket } = await open(port);
    const begun = performance.now();
    socket.write(text);
    await once(socket, 'close');

    expect(performance.now() - begun).toBeLessThan(5_000);
  });

  test('while an answer is due nothing is written into it', async () => {
    const { promise: slow, resolve: release } = Promise.withResolvers<void>();
    const server = createGatewayServer(() => slow.then(() => sendable('late')), {
      drainTimeoutSeconds: 0.2,
      onError: () => {},
    });
    cleanups.push(() => server.close(), release);
    const { socket, received } = await open(await server.listen({ host: '127.0.0.1', port: 0 }));
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\nHELO there\r\n\r\n');
    await once(socket, 'close');

    expect(received()).toBe('');
  });
});
