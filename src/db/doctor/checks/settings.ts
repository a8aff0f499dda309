import { checkServers, present } from '../check.ts';
import { alterSystem, type Finding } from '../finding.ts';
import type { Server } from '../server.ts';

/** A setting that should have another value, wherever the server stands: a standby may be the primary tomorrow. */
interface Wanted {
  readonly code: string;
  readonly name: string;
  isWell(value: string): boolean;
  /** What it means as it is; follows "NAME is VALUE: ". */
  readonly because: string;
  readonly value: string;
  /** It counts from the next start on. */
  readonly needsRestart?: boolean;
  /** Whether it matters, as the others are set; always where this is not given. */
  matters?(settingOf: Server['setting']): boolean;
}

const isOn = (value: string) => value === 'on';

const wanted: readonly Wanted[] = [
  {
    code: 'FSYNC_OFF',
    name: 'fsync',
    isWell: isOn,
    because: 'a power cut can destroy every file of the cluster.',
    value: 'on',
  },
  {
    code: 'FULL_PAGE_WRITES_OFF',
    name: 'full_page_writes',
    isWell: isOn,
    because: 'a power cut can leave half-written pages that nothing mends.',
    value: 'on',
  },
  {
    code: 'AUTOVACUUM_OFF',
    name: 'autovacuum',
    isWell: isOn,
    because: 'tables swell, statistics grow old, and one day the server stops to save its transaction ids.',
    value: 'on',
  },
  {
    code: 'TRACK_COUNTS_OFF',
    name: 'track_counts',
    isWell: isOn,
    because: 'autovacuum knows nothing of what changed, and does nothing.',
    value: 'on',
  },
  {
    code: 'HOT_STANDBY_OFF',
    name: 'hot_standby',
    isWell: isOn,
    because: 'as a standby it would answer nobody.',
    value: 'on',
    needsRestart: true,
  },
  {
    code: 'PASSWORDS_AS_MD5',
    name: 'password_encryption',
    isWell: (value) => value === 'scram-sha-256',
    because: 'passwords set from now on are kept in a form that can be replayed.',
    value: 'scram-sha-256',
  },
  {
    code: 'SLOT_LIMIT_NONE',
    name: 'max_slot_wal_keep_size',
    isWell: (value) => Number(value) >= 0,
    because:
      'a standby that stays away makes the primary keep WAL until its disk is full, and then it stops.',
    value: '20GB',
  },
  {
    code: 'WAL_LEVEL_MINIMAL',
    name: 'wal_level',
    isWell: (value) => value !== 'minimal',
    because: 'nothing can be replicated.',
    value: 'replica',
    needsRestart: true,
  },
  {
    code: 'SENDER_TIMEOUT',
    name: 'wal_sender_timeout',
    isWell: (value) => Number(value) > 0 && Number(value) <= 60_000,
    because: 'a standby that is gone is counted as connected for as long, and 0 is for ever.',
    value: '30s',
  },
  {
    code: 'CONFLICTS_NOT_LOGGED',
    name: 'log_recovery_conflict_waits',
    isWell: isOn,
    because: 'the log does not say which query holds up replay.',
    value: 'on',
  },
  {
    code: 'VALUES_LOGGED',
    name: 'log_parameter_max_length',
    isWell: (value) => value === '0',
    matters: logsStatements,
    because: 'statements are logged with their values, which are numbers of people.',
    value: '0',
  },
  {
    code: 'VALUES_LOGGED',
    name: 'log_parameter_max_length_on_error',
    isWell: (value) => value === '0',
    because: 'statements that fail are logged with their values, which are numbers of people.',
    value: '0',
  },
];

/** All of them, those that are slow or write, or a sample. */
function logsStatements(settingOf: Server['setting']): boolean {
  const numberOf = (name: string, absent: number) => Number(settingOf(name)?.value ?? absent);
  return (
    numberOf('log_min_duration_statement', -1) >= 0 ||
    (numberOf('log_min_duration_sample', -1) >= 0 && numberOf('log_statement_sample_rate', 1) > 0) ||
    numberOf('log_transaction_sample_rate', 0) > 0 ||
    ['mod', 'all'].includes(settingOf('log_statement')?.value ?? 'none')
  );
}

/** What every server of the cluster should be set to. */
export const settingsCheck = checkServers(
  'settings',
  ({ servers }) => servers,
  (server, { adminOf }) => {
    const { setting } = adminOf(server) ?? server;
    return [...wanted.flatMap((each) => unlessWell(server, setting, each)), ...present([pending(server)])];
  },
);

/** What a role has for itself says nothing of the server. */
const ofTheRole = ['user', 'database', 'database user', 'client'];

function unlessWell(
  server: Server,
  settingOf: Server['setting'],
  { code, name, isWell, because, value, needsRestart, matters }: Wanted,
): readonly Finding[] {
  const setting = settingOf(name);
  if (!setting || ofTheRole.includes(setting.source) || isWell(setting.value)) return [];
  if (matters && !matters(settingOf)) return [];
  const run = needsRestart
    ? `alter system set ${name} = '${value}'; (then restart it)`
    : alterSystem(name, value);
  return [
    {
      code,
      severity: 'warning',
      server: server.place,
      message: `${name} is ${setting.value}${setting.unit ? ` ${setting.unit}` : ''}: ${because}`,
      remedy: { on: server.facts.isStandby ? 'standby' : 'primary', run },
    },
  ];
}

const PENDING = [
  'listen_addresses',
  'port',
  'wal_level',
  'max_connections',
  'max_wal_senders',
  'max_replication_slots',
  'max_worker_processes',
  'max_prepared_transactions',
  'max_locks_per_transaction',
  'hot_standby',
  'shared_buffers',
  'archive_mode',
  'shared_preload_libraries',
];

function pending(server: Server): Finding | undefined {
  const names = PENDING.filter((name) => server.setting(name)?.isPending);
  if (names.length === 0) return undefined;
  return {
    code: 'RESTART_PENDING',
    severity: 'warning',
    server: server.place,
    message: `${names.join(', ')} changed in a file, and counts from the next start on: until then it is another server than its files say.`,
  };
}
