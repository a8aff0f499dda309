import {
  boolean,
  filePath,
  listOf,
  matching,
  postgresUrl,
  seconds,
  text,
  wholeNumber,
} from '../settings/kinds.ts';
import {
  type Kind,
  optionalGroup,
  type Setting,
  settingGroup,
  UnexpectedTextError,
} from '../settings/setting.ts';
import { expandHosts, parseServerUrl, splitUrls } from './connection-url.ts';
import { parseList } from './sources/list-file.ts';

/** Servers, and places where servers are named, on lines of their own or with commas between them. */
const serverUrls: Kind<readonly string[]> = {
  expected: postgresUrl.expected,
  parse(list) {
    const urls = parseList(list);
    for (const url of urls) checkServerUrl(url);
    return urls;
  },
};

const primaryUrls: Kind<string> = {
  expected: postgresUrl.expected,
  parse(list) {
    for (const url of splitUrls(list)) checkServerUrl(url);
    return list;
  },
};

function checkServerUrl(url: string): void {
  try {
    for (const each of expandHosts(url)) parseServerUrl(each);
  } catch {
    throw new UnexpectedTextError(url);
  }
}

const replicaUrls = {
  name: 'REPLICA_URLS',
  meaning:
    'Hot standbys that answer, comma separated: postgresql://user:password@host:port/database, or where they are named: ' +
    'postgresql+dns, postgresql+srv, patroni+http and kubernetes instead of postgresql (docs/operations.md)',
  kind: serverUrls,
  secret: true,
  needed: true,
} as const satisfies Setting;

/** As it is in the environment: a file in its place does not count. */
const replicaUrlsItself = { name: 'REPLICA_URLS', meaning: '', kind: text } as const satisfies Setting;

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

const replicaUrlsFile = optionalGroup({
  isUsed: (isSet) => !isSet(replicaUrlsItself),
  members: {
    path: {
      name: 'REPLICA_URLS_FILE',
      meaning: 'A file with these URLs, one a line: read again when it changes, and on SIGHUP',
      kind: filePath,
    },
  },
  combine: ({ path }) => path,
});

/** How places where servers are named are asked. */
const discoverySettings = settingGroup({
  title: 'Where standbys are named',
  members: {
    intervalSeconds: {
      name: 'DISCOVERY_INTERVAL',
      meaning: 'Time between two readings of a file, of DNS, of Patroni and of Kubernetes, in seconds',
      kind: seconds,
      default: '5',
    },
    dnsServers: {
      name: 'DNS_SERVERS',
      meaning:
        "Name servers for postgresql+dns and postgresql+srv, instead of the system's: 127.0.0.1:8600 is Consul's",
      kind: listOf(
        matching(
          'name servers such as 127.0.0.1:8600, comma separated',
          /^(\d{1,3}(\.\d{1,3}){3}|\[[\da-fA-F:]+\])(:\d{1,5})?$/,
        ),
        'name servers such as 127.0.0.1:8600, comma separated',
      ),
    },
    kubernetesHost: {
      name: 'KUBERNETES_SERVICE_HOST',
      meaning: 'The API of Kubernetes, for kubernetes URLs: every pod is given it',
      kind: text,
    },
    kubernetesPort: {
      name: 'KUBERNETES_SERVICE_PORT',
      meaning: 'Its port: every pod is given it',
      kind: wholeNumber(1, 65_535),
      default: '443',
    },
    kubernetesAccountDir: {
      name: 'KUBERNETES_ACCOUNT_DIR',
      meaning: "Directory of the pod's service account: token, ca.crt and namespace",
      kind: filePath,
      default: '/var/run/secrets/kubernetes.io/serviceaccount',
    },
  },
  combine: ({ kubernetesHost, kubernetesPort, kubernetesAccountDir, dnsServers = [], ...others }) => ({
    ...others,
    // A resolver that is given none asks the system's.
    intervalSeconds: Math.max(0.1, others.intervalSeconds),
    dnsServers,
    kubernetes: { host: kubernetesHost, port: kubernetesPort, accountDir: kubernetesAccountDir },
  }),
});

/** Where the servers are. */
export const databaseSettings = settingGroup({
  title: 'Databases',
  members: {
    replicaUrls,
    replicaUrlsFile,
    primaryUrl: {
      name: 'PRIMARY_URL',
      meaning:
        'The primary, only watched (never queried for calls): tighter staleness, split-brain alarms. Of several, comma ' +
        'separated, the one that takes writes',
      kind: primaryUrls,
      secret: true,
    },
    readFromPrimary: {
      name: 'READ_FROM_PRIMARY',
      meaning: 'While no standby can answer the primary does, by its name, and the log says so',
      kind: boolean,
      default: 'false',
    },
    olderReplicaUrl,
    discovery: discoverySettings,
  },
  combine({ replicaUrls, olderReplicaUrl, ...others }, report) {
    const urls = replicaUrls ?? (olderReplicaUrl === undefined ? [] : [olderReplicaUrl]);
    if (urls.length === 0) {
      report('REPLICA_URLS: missing; at least one hot standby is needed (or DB_HOST, the older spelling)');
    }
    if (others.readFromPrimary && others.primaryUrl === undefined) {
      report('READ_FROM_PRIMARY: PRIMARY_URL is missing, which says where the primary is');
    }
    return { ...others, replicaUrls: urls };
  },
});

/** How the standbys are used. */
export const replicaSettings = settingGroup({
  title: 'Use of the standbys',
  members: {
    zone: {
      name: 'ZONE',
      meaning: 'Zone of the gateway: of equal standbys those of the same zone (#name;zone=…) are read from',
      kind: text,
      example: 'paris-1',
    },
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
    positionKeys: {
      name: 'POSITION_KEY',
      meaning:
        'What tokens and cursors are sealed with, the same for all gateways of the same standbys; when it changes, the new ' +
        'one before the old one, comma separated. Without it the login in REPLICA_URLS, with its password',
      kind: listOf(
        matching('at least 16 characters without spaces and commas', /^[^\s,]{16,512}$/),
        'at least 16 characters without spaces and commas',
      ),
      secret: true,
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
