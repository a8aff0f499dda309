import { readFileSync } from 'node:fs';
import { isCountryCode, parseUsers, type Role, type User } from './users.ts';

/** What the server needs to know. Nothing of it reaches the browser but the country code and the two thresholds. */
export interface Settings {
  readonly gatewayUrl: URL;
  /** The gateway's bearer token of each role. A role without one cannot sign in. */
  readonly tokens: Readonly<Partial<Record<Role, string>>>;
  readonly users: readonly User[];
  readonly sessionSecret: string;
  readonly sessionHours: number;
  /** The gateway must begin its answer by then, in seconds. */
  readonly gatewayTimeoutSeconds: number;
  /** Calling code that a number gets which is typed as people of the site dial it, `06…`; empty for none. */
  readonly countryCode: string;
  /** An answer older than this is shown in amber, then in red. */
  readonly amberSeconds: number;
  readonly redSeconds: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

const MIN_SECRET_CHARACTERS = 32;

/** Reads settings from `environment`. Throws one Error that names every bad setting. */
export function parseSettings(environment: Environment): Settings {
  const problems: string[] = [];
  const attempt = <T>(name: string, parse: (text: string) => T, fallback: T): T => {
    const text = textOf(environment, name, problems);
    if (text === undefined) return fallback;
    try {
      return parse(text);
    } catch (error) {
      problems.push(`${name}: ${(error as Error).message}`);
      return fallback;
    }
  };
  const required = (name: string) => {
    if (!environment[name] && !environment[`${name}_FILE`]) problems.push(`${name}: is missing`);
  };

  for (const name of ['GATEWAY_URL', 'SESSION_SECRET', 'USERS']) required(name);
  const text = (name: string) => attempt<string | undefined>(name, (value) => value, undefined);
  const tokens = { admin: text('GATEWAY_ADMIN_TOKEN'), customer: text('GATEWAY_ACCOUNT_TOKEN') };
  const users = attempt('USERS', parseUsers, []);
  for (const role of ['admin', 'customer'] as const) {
    if (users.some((user) => user.role === role) && !tokens[role]) {
      const name = role === 'admin' ? 'GATEWAY_ADMIN_TOKEN' : 'GATEWAY_ACCOUNT_TOKEN';
      problems.push(`${name}: is missing, and USERS has a user with the role ${role}`);
    }
  }
  const settings: Settings = {
    gatewayUrl: attempt('GATEWAY_URL', parseUrl, new URL('http://127.0.0.1')),
    tokens: {
      ...(tokens.admin && { admin: tokens.admin }),
      ...(tokens.customer && { customer: tokens.customer }),
    },
    users,
    sessionSecret: attempt('SESSION_SECRET', parseSecret, ''),
    sessionHours: attempt('SESSION_HOURS', parseSeconds, 12),
    gatewayTimeoutSeconds: attempt('GATEWAY_TIMEOUT', parseSeconds, 60),
    countryCode:
      environment.COUNTRY_CODE?.trim() === '' ? '' : attempt('COUNTRY_CODE', parseCountryCode, '33'),
    amberSeconds: attempt('AMBER_SECONDS', parseSeconds, 10),
    redSeconds: attempt('RED_SECONDS', parseSeconds, 60),
  };
  if (settings.redSeconds < settings.amberSeconds) problems.push('RED_SECONDS: is below AMBER_SECONDS');
  if (problems.length > 0) throw new Error(`Bad settings\n- ${problems.join('\n- ')}`);
  return settings;
}

/** A secret may lie in a file: NAME_FILE is its path. */
function textOf(environment: Environment, name: string, problems: string[]): string | undefined {
  const file = environment[`${name}_FILE`];
  if (!file) return environment[name]?.trim() || undefined;
  try {
    return readFileSync(file, 'utf8').trim() || undefined;
  } catch {
    problems.push(`${name}_FILE: "${file}" cannot be read`);
    return undefined;
  }
}

/** With or without the path: the gateway answers at /graphql. */
function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new Error(`expected a URL such as http://127.0.0.1:3001/graphql, got "${text}"`);
  }
  if (url.pathname === '/') url.pathname = '/graphql';
  return url;
}

function parseSecret(text: string): string {
  if (text.length >= MIN_SECRET_CHARACTERS) return text;
  throw new Error(`expected at least ${MIN_SECRET_CHARACTERS} characters, got ${text.length}`);
}

function parseCountryCode(text: string): string {
  if (isCountryCode(text)) return text;
  throw new Error(`expected a calling code such as 33, got "${text}"`);
}

function parseSeconds(text: string): number {
  if (/^\d{1,7}(\.\d{1,3})?$/.test(text)) return Number(text);
  throw new Error(`expected a number, got "${text}"`);
}
