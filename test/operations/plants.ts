import type { HostName } from './hosts.ts';

/** A fault, planted over SQL as superuser, and what `doctor` must call it: no more and no less. */
export interface Plant {
  readonly name: string;
  readonly host: HostName;
  readonly plant: string;
  readonly cure: string;
  readonly codes: readonly string[];
  /** True on that host when it has taken effect. */
  readonly ready?: string;
}

/** `before` is what setup had set; null where it had set nothing. */
function setting(
  host: HostName,
  name: string,
  value: string,
  before: string | null,
  ...codes: readonly string[]
): Plant {
  const cure = before === null ? `alter system reset ${name};` : `alter system set ${name} = '${before}';`;
  return {
    name: `${name} = ${value} on ${host}`,
    host,
    plant: `alter system set ${name} = '${value}';\nselect pg_reload_conf();`,
    cure: `${cure}\nselect pg_reload_conf();`,
    codes,
  };
}

export const plants: readonly Plant[] = [
  setting('db-1', 'max_slot_wal_keep_size', '-1', '20GB', 'SLOT_LIMIT_NONE'),
  setting('db-1', 'wal_sender_timeout', '0', '30s', 'SENDER_TIMEOUT'),
  setting('db-1', 'autovacuum', 'off', null, 'AUTOVACUUM_OFF'),
  setting('db-2', 'hot_standby_feedback', 'on', 'off', 'FEEDBACK_ON'),
  setting('db-2', 'max_standby_streaming_delay', '0', '30s', 'STREAMING_DELAY_SHORT'),
  setting('db-2', 'wal_retrieve_retry_interval', '30s', '1s', 'RETRY_INTERVAL'),
  {
    name: 'replay is paused on db-2',
    host: 'db-2',
    plant: 'select pg_wal_replay_pause();',
    cure: 'select pg_wal_replay_resume();',
    codes: ['REPLAY_PAUSED'],
  },
  {
    name: 'a slot that nobody reads on db-1',
    host: 'db-1',
    plant: "select pg_create_physical_replication_slot('forgotten', true);",
    cure: "select pg_drop_replication_slot('forgotten');",
    codes: ['SLOT_IDLE'],
  },
  {
    name: 'the role of the gateway has three connections',
    host: 'db-1',
    plant: 'alter role gateway connection limit 3;',
    cure: 'alter role gateway connection limit 100;',
    codes: ['ROLE_FEW_CONNECTIONS'],
  },
  {
    name: 'an index is gone',
    host: 'db-1',
    plant: 'drop index xdrs_connect_time_i_xdr_idx;',
    cure: 'create index xdrs_connect_time_i_xdr_idx on xdrs (connect_time, i_xdr);',
    codes: ['INDEX_MISSING'],
  },
  {
    name: 'the role of the gateway sees passwords',
    host: 'db-1',
    plant: 'create table web_users (password text); grant select on web_users to gateway_reader;',
    cure: 'drop table web_users;',
    codes: ['REACH_TABLES'],
  },
];
