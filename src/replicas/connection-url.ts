import type { Address } from './node.ts';

const DEFAULT_PORT = 5432;

/** What a connection URL says, taken apart. */
export interface Connection {
  /** For node-postgres: without the fragment, and with our session settings. Holds the password. */
  readonly url: (session: Readonly<Record<string, string>>) => string;
  readonly address: Address;
  /** Empty when the URL names none, and PostgreSQL takes the user's name. */
  readonly database: string;
  /** From the fragment, as in `postgresql://gateway@10.0.0.5/sippy#amsterdam`. */
  readonly label: string | undefined;
  /** From the fragment, as in `#amsterdam;zone=ams`: where the server stands. */
  readonly zone: string | undefined;
  /** From the fragment, as in `#;weight=2`: its share of the requests. 1 unless said; 0 is the last resort. */
  readonly weight: number;
}

/** Throws a plain Error, which never shows the URL: it may hold a password. */
export function parseConnection(text: string): Connection {
  const readable = withHost(text);
  if (!URL.canParse(readable)) throw new Error('A connection URL cannot be read.');
  const parsed = new URL(readable);
  // The driver would throw on these only when it connects.
  for (const part of [parsed.username, parsed.password]) decodeURIComponent(part);
  const host = parsed.searchParams.get('host') ?? withoutBrackets(decodeURIComponent(parsed.hostname));
  const port = parsed.searchParams.get('port') ?? parsed.port;
  return {
    address: { host: host || 'localhost', port: Number(port) || DEFAULT_PORT },
    database: decodeURIComponent(parsed.pathname.slice(1)),
    ...parseFragment(parsed.hash.slice(1)),
    url: (session) => withSession(parsed, session),
  };
}

/** Of an address of IPv6, as it stands before a port. */
export const withBrackets = (host: string): string => (/^[^/[]*:/.test(host) ? `[${host}]` : host);

/** As servers say their address. */
const withoutBrackets = (host: string): string => host.replace(/^\[(.*)\]$/, '$1');

/** A socket's directory may stand in the parameter `host` alone, but a user needs a host in the syntax of URLs. */
function withHost(text: string): string {
  return text.replace(/^(postgres(?:ql)?:\/\/[^/?#]*@)(?=\/)/, '$1localhost');
}

/** `name;zone=…;weight=…`, each of them optional. Throws a plain Error on anything else. */
export function parseFragment(fragment: string): Pick<Connection, 'label' | 'zone' | 'weight'> {
  const [label, ...attributes] = fragment.split(';').map(decodeURIComponent);
  let zone: string | undefined;
  let weight = 1;
  for (const attribute of attributes) {
    const found = /^(?:zone=(.{1,60})|weight=(\d{1,3}(?:\.\d{1,3})?))$/.exec(attribute);
    if (!found)
      throw new Error('After "#name" of a connection URL only ";zone=…" and ";weight=…" may follow.');
    zone = found[1] ?? zone;
    weight = found[2] === undefined ? weight : Number(found[2]);
  }
  return { label: label || undefined, zone, weight };
}

/**
 * Session settings travel in `options`, which PostgreSQL reads before anything runs. They come after the URL's own
 * options, so that ours win. They are put in the URL because there node-postgres prefers it to its configuration.
 */
function withSession(parsed: URL, session: Readonly<Record<string, string>>): string {
  const url = new URL(parsed);
  url.hash = '';
  const ours = Object.entries(session).map(
    ([name, value]) => `-c ${name}=${value.replace(/[\\ ]/g, '\\$&')}`,
  );
  url.searchParams.set('options', [url.searchParams.get('options') ?? '', ...ours].join(' ').trim());
  // A "+" means a space only in forms; node-postgres decodes URLs the other way.
  return url.href.replace(/\?.*$/, (query) => query.replace(/\+/g, '%20'));
}

/** A URL that leads to one server, or to a place where servers are named; taken apart without reading it as a URL. */
export interface ServerUrl {
  /** `postgresql`, `postgresql+dns`, `postgresql+srv`, `patroni+http`, `patroni+https` or `kubernetes`. */
  readonly scheme: ServerScheme;
  /** At least one. A port that was not given is undefined. */
  readonly hosts: readonly { readonly host: string; readonly port: number | undefined }[];
  /** The URL of a server at this place, with the login, the database and the parameters of this one. */
  at(place: ServerPlace): string;
  readonly label: string | undefined;
}

export interface ServerPlace {
  readonly host: string;
  readonly port: number;
  readonly name?: string | undefined;
  readonly zone?: string | undefined;
  readonly weight?: number | undefined;
}

export const serverSchemes = [
  'postgresql',
  'postgresql+dns',
  'postgresql+srv',
  'patroni+http',
  'patroni+https',
  'kubernetes',
] as const;

export type ServerScheme = (typeof serverSchemes)[number];

const SERVER_URL = /^([a-z+]+):\/\/(?:([^/?#]*)@)?([^/?#@]*)(\/[^?#]*)?(\?[^#]*)?(?:#(.*))?$/;
const HOST = /^(\[[^\]]+\]|[^:]*)(?::(\d{1,5}))?$/;

/** Throws a plain Error, which never shows the URL. */
export function parseServerUrl(text: string): ServerUrl {
  const found = SERVER_URL.exec(text);
  const scheme = serverSchemes.find(
    (each) => each === found?.[1]?.replace(/^postgres(?=\+|$)/, 'postgresql'),
  );
  if (!found || !scheme) throw new Error('A connection URL cannot be read.');
  const [, , login, authority, path = '', search = '', fragment = ''] = found;
  const hosts = authority!.split(',').map((part) => {
    const [, host, port] = HOST.exec(part.trim()) ?? [];
    if (host === undefined) throw new Error('The host of a connection URL cannot be read.');
    return { host, port: port === undefined ? undefined : Number(port) };
  });
  if (path.includes(',')) throw new Error('After a comma in a list of connection URLs there is no URL.');
  const own = parseFragment(fragment);
  const parameters = search.replace(/([?&])target_session_attrs=[^&]*&?/, '$1').replace(/[?&]$/, '');
  const parsed: ServerUrl = {
    scheme,
    hosts,
    label: own.label,
    at({ host, port, name, zone = own.zone, weight = own.weight }) {
      const attributes = [zone && `zone=${encodeURIComponent(zone)}`, weight !== 1 && `weight=${weight}`];
      const mark = [encodeURIComponent(name ?? ''), ...attributes.filter(Boolean)].join(';');
      return `postgresql://${login === undefined ? '' : `${login}@`}${withBrackets(host)}:${port}${path}${parameters}${mark ? `#${mark}` : ''}`;
    },
  };
  // What every server is reached by is wrong for all of them, and is better said now.
  parseConnection(parsed.at({ host: 'localhost', port: DEFAULT_PORT }));
  return parsed;
}

/** The URLs in a list with commas or new lines between them; a comma may also stand between the hosts of one URL. */
export function splitUrls(list: string): readonly string[] {
  return list
    .split(/[,\n]\s*(?=[a-z+]+:\/\/|$)|\n/)
    .map((item) => item.trim())
    .filter(Boolean);
}

/** One URL for each host of a URL that names several; any other as it is. Throws a plain Error. */
export function expandHosts(text: string): readonly string[] {
  const [host = ''] = /(?<=:\/\/(?:[^/?#]*@)?)[^/?#@]*(?=[/?#]|$)/.exec(text) ?? [];
  if (!host.includes(',')) return [text];
  const { hosts, at, label } = parseServerUrl(text);
  return hosts.map(({ host, port = DEFAULT_PORT }, index) =>
    at({ host, port, name: label && `${label}-${index + 1}` }),
  );
}

/**
 * What all gateways of the same standbys share, in whatever order and by whatever source these are named: the first login
 * with a password, or the first without one.
 */
export function loginOf(urls: readonly string[]): { readonly login: string; readonly hasPassword: boolean } {
  const logins = urls
    .map((url) => decodeURIComponent(/:\/\/([^/?#]*)@/.exec(url)?.[1] ?? ''))
    .map((login) => ({ login, hasPassword: /:./.test(login) }));
  logins.sort(
    (one, other) => Number(other.hasPassword) - Number(one.hasPassword) || (one.login < other.login ? -1 : 1),
  );
  return logins[0] ?? { login: '', hasPassword: false };
}
