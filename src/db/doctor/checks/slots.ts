import { sql } from 'kysely';
import { selectJson } from '../../catalogue/catalogue.ts';
import { checkServers, present } from '../check.ts';
import { alterSystem, type Finding } from '../finding.ts';
import type { Server } from '../server.ts';

interface Slot {
  readonly name: string;
  readonly quoted: string;
  readonly kind: 'physical' | 'logical';
  readonly isActive: boolean;
  readonly walStatus: string | null;
  readonly isReserving: boolean;
  readonly holdsRows: boolean;
  readonly keptBytes: number | null;
}

interface Sender {
  readonly name: string;
  readonly address: string | null;
  readonly hasSlot: boolean;
}

const FULL_SHARE = 0.9;

/** Who streams from a server, and what it keeps for those who do not. On standbys too: cascades, and slots left behind. */
export const slotsCheck = checkServers(
  'slots',
  ({ servers }) => servers,
  async (server, { primary }) => {
    const slots = await selectSlots(server);
    const senders = await selectSenders(server);
    return present([
      ...slots.flatMap((slot) => slotFindings(server, slot)),
      ...senders.map((sender) => withoutSlot(server, sender)),
      ...used(server, slots, senders),
      server === primary ? nobodyStreams(server, senders) : undefined,
      server === primary ? await synchronousNames(server) : undefined,
    ]);
  },
);

function selectSlots({ db, facts }: Server): Promise<readonly Slot[]> {
  const end = facts.isStandby ? sql`pg_last_wal_replay_lsn()` : sql`pg_current_wal_lsn()`;
  return selectJson<Slot>(
    db,
    sql`
    select slot_name as name, quote_literal(slot_name) as quoted, slot_type as kind, active as "isActive",
      wal_status as "walStatus", restart_lsn is not null as "isReserving",
      xmin is not null or catalog_xmin is not null as "holdsRows",
      pg_wal_lsn_diff(${end}, restart_lsn)::float8 as "keptBytes"
    from pg_replication_slots where not temporary
      and coalesce(to_jsonb(pg_replication_slots) ->> 'synced', 'false') = 'false' order by slot_name`,
  );
}

function selectSenders({ db }: Server): Promise<readonly Sender[]> {
  return selectJson<Sender>(
    db,
    sql`
    select coalesce(nullif(application_name, ''), 'without a name') as name, host(client_addr) as address,
      exists (select from pg_replication_slots where active_pid = pid) as "hasSlot"
    from pg_stat_replication where coalesce(state, 'streaming') in ('streaming', 'catchup')`,
  );
}

function slotFindings(server: Server, slot: Slot): readonly Finding[] {
  const { name, quoted, kind, isActive, walStatus, isReserving, holdsRows, keptBytes } = slot;
  const on = server.facts.isStandby ? 'standby' : 'primary';
  const drop = { on, run: `select pg_drop_replication_slot(${quoted});` } as const;
  const found = (code: string, message: string, remedy: Finding['remedy'] = drop): Finding => {
    return { code, severity: 'warning', server: server.place, message, remedy };
  };
  if (walStatus === 'lost') {
    return [
      found(
        'SLOT_LOST',
        `The WAL that slot ${name} kept is gone: its standby must be cloned anew, with a new slot.`,
      ),
    ];
  }
  if (!isReserving) {
    return [
      found(
        'SLOT_UNUSED',
        `Slot ${name} keeps nothing: no standby has ever used it. One that begins later may miss WAL; make it with "true", or drop it.`,
      ),
    ];
  }
  if (isActive) {
    const isTight = walStatus === 'unreserved' || walStatus === 'extended';
    return isTight
      ? [
          found(
            'SLOT_BEHIND',
            `Slot ${name} is ${walStatus}: its standby is ${describeMegabytes(keptBytes)} behind, and about to lose its WAL.`,
            {
              on,
              run: `select * from pg_stat_replication; select * from pg_replication_slots where slot_name = ${quoted};`,
            },
          ),
        ]
      : [];
  }
  const kept = `it keeps ${describeMegabytes(keptBytes)} of WAL`;
  const rows = holdsRows
    ? [
        found(
          'SLOT_HOLDS_ROWS',
          `Slot ${name} is read by nobody and forbids VACUUM to remove what it may still want: tables grow.`,
        ),
      ]
    : [];
  return kind === 'logical'
    ? [
        found(
          'SLOT_LOGICAL_IDLE',
          `Logical slot ${name} is read by nobody: ${kept}, and old catalogue rows.`,
        ),
        ...rows,
      ]
    : [
        found(
          'SLOT_IDLE',
          `Slot ${name} is read by nobody: ${kept}. If its standby is retired, drop it; otherwise see why that does not connect.`,
        ),
        ...rows,
      ];
}

function withoutSlot(server: Server, { name, address, hasSlot }: Sender): Finding | undefined {
  if (hasSlot) return undefined;
  return {
    code: 'SENDER_WITHOUT_SLOT',
    severity: 'warning',
    server: server.place,
    message: `${name} (${address ?? 'local'}) streams from here without a slot: when it stays away for long it must be cloned anew.`,
  };
}

function used(
  server: Server,
  slots: readonly Slot[],
  senders: readonly Sender[],
): readonly (Finding | undefined)[] {
  return [
    nearlyUsedUp(server, 'SLOTS_USED_UP', 'max_replication_slots', slots.length),
    nearlyUsedUp(server, 'SENDERS_USED_UP', 'max_wal_senders', senders.length),
  ];
}

/** One is needed in reserve, for the standby that is made when another is lost. */
function nearlyUsedUp(server: Server, code: string, name: string, count: number): Finding | undefined {
  const limit = Number(server.setting(name)!.value);
  if (limit === 0 || count < Math.min(limit * FULL_SHARE, limit)) return undefined;
  const on = server.facts.isStandby ? 'standby' : 'primary';
  return {
    code,
    severity: 'warning',
    server: server.place,
    message: `${count} of ${limit} (${name}) are in use: there is no room for another standby.`,
    remedy: {
      on,
      run: `alter system set ${name} = '${Math.max(10, limit * 2)}'; (on standbys first; then restart it)`,
    },
  };
}

function nobodyStreams(server: Server, senders: readonly Sender[]): Finding | undefined {
  if (senders.length > 0) return undefined;
  return {
    code: 'NO_SENDER',
    severity: 'warning',
    server: server.place,
    message: 'Nobody streams from this primary: the standbys follow another one, or none.',
    remedy: { on: 'standby', run: 'select status, sender_host, sender_port from pg_stat_wal_receiver;' },
  };
}

/** A commit waits for a standby that is named and is not there. */
async function synchronousNames(server: Server): Promise<Finding | undefined> {
  const names = server.setting('synchronous_standby_names')?.value;
  if (!names) return undefined;
  const [found] = await selectJson<{ sync: boolean }>(
    server.db,
    sql`select exists (select from pg_stat_replication where sync_state in ('sync', 'quorum')) as sync`,
  );
  if (found!.sync) return undefined;
  return {
    code: 'SYNCHRONOUS_NOBODY',
    severity: 'warning',
    server: server.place,
    message: `synchronous_standby_names is ${names}, and no such standby is connected: every commit of the switch waits.`,
    remedy: { on: 'primary', run: alterSystem('synchronous_standby_names', '') },
  };
}

function describeMegabytes(bytes: number | null): string {
  return bytes === null ? 'an unknown amount' : `${Math.max(0, Math.round(bytes / 1e6))} MB`;
}
