import {
  keyOfCalls,
  MIN_DECODING_MAJOR,
  selectPublishedTables,
  tableOfCalls,
  whyUncounted,
  whyUnsound,
} from '../../catalogue/publication.ts';
import { checkServers } from '../check.ts';
import type { Finding } from '../finding.ts';

/** Whether rollups can be kept, where ROLLUPS_FILE says that they are to be. What the feed lacks too, its check says. */
export const rollupsCheck = checkServers(
  'rollups',
  ({ servers, keepsRollups }) => (keepsRollups ? servers : []),
  async (server, { feed, source }): Promise<readonly Finding[]> => {
    const found = { code: 'ROLLUPS_PUBLICATION', severity: 'warning', server: server.place } as const;
    if (!feed) return [{ ...found, message: 'ROLLUPS_FILE is set, and FEED_PUBLICATION is not.' }];
    if (Math.floor(server.facts.versionNumber / 10_000) < MIN_DECODING_MAJOR) return [];
    const [table, key] = [tableOfCalls[source], keyOfCalls[source]];
    const published = await selectPublishedTables(server.db, feed.publication, table);
    const message = whyUncounted(feed.publication, key, published);
    if (message === undefined || whyUnsound(feed.publication, key, published)) return [];
    const columns = `(${key}, i_account, connect_time)`;
    const quoted = `"${feed.publication.replaceAll('"', '""')}"`;
    const run =
      `create unique index concurrently ${table}_counted on ${table} ${columns}; ` +
      `alter table ${table} replica identity using index ${table}_counted; ` +
      `alter publication ${quoted} set table ${table} ${columns}; (see docs/rollups.md)`;
    return [{ ...found, message, remedy: { on: 'primary', run } }];
  },
);
