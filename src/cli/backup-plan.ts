import { randomBytes } from 'node:crypto';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { BackupError } from '../backup/backup-error.ts';
import {
  type ObjectStoreKeys,
  type Plan,
  type PlanHost,
  planBackups,
  type RepositoryPlace,
  withoutSecrets,
} from '../backup/plan.ts';
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
  keys: { type: 'string' },
  certificates: { type: 'string', default: '/etc/pgbackrest' },
  'tls-port': { type: 'string', default: '8432' },
  state: { type: 'string' },
  keep: { type: 'string', default: '7,4,12' },
  write: { type: 'string' },
} as const;

export const planHelp = `Usage: cdr-gateway backup plan --primary HOST --standby HOST [options]

  --primary, --standby    Hosts, as they reach each other and as their certificates name them
  --repository PLACE      A directory of the standby's host, on another disk than the database's (default: ${flags.repository.default}),
                          or s3://BUCKET/PATH?endpoint=HOST[:PORT]&region=REGION, with &ca=FILE where an authority of
                          yours signed its certificate, and &style=host where the bucket is part of the host's name
  --keys FILE             Of the bucket: two lines, the key and its secret, in a file that you alone may read
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
  --write DIR             Writes the files into DIR, mode 0600, one folder for each host, and prints them without their secrets;
                          what is there is not replaced
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
    repository: await readRepositoryPlace(values.repository, values.keys),
    retention: parseRetention(values.keep),
    passphrase: randomBytes(48).toString('base64'),
    certificateDir: values.certificates,
    tlsPort: parseNumber('--tls-port', values['tls-port'], 1, 65_535),
    stateDir: values.state,
  });
  try {
    if (write) await writeFiles(plan, write);
    for (const line of describePlan(plan, write ? withoutSecrets : (text) => text)) print(line);
    return 0;
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    printError(error.message);
    return 2;
  }
}

function describePlan({ files, steps }: Plan, shown: (text: string) => string): readonly string[] {
  return [
    ...files.flatMap(({ host, path, text }) => [
      `# ${path} on ${host} (owner postgres, mode 0600)`,
      shown(text),
    ]),
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

const S3_FORM = 's3://BUCKET/PATH?endpoint=HOST&region=REGION';

/** Throws BadSettingsError. */
async function readRepositoryPlace(text: string, keyFile: string | undefined): Promise<RepositoryPlace> {
  if (text.startsWith('/') && keyFile === undefined) return { kind: 'directory', path: text };
  if (text.startsWith('/')) throw new BadSettingsError(['--keys: a directory of backups has none']);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const given = new Set(url?.searchParams.keys());
  const unknown = [...given].filter((name) => !['endpoint', 'region', 'style', 'ca'].includes(name));
  const endpoint = /^([\w.-]+)(?::(\d{1,5}))?$/.exec(url?.searchParams.get('endpoint') ?? '');
  const style = url?.searchParams.get('style') ?? 'path';
  const hasSecret = Boolean(url?.username || url?.password);
  if (hasSecret)
    throw new BadSettingsError(['--repository: keys belong into the file of --keys, not into the URL']);
  if (url?.protocol !== 's3:' || !url.hostname || !endpoint || unknown.length > 0 || !isStyle(style)) {
    throw new BadSettingsError([
      `--repository: expected a directory such as /var/lib/pgbackrest, or ${S3_FORM}, got "${text}"`,
    ]);
  }
  return {
    kind: 's3',
    bucket: url.hostname,
    path: url.pathname || '/',
    endpoint: endpoint[1]!,
    port: Number(endpoint[2] ?? 443),
    region: url.searchParams.get('region') ?? 'us-east-1',
    uriStyle: style,
    caFile: url.searchParams.get('ca') ?? undefined,
    keys: keyFile === undefined ? undefined : await readKeys(keyFile),
  };
}

/** Most that is not Amazon's has no name of its own for each bucket. */
const isStyle = (text: string): text is 'path' | 'host' => text === 'path' || text === 'host';

/** Throws BadSettingsError, which never has a line of the file. */
async function readKeys(file: string): Promise<ObjectStoreKeys> {
  const bad = (reason: string) => new BadSettingsError([`--keys: ${file} ${reason}`]);
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
    throw bad(error.code === 'ENOENT' ? 'is not there' : `cannot be read (${error.code})`);
  });
  if (!found.isFile()) throw bad('is no file');
  if ((found.mode & 0o077) !== 0) throw bad('may be read by others: chmod 600');
  const [id, secret, ...rest] = (await readFile(file, 'utf8')).split('\n').map((line) => line.trim());
  if (!id || !secret || rest.some(Boolean)) throw bad('must have two lines, the key and its secret');
  return { id, secret };
}
