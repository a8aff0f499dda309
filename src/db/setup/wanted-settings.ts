/** A setting as it should be on every server of the cluster: whoever is a standby today may be the primary tomorrow. */
export interface WantedSetting {
  readonly name: string;
  readonly value: string;
  /** Of the value in the unit of pg_settings. */
  isWell(current: string): boolean;
  readonly because: string;
  readonly needsRestart?: boolean;
}

const is = (value: string) => (current: string) => current === value;
const atMost = (limit: number) => (current: string) => Number(current) > 0 && Number(current) <= limit;
const atLeast = (limit: number) => (current: string) => Number(current) >= limit;

/** The same on primaries and standbys. Values that are stricter stay. */
export const sharedSettings: readonly WantedSetting[] = [
  {
    name: 'wal_sender_timeout',
    value: '30s',
    isWell: atMost(30_000),
    because: 'a standby that is gone is known to be gone after so long',
  },
  {
    name: 'wal_receiver_timeout',
    value: '10s',
    isWell: atMost(10_000),
    because:
      'a cut network is noticed after so long, and on an idle link the age of the data is known to half of it',
  },
  {
    name: 'wal_receiver_status_interval',
    value: '1s',
    isWell: atMost(1),
    because: "the primary's view of a standby is fresh",
  },
  {
    name: 'wal_retrieve_retry_interval',
    value: '1s',
    isWell: atMost(1000),
    because: 'a standby looks for its primary again so often',
  },
  {
    name: 'max_standby_streaming_delay',
    value: '30s',
    isWell: (current) => Number(current) >= 1000 && Number(current) <= 3_600_000,
    because: 'a query may hold up replay for so long and is then cancelled; the gateway runs it elsewhere',
  },
  {
    name: 'hot_standby_feedback',
    value: 'off',
    isWell: is('off'),
    because: 'with it, a slow or forgotten standby forbids VACUUM on the primary',
  },
  {
    name: 'log_recovery_conflict_waits',
    value: 'on',
    isWell: is('on'),
    because: 'the log then says which query held up replay',
  },
  {
    name: 'password_encryption',
    value: 'scram-sha-256',
    isWell: is('scram-sha-256'),
    because: 'passwords set from now on are kept in a form that cannot be replayed',
  },
];

/** What a server must have to send WAL. All are PostgreSQL's defaults since version 10. */
export function senderSettings(standbys: number): readonly WantedSetting[] {
  // A copy takes two connections more.
  const senders = Math.max(10, standbys + 4);
  return [
    {
      name: 'wal_level',
      value: 'replica',
      isWell: (current) => current !== 'minimal',
      because: 'with minimal nothing can be replicated',
      needsRestart: true,
    },
    {
      name: 'max_wal_senders',
      value: String(senders),
      isWell: atLeast(standbys + 2),
      because: 'each standby holds one, and a copy two more',
      needsRestart: true,
    },
    {
      name: 'max_replication_slots',
      value: String(senders),
      isWell: atLeast(standbys),
      because: 'each standby has one',
      needsRestart: true,
    },
    {
      name: 'hot_standby',
      value: 'on',
      isWell: is('on'),
      because: 'as a standby it would answer nobody otherwise',
      needsRestart: true,
    },
  ];
}
