import type { IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { type CompressionMode, EncodingPolicy } from '../../../src/http/encoding/encoding-policy.ts';
import { distanceOf } from '../../../src/http/encoding/peer.ts';

const PORT = 3001;
const ALL = 'gzip, deflate, br, zstd';
const stream = new Headers({ 'content-type': 'text/csv; charset=utf-8' });

const connectionFrom = (remoteAddress: string | undefined) =>
  ({ remoteAddress, localPort: PORT }) as IncomingMessage['socket'];

interface Asked {
  readonly socket?: IncomingMessage['socket'];
  readonly headers?: Record<string, string>;
  readonly response?: Headers;
}

const choose = (policy: EncodingPolicy, { socket, headers, response = stream }: Asked = {}) =>
  policy.choose(
    {
      socket: socket ?? connectionFrom('127.0.0.1'),
      headers: { host: `localhost:${PORT}`, 'accept-encoding': ALL, ...headers },
    } as unknown as IncomingMessage,
    response,
  );

/** As one word. */
const chosen = (policy: EncodingPolicy, asked: Asked = {}): string => {
  const choice = choose(policy, asked);
  return choice ? `${choice.coding ?? 'plain'}, ${choice.level}` : 'untouched';
};

const policyOf = (mode: CompressionMode = 'auto') => new EncodingPolicy(mode);

test.each([
  ['127.0.0.1', 'host'],
  ['127.9.9.9', 'host'],
  ['::1', 'host'],
  ['::ffff:127.0.0.1', 'host'],
  ['10.1.2.3', 'private'],
  ['::ffff:10.1.2.3', 'private'],
  ['172.16.0.1', 'private'],
  ['172.31.255.255', 'private'],
  ['172.32.0.1', 'public'],
  ['192.168.1.1', 'private'],
  ['192.169.1.1', 'public'],
  ['169.254.1.1', 'private'],
  ['fd00::1', 'private'],
  ['fe80::1%eth0', 'private'],
  ['8.8.8.8', 'public'],
  ['::ffff:8.8.8.8', 'public'],
  ['2001:db8::1', 'public'],
  ['100.64.0.1', 'public'],
  [undefined, 'public'],
])('the address %s is of: %s', (address, distance) => {
  expect(distanceOf(address)).toBe(distance);
});

test.each([
  ['127.0.0.1', 'plain, stored'],
  ['::1', 'plain, stored'],
  ['10.0.0.9', 'zstd, stored'],
  ['fd00::9', 'zstd, stored'],
  ['203.0.113.9', 'zstd, compressed'],
])('a client at %s that nothing is known of gets: %s', (address, expected) => {
  expect(chosen(policyOf(), { socket: connectionFrom(address) })).toBe(expected);
});

test.each([
  [{ 'x-forwarded-for': '203.0.113.9' }],
  [{ forwarded: 'for=203.0.113.9' }],
  [{ via: '1.1 proxy' }],
  [{ 'x-real-ip': '203.0.113.9' }],
  [{ host: 'cdr.example.com' }],
  [{ host: 'localhost:8443' }],
  [{ host: '' }],
])('a peer on this host that hands on what others ask (%j) gets it compressed', (headers) => {
  expect(chosen(policyOf(), { headers })).toBe('zstd, always compressed');
});

test.each([`127.0.0.1:${PORT}`, `[::1]:${PORT}`, `my-laptop:${PORT}`])(
  'a client that calls us %s does not',
  (host) => {
    expect(chosen(policyOf(), { headers: { host } })).toBe('plain, stored');
  },
);

test('of a peer on a private network its name for us says nothing', () => {
  const socket = connectionFrom('10.0.0.9');
  expect(chosen(policyOf(), { socket, headers: { host: 'gateway-1:3001' } })).toBe('zstd, stored');
  expect(chosen(policyOf(), { socket, headers: { host: 'cdr.internal' } })).toBe('zstd, stored');
});

test('how a connection took one body decides on its next', () => {
  const policy = policyOf();
  const near = connectionFrom('10.0.0.9');
  choose(policy, { socket: near })!.notePace(true);
  expect(chosen(policy, { socket: near })).toBe('plain, stored');
  choose(policy, { socket: near })!.notePace(undefined);
  expect(chosen(policy, { socket: near })).toBe('plain, stored');
  choose(policy, { socket: near })!.notePace(false);
  expect(chosen(policy, { socket: near })).toBe('zstd, compressed');
  expect(chosen(policy, { socket: connectionFrom('10.0.0.9') })).toBe('zstd, stored');

  const far = connectionFrom('203.0.113.9');
  choose(policy, { socket: far })!.notePace(true);
  expect(chosen(policy, { socket: far })).toBe('zstd, stored');
});

test('a slow client on this host is known by its name on its next connections', () => {
  const policy = policyOf();
  const slow = { 'user-agent': 'slow' };
  const socket = connectionFrom('127.0.0.1');
  choose(policy, { socket, headers: slow })!.notePace(false);
  expect(chosen(policy, { headers: slow })).toBe('zstd, always compressed');
  expect(chosen(policy, { socket, headers: slow })).toBe('zstd, compressed');
  expect(chosen(policy, { headers: { 'user-agent': 'quick' } })).toBe('plain, stored');
});

test.each([
  ['gzip', 'gzip, stored'],
  ['br, gzip, deflate', 'gzip, stored'],
  ['br', 'br, stored'],
  ['zstd;q=0.5, gzip', 'gzip, stored'],
  ['identity', 'untouched'],
  ['', 'untouched'],
])('at a pace that is to be found out, of "%s" one that can follow it: %s', (accepted, expected) => {
  const asked = { socket: connectionFrom('10.0.0.9'), headers: { 'accept-encoding': accepted } };
  expect(chosen(policyOf(), asked)).toBe(expected);
});

test.each([
  ['gzip, deflate', 'gzip, compressed'],
  ['gzip, deflate, br', 'br, compressed'],
  ['gzip, deflate, br, zstd', 'zstd, compressed'],
  ['br;q=0.5, gzip', 'gzip, compressed'],
])('anywhere else, of "%s" the one that costs least: %s', (accepted, expected) => {
  const asked = { socket: connectionFrom('203.0.113.9'), headers: { 'accept-encoding': accepted } };
  expect(chosen(policyOf(), asked)).toBe(expected);
});

test('a client that refuses plain bytes gets none, wherever it is and however short the answer is', () => {
  const headers = { 'accept-encoding': 'gzip, identity;q=0' };
  const response = new Headers({ 'content-type': 'application/json', 'content-length': '12' });
  expect(chosen(policyOf(), { headers, response })).toBe('gzip, stored');
  const unreadable = { 'accept-encoding': 'identity;q=0' };
  expect(chosen(policyOf(), { headers: unreadable, response })).toBe('untouched');
});

test.each([
  [{ 'content-type': 'application/json; charset=utf-8' }, true],
  [{ 'content-type': 'application/graphql-response+json; charset=utf-8' }, true],
  [{ 'content-type': 'application/x-ndjson; charset=utf-8' }, true],
  [{ 'content-type': 'application/json', 'content-length': '1400' }, true],
  [{ 'content-type': 'application/json', 'content-length': '1399' }, false],
  [{ 'content-type': 'multipart/mixed; boundary="-"' }, false],
  [{ 'content-type': 'text/event-stream' }, false],
  [{ 'content-type': 'text/html; charset=utf-8', etag: '"1"' }, false],
  [{ 'content-type': 'application/json', etag: '"1"' }, false],
  [{ 'content-type': 'text/csv', 'content-encoding': 'gzip' }, false],
  [{}, false],
])('of an answer with %j it is said whether it is encoded: %s', (headers, isEncoded) => {
  const response = new Headers(headers as Record<string, string>);
  const socket = connectionFrom('203.0.113.9');
  expect(chosen(policyOf(), { socket, response }) !== 'untouched').toBe(isEncoded);
});

test('the setting is above all of it', () => {
  const near = { headers: { 'accept-encoding': 'br, gzip' } };
  expect(chosen(policyOf('always'), near)).toBe('br, always compressed');
  expect(chosen(policyOf('always'), { headers: { 'accept-encoding': '' } })).toBe('untouched');
  for (const address of ['127.0.0.1', '10.0.0.9', '203.0.113.9']) {
    expect(chosen(policyOf('off'), { socket: connectionFrom(address) })).toBe('untouched');
  }
});
