import { lookup, Resolver } from 'node:dns/promises';
import type { ServerUrl } from '../connection-url.ts';
import { codeOfError, SourceError, type StandbySource } from './source.ts';

const DEFAULT_PORT = 5432;

export interface DnsSourceOptions {
  /** Asked instead of the system's: `127.0.0.1:8600` is Consul's. Empty: the system's, with its file of hosts. */
  readonly dnsServers: readonly string[];
}

/** Every address of a name: `postgresql+dns://gateway:secret@standbys.example:5432/sippy`. */
export function createAddressSource(url: ServerUrl, { dnsServers }: DnsSourceOptions): StandbySource {
  const [{ host, port = DEFAULT_PORT }] = url.hosts as [ServerUrl['hosts'][number]];
  return {
    kind: 'dns',
    place: host,
    async read() {
      const addresses = await resolve(host, () => resolveAddresses(host, dnsServers));
      // The order changes with each answer of most servers, and means nothing.
      return [...new Set(addresses)].toSorted().map((address) => url.at({ host: address, port }));
    },
  };
}

/**
 * The servers of an SRV record: `postgresql+srv://gateway:secret@_postgresql._tcp.sippy.example/sippy`. Only those of the
 * best priority count, and each has the weight that its record gives it; where all weights are 0, as is usual, they
 * are equal.
 */
export function createServiceSource(url: ServerUrl, { dnsServers }: DnsSourceOptions): StandbySource {
  const [{ host }] = url.hosts as [ServerUrl['hosts'][number]];
  return {
    kind: 'dns',
    place: host,
    async read() {
      const records = await resolve(host, () => resolverFor(dnsServers).resolveSrv(host));
      const priority = Math.min(...records.map((record) => record.priority));
      const best = records.filter((record) => record.priority === priority);
      const largest = Math.max(...best.map(({ weight }) => weight));
      return best
        .toSorted((a, b) => (a.name < b.name ? -1 : 1) || a.port - b.port)
        .map(({ name, port, weight }) =>
          url.at({
            host: name,
            port,
            ...(largest > 0 && { weight: Number((weight / largest).toFixed(3)) }),
          }),
        );
    },
  };
}

async function resolve<T>(name: string, ask: () => Promise<readonly T[]>): Promise<readonly T[]> {
  let found: readonly T[];
  try {
    found = await ask();
  } catch (error) {
    const code = codeOfError(error);
    if (code === 'ENOTFOUND' || code === 'ENODATA') throw new SourceError(resolvesToNothing(name));
    throw new SourceError(`"${name}" cannot be resolved (${code}): look at the name server.`);
  }
  if (found.length === 0) throw new SourceError(resolvesToNothing(name));
  return found;
}

const resolvesToNothing = (name: string): string =>
  `"${name}" resolves to nothing: correct the name, or its record in the DNS.`;

async function resolveAddresses(host: string, dnsServers: readonly string[]): Promise<readonly string[]> {
  if (dnsServers.length === 0) return (await lookup(host, { all: true })).map(({ address }) => address);
  const resolver = resolverFor(dnsServers);
  const answers = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
  const found = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  if (found.length === 0 && answers[0].status === 'rejected') throw answers[0].reason;
  return found;
}

function resolverFor(dnsServers: readonly string[]): Resolver {
  const resolver = new Resolver({ timeout: 2000, tries: 2 });
  if (dnsServers.length > 0) resolver.setServers(dnsServers);
  return resolver;
}
