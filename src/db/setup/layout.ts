import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { refuse } from './setup-error.ts';

/** Where a server of this host keeps its files, and how it is started and stopped. */
export interface Layout {
  readonly kind: LayoutKind;
  /** For people: "Debian's cluster 15/main". */
  readonly name: string;
  readonly dataDirectory: string;
  /** Of postgresql.conf and pg_hba.conf. */
  readonly configDirectory: string;
  /** Whether configDirectory is made by the package and not by the copy. */
  readonly hasOwnConfig: boolean;
  readonly binaries: string;
  /** Of libpq, with the password of replication. */
  readonly passfile: string;
  readonly account: Account;
  readonly start: readonly string[];
  readonly restart: readonly string[];
  /** The commands are for root, not for the account. */
  readonly isService: boolean;
}

export type LayoutKind = 'debian' | 'freebsd' | 'plain';

/** Who runs the server. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

export interface LayoutOptions {
  readonly kind?: LayoutKind | undefined;
  /** Debian's, as in 15/main. */
  readonly cluster?: string | undefined;
  readonly directory?: string | undefined;
  readonly binaries?: string | undefined;
}

/** Chooses by what is on this host, where the options do not say. Throws a SetupRefusedError. */
export function findLayout(options: LayoutOptions): Layout {
  const kind =
    options.kind ??
    (process.platform === 'freebsd' ? 'freebsd' : options.directory === undefined ? 'debian' : 'plain');
  if (kind === 'debian') return debianLayout(options);
  return kind === 'freebsd' ? freebsdLayout(options) : plainLayout(options);
}

const DEBIAN_CONFIG = '/etc/postgresql';

function debianLayout({ cluster, directory, binaries }: LayoutOptions): Layout {
  const [version, name] = (cluster ?? onlyCluster()).split('/');
  if (!version || !name) refuse(`--cluster: "${cluster}" is no cluster; give one such as 15/main.`);
  const configDirectory = join(DEBIAN_CONFIG, version, name);
  const config = join(configDirectory, 'postgresql.conf');
  if (!existsSync(config)) {
    refuse(
      `There is no cluster ${version}/${name} on this host: ${config} is missing (sudo pg_createcluster ${version} ${name}).`,
    );
  }
  const configured = /^\s*data_directory\s*=\s*'([^']+)'/m.exec(readFileSync(config, 'utf8'))?.[1];
  const unit = `postgresql@${version}-${name}`;
  const command = (verb: string) =>
    hasSystemd() ? ['systemctl', verb, unit] : ['pg_ctlcluster', version, name, verb];
  return {
    kind: 'debian',
    name: `Debian's cluster ${version}/${name}`,
    dataDirectory: directory ?? configured ?? `/var/lib/postgresql/${version}/${name}`,
    configDirectory,
    hasOwnConfig: true,
    binaries: binaries ?? `/usr/lib/postgresql/${version}/bin`,
    passfile: '/var/lib/postgresql/pgpass',
    account: findAccount(['postgres']),
    start: command('start'),
    restart: command('restart'),
    isService: true,
  };
}

function onlyCluster(): string {
  const found = readdirOrNone(DEBIAN_CONFIG)
    .flatMap((version) => readdirOrNone(join(DEBIAN_CONFIG, version)).map((name) => `${version}/${name}`))
    .filter((cluster) => existsSync(join(DEBIAN_CONFIG, cluster, 'postgresql.conf')));
  if (found.length === 1) return found[0]!;
  return found.length === 0
    ? refuse(
        'PostgreSQL is not installed here as Debian does it: /etc/postgresql has no cluster (apt-get install postgresql, or --directory DIR).',
      )
    : refuse(`There are several clusters on this host (${found.join(', ')}): name one with --cluster.`);
}

const hasSystemd = () => existsSync('/run/systemd/system');

/** That of a Sippy host, that of the ports before version 9.6 and later. */
function freebsdLayout({ directory, binaries }: LayoutOptions): Layout {
  const places = [
    '/usr/local/pgsql/data',
    ...readdirOrNone('/var/db/postgres').map((name) => join('/var/db/postgres', name)),
  ];
  const dataDirectory = directory ?? places.find((place) => existsSync(dirname(place)));
  if (!dataDirectory) {
    refuse(
      'Neither /usr/local/pgsql nor /var/db/postgres is here: say where the data are to be, with --directory.',
    );
  }
  return {
    kind: 'freebsd',
    name: `FreeBSD's ${dataDirectory}`,
    dataDirectory,
    configDirectory: dataDirectory,
    hasOwnConfig: false,
    binaries: binaries ?? '/usr/local/bin',
    passfile: join(dirname(dataDirectory), 'pgpass'),
    account: findAccount(['postgres', 'pgsql']),
    start: ['service', 'postgresql', 'start'],
    restart: ['service', 'postgresql', 'restart'],
    isService: true,
  };
}

function plainLayout({ directory, binaries }: LayoutOptions): Layout {
  if (!directory || !binaries) {
    refuse('--layout plain needs --directory (of the data) and --binaries (of pg_ctl and pg_basebackup).');
  }
  const control = (verb: string) => [
    join(binaries, 'pg_ctl'),
    '--pgdata',
    directory,
    '--wait',
    '--log',
    `${directory}.log`,
    verb,
  ];
  return {
    kind: 'plain',
    name: directory,
    dataDirectory: directory,
    configDirectory: directory,
    hasOwnConfig: false,
    binaries,
    passfile: `${directory}.pgpass`,
    account: process.getuid?.() === 0 ? findAccount(['postgres', 'nobody']) : ourselves(),
    start: control('start'),
    restart: control('restart'),
    isService: false,
  };
}

function readdirOrNone(directory: string): readonly string[] {
  return existsSync(directory) && statSync(directory).isDirectory() ? readdirSync(directory).toSorted() : [];
}

function ourselves(): Account {
  return { name: '', uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
}

function findAccount(names: readonly string[]): Account {
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n');
  for (const name of names) {
    const [, , uid, gid] = lines.find((line) => line.startsWith(`${name}:`))?.split(':') ?? [];
    if (uid && gid) return { name, uid: Number(uid), gid: Number(gid) };
  }
  return refuse(`This host has no user ${names.join(' or ')} to run PostgreSQL as: install its packages.`);
}

/** How a running server is started anew, told by what it says of itself: it may be on another host. */
export function restartCommandOf(about: {
  readonly version: string;
  readonly dataDirectory: string;
  readonly configFile: string;
}): readonly string[] {
  const [, version, cluster] = /^\/etc\/postgresql\/([^/]+)\/([^/]+)\//.exec(about.configFile) ?? [];
  if (version && cluster) {
    return hasSystemd() || !existsSync(about.configFile)
      ? ['systemctl', 'restart', `postgresql@${version}-${cluster}`]
      : ['pg_ctlcluster', version, cluster, 'restart'];
  }
  if (/freebsd/i.test(about.version)) return ['service', 'postgresql', 'restart'];
  return ['pg_ctl', '--pgdata', about.dataDirectory, '--mode', 'fast', 'restart'];
}
