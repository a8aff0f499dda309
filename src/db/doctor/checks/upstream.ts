import { checkServers, present } from '../check.ts';
import { alterSystem, type Finding } from '../finding.ts';
import type { Server } from '../server.ts';

/** How a standby connects to whom it copies, as its WAL receiver says. */
export const upstreamCheck = checkServers(
  'upstream',
  ({ standbys }) => standbys,
  (server) => {
    const conninfo = parseConninfo(server.facts.receiver?.conninfo ?? '');
    return present([
      withoutSlot(server),
      ...(conninfo.size === 0
        ? []
        : [
            withoutName(server, conninfo),
            unverified(server, conninfo),
            password(server, conninfo),
            manyHosts(server, conninfo),
          ]),
    ]);
  },
);

function warn(server: Server, code: string, message: string, run?: string): Finding {
  const remedy = run === undefined ? undefined : ({ on: 'standby', run } as const);
  return { code, severity: 'warning', server: server.place, message, remedy };
}

function withoutSlot(server: Server): Finding | undefined {
  if (server.setting('primary_slot_name')?.value !== '') return undefined;
  const name = slotNameOf(server);
  return {
    code: 'NO_SLOT',
    severity: 'warning',
    server: server.place,
    message:
      'It has no slot: when it stays away for longer than the primary keeps WAL by chance, it must be cloned anew. ' +
      `Here, afterwards: ${alterSystem('primary_slot_name', name)}`,
    remedy: { on: 'primary', run: `select pg_create_physical_replication_slot('${name}', true);` },
  };
}

function slotNameOf({ place }: Server): string {
  return place
    .replace(/\/.*$/, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_');
}

function withoutName(server: Server, conninfo: Conninfo): Finding | undefined {
  // The receiver falls back to cluster_name, and to this.
  const name = conninfo.get('application_name') ?? conninfo.get('fallback_application_name') ?? 'walreceiver';
  if (name !== 'walreceiver') return undefined;
  return warn(
    server,
    'RECEIVER_NAMELESS',
    'Its primary_conninfo has no application_name: pg_stat_replication on the primary cannot tell it from another.',
  );
}

/** On this very machine nobody stands between. */
function unverified(server: Server, conninfo: Conninfo): Finding | undefined {
  const host = conninfo.get('host') ?? '';
  const mode = conninfo.get('sslmode') ?? 'prefer';
  if (host.split(',').every(isLoopback) || ['verify-full', 'verify-ca'].includes(mode)) return undefined;
  return warn(
    server,
    'UPSTREAM_UNVERIFIED',
    `It streams with sslmode=${mode}, which checks nobody: whoever answers at ${host} gets the replication password's proof and ` +
      'may feed it anything. Put sslmode=verify-full sslrootcert=… into primary_conninfo.',
  );
}

function password(server: Server, conninfo: Conninfo): Finding | undefined {
  if (!conninfo.has('password')) return undefined;
  return warn(
    server,
    'PASSWORD_IN_CONNINFO',
    'Its primary_conninfo holds the password of replication, for everybody who may read the settings or the file. Put it into a passfile.',
  );
}

function manyHosts(server: Server, conninfo: Conninfo): Finding | undefined {
  const hosts = (conninfo.get('host') ?? '').split(',');
  if (hosts.length < 2 || conninfo.get('target_session_attrs') === 'read-write') return undefined;
  return warn(
    server,
    'UPSTREAM_ANY_HOST',
    'Its primary_conninfo names several hosts without target_session_attrs=read-write: it may follow another standby, or itself.',
  );
}

export type Conninfo = ReadonlyMap<string, string>;

/** libpq's `key=value key='a value'`. */
export function parseConninfo(text: string): Conninfo {
  const pairs = text.matchAll(/(\w+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|(\S*))/g);
  return new Map(
    [...pairs].map(([, key, quoted, bare]) => [key!, (quoted ?? bare ?? '').replace(/\\(.)/g, '$1')]),
  );
}

/** Also a socket's directory. */
export function isLoopback(host: string): boolean {
  return host === '' || host.startsWith('/') || /^(localhost|127\.[\d.]+|\[?::1\]?)$/.test(host);
}
