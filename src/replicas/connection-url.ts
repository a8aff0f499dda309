import type { Address } from './node.ts';

const DEFAULT_PORT = 5432;

/** What a connection URL says, taken apart. */
export interface Connection {
  /** For node-postgres: without the fragment, and with our session settings. Holds the password. */
  readonly url: (session: Readonly<Record<string, string>>) => string;
  readonly address: Address;
  /** From the fragment, as in `postgresql://gateway@10.0.0.5/sippy#amsterdam`. */
  readonly label: string | undefined;
}

/** Throws a plain Error, which never shows the URL: it may hold a password. */
export function parseConnection(text: string): Connection {
  if (!URL.canParse(text)) throw new Error('A connection URL cannot be read.');
  const parsed = new URL(text);
  const label = decodeURIComponent(parsed.hash.slice(1)) || undefined;
  const host = parsed.searchParams.get('host') ?? decodeURIComponent(parsed.hostname);
  return {
    address: { host: host || 'localhost', port: Number(parsed.port) || DEFAULT_PORT },
    label,
    url: (session) => withSession(parsed, session),
  };
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

/**
 * Public names of the standbys, which any caller may see: the label of the URL, else `replica-1`, `replica-2`, …
 * by position. Never the address, which clients must not learn. Throws a plain Error when two are the same.
 */
export function namesOf(connections: readonly Connection[]): readonly string[] {
  const names = connections.map(({ label }, index) => label ?? `replica-${index + 1}`);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`Two replicas are named "${twice}"; give each URL another #name.`);
  return names;
}
