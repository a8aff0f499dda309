import type { Retention } from './retention.ts';

export interface PlanHost {
  /** As the other host reaches it. */
  readonly host: string;
  readonly dataDir: string;
  /** pgBackRest's configuration there. */
  readonly configFile: string;
  /** Of PostgreSQL. */
  readonly port: number;
  /** Where its socket is, if not where PostgreSQL's programs look for it. */
  readonly socketDir?: string | undefined;
}

/** Where backups and the archive lie. */
export type RepositoryPlace =
  | { readonly kind: 'directory'; readonly path: string }
  | {
      readonly kind: 's3';
      readonly bucket: string;
      readonly path: string;
      readonly endpoint: string;
      readonly port: number;
      readonly region: string;
      /** Whether the bucket stands in the path or in the name of the host. */
      readonly uriStyle: 'path' | 'host';
      /** On either host, of the authority that signed its certificate; undefined: one that the hosts know already. */
      readonly caFile: string | undefined;
      readonly keys: ObjectStoreKeys | undefined;
    };

/** What lets into the bucket. */
export interface ObjectStoreKeys {
  readonly id: string;
  readonly secret: string;
}

export interface PlanOptions {
  readonly stanza: string;
  readonly primary: PlanHost;
  /** Backups are read from it, and a directory of backups lies on it. */
  readonly standby: PlanHost;
  readonly repository: RepositoryPlace;
  readonly retention: Retention;
  /** Encrypts everything before it leaves the host. Who loses it has no backup. */
  readonly passphrase: string;
  /** Of the files `ca.crt`, `server.crt` and `server.key` on either host. */
  readonly certificateDir: string;
  /** Of pgBackRest's servers. */
  readonly tlsPort: number;
  /** Where pgBackRest keeps its own log, lock and spool; its defaults otherwise. */
  readonly stateDir?: string | undefined;
}

export interface PlannedFile {
  readonly on: 'primary' | 'standby';
  readonly host: string;
  readonly path: string;
  readonly text: string;
}

export interface Plan {
  readonly files: readonly PlannedFile[];
  /** In this order, each on its host. */
  readonly steps: readonly { readonly host: string; readonly why: string; readonly run: readonly string[] }[];
}

/** The switch goes before its backups: more WAL than this is dropped when the archive is away, and a full backup is due. */
const MAX_QUEUE = '64GiB';

const SECRET_LINES = /^(repo1-cipher-pass|repo1-s3-key|repo1-s3-key-secret)=.*$/gm;

/** The text of a planned file for a terminal, which may be recorded, when the file itself has been written. */
export const withoutSecrets = (text: string): string => text.replace(SECRET_LINES, '$1=***');

/** What two hosts need for backups from the standby and an archive of the primary's WAL. */
export function planBackups(options: PlanOptions): Plan {
  const { primary, standby, stanza } = options;
  const files: readonly PlannedFile[] = [
    { on: 'standby', host: standby.host, path: standby.configFile, text: standbyConfiguration(options) },
    { on: 'primary', host: primary.host, path: primary.configFile, text: primaryConfiguration(options) },
  ];
  const push = `pgbackrest${configFlag(primary)} --stanza=${stanza} archive-push %p`;
  const archiving = [
    'alter system set archive_mode = on',
    `alter system set archive_command = '${push}'`,
    "alter system set archive_timeout = '60s'",
  ];
  const psql = (host: PlanHost, statements: readonly string[]) =>
    `psql${host.socketDir === undefined ? '' : ` -h ${host.socketDir}`}${host.port === 5432 ? '' : ` -p ${host.port}`} -d postgres ${statements.map((each) => `-c "${each}"`).join(' ')}`;
  const both = [primary, standby];
  return {
    files,
    steps: [
      ...both.map(({ host }) => ({
        host,
        why: `The certificate of this host, signed by a CA of yours, as ${options.certificateDir}/{ca.crt,server.crt,server.key}, the key readable by postgres alone. Then pgBackRest's server:`,
        run: ['apt-get install pgbackrest', 'systemctl enable --now pgbackrest'],
      })),
      {
        host: primary.host,
        why: 'Archive every WAL segment, at the latest after a minute. The first of these needs a restart of PostgreSQL:',
        run: [psql(primary, archiving), 'systemctl restart postgresql'],
      },
      {
        host: standby.host,
        why: 'The same here, for the day it becomes the primary; a standby archives nothing:',
        run: [psql(standby, archiving), 'systemctl restart postgresql'],
      },
      {
        host: standby.host,
        why: 'Set the repository up, try the way there and back, and take the first backup:',
        run: [
          `sudo -u postgres pgbackrest${configFlag(standby)} --stanza=${stanza} stanza-create`,
          `sudo -u postgres pgbackrest${configFlag(standby)} --stanza=${stanza} check`,
          `sudo -u postgres cdr-gateway backup run${configFlag(standby)} --stanza ${stanza}`,
          'systemctl enable --now cdr-gateway-backup.timer cdr-gateway-restore-drill.timer',
        ],
      },
    ],
  };
}

const DEFAULT_CONFIG = '/etc/pgbackrest.conf';
const configFlag = ({ configFile }: PlanHost): string =>
  configFile === DEFAULT_CONFIG ? '' : ` --config=${configFile}`;

type Lines = readonly (readonly [name: string, value: string | number] | undefined)[];

function section(name: string, lines: Lines): string {
  const given = lines.filter((line) => line !== undefined);
  return [`[${name}]`, ...given.map(([option, value]) => `${option}=${value}`), ''].join('\n');
}

function standbyConfiguration(options: PlanOptions): string {
  const { stanza, primary, standby, retention } = options;
  return [
    '# Holds the passphrase of the repository: mode 0600, of the user postgres. Keep a copy where neither host is.',
    section('global', [
      ...repositoryLines(options),
      ...stateLines(options, 'standby'),
      // "cdr-gateway backup run" lets go of backups itself: pgBackRest counts, and knows no days, weeks and months.
      ['repo1-retention-full', 9_999_999],
      ['repo1-retention-archive', Math.max(retention.weekly, 1)],
      ['repo1-retention-archive-type', 'full'],
      ['expire-auto', 'n'],
      ['backup-standby', 'y'],
      ['start-fast', 'y'],
      ['process-max', 2],
      ['compress-type', 'zst'],
      ...serverLines(options, standby, primary.host),
    ]),
    section(stanza, [
      ['pg1-path', primary.dataDir],
      ...localLines('pg1', primary),
      ['pg1-host', primary.host],
      ...remoteLines('pg1', primary, options),
      ['pg2-path', standby.dataDir],
      ...localLines('pg2', standby),
    ]),
  ].join('\n');
}

function primaryConfiguration(options: PlanOptions): string {
  const { stanza, primary, standby, repository } = options;
  const isElsewhere = repository.kind === 's3';
  return [
    isElsewhere
      ? '# Holds the passphrase of the repository: mode 0600, of the user postgres. Keep a copy where neither host is.'
      : '# Backups lie on the standby, which has the passphrase: this host can add to them, and not read them.',
    section('global', [
      ...(isElsewhere
        ? repositoryLines(options)
        : ([['repo1-host', standby.host], ...remoteLines('repo1', standby, options)] as const)),
      ...stateLines(options, 'primary'),
      ['archive-async', 'y'],
      ['archive-push-queue-max', MAX_QUEUE],
      ['compress-type', 'zst'],
      ...serverLines(options, primary, standby.host),
    ]),
    section(stanza, [['pg1-path', primary.dataDir], ...localLines('pg1', primary)]),
  ].join('\n');
}

function repositoryLines({ repository, passphrase }: PlanOptions): Lines {
  const cipher: Lines = [
    ['repo1-cipher-type', 'aes-256-cbc'],
    ['repo1-cipher-pass', passphrase],
  ];
  if (repository.kind === 'directory') return [['repo1-path', repository.path], ...cipher];
  const { path, bucket, endpoint, port, region, uriStyle, caFile, keys } = repository;
  return [
    ['repo1-type', 's3'],
    ['repo1-path', path],
    ['repo1-s3-bucket', bucket],
    ['repo1-s3-endpoint', endpoint],
    ['repo1-s3-region', region],
    ['repo1-s3-uri-style', uriStyle],
    ['repo1-s3-key', keys?.id ?? 'YOUR-KEY'],
    ['repo1-s3-key-secret', keys?.secret ?? 'YOUR-SECRET'],
    port === 443 ? undefined : ['repo1-storage-port', port],
    caFile === undefined ? undefined : ['repo1-storage-ca-file', caFile],
    // Small files go together: each object is a request, and costs one.
    ['repo1-bundle', 'y'],
    ...cipher,
  ];
}

function stateLines({ stateDir }: PlanOptions, host: 'primary' | 'standby'): Lines {
  if (stateDir === undefined) return [];
  return ['log', 'lock', 'spool'].map((kind) => [`${kind}-path`, `${stateDir}/${host}-${kind}`]);
}

function localLines(name: string, { port, socketDir }: PlanHost): Lines {
  return [
    port === 5432 ? undefined : [`${name}-port`, port],
    socketDir === undefined ? undefined : [`${name}-socket-path`, socketDir],
  ];
}

function remoteLines(
  name: string,
  { configFile }: PlanHost,
  { certificateDir, tlsPort }: PlanOptions,
): Lines {
  return [
    [`${name}-host-type`, 'tls'],
    [`${name}-host-port`, tlsPort],
    [`${name}-host-ca-file`, `${certificateDir}/ca.crt`],
    [`${name}-host-cert-file`, `${certificateDir}/server.crt`],
    [`${name}-host-key-file`, `${certificateDir}/server.key`],
    configFile === DEFAULT_CONFIG ? undefined : [`${name}-host-config`, configFile],
  ];
}

/** The server lets in the other host alone, known by the name in its certificate, and for this stanza alone. */
function serverLines({ stanza, certificateDir, tlsPort }: PlanOptions, own: PlanHost, other: string): Lines {
  return [
    ['tls-server-address', own.host],
    ['tls-server-port', tlsPort],
    ['tls-server-ca-file', `${certificateDir}/ca.crt`],
    ['tls-server-cert-file', `${certificateDir}/server.crt`],
    ['tls-server-key-file', `${certificateDir}/server.key`],
    ['tls-server-auth', `${other}=${stanza}`],
  ];
}
