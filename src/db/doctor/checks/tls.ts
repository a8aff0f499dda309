import { sql } from 'kysely';
import { selectJson } from '../../catalogue/catalogue.ts';
import { checkServers, present } from '../check.ts';
import { alterSystem, type Finding } from '../finding.ts';
import { type Server, withHost } from '../server.ts';
import { isLoopback } from './upstream.ts';

const MIN_VALID_DAYS = 30;
const DAY_MS = 86_400_000;

/** Whether we know whom we talk to, for how long still, and whether standbys reach their primary over TLS. */
export const tlsCheck = checkServers(
  'TLS',
  ({ servers }) => servers,
  async (server, { now }) =>
    present([
      connectionFinding(server),
      certificate(server, now()),
      switchedOff(server),
      ...(await plainSenders(server)),
    ]),
);

function warn(server: Server, code: string, message: string, remedy?: Finding['remedy']): Finding {
  return { code, severity: 'warning', server: server.place, message, remedy };
}

function connectionFinding(server: Server): Finding | undefined {
  const reason = whyUnverified(server.url, server.tls !== undefined);
  if (reason === undefined || server.facts.isLocal) return undefined;
  return warn(server, server.tls ? 'TLS_UNVERIFIED' : 'TLS_NONE', reason);
}

/** Of a connection to another machine; undefined where the server had to prove who it is. */
export function whyUnverified(url: string, isEncrypted: boolean): string | undefined {
  const { hostname, searchParams } = new URL(withHost(url));
  if (isLoopback(searchParams.get('host') ?? hostname)) return undefined;
  const remedy = 'Add ?sslmode=verify-full&sslrootcert=… to its URL.';
  if (!isEncrypted) return `Calls and the password's proof travel in the open. ${remedy}`;
  const mode = searchParams.get('sslmode');
  const isLikeLibpq = searchParams.get('uselibpqcompat') === 'true';
  const isUnverified =
    mode === 'no-verify' || (isLikeLibpq && mode !== 'verify-full' && mode !== 'verify-ca');
  if (!isUnverified) return undefined;
  return `The connection is encrypted for whoever answers: sslmode=${mode} checks no certificate. ${remedy}`;
}

function certificate(server: Server, now: number): Finding | undefined {
  const validTo = server.tls?.validTo;
  if (!validTo || Number.isNaN(validTo.getTime())) return undefined;
  const days = (validTo.getTime() - now) / DAY_MS;
  if (days > MIN_VALID_DAYS) return undefined;
  const when = days < 0 ? 'has expired' : `expires in ${Math.floor(days)} days`;
  return warn(server, 'CERTIFICATE_EXPIRES', `Its certificate ${when} (${validTo.toISOString()}).`, {
    on: server.facts.isStandby ? 'standby' : 'primary',
    run: 'select pg_reload_conf(); (after the files of ssl_cert_file and ssl_key_file are replaced)',
  });
}

function switchedOff(server: Server): Finding | undefined {
  if (server.setting('ssl')?.value === 'on' || server.facts.isLocal) return undefined;
  return warn(server, 'SSL_OFF', 'It has no TLS: hostssl lines of its pg_hba.conf let nobody in.', {
    on: server.facts.isStandby ? 'standby' : 'primary',
    run: alterSystem('ssl', 'on'),
  });
}

async function plainSenders({ db, place, facts }: Server): Promise<readonly Finding[]> {
  const rows = await selectJson<{ name: string; address: string }>(
    db,
    sql`
    select application_name as name, host(client_addr) as address
    from pg_stat_replication join pg_stat_ssl using (pid)
    where not ssl and client_addr is not null and not client_addr <<= '127.0.0.0/8' and client_addr <> '::1'`,
  );
  return rows.map(({ name, address }) => ({
    code: 'SENDER_WITHOUT_TLS',
    severity: 'warning',
    server: place,
    message: `${name} (${address}) streams from here in the open: every call can be read on the way.`,
    remedy: {
      on: facts.isStandby ? 'standby' : 'primary',
      run: 'hostssl instead of host in pg_hba.conf; select pg_reload_conf();',
    },
  }));
}
