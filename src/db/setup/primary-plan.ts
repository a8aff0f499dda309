import { sql } from 'kysely';
import { selectJson } from '../catalogue/catalogue.ts';
import { scramVerifier } from '../migrate/migrate-password.ts';
import { addToBlock, hbaText, missingLines } from './hba.ts';
import { restartCommandOf } from './layout.ts';
import { isPasswordOf } from './password.ts';
import type { Plan, Step } from './plan.ts';
import { writeHba } from './primary-hba.ts';
import { type PrimaryServer, reload } from './primary-server.ts';
import { runHere } from './run-here.ts';
import { refuse } from './setup-error.ts';
import { NO_TLS, type TlsFiles, tlsSettings } from './tls.ts';
import { senderSettings, sharedSettings, type WantedSetting } from './wanted-settings.ts';

export interface NamedStandby {
  readonly name: string;
  /** With its mask. */
  readonly address: string;
}

export interface PrimaryOptions {
  readonly standbys: readonly NamedStandby[];
  /** Addresses with masks, from which the gateway's role comes to watch the primary. */
  readonly gateways: readonly string[];
  readonly role: string;
  readonly password: string | undefined;
  /** Undefined: every address, for pg_hba.conf decides who is let in. */
  readonly listen: string | undefined;
  readonly tls: TlsFiles | undefined;
  readonly withoutTls: boolean;
  /** As PostgreSQL writes it: 20GB. */
  readonly slotWal: string | undefined;
  /** Restarts the server where it is of this host and needs it. */
  readonly restart: boolean;
}

/** What keeps this server from being a primary with these standbys. */
export async function planPrimary(server: PrimaryServer, options: PrimaryOptions): Promise<Plan> {
  const { setting, about } = server;
  const isTls = setting('ssl') === 'on';
  if (!isTls && !options.tls && !options.withoutTls) refuse(`${server.place}: ${NO_TLS}`);
  const slots = [...new Set([...about.slots.map(({ name }) => name), ...options.standbys.map(slotOf)])];
  const settings = [
    ...senderSteps(server, slots.length),
    ...sharedSettings.map((wanted) => wantedStep(server, wanted)),
    slotLimitStep(server, options),
    listenStep(server, options),
    ...(await tlsSteps(server, options)),
  ].filter((step) => step !== undefined);
  const steps = [
    ...settings,
    ...roleSteps(server, options),
    ...slotSteps(server, options.standbys),
    ...hbaSteps(server, options),
    ...restartSteps(server, settings, options.restart),
  ];
  return {
    subject: `${server.place}: PostgreSQL ${server.version}, primary, in ${about.dataDirectory}`,
    steps,
    notes: about.disk
      ? []
      : ['its disk is on another host, or cannot be seen from here: make sure that a tenth of it is free'],
    next: [
      ...(about.hasGatewayRole
        ? []
        : ['migrate up, on this database: the roles of the gateway, and its indexes']),
      ...options.standbys.map(
        ({ name }) => `setup replica --name ${name} --primary …, on the host of ${name}`,
      ),
    ],
  };
}

/** A name as it may stand in a slot. */
export function slotOf({ name }: { readonly name: string }): string {
  return name.toLowerCase().replace(/[^a-z0-9_]+/g, '_');
}

/** The statement is shown as it is run. */
function settingStep(
  server: PrimaryServer,
  { name, value, because, needsRestart = false }: Omit<WantedSetting, 'isWell'>,
): Step | undefined {
  if (needsRestart && server.isWritten(name, value)) return undefined;
  const statement = `alter system set ${name} = '${value.replaceAll("'", "''")}'`;
  return {
    title: `Set ${name} to ${value}, instead of ${server.setting(name) || 'nothing'}`,
    because,
    shows: [`${statement}; select pg_reload_conf();`],
    needsRestart,
    apply: async () => {
      await sql.raw(statement).execute(server.db);
      await reload(server.db);
    },
  };
}

export function senderSteps(server: PrimaryServer, standbys: number): readonly Step[] {
  return senderSettings(standbys).flatMap((wanted) => wantedStep(server, wanted) ?? []);
}

function wantedStep(server: PrimaryServer, wanted: WantedSetting): Step | undefined {
  return wanted.isWell(server.setting(wanted.name)) ? undefined : settingStep(server, wanted);
}

/** Without a limit a standby that stays away fills the disk of the primary, which then stops with a PANIC. */
function slotLimitStep(server: PrimaryServer, { slotWal }: PrimaryOptions): Step | undefined {
  const name = 'max_slot_wal_keep_size';
  const current = Number(server.setting(name));
  const value = slotWal ?? (current >= 0 ? undefined : halfOf(server.about.disk?.freeBytes));
  if (value === undefined && current < 0) {
    refuse(
      `How much WAL may be kept for a standby that stays away cannot be worked out from here: give --slot-wal, half of what is free where pg_wal lies, such as --slot-wal 20GB.`,
    );
  }
  if (value === undefined || (current >= 0 && megabytes(value) === current)) return undefined;
  return settingStep(server, {
    name,
    value,
    because:
      'a standby that stays away may keep so much WAL here and no more: then it is cloned anew, and the primary lives',
  });
}

export function halfOf(freeBytes: number | undefined): string | undefined {
  if (freeBytes === undefined) return undefined;
  const gigabytes = Math.floor(freeBytes / 2 ** 31);
  return gigabytes > 1 ? `${gigabytes}GB` : `${Math.max(1, Math.floor(freeBytes / 2 ** 21))}MB`;
}

export function megabytes(text: string): number {
  const [, amount, unit] = /^(\d{1,9})(MB|GB|TB)$/.exec(text) ?? [];
  if (amount === undefined) return refuse(`--slot-wal: "${text}" is no amount; give one such as 20GB.`);
  return Number(amount) * { MB: 1, GB: 1024, TB: 1024 * 1024 }[unit as 'MB' | 'GB' | 'TB'];
}

function listenStep(server: PrimaryServer, { listen }: PrimaryOptions): Step | undefined {
  const current = server.setting('listen_addresses');
  const value = listen === undefined ? '*' : `localhost,${listen}`;
  if (listen === undefined && !isLocalOnly(current)) return undefined;
  if (current === value || current === '*') return undefined;
  return settingStep(server, {
    name: 'listen_addresses',
    value,
    because: 'it listens on its own host alone; whom it lets in, pg_hba.conf says',
    needsRestart: true,
  });
}

function isLocalOnly(listenAddresses: string): boolean {
  return listenAddresses
    .split(',')
    .every((address) => /^(localhost|127\.0\.0\.1|::1|)$/.test(address.trim()));
}

async function tlsSteps(server: PrimaryServer, { tls }: PrimaryOptions): Promise<readonly Step[]> {
  if (!tls) return [];
  await refuseMissingFiles(server, tls);
  return tlsSettings(tls).flatMap(([name, value]) => {
    if (server.setting(name) === value) return [];
    const step = settingStep(server, {
      name,
      value,
      because: 'standbys and gateways come over TLS, and check whom they talk to',
    })!;
    return name === 'ssl' ? { ...step, apply: () => switchTlsOn(server, step) } : step;
  });
}

async function refuseMissingFiles({ db, place }: PrimaryServer, { certificate, key, ca }: TlsFiles) {
  for (const file of [certificate, key, ca]) {
    if (file === undefined) continue;
    const [found] = await selectJson<{ exists: boolean }>(
      db,
      sql`select (pg_stat_file(${file}, true)).size is not null as exists`,
    );
    if (!found!.exists) refuse(`There is no file ${file} on the host of ${place}.`);
  }
}

/** A key that others may read is not taken: the server says so in its log alone. */
async function switchTlsOn({ db }: PrimaryServer, step: Step): Promise<void> {
  await step.apply!();
  const [now] = await selectJson<{ isOn: boolean }>(db, sql`select current_setting('ssl') = 'on' as "isOn"`);
  if (now!.isOn) return;
  await sql`alter system reset ssl`.execute(db);
  throw new Error(
    'The server did not take the certificate and the key; its log says why. A key must belong to its user, with mode 0600.',
  );
}

function roleSteps(server: PrimaryServer, { role, password }: PrimaryOptions): readonly Step[] {
  const found = server.about.replicationRole;
  if (found?.isSuperuser) {
    refuse(
      `The role ${role} of ${server.place} is a superuser: whoever has its password has everything; name another with --role.`,
    );
  }
  if (password === undefined && !found?.password) {
    refuse(
      `The role ${role} needs a password: give it in REPLICATION_PASSWORD, or a file with it in REPLICATION_PASSWORD_FILE.`,
    );
  }
  const name = `"${role.replaceAll('"', '""')}"`;
  const run = (statement: string) => () =>
    sql
      .raw(statement)
      .execute(server.db)
      .then(() => {});
  const steps: Step[] = [];
  if (!found) {
    const statement = `create role ${name} login replication nosuperuser nocreatedb nocreaterole`;
    steps.push({
      title: `Create the role ${role}`,
      because: 'standbys stream as a role that may do that and nothing else; the gateway never uses it',
      shows: [`${statement};`],
      apply: run(statement),
    });
  } else if (!found.mayReplicate || !found.mayLogIn) {
    const statement = `alter role ${name} login replication`;
    steps.push({
      title: `Let the role ${role} stream`,
      because: 'it is there and may not',
      shows: [`${statement};`],
      apply: run(statement),
    });
  }
  if (password !== undefined && !isPasswordOf(found?.password ?? null, password)) {
    steps.push({
      title: `Set the password of ${role}`,
      because: 'it is the one of REPLICATION_PASSWORD; its SCRAM verifier alone is sent',
      shows: [`alter role ${name} password 'SCRAM-SHA-256$…';`],
      apply: () => run(`alter role ${name} password '${scramVerifier(password)}'`)(),
    });
  }
  return steps;
}

export function slotSteps({ about, db }: PrimaryServer, standbys: readonly NamedStandby[]): readonly Step[] {
  return standbys
    .filter((standby) => !about.slots.some(({ name }) => name === slotOf(standby)))
    .map((standby) => {
      const statement = `select pg_create_physical_replication_slot('${slotOf(standby)}', true)`;
      return {
        title: `Make the slot ${slotOf(standby)}`,
        because: `WAL is kept from now on, so that ${standby.name} misses none after it was cloned`,
        shows: [`${statement};`],
        apply: () =>
          sql
            .raw(statement)
            .execute(db)
            .then(() => {}),
      };
    });
}

export type HbaOptions = Pick<PrimaryOptions, 'standbys' | 'gateways' | 'role' | 'withoutTls'>;

function linesFor({ database }: PrimaryServer, options: HbaOptions): readonly string[] {
  const { standbys, gateways, role, withoutTls } = options;
  return [
    ...standbys.map(({ name, address }) => ({ database: 'replication', user: role, address, name })),
    ...gateways.map((address) => ({ database, user: 'gateway', address })),
  ].map((line) => hbaText(line, !withoutTls));
}

export function hbaSteps(server: PrimaryServer, options: HbaOptions): readonly Step[] {
  const { about, db } = server;
  const missing = missingLines(about.hba, linesFor(server, options));
  if (missing.length === 0) return [];
  return [
    {
      title: `Let standbys and gateways in, on top of ${about.hbaFile}`,
      because:
        'each comes from its own address, with its own role, and for nothing else; the first line that fits decides',
      shows: [...missing, 'select pg_reload_conf();'],
      apply: () => writeHba(db, about.hbaFile, about.hba, addToBlock(about.hba, missing)),
    },
  ];
}

export function restartSteps(
  server: PrimaryServer,
  settings: readonly Step[],
  mayRestart: boolean,
): readonly Step[] {
  const { about, pending } = server;
  if (pending.length === 0 && !settings.some(({ needsRestart }) => needsRestart)) return [];
  const command = restartCommandOf(about);
  // Not by pg_ctl, whose server would be a child of ours.
  const isService = about.disk !== undefined && command[0] !== 'pg_ctl';
  return [
    {
      title: 'Restart the server',
      because: `some settings are read at its start alone${pending.length > 0 ? ` (${pending.join(', ')})` : ''}: the switch cannot write for some seconds, so choose the hour`,
      shows: [command.join(' ')],
      apply: mayRestart && isService ? () => runHere(command) : undefined,
    },
  ];
}
