import { setTimeout as delay } from 'node:timers/promises';
import type { FuzzClient, Principal } from './fuzz-client.ts';
import type { FuzzDatabase } from './fuzz-database.ts';
import type { Random } from './random.ts';
import type { RandomTables } from './random-table.ts';
import { assertSame } from './same.ts';

interface Edges {
  readonly random: Random;
  readonly client: FuzzClient;
  readonly principal: Principal;
  readonly database: FuzzDatabase;
  readonly tables: RandomTables;
}

const ORDERS = ['NEWEST_FIRST', 'OLDEST_FIRST'] as const;

/** What retention has deleted does not lie beyond a page any more. */
export async function checkRetention({ random, client, principal, database, tables }: Edges): Promise<void> {
  const order = random.pick(ORDERS);
  const isForwards = random.chance(0.5);
  const [first, beyond] = isForwards ? ['first: 5', 'after'] : ['last: 5', 'before'];
  const page = `{ cdrs(${first}, orderBy: ${order}) { pageInfo { startCursor endCursor } } }`;
  const { data } = await client.quietAnswer(page, principal, 'executed');
  const { startCursor, endCursor } = data.cdrs.pageInfo;
  const cursor: string | null = isForwards ? endCursor : startCursor;
  if (cursor === null) return;
  const ids = `query ($at: String) { cdrs(${first}, ${beyond}: $at, orderBy: ${order}) { nodes { id }
    pageInfo { hasNextPage hasPreviousPage } } }`;
  const before = await client.sameOnBoth(ids, principal, { at: cursor });
  assertSame(before.data.cdrs.pageInfo[isForwards ? 'hasPreviousPage' : 'hasNextPage'], true, ids);
  const rest = `query ($at: String) { cdrs(${isForwards ? 'first' : 'last'}: 500, ${beyond}: $at, orderBy: ${order}) { nodes { id } } }`;
  const kept = await client.quietAnswer(rest, principal, 'executed', { at: cursor });
  const nodes = kept.data.cdrs.nodes as readonly ({ id: string } | null)[];
  const keys = nodes.flatMap((node) => (node ? [Number(node.id)] : []));
  // Calls without time or key stay, wherever they are: what is gone is all that has both.
  await database.pool.query(tables.deleteAllBut(keys));
  await database.replayed();
  const after = await client.sameOnBoth(ids, principal, { at: cursor });
  const isLeft = Number(
    (await database.pool.query(tables.countKeyless(principal.isAdmin ? undefined : principal.accounts)))
      .rows[0].count,
  );
  const flags = after.data.cdrs.pageInfo;
  const lies = isForwards ? flags.hasPreviousPage : flags.hasNextPage;
  if (lies && isLeft === 0)
    throw new Error(`All calls beyond the cursor are gone, and it says that there are: ${ids}`);
}

/** Longer than what the executor takes. */
const LAST = 10_050;
const BATCH = 200;
/** Keys that every type has, beyond those of the list. */
const [FIRST_KEY, MAX_KEY] = [14_000, 32_000];
const LISTS = 4;

/** A list from the end has so many calls, also while calls are added there. */
export async function checkLastDuringInserts({ client, principal, database, tables }: Edges): Promise<void> {
  const done = new AbortController();
  const inserting = (async () => {
    for (let from = FIRST_KEY; from < MAX_KEY && !done.signal.aborted; from += BATCH) {
      await database.pool.query(tables.manyMore({ from, count: BATCH, second: from }));
      await delay(5);
    }
  })();
  try {
    for (let list = 0; list < LISTS; list++) {
      const order = ORDERS[list % 2]!;
      const query = `{ cdrs(last: ${LAST}, orderBy: ${order}) { nodes { id } } }`;
      const { data } = await client.quietAnswer(query, principal, 'streamed');
      const nodes = data.cdrs.nodes as readonly ({ id: string } | null)[];
      assertSame(nodes.length, LAST, `while calls are inserted: ${query}`);
      const ids = nodes.flatMap((node) => (node ? [node.id] : []));
      assertSame(new Set(ids).size, ids.length, `each once: ${query}`);
    }
  } finally {
    done.abort();
    await inserting;
  }
}
