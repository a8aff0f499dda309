import { checkSource, SourceUnusableError } from '../../catalogue/catalogue-check.ts';
import { warningsAboutReach } from '../../catalogue/catalogue-reach.ts';
import type { SourceName } from '../../sources/sources.ts';
import { checkServers } from '../check.ts';
import { type Finding, type Severity, splitRemedy } from '../finding.ts';
import type { Server } from '../server.ts';

/** Tables, columns, indexes, keys, text and what the role may do, as the gateway itself looks at them at its start. */
export const sourceCheck = checkServers(
  'source',
  ({ servers }) => servers.filter(({ namedBy }) => namedBy === 'REPLICA_URLS'),
  (server, { source }) => examineSource(server, source),
);

async function examineSource(server: Server, name: SourceName): Promise<readonly Finding[]> {
  const { db } = server;
  const findings = (severity: Severity, sentences: readonly string[]) =>
    sentences.map((sentence) => findingFrom(server, severity, sentence));
  const reach = async () => findings('warning', await warningsAboutReach(db, name));
  try {
    const { warnings } = await checkSource(db, name);
    return [...findings('warning', warnings), ...(await reach())];
  } catch (error) {
    if (!(error instanceof SourceUnusableError)) throw error;
    return [...findings('problem', error.problems), ...(await reach())];
  }
}

function findingFrom(server: Server, severity: Severity, sentence: string): Finding {
  return { code: codeOf(sentence), severity, server: server.place, ...splitRemedy(sentence) };
}

/** The sentences are made for the log of the gateway, which has no codes. */
const codes: readonly (readonly [pattern: RegExp, code: string])[] = [
  [/^there is no table/, 'TABLE_MISSING'],
  [/may not be read by this role/, 'COLUMN_FORBIDDEN'],
  [/^Always null/, 'COLUMNS_MISSING'],
  [/^This role may not read/, 'GRANT_MISSING'],
  [/^Without an index/, 'INDEX_MISSING'],
  [/is half-built/, 'INDEX_INVALID'],
  [/is a view, whose indexes/, 'INDEX_UNSEEN'],
  [/^Nothing makes .* unique/, 'KEY_NOT_UNIQUE'],
  [/may be null: such calls/, 'KEY_NULLABLE'],
  [/^The database is in/, 'ENCODING'],
  [/by collation .* of version/, 'INDEX_COLLATION'],
  [/^Row security of/, 'ROW_SECURITY'],
  [/is a superuser/, 'ROLE_SUPERUSER'],
  [/has REPLICATION/, 'ROLE_REPLICATION'],
  [/may write to/, 'ROLE_WRITES'],
  [/starts transactions that may write/, 'ROLE_NOT_READ_ONLY'],
  [/cannot see how old/, 'ROLE_SEES_NO_STATISTICS'],
  [/may read every table, passwords included/, 'REACH_EVERYTHING'],
  [/may read more of/, 'REACH_COLUMNS'],
  [/may read tables that the gateway does not/, 'REACH_TABLES'],
  [/may read every table that/, 'REACH_TABLES_TO_COME'],
];

function codeOf(sentence: string): string {
  return codes.find(([pattern]) => pattern.test(sentence))?.[1] ?? 'SOURCE';
}
