import { readFileSync } from 'node:fs';
import { BlockList, isIP } from 'node:net';
import type { GatewayTokenSettings } from './gateway-tokens.ts';
import type { IdentityProviderSettings } from './identity-provider.ts';
import { isCountryCode, type LocalUser, parseUsers } from './users.ts';

/** What the server needs to know. Nothing of it reaches the browser but the country code and the two thresholds. */
export interface Settings {
  readonly gatewayUrl: URL;
  /** Undefined: the gateway is handed the access tokens of the identity provider. */
  readonly gatewayTokens: GatewayTokenSettings | undefined;
  /** The gateway has our operations among its trusted documents: they are sent by hash. */
  readonly gatewayHasDocuments: boolean;
  readonly users: readonly LocalUser[];
  readonly identityProvider: IdentityProviderSettings | undefined;
  readonly sessionHours: number;
  /** Their X-Forwarded-For is believed. */
  readonly trustedProxies: BlockList;
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
/** What a timer can hold, nearly. */
const MAX_SESSION_HOURS = 500;

/** Reads settings from `environment`. Throws one Error that names every bad setting. */
export function parseSettings(environment: Environment): Settings {
  const read = new Reader(environment);
  const secret = read.optional('GATEWAY_JWT_SECRET', parseSecret);
  const users = read.optional('USERS', parseUsers) ?? [];
  const identityProvider = readIdentityProvider(read);
  if (users.length === 0 && !identityProvider && read.isFree('USERS', 'OIDC_ISSUER')) {
    read.report('USERS or OIDC_ISSUER: missing; nobody could sign in');
  }
  if (users.length > 0 && secret === undefined && read.isFree('GATEWAY_JWT_SECRET')) {
    read.report('GATEWAY_JWT_SECRET: is missing, and USERS have no tokens but those that it signs');
  }
  const settings: Settings = {
    gatewayUrl: read.required('GATEWAY_URL', parseGatewayUrl) ?? new URL('http://127.0.0.1'),
    gatewayTokens:
      secret === undefined
        ? undefined
        : {
            secret,
            issuer: read.optional('GATEWAY_JWT_ISSUER', asIs) ?? 'call-explorer',
            audience: read.optional('GATEWAY_JWT_AUDIENCE', asIs) ?? 'cdr-gateway',
          },
    gatewayHasDocuments: read.optional('GATEWAY_TRUSTED_DOCUMENTS', parseBoolean) ?? false,
    users,
    identityProvider,
    sessionHours: read.optional('SESSION_HOURS', parseSessionHours) ?? 12,
    trustedProxies: read.optional('TRUSTED_PROXIES', parseNetworks) ?? new BlockList(),
    gatewayTimeoutSeconds: read.optional('GATEWAY_TIMEOUT', parseNumber) ?? 60,
    countryCode:
      environment.COUNTRY_CODE?.trim() === ''
        ? ''
        : (read.optional('COUNTRY_CODE', parseCountryCode) ?? '33'),
    amberSeconds: read.optional('AMBER_SECONDS', parseNumber) ?? 10,
    redSeconds: read.optional('RED_SECONDS', parseNumber) ?? 60,
  };
  if (settings.redSeconds < settings.amberSeconds) read.report('RED_SECONDS: is below AMBER_SECONDS');
  read.throwProblems();
  return settings;
}

function readIdentityProvider(read: Reader): IdentityProviderSettings | undefined {
  const issuer = read.optional('OIDC_ISSUER', parseIssuer);
  if (!issuer) return undefined;
  const clientId = read.required('OIDC_CLIENT_ID', asIs);
  const clientSecret = read.required('OIDC_CLIENT_SECRET', asIs);
  const publicUrl = read.required('PUBLIC_URL', parseUrl);
  if (clientId === undefined || clientSecret === undefined || !publicUrl) return undefined;
  return {
    issuer,
    clientId,
    clientSecret,
    publicUrl,
    scope: read.optional('OIDC_SCOPE', asIs) ?? 'openid profile',
    resource: read.optional('OIDC_RESOURCE', asIs),
  };
}

/** Settings by name, and what is wrong with them. */
class Reader {
  readonly #environment: Environment;
  readonly #problems: string[] = [];

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  /** Undefined also when it is wrong, which is then among the problems. */
  optional<T>(name: string, parse: (text: string) => T): T | undefined {
    try {
      const text = this.#textOf(name);
      return text === undefined ? undefined : parse(text);
    } catch (error) {
      this.report(`${name}: ${(error as Error).message}`);
      return undefined;
    }
  }

  required<T>(name: string, parse: (text: string) => T): T | undefined {
    if (!this.#isSet(name)) this.report(`${name}: is missing`);
    return this.optional(name, parse);
  }

  /** None of them is set, well or badly. */
  isFree(...names: readonly string[]): boolean {
    return !names.some((name) => this.#isSet(name));
  }

  report(problem: string): void {
    this.#problems.push(problem);
  }

  throwProblems(): void {
    if (this.#problems.length > 0) throw new Error(`Bad settings\n- ${this.#problems.join('\n- ')}`);
  }

  #isSet(name: string): boolean {
    return Boolean(this.#environment[name]?.trim() || this.#environment[`${name}_FILE`]);
  }

  /** A secret may lie in a file: NAME_FILE is its path. */
  #textOf(name: string): string | undefined {
    const file = this.#environment[`${name}_FILE`];
    if (!file) return this.#environment[name]?.trim() || undefined;
    try {
      return readFileSync(file, 'utf8').trim() || undefined;
    } catch {
      throw new Error(`the file "${file}" cannot be read`);
    }
  }
}

const asIs = (text: string): string => text;

/** With or without the path: the gateway answers at /graphql. */
function parseGatewayUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new Error(`expected a URL such as http://127.0.0.1:3001/graphql, got "${text}"`);
  }
  if (url.pathname === '/') url.pathname = '/graphql';
  return url;
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && /^https?:$/.test(url.protocol)) return url;
  throw new Error(`expected a URL such as https://calls.example.com, got "${text}"`);
}

/** Plain HTTP only within this machine: whoever can change what the provider says can be anybody. */
function parseIssuer(text: string): URL {
  const url = parseUrl(text);
  const isHere = ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname);
  if (url.protocol === 'https:' || isHere) return url;
  throw new Error(`expected https, got "${text}"`);
}

function parseSecret(text: string): string {
  if (text.length >= MIN_SECRET_CHARACTERS) return text;
  throw new Error(`expected at least ${MIN_SECRET_CHARACTERS} characters, got ${text.length}`);
}

function parseCountryCode(text: string): string {
  if (isCountryCode(text)) return text;
  throw new Error(`expected a calling code such as 33, got "${text}"`);
}

function parseBoolean(text: string): boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  throw new Error(`expected true or false, got "${text}"`);
}

function parseNumber(text: string): number {
  if (/^\d{1,7}(\.\d{1,3})?$/.test(text)) return Number(text);
  throw new Error(`expected a number, got "${text}"`);
}

function parseSessionHours(text: string): number {
  const hours = parseNumber(text);
  if (hours > 0 && hours <= MAX_SESSION_HOURS) return hours;
  throw new Error(`expected more than 0 and at most ${MAX_SESSION_HOURS}, got "${text}"`);
}

/** Addresses and networks, separated by commas: `10.0.0.0/8, ::1`. */
function parseNetworks(text: string): BlockList {
  const networks = new BlockList();
  for (const entry of text.split(',').map((part) => part.trim())) {
    const [address = '', bits] = entry.split('/');
    const version = isIP(address);
    const most = version === 6 ? 128 : 32;
    const prefix = bits === undefined ? most : Number(/^\d{1,3}$/.test(bits) ? bits : Number.NaN);
    if (version === 0 || !(prefix <= most)) throw new Error(`expected addresses or networks, got "${entry}"`);
    networks.addSubnet(address, prefix, version === 6 ? 'ipv6' : 'ipv4');
  }
  return networks;
}
