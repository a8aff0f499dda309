import { readFileSync } from 'node:fs';

/**
 * One setting: its meaning for `--help` and docs/settings.md, its default, and how its text becomes a value.
 * `parse` throws an Error whose message completes the sentence "NAME: …".
 */
interface Setting<T> {
  readonly meaning: string;
  readonly fallback?: string;
  /** Never printed, and may be given as NAME_FILE, the path of a file that holds it. */
  readonly secret?: boolean;
  readonly parse: (text: string) => T;
}

const text = (value: string): string => value;

const list = (value: string): readonly string[] =>
  value
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean);

const wholeNumber =
  (least: number, most: number) =>
  (value: string): number => {
    const number = /^\d{1,12}$/.test(value) ? Number(value) : Number.NaN;
    if (number >= least && number <= most) return number;
    throw new Error(`expected a whole number from ${least} to ${most}, got "${value}"`);
  };

const seconds = (value: string): number => {
  if (/^\d{1,9}(\.\d{1,6})?$/.test(value)) return Number(value);
  throw new Error(`expected seconds, such as 30 or 0.5, got "${value}"`);
};

const oneOf =
  <T extends string>(...allowed: readonly T[]) =>
  (value: string): T => {
    const found = allowed.find((item) => item === value);
    if (found !== undefined) return found;
    throw new Error(`expected one of ${allowed.join(', ')}, got "${value}"`);
  };

const yesOrNo = (value: string): boolean => oneOf('true', 'false')(value) === 'true';

/** The URL itself may hold a password, so a bad one is never echoed. */
const postgresUrl = (value: string): string => {
  if (URL.canParse(value) && /^postgres(ql)?:$/.test(new URL(value).protocol)) return value;
  throw new Error('expected a URL such as postgresql://gateway:secret@replica-1:5432/sippy');
};

const postgresUrls = (value: string): readonly string[] => list(value).map(postgresUrl);

const token = (value: string): string => {
  if (/^[\x21-\x7e]{16,512}$/.test(value)) return value;
  throw new Error('expected at least 16 printable characters without spaces');
};

/** What switches and trunks put before numbers; letters never stand there. */
const dialledPrefixes = (value: string): readonly string[] => {
  const prefixes = list(value);
  if (prefixes.every((prefix) => /^[\d#*+]{1,16}$/.test(prefix))) return prefixes;
  throw new Error(`expected prefixes such as 0099# or 8101,8102, got "${value}"`);
};

const accountIds = (value: string): readonly string[] => {
  const ids = list(value);
  if (ids.length > 0 && ids.every((id) => /^\d{1,18}$/.test(id))) return ids;
  throw new Error(`expected account ids such as 14 or 14,15, got "${value}"`);
};

/** May hold a password, so a bad one is never echoed. */
const httpUrl = (value: string): string => {
  if (URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)) return value;
  throw new Error('expected a URL such as http://collector:4318');
};

/** As OpenTelemetry has them: name=value pairs, whose values are percent-encoded. */
const httpHeaders = (value: string): Readonly<Record<string, string>> => {
  const pairs = list(value).map((pair) => /^([\w-]+) *= *([\x21-\x7e]+)$/.exec(pair));
  try {
    return Object.fromEntries(pairs.map((pair) => [pair![1]!, decodeURIComponent(pair![2]!)]));
  } catch {
    throw new Error('expected pairs such as api-key=secret, comma separated');
  }
};

const share = (value: string): number => {
  if (/^(0|1|0?\.\d{1,9}|[01]\.0*)$/.test(value)) return Number(value);
  throw new Error(`expected a number from 0 to 1, got "${value}"`);
};

const origins = (value: string): readonly string[] =>
  list(value).map((origin) => {
    if (origin === '*' || (URL.canParse(origin) && new URL(origin).origin === origin)) return origin;
    throw new Error(`expected origins such as https://portal.example, got "${origin}"`);
  });

/** The samplers of OpenTelemetry that need nobody else. */
const traceSamplers = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;

/** Every setting of the gateway, in the order in which `--help` prints them. */
export const settings = {
  REPLICA_URLS: {
    meaning: 'Hot standbys that answer, comma separated: postgresql://user:password@host:port/database',
    secret: true,
    parse: postgresUrls,
  },
  PRIMARY_URL: {
    meaning: 'The primary, only watched (never queried for calls): tighter staleness, split-brain alarms',
    secret: true,
    parse: postgresUrl,
  },
  CDR_SOURCE: {
    meaning: 'Where calls are read: "xdrs" (one table) or "sippy" (cdrs joined with calls)',
    fallback: 'xdrs',
    parse: oneOf('xdrs', 'sippy'),
  },
  API_HOST: { meaning: 'Address to listen on', fallback: '127.0.0.1', parse: text },
  API_PORT: { meaning: 'Port to listen on', fallback: '3001', parse: wholeNumber(0, 65_535) },
  ALLOWED_ORIGINS: {
    meaning: 'Origins whose pages may call us from a browser (CORS), comma separated',
    fallback: '',
    parse: origins,
  },
  ADMIN_TOKEN: { meaning: 'Bearer token that sees every account', secret: true, parse: token },
  ACCOUNT_TOKEN: { meaning: 'Bearer token that sees only ACCOUNT_ID', secret: true, parse: token },
  ACCOUNT_ID: {
    meaning: 'Account (or accounts, comma separated) that ACCOUNT_TOKEN sees',
    parse: accountIds,
  },
  ADMIN_MAX_PAGE: {
    meaning: 'Ceiling of first/last for the admin token',
    fallback: '5000000',
    parse: wholeNumber(1, 100_000_000),
  },
  ACCOUNT_MAX_PAGE: {
    meaning: 'Ceiling of first/last for the account token',
    fallback: '1000000',
    parse: wholeNumber(1, 100_000_000),
  },
  DB_MAX_CONNECTIONS: {
    meaning: 'Connections per standby for requests (the watcher uses one more)',
    fallback: '10',
    parse: wholeNumber(1, 1000),
  },
  STATEMENT_TIMEOUT: {
    meaning: 'Longest time one statement may run, in seconds',
    fallback: '60',
    parse: seconds,
  },
  MAX_STALENESS: {
    meaning: 'Refuse to answer from standbys older than this, in seconds; 0 = answer however old, and say so',
    fallback: '0',
    parse: seconds,
  },
  READ_AFTER_WAIT: {
    meaning: 'How long a request with X-Read-After waits for a standby to catch up, in seconds',
    fallback: '2',
    parse: seconds,
  },
  POLL_INTERVAL: {
    meaning: 'Time between samples of each standby, in seconds',
    fallback: '1',
    parse: seconds,
  },
  METRICS_TOKEN: {
    meaning: 'Bearer token that a scrape of /metrics must carry; open when unset',
    secret: true,
    parse: token,
  },
  GRAPHIQL: { meaning: 'Serve GraphiQL to browsers at /graphql', fallback: 'true', parse: yesOrNo },
  NUMBERING_PLAN: {
    meaning: "File of number blocks and their holders, in the form of ARCEP's MAJNUM.csv",
    parse: text,
  },
  NUMBERING_OPERATORS: {
    meaning: "File of the holders' names, in the form of ARCEP's identifiants_CE.csv",
    parse: text,
  },
  NUMBERING_STRIP_PREFIXES: {
    meaning: 'Prefixes that the switch puts before numbers, taken off to look them up, comma separated',
    fallback: '',
    parse: dialledPrefixes,
  },
  DRAIN_TIMEOUT: {
    meaning: 'How long running requests may finish after SIGTERM, in seconds',
    fallback: '30',
    parse: seconds,
  },
  LOG_LEVEL: {
    meaning: 'Least severe log lines to write',
    fallback: 'info',
    parse: oneOf('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'),
  },
  OTEL_EXPORTER_OTLP_ENDPOINT: {
    meaning:
      'Collector that takes traces of requests (OTLP over HTTP, as JSON; /v1/traces is added); none when unset',
    parse: httpUrl,
  },
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: {
    meaning: 'The same as a whole URL, to which nothing is added',
    parse: httpUrl,
  },
  OTEL_EXPORTER_OTLP_HEADERS: {
    meaning: 'Headers that the collector asks for, comma separated: name=value',
    secret: true,
    parse: httpHeaders,
  },
  OTEL_SERVICE_NAME: { meaning: 'Name of the gateway in traces', fallback: 'cdr-gateway', parse: text },
  OTEL_TRACES_SAMPLER: {
    meaning: `Which requests are traced: ${traceSamplers.join(', ')}`,
    fallback: 'parentbased_always_on',
    parse: oneOf(...traceSamplers),
  },
  OTEL_TRACES_SAMPLER_ARG: {
    meaning: 'Share of requests that the samplers named traceidratio take, from 0 to 1',
    fallback: '1',
    parse: share,
  },
  DB_HOST: { meaning: 'Older spelling of one standby: its host', parse: text },
  DB_PORT: {
    meaning: 'Older spelling of one standby: its port',
    fallback: '5432',
    parse: wholeNumber(1, 65_535),
  },
  DB_NAME: { meaning: 'Older spelling of one standby: its database', fallback: 'sippy', parse: text },
  DB_USER: { meaning: 'Older spelling of one standby: its user', fallback: 'gateway', parse: text },
  DB_PASSWORD: { meaning: 'Older spelling of one standby: its password', secret: true, parse: text },
} as const satisfies Record<string, Setting<unknown>>;

export type SettingName = keyof typeof settings;

export interface Databases {
  /** One connection URL per standby; at least one. */
  readonly replicaUrls: readonly string[];
  readonly primaryUrl: string | undefined;
  readonly cdrSource: 'xdrs' | 'sippy';
}

/** Where it is said who holds a number. Whether the files can be read is seen later: calls are served without. */
export interface NumberingFiles {
  readonly planPath: string | undefined;
  readonly operatorsPath: string | undefined;
  readonly stripPrefixes: readonly string[];
}

/** Where spans of requests are sent, and of which requests. */
export interface TraceSettings {
  /** Takes OTLP over HTTP, as JSON. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly serviceName: string;
  readonly sampler: (typeof traceSamplers)[number];
  /** From 0 to 1. */
  readonly ratio: number;
}

export interface Config extends Databases {
  readonly port: number;
  readonly host: string;
  readonly allowedOrigins: readonly string[];
  /** The static tokens. The account token and its accounts come together or not at all. */
  readonly adminToken: string | undefined;
  readonly account: { readonly token: string; readonly accountIds: readonly string[] } | undefined;
  readonly maxPage: { readonly admin: number; readonly account: number };
  /** Connections per standby. */
  readonly maxConnections: number;
  readonly statementTimeoutSeconds: number;
  /** Undefined: any age is answered, and said. */
  readonly maxStalenessSeconds: number | undefined;
  readonly readAfterWaitSeconds: number;
  readonly pollIntervalSeconds: number;
  readonly metricsToken: string | undefined;
  readonly graphiql: boolean;
  readonly numbering: NumberingFiles;
  readonly drainTimeoutSeconds: number;
  readonly logLevel: string;
  /** Undefined: nothing is traced. */
  readonly traces: TraceSettings | undefined;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Bad settings, all of them at once. Its message is meant for the terminal. */
export class BadSettingsError extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(`Bad settings:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

/**
 * Reads settings from `env`. Throws one BadSettingsError that lists every bad setting, not only the first.
 * A secret may come from the file that NAME_FILE names.
 */
export function parseConfig(env: Environment): Config {
  const problems: string[] = [];
  const { read, value } = readerOf(env, problems);
  const config: Config = {
    ...databasesOf(env, problems),
    port: value('API_PORT'),
    host: value('API_HOST'),
    allowedOrigins: value('ALLOWED_ORIGINS'),
    ...tokensOf(env, problems),
    maxPage: { admin: value('ADMIN_MAX_PAGE'), account: value('ACCOUNT_MAX_PAGE') },
    maxConnections: value('DB_MAX_CONNECTIONS'),
    statementTimeoutSeconds: value('STATEMENT_TIMEOUT'),
    maxStalenessSeconds: read('MAX_STALENESS') || undefined,
    readAfterWaitSeconds: value('READ_AFTER_WAIT'),
    pollIntervalSeconds: value('POLL_INTERVAL'),
    metricsToken: read('METRICS_TOKEN'),
    graphiql: value('GRAPHIQL'),
    numbering: numberingOf(env, problems),
    drainTimeoutSeconds: value('DRAIN_TIMEOUT'),
    logLevel: value('LOG_LEVEL'),
    traces: tracesOf(env, problems),
  };
  if (problems.length > 0) throw new BadSettingsError(problems);
  return config;
}

/** The databases alone, for commands that look at them and serve nothing. Throws BadSettingsError. */
export function parseDatabases(env: Environment): Databases {
  const problems: string[] = [];
  const databases = databasesOf(env, problems);
  if (problems.length > 0) throw new BadSettingsError(problems);
  return databases;
}

/** The files of numbers alone. Throws BadSettingsError. */
export function parseNumbering(env: Environment): NumberingFiles {
  const problems: string[] = [];
  const numbering = numberingOf(env, problems);
  if (problems.length > 0) throw new BadSettingsError(problems);
  return numbering;
}

type Read = <Name extends SettingName>(
  name: Name,
) => ReturnType<(typeof settings)[Name]['parse']> | undefined;
type Value = <Name extends SettingName>(name: Name) => ReturnType<(typeof settings)[Name]['parse']>;

/** `value` is for settings with a default; it is undefined only where a problem was noted, so never in the end. */
function readerOf(env: Environment, problems: string[]): { read: Read; value: Value } {
  const read: Read = (name) => {
    try {
      const given = givenText(env, name);
      return given === undefined ? undefined : (settings[name].parse(given) as never);
    } catch (error) {
      problems.push(`${name}: ${(error as Error).message}`);
      return undefined;
    }
  };
  return { read, value: read as Value };
}

function databasesOf(env: Environment, problems: string[]): Databases {
  const { read, value } = readerOf(env, problems);
  const before = problems.length;
  const replicaUrls = read('REPLICA_URLS') ?? legacyUrls(env, value);
  if (replicaUrls.length === 0 && problems.length === before) {
    problems.push(
      'REPLICA_URLS: missing; at least one hot standby is needed (or DB_HOST, the older spelling)',
    );
  }
  return { replicaUrls, primaryUrl: read('PRIMARY_URL'), cdrSource: value('CDR_SOURCE') };
}

function numberingOf(env: Environment, problems: string[]): NumberingFiles {
  const { read, value } = readerOf(env, problems);
  const planPath = read('NUMBERING_PLAN');
  const operatorsPath = read('NUMBERING_OPERATORS');
  if (operatorsPath !== undefined && planPath === undefined) {
    problems.push('NUMBERING_OPERATORS: of no use without NUMBERING_PLAN');
  }
  return { planPath, operatorsPath, stripPrefixes: value('NUMBERING_STRIP_PREFIXES') };
}

/** What else is named OTEL_… is often there for other programs, and not looked at unless we are to trace. */
function tracesOf(env: Environment, problems: string[]): TraceSettings | undefined {
  const { read, value } = readerOf(env, problems);
  const before = problems.length;
  const base = read('OTEL_EXPORTER_OTLP_ENDPOINT');
  const url = read('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT') ?? (base && `${base.replace(/\/+$/, '')}/v1/traces`);
  if (url === undefined || problems.length > before) return undefined;
  return {
    url,
    headers: read('OTEL_EXPORTER_OTLP_HEADERS') ?? {},
    serviceName: value('OTEL_SERVICE_NAME'),
    sampler: value('OTEL_TRACES_SAMPLER'),
    ratio: value('OTEL_TRACES_SAMPLER_ARG'),
  };
}

function tokensOf(env: Environment, problems: string[]): Pick<Config, 'adminToken' | 'account'> {
  const { read } = readerOf(env, problems);
  const before = problems.length;
  const adminToken = read('ADMIN_TOKEN');
  const token = read('ACCOUNT_TOKEN');
  const accountIds = read('ACCOUNT_ID');
  const account = token && accountIds ? { token, accountIds } : undefined;
  if (problems.length > before) return { adminToken, account };
  if (!account && (token ?? accountIds) !== undefined) {
    problems.push('ACCOUNT_TOKEN and ACCOUNT_ID: set both or neither');
  } else if (adminToken === undefined && !account) {
    problems.push('ADMIN_TOKEN or ACCOUNT_TOKEN: missing; without a token nobody could ask anything');
  } else if (adminToken === token) {
    problems.push('ADMIN_TOKEN and ACCOUNT_TOKEN: must differ');
  }
  return { adminToken, account };
}

/** The setting as text: from the environment, from NAME_FILE, or its default. Empty counts as unset. */
function givenText(env: Environment, name: SettingName): string | undefined {
  const setting: Setting<unknown> = settings[name];
  const file = setting.secret ? env[`${name}_FILE`] : undefined;
  if (env[name]) return env[name];
  if (file) return readSecret(file);
  return setting.fallback;
}

function readSecret(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    throw new Error(`the file "${file}" cannot be read`);
  }
}

/** DB_HOST and its companions, as one URL; none when DB_HOST is unset. */
function legacyUrls(env: Environment, value: Value): readonly string[] {
  if (!env.DB_HOST) return [];
  const url = new URL('postgresql://localhost');
  url.hostname = env.DB_HOST;
  url.port = String(value('DB_PORT'));
  url.username = encodeURIComponent(String(value('DB_USER')));
  url.password = encodeURIComponent(String(value('DB_PASSWORD') ?? ''));
  url.pathname = `/${encodeURIComponent(String(value('DB_NAME')))}`;
  return [url.href];
}

/** The settings as `--help` prints them. */
export function describeSettings(): string {
  return Object.entries<Setting<unknown>>(settings)
    .map(([name, { meaning, fallback, secret }]) => {
      const notes = [fallback ? `default ${fallback}` : '', secret ? `or ${name}_FILE` : ''].filter(Boolean);
      return `  ${name.padEnd(24)} ${meaning}${notes.length > 0 ? ` (${notes.join('; ')})` : ''}`;
    })
    .join('\n');
}
