import { listOf, postgresUrl, seconds, text, wholeNumber } from '../settings/kinds.ts';
import { optionalGroup, type Setting, settingGroup } from '../settings/setting.ts';

const replicaUrls = {
  name: 'REPLICA_URLS',
  meaning: 'Hot standbys that answer, comma separated: postgresql://user:password@host:port/database',
  kind: listOf(postgresUrl, postgresUrl.expected),
  secret: true,
  needed: true,
} as const satisfies Setting;

const host = {
  name: 'DB_HOST',
  meaning: 'Older spelling of one standby: its host',
  kind: text,
  example: '10.0.0.5',
} as const satisfies Setting;

/** DB_HOST and its companions, as one URL. */
const olderReplicaUrl = optionalGroup({
  isUsed: (isSet) => isSet(host) && !isSet(replicaUrls),
  title: 'One standby, in the older spelling',
  members: {
    host,
    port: {
      name: 'DB_PORT',
      meaning: 'Older spelling of one standby: its port',
      kind: wholeNumber(1, 65_535),
      default: '5432',
    },
    database: {
      name: 'DB_NAME',
      meaning: 'Older spelling of one standby: its database',
      kind: text,
      default: 'sippy',
    },
    user: {
      name: 'DB_USER',
      meaning: 'Older spelling of one standby: its user',
      kind: text,
      default: 'gateway',
    },
    password: {
      name: 'DB_PASSWORD',
      meaning: 'Older spelling of one standby: its password',
      kind: text,
      secret: true,
    },
  },
  combine({ host, port, database, user, password = '' }) {
    const url = new URL('postgresql://localhost');
    url.hostname = host!;
    url.port = String(port);
    url.username = encodeURIComponent(user);
    url.password = encodeURIComponent(password);
    url.pathname = `/${encodeURIComponent(database)}`;
    return url.href;
  },
});

/** Where the servers are. */
export const databaseSettings = settingGroup({
  title: 'Databases',
  members: {
    replicaUrls,
    primaryUrl: {
      name: 'PRIMARY_URL',
      meaning: 'The primary, only watched (never queried for calls): tighter staleness, split-brain alarms',
      kind: postgresUrl,
      secret: true,
    },
    olderReplicaUrl,
  },
  combine({ replicaUrls, olderReplicaUrl, ...others }, report) {
    const urls = replicaUrls ?? (olderReplicaUrl === undefined ? [] : [olderReplicaUrl]);
    if (urls.length === 0) {
      report('REPLICA_URLS: missing; at least one hot standby is needed (or DB_HOST, the older spelling)');
    }
    return { ...others, replicaUrls: urls };
  },
});

/** How the standbys are used. */
export const replicaSettings = settingGroup({
  title: 'Use of the standbys',
  members: {
    maxConnections: {
      name: 'DB_MAX_CONNECTIONS',
      meaning: 'Connections per standby for requests (the watcher uses one more)',
      kind: wholeNumber(1, 1000),
      default: '10',
    },
    statementTimeoutSeconds: {
      name: 'STATEMENT_TIMEOUT',
      meaning: 'Longest time one statement may run, in seconds',
      kind: seconds,
      default: '60',
    },
    maxStalenessSeconds: {
      name: 'MAX_STALENESS',
      meaning:
        'Refuse to answer from standbys older than this, in seconds; 0 = answer however old, and say so',
      kind: seconds,
      default: '0',
    },
    readAfterWaitSeconds: {
      name: 'READ_AFTER_WAIT',
      meaning: 'How long a request with X-Read-After waits for a standby to catch up, in seconds',
      kind: seconds,
      default: '2',
    },
    pollIntervalSeconds: {
      name: 'POLL_INTERVAL',
      meaning: 'Time between samples of each standby, in seconds',
      kind: seconds,
      default: '1',
    },
  },
  combine: (values) => ({
    ...values,
    /** Undefined: any age is answered, and said. */
    maxStalenessSeconds: values.maxStalenessSeconds || undefined,
  }),
});
