import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { BackupError } from '../backup/backup-error.ts';
import { type Plan, type PlanHost, planBackups, type RepositoryPlace } from '../backup/plan.ts';
import { BadSettingsError } from '../settings/parse.ts';
import { parseNumber, parseRetention } from './backup-options.ts';
import type { CommandOutput } from './restore.ts';

const flags = {
  primary: { type: 'string' },
  standby: { type: 'string' },
  stanza: { type: 'string', default: 'sippy' },
  major: { type: 'string', default: '15' },
  data: { type: 'string' },
  'primary-data': { type: 'string' },
  'primary-config': { type: 'string' },
  config: { type: 'string', default: '/etc/pgbackrest.conf' },
  port: { type: 'string', default: '5432' },
  'primary-port': { type: 'string' },
  socket: { type: 'string' },
  repository: { type: 'string', default: '/var/lib/pgbackrest' },
  certificates: { type: 'string', default: '/etc/pgbackrest' },
  'tls-port': { type: 'string', default: '8432' },
  state: { type: 'string' },
  keep: { type: 'string', default: '7,4,12' },
  write: { type: 'string' },
} as const;

export const planHelp = `Usage: cdr-gateway backup plan --primary HOST --standby HOST [options]

  --primary, --standby    Hosts, as they reach each other and as their certificates name them
  --repository PLACE      A directory of the standby's host, on another disk than the database's (default: ${flags.repository.default}),
                          or s3://BUCKET/PATH?endpoint=s3.example.net&region=fr-1
  --stanza NAME           What pgBackRest calls the cluster (default: ${flags.stanza.default})
  --major N               Of PostgreSQL (default: ${flags.major.default})
  --data DIR              Of the databases (default: /var/lib/postgresql/N/main); --primary-data where the primary's differs
  --port N                Of PostgreSQL (default: ${flags.port.default}); --primary-port where the primary's differs
  --socket DIR            Of PostgreSQL's socket, where it is not the usual one
  --config FILE           pgBackRest's configuration on the hosts (default: ${flags.config.default}); --primary-config likewise
  --certificates DIR      Of ca.crt, server.crt and server.key on either host (default: ${flags.certificates.default})
  --tls-port N            Of pgBackRest's servers on both (default: ${flags['tls-port'].default})
  --state DIR             Of pgBackRest's log, lock and spool, where they are not the usual ones
  --keep D,W,M            As of "backup run"; WAL is kept for as many weeks
  --write DIR             Writes the files into DIR too, mode 0600, one folder for each host; what is there is not replaced
`;

/** Prints the plan, and writes its files where that is wanted. Throws BadSettingsError and what parseArgs throws. */
export async function printPlan(
  args: readonly string[],
  { print, printError }: CommandOutput,
): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: flags });
  const { primary, standby, write } = values;
  if (!primary || !standby) throw new BadSettingsError(['--primary and --standby: both hosts must be named']);
  const dataDir = values.data ?? `/var/lib/postgresql/${parseNumber('--major', values.major, 12, 99)}/main`;
  const port = parseNumber('--port', values.port, 1, 65_535);
  const common = { dataDir, port, configFile: values.config, socketDir: values.socket };
  const primaryHost: PlanHost = {
    ...common,
    host: primary,
    dataDir: values['primary-data'] ?? dataDir,
    configFile: values['primary-config'] ?? values.config,
    port: values['primary-port'] ? parseNumber('--primary-port', values['primary-port'], 1, 65_535) : port,
  };
  const plan = planBackups({
    stanza: values.stanza,
    primary: primaryHost,
    standby: { ...common, host: standby },
    repository: parseRepository(values.repository),
    retention: parseRetention(values.keep),
    passphrase: randomBytes(48).toString('base64'),
    certificateDir: values.certificates,
    tlsPort: parseNumber('--tls-port', values['tls-port'], 1, 65_535),
    stateDir: values.state,
  });
  for (const line of describePlan(plan)) print(line);
  if (!write) return 0;
  try {
    await writeFiles(plan, write);
    return 0;
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    printError(error.message);
    return 2;
  }
}

function describePlan({ files, steps }: Plan): readonly string[] {
  return [
    ...files.flatMap(({ host, path, text }) => [`# ${path} on ${host} (owner postgres, mode 0600)`, text]),
    ...steps.flatMap(({ host, why, run }) => [`# On ${host}: ${why}`, ...run, '']),
  ];
}

async function writeFiles({ files }: Plan, directory: string): Promise<void> {
  for (const { on, path, text } of files) {
    const folder = join(directory, on);
    const file = join(folder, basename(path));
    await mkdir(folder, { recursive: true });
    await writeFile(file, text, { mode: 0o600, flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
      const reason = error.code === 'EEXIST' ? 'it is there already' : error.message;
      throw new BackupError(`${file} was not written: ${reason}.`);
    });
  }
}

function parseRepository(text: string): RepositoryPlace {
  if (text.startsWith('/')) return { kind: 'directory', path: text };
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const endpoint = url?.searchParams.get('endpoint');
  if (url?.protocol === 's3:' && url.hostname && endpoint) {
    const region = url.searchParams.get('region') ?? 'us-east-1';
    return { kind: 's3', bucket: url.hostname, path: url.pathname || '/', endpoint, region };
  }
  throw new BadSettingsError([
    `--repository: expected a directory such as /var/lib/pgbackrest, or s3://BUCKET/PATH?endpoint=HOST&region=REGION, got "${text}"`,
  ]);
}
