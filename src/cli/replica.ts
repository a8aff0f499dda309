import { parseArgs } from 'node:util';
import { parseAddress } from '../db/setup/hba.ts';
import { planAddition, planRemoval } from '../db/setup/membership-plan.ts';
import type { Log } from '../db/setup/plan.ts';
import { openPrimary } from '../db/setup/primary-server.ts';
import { refuse } from '../db/setup/setup-error.ts';
import { UrlsFile } from '../db/setup/urls-file.ts';
import { carryOut } from './carry-out.ts';
import { parseName, parseOffset, parsePrimaryUrl, parseStandbyUrl } from './setup-arguments.ts';

export const replicaHelp = `Usage: cdr-gateway replica add NAME --address ADDRESS --url URL [options] [--apply]
       cdr-gateway replica remove NAME --url URL [--urls-file FILE] [--apply]

Adds a standby to a cluster that serves, or takes one out, without stopping anything else. Prints what is to be done and
changes nothing without --apply. What is left to you is said; the same command goes on from there.

  add     Slot and line of pg_hba.conf on the primary; when it streams, its name for the gateways of this host
  remove  Gateways of this host let go of it; when it is stopped, its slot and its line go

  --url URL          The primary, as a superuser, in the database that gateways read
  --address ADDRESS  Where the standby comes from
  --urls-file FILE   REPLICA_URLS_FILE of the gateways of this host, which read it again when it changes
  --replica-url URL  The line for it: the standby as the role gateway
  --role NAME        As whom standbys stream; replicator
  --without-tls      On a network that is yours alone: host instead of hostssl
  --max-clock-offset SECONDS   By how much the clocks may differ; 5

Exit code: 0 nothing is left to do, 1 something is to do or left to you, 2 refused and nothing changed, 3 a step failed.
`;

/** Resolves with the exit code. Throws a SetupRefusedError where nothing was changed. */
export async function replica(args: readonly string[], log: Log): Promise<number> {
  const { values, positionals } = parse(args);
  const [action, name, ...others] = positionals;
  if ((action !== 'add' && action !== 'remove') || others.length > 0) {
    refuse(`Say what to do.\n\n${replicaHelp.trimEnd()}`);
  }
  const standby = parseName(name, `replica ${action}`);
  const [url, role] = [parsePrimaryUrl(values.url), parseName(values.role, '--role')];
  const offset = parseOffset(values['max-clock-offset']);
  const fileOf = () => (values['urls-file'] === undefined ? undefined : new UrlsFile(values['urls-file']));
  const address = action === 'add' ? parseAddress(values.address ?? '', '--address') : undefined;
  const replicaUrl = parseStandbyUrl(values['replica-url'], values['urls-file'], action);
  return carryOut(values.apply, log, async (use) => {
    await using server = await openPrimary({ url, role, maxClockOffsetSeconds: offset });
    const file = fileOf();
    const plan =
      address === undefined
        ? await planRemoval(server, { name: standby, file })
        : await planAddition(server, {
            standby: { name: standby, address },
            role,
            withoutTls: values['without-tls'],
            gateways: file && replicaUrl ? { file, url: replicaUrl } : undefined,
          });
    // Awaited here: the connection closes when this function returns.
    return await use(plan);
  });
}

function parse(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      url: { type: 'string' },
      address: { type: 'string' },
      'urls-file': { type: 'string' },
      'replica-url': { type: 'string' },
      role: { type: 'string', default: 'replicator' },
      'without-tls': { type: 'boolean', default: false },
      'max-clock-offset': { type: 'string', default: '5' },
      apply: { type: 'boolean', default: false },
    },
  });
}
