import type { IncomingHttpHeaders } from 'node:http';
import { type Networks, plainAddress } from '../access/networks.ts';

/**
 * The address of the client. A proxy adds the address that it was called from at the end of X-Forwarded-For, so that the
 * list is believed from its end, for as long as it is proxies of ours that tell.
 */
export function clientAddress(
  socketAddress: string | undefined,
  headers: IncomingHttpHeaders,
  trustedProxies: Networks | undefined,
): string | undefined {
  if (!trustedProxies?.has(socketAddress)) return socketAddress && plainAddress(socketAddress);
  const told = [headers['x-forwarded-for'] ?? []].flat().join(',').split(',');
  const addresses = told.map((text) => text.trim()).filter(Boolean);
  const client = addresses.findLast((address) => !trustedProxies.has(address)) ?? addresses[0];
  return plainAddress(client ?? socketAddress!);
}
