import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseConf, withSettings } from './conf-file.ts';
import { addToBlock, hbaText, missingLines } from './hba.ts';
import type { Layout } from './layout.ts';
import {
  type DirectoryState,
  inspectDirectory,
  isPortFree,
  isReady,
  readText,
  runningPid,
  writeText,
} from './local-files.ts';
import { passfileLine } from './password.ts';
import type { Plan, Step } from './plan.ts';
import { halfOf } from './primary-plan.ts';
import { refuseFullDisk, refuseOffset, type Space, spaceOf } from './primary-server.ts';
import { readHere, runHere } from './run-here.ts';
import { refuse } from './setup-error.ts';
import { NO_TLS, type TlsFiles, tlsSettings } from './tls.ts';
import { createSlot, inspectUpstream, PARITY, type Upstream, type UpstreamFacts } from './walsender.ts';
import { sharedSettings } from './wanted-settings.ts';

export interface ReplicaOptions {
  readonly layout: Layout;
  readonly upstream: Upstream;
  /** Its application_name, and with `_` for what slots forbid its slot. */
  readonly name: string;
  readonly slot: string;
  /** The database that gateways read. */
  readonly database: string;
  /** Addresses with masks. */
  readonly gateways: readonly string[];
  /** Of servers that may stream from here after a promotion, the primary of today among them. */
  readonly peers: readonly string[];
  readonly listen: string | undefined;
  readonly port: number | undefined;
  readonly tls: TlsFiles | undefined;
  readonly withoutTls: boolean;
  readonly slotWal: string | undefined;
  readonly restart: boolean;
  readonly maxClockOffsetSeconds: number;
  readonly space?: ((directory: string) => Promise<Space>) | undefined;
}

/** What keeps this host from having a standby of that primary. Throws a SetupRefusedError. */
export async function planReplica(options: ReplicaOptions): Promise<Plan> {
  const { layout, upstream, slot, maxClockOffsetSeconds } = options;
  const state = await inspectDirectory(layout);
  const facts = await inspectUpstream(upstream, slot);
  refuseOffset(facts.place, facts.clockOffsetSeconds, maxClockOffsetSeconds);
  await refuseOtherVersion(layout, facts);
  if (state.kind === 'standby') refuseStranger(layout, state, facts);
  const space = await (options.space ?? spaceOf)(nearestExisting(layout.dataDirectory));
  if (state.kind === 'empty') refuseFullDisk('this host', layout.dataDirectory, space);
  const wanted = await wantedSettings(options, facts, space, state);
  const pid = state.kind === 'standby' ? state.pid : undefined;
  if (pid === undefined) await refuseTakenPort(wanted);
  const pending = pid === undefined ? undefined : await readServer(layout, PENDING);
  const changes = [...(await settingsSteps(options, wanted, state)), ...(await hbaSteps(options, state))];
  const steps = [
    ...(await passfileSteps(options)),
    ...copySteps(options, facts, state),
    ...changes,
    ...runSteps(options, { pid, pending }, changes),
  ];
  return {
    subject: `${layout.name} on this host, as ${options.name}: a standby of ${facts.place} (PostgreSQL ${facts.version})`,
    steps,
    notes: [],
    next: ['doctor, from the host of a gateway, with this standby in REPLICA_URLS'],
  };
}

type Standby = Extract<DirectoryState, { readonly kind: 'standby' }>;

/** What has WAL of its own that the primary never had cannot follow it: at best it stops, at worst it looks as if it did. */
function refuseStranger(
  { dataDirectory }: Layout,
  { control, pid }: Standby,
  { place, systemIdentifier, timeline, ends }: UpstreamFacts,
): void {
  if (control.systemIdentifier !== systemIdentifier) {
    refuse(
      `${dataDirectory} holds a standby of another cluster (system identifier ${control.systemIdentifier}; that of ${place} is ${systemIdentifier}): setup empties no directory.`,
    );
  }
  if (pid !== undefined) return;
  const remedy = 'rewind it (pg_rewind) or clone it anew.';
  if (control.timeline > timeline) {
    refuse(`${dataDirectory} is on timeline ${control.timeline}, and ${place} on ${timeline}: ${remedy}`);
  }
  if (control.timeline < timeline && control.state === 'in production') {
    refuse(
      `${dataDirectory} was a primary that was not shut down before ${place} took its place: what it wrote last may be nowhere else; ${remedy}`,
    );
  }
  const end = control.timeline < timeline ? ends.get(control.timeline) : undefined;
  if (end !== undefined && control.position >= end) {
    refuse(`${dataDirectory} has WAL that ${place} never had: ${remedy}`);
  }
}

function nearestExisting(path: string): string {
  return existsSync(path) ? path : nearestExisting(dirname(path));
}

const major = (versionNumber: number) => Math.floor(versionNumber / 10_000);

async function refuseOtherVersion({ binaries, account }: Layout, facts: UpstreamFacts): Promise<void> {
  const program = join(binaries, 'postgres');
  for (const name of ['postgres', 'pg_basebackup', 'pg_ctl']) {
    if (!existsSync(join(binaries, name))) {
      refuse(
        `${binaries} has no ${name}: install the server's packages, or name another place with --binaries.`,
      );
    }
  }
  const text = await readHere([program, '--version'], { account });
  const own = Number(/\) (\d+)/.exec(text)?.[1]);
  if (own !== major(facts.versionNumber)) {
    refuse(
      `${facts.place} is PostgreSQL ${facts.version}, and here is ${own}: a standby has the same major version.`,
    );
  }
}

async function refuseTakenPort(wanted: ReadonlyMap<string, string>): Promise<void> {
  const port = Number(wanted.get('port'));
  for (const address of wanted.get('listen_addresses')!.split(',')) {
    const host = address === '*' ? '0.0.0.0' : address;
    if (!(await isPortFree(port, host))) {
      refuse(
        `Something else listens on port ${port} of this host (${address}): stop it, or give another with --port.`,
      );
    }
  }
}

/** What must stand in postgresql.auto.conf here: the copy brings that of the primary, which wins over every other file. */
async function wantedSettings(
  options: ReplicaOptions,
  { settings }: UpstreamFacts,
  space: Space,
  state: DirectoryState,
): Promise<ReadonlyMap<string, string>> {
  const { layout, listen, port, slotWal, slot } = options;
  const own = async (name: string) => (layout.hasOwnConfig ? readOwn(layout, name) : settings.get(name)!);
  // Of a standby that is there already, what somebody chose stays.
  const chosen = parseConf(state.kind === 'standby' ? await readText(autoConf(layout)) : '');
  const wanted = new Map<string, string>([
    ['primary_conninfo', conninfoOf(options)],
    ['primary_slot_name', slot],
    [
      'listen_addresses',
      listen === undefined ? (chosen.get('listen_addresses') ?? '*') : `localhost,${listen}`,
    ],
    ['port', String(port ?? chosen.get('port') ?? (await own('port')))],
    ['hot_standby', 'on'],
    ['max_slot_wal_keep_size', slotWal ?? chosen.get('max_slot_wal_keep_size') ?? halfOf(space.freeBytes)!],
    ...sharedSettings.map(({ name, value }) => [name, chosen.get(name) ?? value] as const),
  ]);
  for (const name of PARITY) {
    const values = [settings.get(name), chosen.get(name) ?? (await own(name))].map(Number);
    wanted.set(name, String(Math.max(...values)));
  }
  for (const [name, value] of await wantedTls(options, own, chosen)) wanted.set(name, value);
  return wanted;
}

async function wantedTls(
  { tls, withoutTls, layout }: ReplicaOptions,
  own: (name: string) => Promise<string>,
  chosen: ReadonlyMap<string, string>,
): Promise<readonly (readonly [string, string])[]> {
  if (tls) {
    for (const file of [tls.certificate, tls.key, tls.ca]) {
      if (file !== undefined && !existsSync(file)) refuse(`There is no file ${file} on this host.`);
    }
    return tlsSettings(tls);
  }
  const find = async (name: string) => chosen.get(name) ?? (await own(name));
  const files = [await find('ssl_cert_file'), await find('ssl_key_file')] as const;
  const [certificate, key] = files;
  if ((await find('ssl')) !== 'on') return withoutTls ? [['ssl', 'off']] : refuse(`This host: ${NO_TLS}`);
  // Relative names are those of files in the data directory, which are copied.
  const missing = files.find((file) => file.startsWith('/') && !existsSync(file));
  if (missing) {
    refuse(
      `TLS of ${layout.name} would be that of ${missing}, which is not on this host: give --certificate and --key.`,
    );
  }
  return tlsSettings({ certificate, key });
}

/** What the server would take from the files of this host. */
async function readOwn({ binaries, configDirectory, account }: Layout, name: string): Promise<string> {
  const command = [join(binaries, 'postgres'), '-D', configDirectory, '-C', name];
  return (await readHere(command, { account })).trim();
}

/** The words with which it will look for its primary, whichever of the hosts that is. */
export function conninfoOf({ upstream, name, layout }: ReplicaOptions): string {
  const { hosts, role, sslmode, sslrootcert } = upstream;
  return Object.entries({
    host: hosts.map(({ host }) => host).join(','),
    port: hosts.map(({ port }) => port).join(','),
    user: role,
    application_name: name,
    passfile: layout.passfile,
    sslmode,
    ...(sslrootcert ? { sslrootcert } : {}),
    target_session_attrs: 'read-write',
    connect_timeout: '5',
    tcp_user_timeout: '5000',
  })
    .map(([key, value]) => `${key}=${/[\s'\\]/.test(value) ? `'${value.replace(/['\\]/g, '\\$&')}'` : value}`)
    .join(' ');
}

async function passfileSteps({ layout, upstream }: ReplicaOptions): Promise<readonly Step[]> {
  const { passfile, account } = layout;
  const line = passfileLine(upstream.role, upstream.password);
  const before = (await readText(passfile)).split('\n').filter((text) => text !== '');
  if (before.includes(line)) return [];
  const others = before.filter((text) => !text.startsWith(`*:*:*:${upstream.role}:`));
  return [
    {
      title: `Write the password of ${upstream.role} into ${passfile}, for its owner alone`,
      because: 'there it stands on no command line and in no setting',
      shows: [`*:*:*:${upstream.role}:…`],
      apply: () => writeText(passfile, `${[...others, line].join('\n')}\n`, { account }),
    },
  ];
}

function copySteps(options: ReplicaOptions, facts: UpstreamFacts, state: DirectoryState): readonly Step[] {
  const { layout, upstream, slot } = options;
  const { account, dataDirectory, binaries } = layout;
  const slotStep: Step = {
    title: `Make the slot ${slot} on ${facts.place}`,
    because: 'WAL is kept from now on, so that none is missing after the copy',
    shows: [`CREATE_REPLICATION_SLOT ${slot} PHYSICAL RESERVE_WAL`],
    apply: () => createSlot(upstream, facts.place, slot),
  };
  if (state.kind === 'standby') return facts.hasSlot === false ? [slotStep] : [];
  const command = [
    join(binaries, 'pg_basebackup'),
    '--pgdata',
    dataDirectory,
    '--wal-method',
    'stream',
    '--checkpoint',
    'fast',
    '--slot',
    slot,
    '--write-recovery-conf',
    '--no-password',
    '--dbname',
    conninfoOf(options),
  ];
  return [
    ...(facts.hasSlot ? [] : [slotStep]),
    {
      title: `Copy ${facts.place} into ${dataDirectory}`,
      because: 'a standby begins as a copy of its primary, which goes on meanwhile',
      shows: [command.map((word) => (/[\s']/.test(word) ? `"${word}"` : word)).join(' ')],
      apply: () => runHere(command, { account }),
    },
  ];
}

const autoConf = ({ dataDirectory }: Layout) => join(dataDirectory, 'postgresql.auto.conf');

async function settingsSteps(
  { layout }: ReplicaOptions,
  wanted: ReadonlyMap<string, string>,
  state: DirectoryState,
): Promise<readonly Step[]> {
  const file = autoConf(layout);
  const present = parseConf(state.kind === 'standby' ? await readText(file) : '');
  const changes = new Map([...wanted].filter(([name, value]) => present.get(name) !== value));
  if (changes.size === 0) return [];
  return [
    {
      title: `Write its settings into ${file}`,
      because:
        'this file came with the copy and wins over every other: what it says of addresses, files and limits is that of the primary',
      shows: [...changes].map(([name, value]) => `${name} = '${value}'`),
      needsRestart: [...changes.keys()].some((name) =>
        /^(max_(?!slot|standby)|listen|port|hot_standby$)/.test(name),
      ),
      apply: async () => {
        const { account, configDirectory } = layout;
        await writeText(file, withSettings(await readText(file), wanted), { account });
        // A primary as Debian sets it up has this file elsewhere, so that the copy has none.
        const config = join(configDirectory, 'postgresql.conf');
        if (!existsSync(config)) await writeText(config, '', { account });
        // A running server takes what it can, and knows from then on what waits for its next start.
        const pid = runningPid(layout.dataDirectory);
        if (pid !== undefined) process.kill(pid, 'SIGHUP');
      },
    },
  ];
}

async function hbaSteps(
  { layout, database, gateways, peers, upstream, withoutTls }: ReplicaOptions,
  state: DirectoryState,
): Promise<readonly Step[]> {
  const file = join(layout.configDirectory, 'pg_hba.conf');
  const lines = [
    ...gateways.map((address) => ({ database, user: 'gateway', address })),
    ...peers.map((address) => ({ database: 'replication', user: upstream.role, address })),
  ].map((line) => hbaText(line, !withoutTls));
  const isThere = layout.hasOwnConfig || state.kind === 'standby';
  const missing = missingLines(isThere ? await readText(file) : '', lines);
  if (missing.length === 0) return [];
  return [
    {
      title: `Let gateways in, and who may stream from here after a promotion, on top of ${file}`,
      because: 'each comes from its own address, with its own role, and for nothing else',
      shows: missing,
      apply: async () => {
        // As above; a server without any line lets in nobody, not even its own user.
        const text = (await readText(file)) || 'local    all          all                            peer\n';
        await writeText(file, addToBlock(text, missingLines(text, lines)), {
          account: layout.account,
          mode: 0o640,
        });
      },
    },
  ];
}

function runSteps(
  options: ReplicaOptions,
  { pid, pending }: { readonly pid: number | undefined; readonly pending: string | undefined },
  changes: readonly Step[],
): readonly Step[] {
  const { layout, restart } = options;
  const account = layout.isService ? undefined : layout.account;
  const begin = (command: readonly string[]) => async () => {
    await runHere(command, { account });
    await untilStreaming(options);
  };
  if (pid === undefined) {
    return [
      {
        title: 'Start it, and wait until it streams',
        because: 'it is not running',
        shows: [layout.start.join(' ')],
        apply: begin(layout.start),
      },
    ];
  }
  if (pending || changes.some(({ needsRestart }) => needsRestart)) {
    return [
      {
        title: 'Restart it',
        because: `some of its settings are read at the start alone${pending ? ` (${pending})` : ''}; gateways read from another standby meanwhile`,
        shows: [layout.restart.join(' ')],
        apply: restart ? begin(layout.restart) : undefined,
      },
    ];
  }
  if (changes.length === 0) return [];
  return [
    {
      title: 'Let it read its files again',
      because: 'they changed, and nothing of it needs a restart',
      shows: [`kill -HUP ${pid}`],
      apply: async () => void process.kill(pid, 'SIGHUP'),
    },
  ];
}

const STREAMING_TIMEOUT_MS = 60_000;
const POLL_MS = 100;

/** Rejects with a sentence when it does not stream in time. */
async function untilStreaming({ layout }: ReplicaOptions): Promise<void> {
  const { dataDirectory } = layout;
  const deadline = Date.now() + STREAMING_TIMEOUT_MS;
  for (;;) {
    if (isReady(dataDirectory)) {
      const status = await readServer(layout, RECEIVER_STATUS);
      if (status === 'streaming' || status === undefined) return;
    }
    if (runningPid(dataDirectory) === undefined) throw new Error('It ended again: its log says why.');
    if (Date.now() > deadline) {
      throw new Error('It runs and does not stream after a minute: its log says why.');
    }
    await delay(POLL_MS);
  }
}

const RECEIVER_STATUS = "select coalesce((select status from pg_stat_wal_receiver), 'none')";
const PENDING =
  "select coalesce(string_agg(name, ', ' order by name), '') from pg_settings where pending_restart";

/** Undefined where its own pg_hba.conf does not let us look; empty where it does not answer yet. */
async function readServer(
  { account, dataDirectory, binaries }: Layout,
  statement: string,
): Promise<string | undefined> {
  const lines = (await readText(join(dataDirectory, 'postmaster.pid'))).split('\n');
  const psql = [join(binaries, 'psql'), '/usr/bin/psql', '/usr/local/bin/psql'].find((file) =>
    existsSync(file),
  );
  if (!psql || !lines[4]) return undefined;
  const command = [
    ...[psql, '--no-psqlrc', '--no-password', '--tuples-only', '--no-align'],
    ...[
      '--host',
      lines[4].trim(),
      '--port',
      lines[3]!.trim(),
      '--username',
      'postgres',
      '--dbname',
      'postgres',
    ],
    ...['--command', statement],
  ];
  return readHere(command, { account }).then(
    (text) => text.trim(),
    (error: Error) => (/pg_hba|authentication|no password/i.test(error.message) ? undefined : ''),
  );
}
