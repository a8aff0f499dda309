import { sql } from 'kysely';
import { selectJson } from '../../catalogue/catalogue.ts';
import type { Check, Fleet } from '../check.ts';
import type { Finding } from '../finding.ts';
import type { Server } from '../server.ts';

interface DatabaseText {
  readonly collate: string;
  readonly recorded: string | null;
  readonly actual: string | null;
}

/** Whether every server sorts text as the database was made to: a copy of the files on another system does not. */
export const textCheck: Check = {
  topic: 'collations',
  async examine({ servers }: Fleet) {
    const known = await Promise.all(
      servers.map(async (server) => ({ server, text: await selectText(server) })),
    );
    const first = known[0];
    return {
      findings: known.flatMap(({ server, text }): readonly Finding[] => {
        if (text.actual !== null && text.recorded !== null && text.actual !== text.recorded) {
          return [recordedOtherwise(server, text)];
        }
        return first && text.actual !== first.text.actual
          ? [otherThan(server, text, first.server, first.text)]
          : [];
      }),
    };
  },
};

/** PostgreSQL 14 records no version of a database. */
async function selectText({ db, facts }: Server): Promise<DatabaseText> {
  const versions =
    facts.versionNumber >= 150_000
      ? sql`datcollversion as recorded, pg_database_collation_actual_version(oid) as actual`
      : sql`null as recorded, (select pg_collation_actual_version(oid) from pg_collation
          where collname = datcollate limit 1) as actual`;
  const [text] = await selectJson<DatabaseText>(
    db,
    sql`select datcollate as collate, ${versions} from pg_database where datname = current_database()`,
  );
  return text!;
}

function recordedOtherwise({ place, facts }: Server, { collate, recorded, actual }: DatabaseText): Finding {
  const message =
    `The database sorts text by ${collate} of version ${recorded}, and this host has ${actual}: indexes on text may ` +
    'miss rows here. Give it the operating system of the primary, or rebuild such indexes with collation "C".';
  return {
    code: 'COLLATION_VERSION',
    severity: 'warning',
    server: place,
    message,
    remedy: facts.isStandby
      ? undefined
      : {
          on: 'primary',
          run: `reindex database concurrently ${facts.database}; alter database ${facts.database} refresh collation version;`,
        },
  };
}

function otherThan({ place }: Server, text: DatabaseText, first: Server, firstText: DatabaseText): Finding {
  return {
    code: 'COLLATION_DIFFERS',
    severity: 'warning',
    server: place,
    message:
      `Text is sorted by version ${text.actual ?? 'unknown'} here and ${firstText.actual ?? 'unknown'} on ${first.place}: ` +
      'indexes on text that are right there may miss rows here.',
  };
}
