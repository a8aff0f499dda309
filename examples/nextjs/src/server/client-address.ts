import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { type BlockList, isIP } from 'node:net';

const HEADER = 'x-socket-address';

/**
 * Notes in each request of this process who is at the other end of its connection. Next does not say, and what is in
 * X-Forwarded-For may have been written by anybody.
 */
export function noteSocketAddresses(): void {
  subscribe('http.server.request.start', (message) => {
    const { request } = message as { readonly request: IncomingMessage };
    request.headers[HEADER] = request.socket.remoteAddress ?? '';
  });
}

/**
 * The client's address: that of the connection or, behind proxies of ours, what the first of them says. Of IPv6 the
 * network, for one household has 2^64 addresses. Empty when it is not known.
 */
export function clientAddress(headers: Headers, trustedProxies: BlockList): string {
  const chain = (headers.get('x-forwarded-for') ?? '').split(',');
  let address = plain(headers.get(HEADER) ?? '');
  while (isTrusted(address, trustedProxies)) {
    const before = plain(chain.pop() ?? '');
    if (isIP(before) === 0) break;
    address = before;
  }
  return isIP(address) === 6 ? networkOf(address) : address;
}

function isTrusted(address: string, proxies: BlockList): boolean {
  const version = isIP(address);
  return version !== 0 && proxies.check(address, version === 6 ? 'ipv6' : 'ipv4');
}

/** IPv4 as itself, also where a socket of IPv6 took it. */
function plain(address: string): string {
  return address.trim().replace(/^::ffff:(?=\d+\.)/i, '');
}

/** Its first 64 bits. */
function networkOf(address: string): string {
  const [head = '', tail] = address.split('%')[0]!.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail ? tail.split(':') : [];
  const missing = tail === undefined ? 0 : 8 - before.length - after.length;
  const groups = [...before, ...Array<string>(Math.max(0, missing)).fill('0'), ...after];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}
