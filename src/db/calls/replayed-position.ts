import { sql } from 'kysely';

/**
 * How far the standby has replayed, and `@` with the timeline that it follows: `0/3029AC8@2`. Read in this order: the
 * timeline that is followed by then has the position in its history too, and one that was read before might not. Where the
 * receiver cannot be seen there is no timeline, and it is that of the last poll.
 *
 * On a primary it is where the next record goes, since a statement there sees commits that are not flushed yet, and the file
 * for it, whose name begins with the timeline. Every function more is planned with every page, so there are few.
 */
export const replayedPosition = sql<string>`case when pg_is_in_recovery()
  then concat_ws('@', pg_last_wal_replay_lsn(), (pg_stat_get_wal_receiver()).received_tli)
  else concat_ws('@', pg_current_wal_insert_lsn(), pg_walfile_name(pg_current_wal_insert_lsn())) end`;
