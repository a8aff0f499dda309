import { sql } from 'kysely';
import { selectJson } from '../catalogue/catalogue.ts';
import { openServer } from './server.ts';
import { explainUnreachable } from './unreachable.ts';

/** What a primary itself says of its standbys. Bytes may be null to a role without pg_read_all_stats. */
export interface PrimarySide {
  readonly place: string;
  readonly isPrimary: boolean;
  readonly senders: readonly {
    readonly name: string;
    readonly address: string | null;
    readonly state: string | null;
    readonly sync: string | null;
    readonly unsentBytes: number | null;
    readonly unreplayedBytes: number | null;
  }[];
  readonly slots: readonly {
    readonly name: string;
    readonly kind: string;
    readonly isActive: boolean;
    readonly walStatus: string | null;
    readonly keptBytes: number | null;
    /** Until the slot is given up; null without a limit. */
    readonly leftBytes: number | null;
  }[];
  readonly archiver: {
    readonly isOn: boolean;
    readonly archived: number;
    readonly failed: number;
    readonly failsNow: boolean;
  };
}

/** Rejects with an Error whose message is a sentence without the URL. */
export async function readPrimarySide(url: string): Promise<PrimarySide> {
  const server = await openServer(url, 'PRIMARY_URL').catch((error: unknown) => {
    const { server: place = '', message } = explainUnreachable(new URL(url).host, 'PRIMARY_URL', error);
    throw new Error(`${place} ${message}`);
  });
  try {
    const [side] = await selectJson<Omit<PrimarySide, 'place'>>(server.db, sideStatement);
    return { place: server.place, ...side! };
  } finally {
    await server.close();
  }
}

const sideStatement = sql`
  with position as (
    select case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end as lsn
  )
  select not pg_is_in_recovery() as "isPrimary",
    (select coalesce(json_agg(json_build_object(
        'name', coalesce(nullif(application_name, ''), 'without a name'), 'address', host(client_addr), 'state', state,
        'sync', sync_state, 'unsentBytes', pg_wal_lsn_diff(lsn, sent_lsn)::float8,
        'unreplayedBytes', pg_wal_lsn_diff(lsn, replay_lsn)::float8) order by application_name), '[]')
      from pg_stat_replication) as senders,
    (select coalesce(json_agg(json_build_object(
        'name', slot_name, 'kind', slot_type, 'isActive', active, 'walStatus', wal_status,
        'keptBytes', pg_wal_lsn_diff(lsn, restart_lsn)::float8, 'leftBytes', safe_wal_size) order by slot_name), '[]')
      from pg_replication_slots where not temporary) as slots,
    (select json_build_object(
        'isOn', current_setting('archive_mode') <> 'off', 'archived', archived_count, 'failed', failed_count,
        'failsNow', coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false))
      from pg_stat_archiver) as archiver
  from position`;
