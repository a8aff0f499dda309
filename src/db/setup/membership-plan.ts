import { sql } from 'kysely';
import { selectJson } from '../catalogue/catalogue.ts';
import { openServer, placeOf } from '../doctor/server.ts';
import { explainUnreachable } from '../doctor/unreachable.ts';
import { linesOfStandby, removeFromBlock } from './hba.ts';
import type { Plan, Step } from './plan.ts';
import { writeHba } from './primary-hba.ts';
import { hbaSteps, type NamedStandby, restartSteps, senderSteps, slotOf, slotSteps } from './primary-plan.ts';
import type { PrimaryServer } from './primary-server.ts';
import { refuse } from './setup-error.ts';
import type { UrlsFile } from './urls-file.ts';

export interface AddOptions {
  readonly standby: NamedStandby;
  readonly role: string;
  readonly withoutTls: boolean;
  /** Undefined where no gateway of this host is to be told. */
  readonly gateways: { readonly file: UrlsFile; readonly url: string } | undefined;
}

/** One standby more: what the primary needs for it, and when it streams, its name for the gateways. */
export async function planAddition(server: PrimaryServer, options: AddOptions): Promise<Plan> {
  const { standby, role, gateways } = options;
  const { about } = server;
  if (!about.replicationRole) {
    refuse(
      `${server.place} has no role ${role}: it was not set up for standbys yet; run "setup primary" first.`,
    );
  }
  const isNew = !about.slots.some(({ name }) => name === slotOf(standby));
  const settings = senderSteps(server, about.slots.length + (isNew ? 1 : 0));
  const ofPrimary = [
    ...settings,
    ...slotSteps(server, [standby]),
    ...hbaSteps(server, { ...options, standbys: [standby], gateways: [] }),
    ...restartSteps(server, settings, false),
  ];
  const isStreaming = about.slots.some(({ name, isActive }) => isActive && name === slotOf(standby));
  const isNamed = gateways?.file.has(standby.name) ?? true;
  if (gateways && isStreaming && !isNamed) await refuseOtherStandby(server, gateways.url);
  return {
    subject: `${server.place}: PostgreSQL ${server.version}, primary, and ${standby.name}`,
    steps: [
      ...ofPrimary,
      ...(isStreaming ? [] : [copyStep(standby)]),
      ...(gateways && !isNamed && isStreaming ? [gateways.file.addStep(standby.name, gateways.url)] : []),
    ],
    notes:
      gateways && !isNamed && !isStreaming
        ? ['gateways are told when it streams: run the same command again then']
        : [],
    next: [],
  };
}

function copyStep({ name }: NamedStandby): Step {
  return {
    title: `Make ${name} stream`,
    because: 'it does not yet',
    shows: [`setup replica --name ${name} --primary … --apply, on its host`],
  };
}

/** What gateways are told must be that standby, and let them in. */
async function refuseOtherStandby({ db }: PrimaryServer, url: string): Promise<void> {
  const place = placeOf(url);
  const server = await openServer(url, 'REPLICA_URLS').catch((error: unknown) =>
    refuse(`${place} ${explainUnreachable(place, 'REPLICA_URLS', error).message}`),
  );
  try {
    const [primary] = await selectJson<{ cluster: string }>(
      db,
      sql`select system_identifier::text as cluster from pg_control_system()`,
    );
    if (server.facts.cluster !== primary!.cluster) refuse(`${place} belongs to another cluster.`);
    if (!server.facts.isStandby) refuse(`${place} is a primary, and gateways read from standbys.`);
  } finally {
    await server.close();
  }
}

export interface RemoveOptions {
  readonly name: string;
  readonly file: UrlsFile | undefined;
}

/** One standby less: first gateways let go of it, then it is stopped by whoever has its host, then its slot and its line go. */
export async function planRemoval(server: PrimaryServer, { name, file }: RemoveOptions): Promise<Plan> {
  refuseSynchronous(server, name);
  const { about, db } = server;
  const slot = about.slots.find((found) => found.name === slotOf({ name }));
  const lines = linesOfStandby(about.hba, name);
  const told: readonly Step[] = file?.has(name) ? [file.removeStep(name)] : [];
  const steps = slot?.isActive
    ? [...told, stopStep(name)]
    : [...told, ...(slot ? [dropStep(server, slot.name)] : []), ...forgetSteps()];

  function forgetSteps(): readonly Step[] {
    if (lines.length === 0) return [];
    return [
      {
        title: `Let ${name} in no more, in ${about.hbaFile}`,
        because: 'whoever gets its address could stream',
        shows: [...lines.map((line) => `- ${line}`), 'select pg_reload_conf();'],
        apply: () => writeHba(db, about.hbaFile, about.hba, removeFromBlock(about.hba, lines)),
      },
    ];
  }
  return {
    subject: `${server.place}: PostgreSQL ${server.version}, primary, without ${name}`,
    steps,
    notes: slot?.isActive
      ? ['its slot and its line go when it is stopped: run the same command again then']
      : [],
    next: [`the data directory on the host of ${name} is yours to delete`],
  };
}

/** A commit that waits for a standby that is gone waits for ever. */
function refuseSynchronous(server: PrimaryServer, name: string): void {
  const names = server.setting('synchronous_standby_names');
  if (!names.split(/[\s,()"]+/).includes(name)) return;
  refuse(
    `${name} is in synchronous_standby_names (${names}): without it commits would wait for ever; take it out there first.`,
  );
}

function stopStep(name: string): Step {
  return {
    title: `Stop ${name}, on its host`,
    because: 'it still streams; gateways are through with it when the role gateway has no connection there',
    shows: [
      "select count(*) from pg_stat_activity where usename = 'gateway';",
      'systemctl stop postgresql@…, or service postgresql stop',
    ],
  };
}

function dropStep({ db }: PrimaryServer, slot: string): Step {
  const statement = `select pg_drop_replication_slot('${slot}')`;
  return {
    title: `Drop the slot ${slot}`,
    because: 'nobody reads it, and it keeps WAL on the disk of the primary',
    shows: [`${statement};`],
    apply: () =>
      sql
        .raw(statement)
        .execute(db)
        .then(() => {}),
  };
}
