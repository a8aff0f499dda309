import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { anXdr } from '../support/builders.ts';
import { createTestGateway, type TestGateway } from '../support/gateway.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

/** What a page says of the calls beyond it, when those that it was reached by are gone. */

const COUNT = 12;
let database: TestDatabase;
let gateway: TestGateway;

beforeAll(async () => {
  database = await createTestDatabase();
  gateway = await createTestGateway(database);
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await database.pool.query('truncate xdrs');
  await database.insertXdrs(
    Array.from({ length: COUNT }, (_, index) =>
      // Three of each time.
      anXdr({ i_xdr: String(index + 1), connect_time: `2026-01-05T09:0${Math.floor(index / 3)}:00Z` }),
    ),
  );
});

const lists = {
  streamed: 'nodes { id }',
  executed: 'nodes { id } edges { cursor }',
  'not there': '',
} as const;
const FILTERS = ['', 'filter: { not: { accountIds: [99] } }'] as const;

async function remove(ids: readonly number[]): Promise<void> {
  await database.pool.query('delete from xdrs where i_xdr = any($1::int[])', [ids]);
  await database.replayed();
}

/** In the order of the list. */
const idsIn = (order: string) => {
  const ids = Array.from({ length: COUNT }, (_, index) => index + 1);
  return order === 'OLDEST_FIRST' ? ids : ids.reverse();
};

describe.each(Object.keys(lists) as (keyof typeof lists)[])('where the list is %s', (way) => {
  describe.each(FILTERS)('with %s', (filter) => {
    const pageInfoOf = async (order: string, given: string) => {
      const { data, errors } = await gateway.query(
        `{ cdrs(orderBy: ${order}, ${filter} ${given}) { ${lists[way]} pageInfo { hasNextPage hasPreviousPage } } }`,
      );
      expect(errors).toBeUndefined();
      return [data.cdrs.pageInfo.hasPreviousPage, data.cdrs.pageInfo.hasNextPage];
    };
    const cursorOf = async (order: string, place: number) => {
      const { data } = await gateway.query(
        `{ cdrs(orderBy: ${order}, ${filter} first: ${COUNT}) { edges { cursor } } }`,
      );
      return data.cdrs.edges[place].cursor;
    };

    test.each(['NEWEST_FIRST', 'OLDEST_FIRST'])('%s: after a cursor', async (order) => {
      const after = `after: "${await cursorOf(order, 3)}"`;
      const ids = idsIn(order);
      expect(await pageInfoOf(order, `first: 3, ${after}`)).toEqual([true, true]);
      expect(await pageInfoOf(order, `first: 8, ${after}`)).toEqual([true, false]);
      // The call of the cursor itself precedes the page, and is enough.
      await remove(ids.slice(0, 3));
      expect(await pageInfoOf(order, `first: 3, ${after}`)).toEqual([true, true]);
      await remove(ids.slice(4));
      expect(await pageInfoOf(order, `first: 3, ${after}`)).toEqual([true, false]);
      await remove(ids.slice(3, 4));
      expect(await pageInfoOf(order, `first: 3, ${after}`)).toEqual([false, false]);
    });

    test.each(['NEWEST_FIRST', 'OLDEST_FIRST'])(
      '%s: after a cursor, nothing precedes any more',
      async (order) => {
        const after = `after: "${await cursorOf(order, 3)}"`;
        await remove(idsIn(order).slice(0, 4));
        expect(await pageInfoOf(order, `first: 3, ${after}`)).toEqual([false, true]);
        expect(await pageInfoOf(order, `last: 3, ${after}`)).toEqual([true, false]);
        expect(await pageInfoOf(order, `last: 8, ${after}`)).toEqual([false, false]);
      },
    );

    test.each(['NEWEST_FIRST', 'OLDEST_FIRST'])('%s: before a cursor', async (order) => {
      const before = `before: "${await cursorOf(order, 8)}"`;
      const ids = idsIn(order);
      expect(await pageInfoOf(order, `last: 3, ${before}`)).toEqual([true, true]);
      await remove(ids.slice(9));
      expect(await pageInfoOf(order, `last: 3, ${before}`)).toEqual([true, true]);
      await remove(ids.slice(8, 9));
      expect(await pageInfoOf(order, `last: 3, ${before}`)).toEqual([true, false]);
      expect(await pageInfoOf(order, `first: 3, ${before}`)).toEqual([false, true]);
      expect(await pageInfoOf(order, `last: 8, ${before}`)).toEqual([false, false]);
    });
  });
});

test('the last of a list are no more than were wanted while calls are inserted, on every path', async () => {
  const SIZE = 10_500;
  await database.pool.query('truncate xdrs');
  await database.pool.query(
    `insert into xdrs (i_xdr, i_account, connect_time)
     select 1000 + number, 14, '2026-01-06T00:00:00Z'::timestamptz + number * interval '1 second'
     from generate_series(1, 12000) as number`,
  );
  await database.replayed();
  let [isOver, inserted] = [false, 0];
  const inserting = (async () => {
    while (!isOver) {
      inserted++;
      await database.pool.query(
        `insert into xdrs (i_xdr, i_account, connect_time)
         select 1000000 + 50 * $1::int + number, 14, now() from generate_series(1, 50) as number`,
        [inserted],
      );
    }
  })();
  try {
    for (const order of ['OLDEST_FIRST', 'NEWEST_FIRST']) {
      const document = (more = '') => `{ cdrs(last: ${SIZE}, orderBy: ${order}) { nodes ${more} { id } } }`;
      for (let time = 0; time < 4; time++) {
        const { data } = await gateway.query(document());
        expect(data.cdrs.nodes).toHaveLength(SIZE);
        expect(new Set(data.cdrs.nodes.map(({ id }: { id: string }) => id)).size).toBe(SIZE);
      }
      const file = await gateway.ask(document(), {}, { headers: { accept: 'text/csv' } });
      expect((await file.text()).trim().split('\r\n')).toHaveLength(1 + SIZE);
      const parts = await gateway.ask(document('@stream'), {}, { headers: { accept: 'multipart/mixed' } });
      // Parts have ids too, of fewer digits.
      expect((await parts.text()).match(/"id":"\d{4,}"/g)).toHaveLength(SIZE);
    }
  } finally {
    isOver = true;
    await inserting;
  }
  expect(inserted).toBeGreaterThan(5);
});
