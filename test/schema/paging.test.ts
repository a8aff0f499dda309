import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PART_ROWS } from '../../src/streaming/list-reader.ts';
import type { CdrFilter } from '../generated/operations.ts';
import { anAccount } from '../support/builders.ts';
import { createTestGateway, type TestGateway } from '../support/gateway.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { aCall, type Call, filters, inOrder, type Order, passes, rowOf, someCalls } from './calls-oracle.ts';

/** How a selection is answered: lists of columns stream, `account` forces the ordinary executor. */
const paths = { streamed: 'id', ordinary: 'id account { id }' } as const;
type Path = keyof typeof paths;

interface PageArguments {
  readonly filter?: CdrFilter;
  readonly orderBy: Order;
  readonly first?: number;
  readonly after?: string | null;
  readonly last?: number;
  readonly before?: string | null;
}

interface Page {
  readonly edges: readonly { readonly cursor: string; readonly node: { readonly id: string } }[];
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly startCursor: string | null;
    readonly endCursor: string | null;
  };
}

let database: TestDatabase;
let gateway: TestGateway;

beforeAll(async () => {
  database = await createTestDatabase();
  await database.insertAccounts([anAccount()]);
  gateway = await createTestGateway(database);
});

afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

async function page(path: Path, given: PageArguments): Promise<Page> {
  const { data, errors } = await gateway.query(
    `query ($filter: CdrFilter, $orderBy: CdrOrder!, $first: Int, $after: String, $last: Int, $before: String) {
      cdrs(filter: $filter, orderBy: $orderBy, first: $first, after: $after, last: $last, before: $before) {
        edges { cursor node { ${paths[path]} } }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      }
    }`,
    given,
  );
  expect(errors).toBeUndefined();
  return data.cdrs;
}

const idsOf = (calls: readonly Call[]) => calls.map(({ i_xdr }) => i_xdr);
const idsIn = ({ edges }: Page) => edges.map(({ node }) => node.id);

/** The cursors of a page are those of its first and last edge. */
function expectCursors({ edges, pageInfo }: Page): void {
  expect(pageInfo.startCursor).toBe(edges[0]?.cursor ?? null);
  expect(pageInfo.endCursor).toBe(edges.at(-1)?.cursor ?? null);
}

const orders = fc.constantFrom<Order>('NEWEST_FIRST', 'OLDEST_FIRST');
const anyPath = fc.constantFrom<Path>('streamed', 'ordinary');

describe('over 150 calls, of which many tie', () => {
  const calls = someCalls(150);
  beforeAll(async () => {
    await database.pool.query('truncate xdrs');
    await database.insertXdrs(calls.map(rowOf));
  });

  test('pages forwards hold the list, and pages backwards hold it again, whatever filter, size and order', async () => {
    let found = 0;
    const scenario = fc.record({
      filter: fc.oneof({ weight: 1, arbitrary: fc.constant({}) }, { weight: 2, arbitrary: filters }),
      orderBy: orders,
      size: fc.constantFrom(1, 2, 3, 7, 17, 50, 149, 150, 151, 1000),
      path: anyPath,
    });
    await fc.assert(
      fc.asyncProperty(scenario, async ({ filter, orderBy, size, path }) => {
        const list = inOrder(
          calls.filter((call) => passes(call, filter)),
          orderBy,
        );
        found += list.length;
        const forwards = await readForwards(path, { filter, orderBy, first: size }, list.length);
        const backwards = await readBackwards(path, { filter, orderBy, last: size }, list.length);
        expect(forwards).toEqual(idsOf(list));
        expect(backwards).toEqual(idsOf(list));
      }),
      { numRuns: 40, seed: 11 },
    );
    // The filters must not have let nothing through.
    expect(found).toBeGreaterThan(1000);
  });

  /** Pages with `first` and `after` to the end; each says where it lies. */
  async function readForwards(path: Path, given: PageArguments, length: number): Promise<string[]> {
    const ids: string[] = [];
    for (let after: string | null = null; ; ) {
      const read = await page(path, { ...given, after });
      expectCursors(read);
      expect(read.pageInfo.hasPreviousPage).toBe(ids.length > 0);
      ids.push(...idsIn(read));
      expect(read.pageInfo.hasNextPage).toBe(ids.length < length);
      if (!read.pageInfo.hasNextPage) return ids;
      after = read.pageInfo.endCursor;
    }
  }

  /** Pages with `last` and `before` to the start. */
  async function readBackwards(path: Path, given: PageArguments, length: number): Promise<string[]> {
    let ids: string[] = [];
    for (let before: string | null = null; ; ) {
      const read = await page(path, { ...given, before });
      expectCursors(read);
      expect(read.pageInfo.hasNextPage).toBe(ids.length > 0);
      ids = [...idsIn(read), ...ids];
      expect(read.pageInfo.hasPreviousPage).toBe(ids.length < length);
      if (!read.pageInfo.hasPreviousPage) return ids;
      before = read.pageInfo.startCursor;
    }
  }

  test('a window between two cursors is cut from either end', async () => {
    const cursors: Record<Order, readonly string[]> = { NEWEST_FIRST: [], OLDEST_FIRST: [] };
    for (const orderBy of ['NEWEST_FIRST', 'OLDEST_FIRST'] as const) {
      const all = await page('streamed', { orderBy, first: 150 });
      cursors[orderBy] = all.edges.map(({ cursor }) => cursor);
    }
    const scenario = fc.record({
      orderBy: orders,
      path: anyPath,
      end: fc.constantFrom<'first' | 'last'>('first', 'last'),
      size: fc.nat({ max: 200 }),
      after: fc.option(fc.nat({ max: 149 })),
      before: fc.option(fc.nat({ max: 149 })),
    });
    await fc.assert(
      fc.asyncProperty(scenario, async ({ orderBy, path, end, size, after, before }) => {
        const window = inOrder(calls, orderBy).slice(after === null ? 0 : after + 1, before ?? 150);
        const expected =
          end === 'first' ? window.slice(0, size) : window.slice(Math.max(0, window.length - size));
        const isCut = window.length > size;

        const read = await page(path, {
          orderBy,
          [end]: size,
          after: after === null ? null : cursors[orderBy][after]!,
          before: before === null ? null : cursors[orderBy][before]!,
        });

        expect(idsIn(read)).toEqual(idsOf(expected));
        expectCursors(read);
        expect(read.pageInfo.hasNextPage).toBe(before !== null || (end === 'first' && isCut));
        expect(read.pageInfo.hasPreviousPage).toBe(after !== null || (end === 'last' && isCut));
      }),
      { numRuns: 250, seed: 12 },
    );
  });
});

describe('while calls are inserted out of order between pages', () => {
  /** A call near the cursor: before it or after it, in its very microsecond too. */
  const arrivals = fc.array(
    fc.record({
      micros: fc.constantFrom(-2_000_000n, -1n, 0n, 0n, 1n, 2_000_000n),
      id: fc.integer({ min: 100_000, max: 999_999 }),
    }),
    { maxLength: 4 },
  );
  const scenario = fc.record({
    orderBy: orders,
    end: fc.constantFrom<'first' | 'last'>('first', 'last'),
    size: fc.integer({ min: 3, max: 15 }),
    path: anyPath,
    filter: fc.constantFrom<CdrFilter>({}, { accountIds: ['14'] }),
    waves: fc.array(arrivals, { minLength: 4, maxLength: 4 }),
  });

  test('each page goes on exactly behind its cursor: no call is lost, none comes twice', async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async ({ orderBy, end, size, path, filter, waves }) => {
        const initial = someCalls(40, size).filter((call) => passes(call, filter));
        await database.pool.query('truncate xdrs');
        await database.insertXdrs(initial.map(rowOf));
        let known = initial;
        const seen: string[] = [];
        for (let cursor: string | null = null, last: Call | undefined; ; ) {
          const read: Page = await page(path, {
            filter,
            orderBy,
            [end]: size,
            [end === 'first' ? 'after' : 'before']: cursor,
          });
          const ids = end === 'first' ? idsIn(read) : idsIn(read).reverse();
          seen.push(...ids);
          // What lies beyond the cursor now is what the next page begins with.
          expect(ids).toEqual(beyond(known, last, orderBy, end).slice(0, size));
          const { pageInfo } = read;
          if (!(end === 'first' ? pageInfo.hasNextPage : pageInfo.hasPreviousPage)) break;
          cursor = end === 'first' ? pageInfo.endCursor : pageInfo.startCursor;
          last = known.find(({ i_xdr }) => i_xdr === ids.at(-1))!;
          const arrived = (waves.shift() ?? []).map(({ micros, id }) =>
            aCall(last!.micros + micros, String(id)),
          );
          const fresh = arrived.filter(
            ({ i_xdr }, index) => !idsOf([...known, ...arrived.slice(0, index)]).includes(i_xdr),
          );
          known = [...known, ...fresh];
          await database.insertXdrs(fresh.map(rowOf));
        }
        expect(new Set(seen).size).toBe(seen.length);
        expect(idsOf(initial).filter((id) => !seen.includes(id))).toEqual([]);
      }),
      { numRuns: 15, seed: 13 },
    );
  });

  function beyond(calls: readonly Call[], last: Call | undefined, orderBy: Order, end: 'first' | 'last') {
    const list = inOrder(calls, orderBy);
    if (end === 'last') list.reverse();
    return idsOf(list.slice(last ? list.indexOf(last) + 1 : 0));
  }
});

describe('over more calls than one statement reads', () => {
  const COUNT = PART_ROWS + 10_000;
  const sizes = [10_000, 10_001, PART_ROWS - 1, PART_ROWS, PART_ROWS + 1, COUNT - 1, COUNT, COUNT + 1];

  beforeAll(async () => {
    await database.pool.query('truncate xdrs');
    // Only what these lists are read by: five more would take their time.
    const { rows } = await database.pool.query(
      "select indexname from pg_indexes where tablename = 'xdrs' and indexname not in ('xdrs_pkey', 'xdrs_connect_time_i_xdr_idx')",
    );
    for (const { indexname } of rows) await database.pool.query(`drop index ${indexname}`);
    // Keys from 1 on in the order of times; seven share each. The account tells how long a list is.
    await database.pool.query(
      `insert into xdrs (i_xdr, i_account, connect_time)
       select number, case when number <= $2::int then 14 else 15 end,
         '2026-01-05T09:00:00Z'::timestamptz + (number / 7) * interval '1 second'
       from generate_series(1, $1::int) as number`,
      [COUNT, PART_ROWS],
    );
    await database.pool.query('analyze xdrs');
    await database.replayed();
  });

  test.each(sizes)('a page of %i from either end is whole, and knows whether more follow', async (size) => {
    const count = Math.min(size, COUNT);
    const first = await longPage({ orderBy: 'OLDEST_FIRST', first: size });
    const last = await longPage({ orderBy: 'OLDEST_FIRST', last: size });

    expectRun(first.nodes, 1, count);
    expectRun(last.nodes, COUNT - count + 1, count);
    expect(first.pageInfo).toEqual({ hasNextPage: size < COUNT, hasPreviousPage: false });
    expect(last.pageInfo).toEqual({ hasNextPage: false, hasPreviousPage: size < COUNT });
  });

  test('a list that ends where a statement ends has no next page', async () => {
    const { nodes, pageInfo } = await longPage({
      filter: { accountIds: ['14'] },
      orderBy: 'OLDEST_FIRST',
      first: PART_ROWS,
    });

    expectRun(nodes, 1, PART_ROWS);
    expect(pageInfo).toEqual({ hasNextPage: false, hasPreviousPage: false });
  });

  async function longPage(given: PageArguments) {
    const { data, errors } = await gateway.query(
      `query ($filter: CdrFilter, $orderBy: CdrOrder!, $first: Int, $last: Int) {
        cdrs(filter: $filter, orderBy: $orderBy, first: $first, last: $last) {
          nodes { id }
          pageInfo { hasNextPage hasPreviousPage }
        }
      }`,
      given,
    );
    expect(errors).toBeUndefined();
    return data.cdrs as { nodes: { id: string }[]; pageInfo: object };
  }

  /** Keys one behind the other; told without a hundred thousand lines of difference. */
  function expectRun(nodes: readonly { readonly id: string }[], start: number, count: number): void {
    const strayed = nodes.findIndex(({ id }, index) => id !== String(start + index));
    expect({ count: nodes.length, strayed }).toEqual({ count, strayed: -1 });
  }
});
