import type { Finding } from './finding.ts';
import type { NamedBy } from './server.ts';

/** What to look at, by SQLSTATE or by the code of the operating system. */
const advice: Readonly<Record<string, string>> = {
  '0A000':
    'It cannot say how far it is, as readers of Aurora cannot: no age could be told, so it is not read.',
  '28000': 'Its pg_hba.conf has no line that lets this role in from here.',
  '28P01': 'The password is wrong; roles and passwords are made on the primary, and arrive by replication.',
  '3D000': 'There is no such database.',
  '42501':
    'The role lacks a right. On the primary: grant connect on database … to gateway_reader; or, to the role, grant execute on ' +
    'the function that is named.',
  '53300': 'Its connections, or those of the role, are used up.',
  '57P03': 'It is starting, recovering or shutting down; its log says which.',
  ECONNREFUSED: 'Nothing listens there: is it up, and do its listen_addresses and port say so?',
  ENOTFOUND: 'The name does not resolve.',
  EAI_AGAIN: 'The name does not resolve now: the resolver does not answer.',
  EHOSTUNREACH: 'There is no way to that host.',
  ETIMEDOUT: 'Nothing comes back: a firewall that drops, or a host that is off.',
  ENOENT: 'A file that the URL names, such as sslrootcert, is not there.',
  EACCES: 'A file that the URL names, such as sslkey, cannot be read.',
};

const patterns: readonly (readonly [pattern: RegExp, advice: string])[] = [
  [
    /timeout/i,
    'Nothing comes back in time: a firewall that drops, a host that is off, or a server that hangs.',
  ],
  [/does not support SSL/, 'It has no TLS: set ssl = on there, with ssl_cert_file and ssl_key_file.'],
  [
    /self[- ]signed|unable to (get|verify)|certificate/i,
    'Its certificate is not one that sslrootcert vouches for.',
  ],
];

const codes: Readonly<Record<NamedBy, string>> = {
  REPLICA_URLS: 'UNREACHABLE',
  PRIMARY_URL: 'PRIMARY_UNREACHABLE',
  '--admin': 'ADMIN_UNREACHABLE',
};

/** Never the URL, which may hold a password. The primary is only watched: without it the gateway serves all the same. */
export function explainUnreachable(place: string, namedBy: NamedBy, error: unknown): Finding {
  const { code = '', message = '' } = error as { code?: string; message?: string };
  const more = advice[code] ?? patterns.find(([pattern]) => pattern.test(message))?.[1] ?? '';
  const reason = (message || code || 'unknown error').replace(/\.$/, '');
  return {
    code: codes[namedBy],
    severity: namedBy === 'REPLICA_URLS' ? 'problem' : 'warning',
    // Of this one there is no heading.
    server: namedBy === '--admin' ? undefined : place,
    message: `${namedBy === '--admin' ? `${place} ` : ''}cannot be reached: ${reason}${more ? `. ${more}` : ''}`,
  };
}
