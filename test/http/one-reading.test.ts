import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createGatewayServer, type GatewayServer } from '../../src/http/server.ts';

/**
 * What two servers may read as two different things, the one in front and this one, is refused, and the connection ended:
 * otherwise somebody's next request begins with what a stranger wrote.
 */
const HIDDEN = 'GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n';

let server: GatewayServer;
let port: number;
const paths: string[] = [];
beforeAll(async () => {
  server = createGatewayServer(
    async (request) => {
      paths.push(new URL(request.url).pathname);
      await request.text();
      return new Response('answer');
    },
    {
      drainTimeoutSeconds: 0.2,
      onError: (error) => {
        throw error;
      },
    },
  );
  port = await server.listen({ host: '127.0.0.1', port: 0 });
});
afterEach(() => {
  paths.length = 0;
});
afterAll(() => server.close());

/** All that comes back until the server ends the connection. */
async function send(bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  socket.write(bytes, 'latin1');
  return (await socket.toArray()).join('');
}

const statusesOf = (answers: string) =>
  Array.from(answers.matchAll(/^HTTP\/1\.1 (\d+)/gm), ([, status]) => status).join(' ');

const post = (headers: string, body: string) =>
  `POST /graphql HTTP/1.1\r\nHost: x\r\n${headers}\r\n\r\n${body}${HIDDEN}`;

test.each([
  ['a length and chunks', post('Content-Length: 5\r\nTransfer-Encoding: chunked', '0\r\n\r\n')],
  ['chunks and a length', post('Transfer-Encoding: chunked\r\nContent-Length: 5', '0\r\n\r\n')],
  ['two lengths', post('Content-Length: 0\r\nContent-Length: 5', '')],
  ['a list of lengths', post('Content-Length: 0, 5', '')],
  ['a length with a sign', post('Content-Length: +5', 'abcde')],
  ['a length below 0', post('Content-Length: -1', '')],
  ['a length in hexadecimal', post('Content-Length: 0x5', 'abcde')],
  ['chunks that are not the last coding', post('Transfer-Encoding: chunked, identity', '0\r\n\r\n')],
  ['a coding nobody knows', post('Transfer-Encoding: xchunked', '0\r\n\r\n')],
  ['chunks behind a tab', post('Transfer-Encoding:\x0bchunked', '0\r\n\r\n')],
  ['a blank before the colon', post('Transfer-Encoding : chunked', '0\r\n\r\n')],
  ['a header over two lines', post('X-One: 1\r\n Transfer-Encoding: chunked\r\nContent-Length : 0', '')],
  ['a zero byte', post('X-One: a\0b\r\nContent-Length: 0', '')],
  ['lines that end with CR alone', post('X-One: 1\rTransfer-Encoding: chunked\r\nContent-Length: 0', '')],
  ['a chunk whose length is none', post('Transfer-Encoding: chunked', '0x0\r\n\r\n')],
  ['a chunk longer than it says', post('Transfer-Encoding: chunked', '1\r\nabc\r\n0\r\n\r\n')],
])('%s: nothing behind it is answered', async (_, bytes) => {
  // Where the body shows it, somebody may be answering already: the connection is then cut.
  expect(statusesOf(await send(bytes))).toMatch(/^(400)?$/);
  expect(paths).not.toContain('/hidden');
});

test('two requests that follow one another are both answered', async () => {
  const bytes = post('Content-Length: 0', '').replace('/hidden HTTP/1.1', '/hidden HTTP/1.0');
  expect(statusesOf(await send(bytes))).toBe('200 200');
  expect(paths).toEqual(['/graphql', '/hidden']);
});
