import { sql } from 'kysely';
import { selectJson } from '../../catalogue/catalogue.ts';
import {
  keyOfCalls,
  MIN_DECODING_MAJOR,
  selectPublishedTables,
  tableOfCalls,
  whyUnsound,
} from '../../catalogue/publication.ts';
import { checkServers, type Fleet, present } from '../check.ts';
import type { Finding } from '../finding.ts';
import type { Server } from '../server.ts';

/** Whether corrections and deletions can be told from the WAL, where FEED_PUBLICATION says that they are to be. */
export const feedCheck = checkServers(
  'feed',
  ({ servers, feed }) => (feed ? servers : []),
  async (server, fleet) => {
    if (Math.floor(server.facts.versionNumber / 10_000) < MIN_DECODING_MAJOR) return [tooOld(server)];
    return present([walLevel(server), ...(await publication(server, fleet)), await role(server, fleet)]);
  },
);

function warn(server: Server, code: string, message: string, run: string): Finding {
  return { code, severity: 'warning', server: server.place, message, remedy: { on: 'primary', run } };
}

function tooOld(server: Server): Finding {
  return {
    code: 'FEED_VERSION',
    severity: 'warning',
    server: server.place,
    message: `FEED_PUBLICATION is set, and a standby decodes its WAL from PostgreSQL ${MIN_DECODING_MAJOR} on: corrections are not told from here.`,
  };
}

function walLevel(server: Server): Finding | undefined {
  if (server.setting('wal_level')?.value === 'logical') return undefined;
  return warn(
    server,
    'FEED_WAL_LEVEL',
    'FEED_PUBLICATION is set, and wal_level is not logical: the WAL cannot be decoded.',
    "alter system set wal_level = 'logical'; (on standbys too; then restart them, the standbys first)",
  );
}

async function publication(server: Server, { feed, source }: Fleet): Promise<readonly Finding[]> {
  const name = feed!.publication;
  const [table, key] = [tableOfCalls[source], keyOfCalls[source]];
  const published = await selectPublishedTables(server.db, name, table);
  const unsound = whyUnsound(name, key, published);
  const quoted = `"${name.replaceAll('"', '""')}"`;
  if (unsound) {
    const run = `create publication ${quoted} for table ${table} (${key}, i_account); (see docs/live.md)`;
    return [warn(server, 'FEED_PUBLICATION', unsound, run)];
  }
  const known = published.every(
    ({ identity, identityColumns }) => identity === 'f' || identityColumns.includes('i_account'),
  );
  if (known) return [];
  return [
    warn(
      server,
      'FEED_OWNER_UNKNOWN',
      `The replica identity of ${table} lacks i_account: with each correction all accounts are told that something may be missing.`,
      `create unique index concurrently ${table}_identity on ${table} (${key}, i_account); ` +
        `alter table ${table} replica identity using index ${table}_identity;`,
    ),
  ];
}

async function role(server: Server, { feed }: Fleet): Promise<Finding | undefined> {
  const [found] = await selectJson<{ name: string; decodes: boolean }>(
    server.db,
    sql`select quote_ident(rolname) as name, (rolreplication or rolsuper) and rolcanlogin as decodes from pg_roles
      where rolname = coalesce(${feed!.user ?? null}::name, current_user)`,
  );
  if (found?.decodes) return undefined;
  const name = found?.name ?? feed!.user!;
  return warn(
    server,
    'FEED_ROLE',
    `The role ${name}, which is to decode the WAL, ${found ? 'has no REPLICATION' : 'is not there'}.`,
    `${found ? 'alter' : 'create'} role ${name} login replication;`,
  );
}
