import type { ServerUrl } from '../connection-url.ts';
import { codeOfError, SourceError, type StandbySource, type WantedRole } from './source.ts';

const DEFAULT_PORT = 8008;
const TIMEOUT_MILLIS = 3000;

/** A member in the answer of `GET /cluster`. Tags are what `tags:` in patroni.yml says. */
interface Member {
  readonly name?: unknown;
  readonly role?: unknown;
  readonly host?: unknown;
  readonly port?: unknown;
  readonly tags?: Readonly<Record<string, unknown>>;
}

/**
 * The members of a Patroni cluster: `patroni+http://gateway:secret@10.0.0.1:8008,10.0.0.2:8008/sippy`. Host and port are
 * those of its REST interface, on as many nodes as one likes: the first that answers is believed. Login and database are
 * PostgreSQL's.
 *
 * Every member that is no leader is a standby, whatever Patroni says of its health, which the watcher knows better. The
 * tags `zone` and `weight` are taken over; one with `noloadbalance` is left out.
 */
export function createPatroniSource(url: ServerUrl, wanted: WantedRole): StandbySource {
  const protocol = url.scheme === 'patroni+https' ? 'https' : 'http';
  const nodes = url.hosts.map(({ host, port = DEFAULT_PORT }) => `${host}:${port}`);
  return {
    kind: 'patroni',
    place: nodes.join(', '),
    async read(signal) {
      const members = await readMembers(nodes, protocol, signal);
      const isLeader = ({ role }: Member) => role === 'leader' || role === 'master';
      const chosen = members.filter((member) =>
        wanted === 'primary' ? isLeader(member) : !isLeader(member) && !member.tags?.noloadbalance,
      );
      if (chosen.length === 0) throw new SourceError(`Patroni names no ${wanted} now.`);
      return chosen.map((member) => memberUrl(url, member));
    },
  };
}

function memberUrl(url: ServerUrl, { name, host, port, tags = {} }: Member): string {
  const weight = Number(tags.weight ?? Number.NaN);
  return url.at({
    host: String(host),
    port: Number(port),
    name: String(name),
    ...(typeof tags.zone === 'string' && tags.zone !== '' && { zone: tags.zone }),
    ...(weight >= 0 && weight < 1000 && { weight }),
  });
}

async function readMembers(
  nodes: readonly string[],
  protocol: 'http' | 'https',
  signal: AbortSignal,
): Promise<readonly Member[]> {
  const failures: string[] = [];
  for (const node of nodes) {
    try {
      const response = await fetch(`${protocol}://${node}/cluster`, {
        signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MILLIS)]),
      });
      if (!response.ok) throw Object.assign(new Error(), { code: `HTTP ${response.status}` });
      return parseMembers(await response.json());
    } catch (error) {
      failures.push(`${node}: ${codeOfError(error)}`);
    }
  }
  throw new SourceError(
    `Patroni does not answer at GET /cluster (${failures.join('; ')}): check host and port of its REST interface.`,
  );
}

function parseMembers(answer: unknown): readonly Member[] {
  const { members } = answer as { members?: unknown };
  const isUsable = ({ name, host, port }: Member) =>
    typeof name === 'string' && typeof host === 'string' && Number(port) > 0;
  if (!Array.isArray(members)) throw Object.assign(new Error(), { code: 'no list of members' });
  // One that is only being made has no address yet.
  return members.filter(isUsable);
}
