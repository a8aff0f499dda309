import type { IncomingHttpHeaders } from 'node:http';
import { BlockList, isIPv4, type Socket } from 'node:net';
import { forwardingHeaders } from '../forwarded.ts';

/** How far away an address is: this host, a network of one's own, or anywhere. */
export type Distance = 'host' | 'private' | 'public';

const host = new BlockList();
host.addSubnet('127.0.0.0', 8);
host.addAddress('::1', 'ipv6');

const privateNetworks = new BlockList();
for (const [network, bits] of [
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['169.254.0.0', 16],
] as const) {
  privateNetworks.addSubnet(network, bits);
}
privateNetworks.addSubnet('fc00::', 7, 'ipv6');
privateNetworks.addSubnet('fe80::', 10, 'ipv6');

export function distanceOf(address: string | undefined): Distance {
  // Of a socket that is closed.
  if (address === undefined) return 'public';
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
  const family = isIPv4(plain) ? 'ipv4' : 'ipv6';
  if (host.check(plain, family)) return 'host';
  return privateNetworks.check(plain, family) ? 'private' : 'public';
}

/** The other end of one connection. */
export class Peer {
  readonly distance: Distance;
  /** Whether it took its last long answer as fast as it was made; undefined before there was one. */
  keepsUp: boolean | undefined = undefined;
  readonly #port: number | undefined;

  constructor({ remoteAddress, localPort }: Pick<Socket, 'remoteAddress' | 'localPort'>) {
    this.distance = distanceOf(remoteAddress);
    this.#port = localPort;
  }

  /**
   * Whether it hands the request on for somebody else: then how far away the client is cannot be told from the
   * address, nor its pace from the connection, which next serves another. A proxy that adds no header, such as a
   * tunnel, is told by the port that the client has named.
   */
  forwards(headers: IncomingHttpHeaders): boolean {
    if (forwardingHeaders.some((name) => headers[name] !== undefined)) return true;
    return this.distance === 'host' && portOf(headers.host) !== this.#port;
  }
}

function portOf(host: string | undefined): number | undefined {
  if (host === undefined) return undefined;
  const port = /:(\d+)$/.exec(host)?.[1];
  return port === undefined ? 80 : Number(port);
}
