import { parseArgs } from 'node:util';
import { parseAddress } from '../db/setup/hba.ts';
import { findLayout } from '../db/setup/layout.ts';
import type { Log } from '../db/setup/plan.ts';
import { planPrimary, slotOf } from '../db/setup/primary-plan.ts';
import { openPrimary } from '../db/setup/primary-server.ts';
import { planReplica } from '../db/setup/replica-plan.ts';
import { refuse } from '../db/setup/setup-error.ts';
import type { Environment } from '../settings/setting.ts';
import { carryOut } from './carry-out.ts';
import {
  parseHosts,
  parseLayout,
  parseName,
  parsePassword,
  parsePort,
  parsePrimaryUrl,
  parseRootCertificate,
  parseShared,
  parseSslMode,
  parseStandby,
  requireRights,
} from './setup-arguments.ts';

export const setupHelp = `Usage: cdr-gateway setup primary --url URL [options] [--apply]
       cdr-gateway setup replica --primary HOST[:PORT][,…] --name NAME [options] [--apply]

Prints what is to be done, each step with its reason and the statement, line or command; changes nothing without --apply.
What is already so has no step: a second run has nothing to do. No directory is ever emptied.

setup primary, from any host, over SQL alone
  --url URL               The primary, as a superuser, in the database that gateways read
  --standby NAME=ADDRESS  A standby and where it comes from; as often as there are some
  --gateway ADDRESS       Where a gateway comes from to watch the primary (PRIMARY_URL); as often as there are some
  --listen ADDRESS        Listen there and on the host itself; without it everywhere, if not yet anywhere but there

setup replica, on the host of the standby, as root or as the user of PostgreSQL
  --primary HOST[:PORT]   Where it streams from; several with commas: whichever of them takes writes
  --name NAME             Its name in pg_stat_replication; its slot is the same, with _ for what slots forbid
  --database NAME         The one that gateways read; sippy
  --gateway ADDRESS       Where a gateway comes from; as often as there are some
  --peer ADDRESS          Who may stream from here after a promotion: the primary of today, the other standbys
  --layout LAYOUT         debian, freebsd or plain; without it by what is here
  --cluster VERSION/NAME  Debian's, such as 15/main, where there are several
  --directory DIR         Of the data, and --binaries DIR of the programs; needed for plain
  --port PORT             Without it that of the files, or the primary's
  --listen ADDRESS        Listen there and on the host itself; without it everywhere
  --sslmode MODE          How it checks its primary: verify-full, verify-ca or require; verify-full
  --sslrootcert FILE      Who vouches for it

Both
  --certificate FILE, --key FILE, --ca FILE   TLS of that server: files on its host
  --without-tls           On a network that is yours alone: lines of host instead of hostssl
  --slot-wal SIZE         max_slot_wal_keep_size, such as 20GB; without it half of what is free
  --role NAME             As whom standbys stream; replicator
  --restart               Restart the server where a setting needs it, and it is of this host
  --max-clock-offset SECONDS   By how much the clocks may differ; 5

Reads REPLICATION_PASSWORD, or the file that REPLICATION_PASSWORD_FILE names.
Exit code: 0 nothing is left to do, 1 something is to do or left to you, 2 refused and nothing changed, 3 a step failed.
`;

const shared = {
  apply: { type: 'boolean', default: false },
  restart: { type: 'boolean', default: false },
  gateway: { type: 'string', multiple: true, default: [] as string[] },
  listen: { type: 'string' },
  certificate: { type: 'string' },
  key: { type: 'string' },
  ca: { type: 'string' },
  'without-tls': { type: 'boolean', default: false },
  'slot-wal': { type: 'string' },
  role: { type: 'string', default: 'replicator' },
  'max-clock-offset': { type: 'string', default: '5' },
} as const;

/** Resolves with the exit code. Throws a SetupRefusedError where nothing was changed. */
export async function setup(args: readonly string[], env: Environment, log: Log): Promise<number> {
  const [what, ...rest] = args;
  if (what === 'primary') return setupPrimary(rest, env, log);
  if (what === 'replica') return setupReplica(rest, env, log);
  return refuse(`Say what to set up.\n\n${setupHelp.trimEnd()}`);
}

async function setupPrimary(args: readonly string[], env: Environment, log: Log): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...shared,
      url: { type: 'string' },
      standby: { type: 'string', multiple: true, default: [] as string[] },
    },
  });
  const url = parsePrimaryUrl(values.url);
  const options = {
    ...parseShared(values),
    standbys: values.standby.map((text) => parseStandby(text)),
    password: parsePassword(env),
  };
  return carryOut(values.apply, log, async (use) => {
    await using server = await openPrimary({
      url,
      role: options.role,
      maxClockOffsetSeconds: options.maxClockOffsetSeconds,
    });
    // Awaited here: the connection closes when this function returns.
    return await use(await planPrimary(server, options));
  });
}

async function setupReplica(args: readonly string[], env: Environment, log: Log): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...shared,
      primary: { type: 'string' },
      name: { type: 'string' },
      database: { type: 'string', default: 'sippy' },
      peer: { type: 'string', multiple: true, default: [] as string[] },
      layout: { type: 'string' },
      cluster: { type: 'string' },
      directory: { type: 'string' },
      binaries: { type: 'string' },
      port: { type: 'string' },
      sslmode: { type: 'string' },
      sslrootcert: { type: 'string' },
    },
  });
  const options = parseShared(values);
  const name = parseName(values.name, '--name');
  const password =
    parsePassword(env) ?? refuse('REPLICATION_PASSWORD is missing, and REPLICATION_PASSWORD_FILE.');
  const sslmode = parseSslMode(values.sslmode, options.withoutTls);
  const upstream = {
    hosts: parseHosts(values.primary),
    role: options.role,
    password,
    sslmode,
    sslrootcert: parseRootCertificate(values.sslrootcert, sslmode),
  };
  const layout = findLayout({
    kind: parseLayout(values.layout),
    cluster: values.cluster,
    directory: values.directory,
    binaries: values.binaries,
  });
  if (values.apply) requireRights(layout.account.uid, layout.isService);
  return carryOut(values.apply, log, async (use) =>
    use(
      await planReplica({
        ...options,
        layout,
        upstream,
        name,
        slot: slotOf({ name }),
        database: values.database,
        peers: values.peer.map((text) => parseAddress(text, '--peer')),
        port: parsePort(values.port),
      }),
    ),
  );
}
