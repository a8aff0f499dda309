import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTestGateway, type GraphQLAnswer, type TestGateway } from '../support/gateway.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

/** Walks through lists in which some calls have no connect time, some no key, and some neither. */

let database: TestDatabase;
let gateway: TestGateway;
/** Ids, or null for a call that cannot be shown; newest first, as PostgreSQL has them. */
let newestFirst: (string | null)[];

beforeAll(async () => {
  database = await createTestDatabase();
  await database.pool.query(`
    alter table xdrs drop constraint xdrs_pkey, alter i_xdr drop identity if exists;
    alter table xdrs alter i_xdr drop not null, alter connect_time drop not null`);
  await database.pool.query(`
    insert into xdrs (i_xdr, i_account, connect_time)
    select case when number % 11 > 0 then number end, 14 + number % 2,
      case when number % 7 > 0 then '2026-01-05Z'::timestamptz + (number / 5) * interval '1 second' end
    from generate_series(1, 60) as number where number <> 55`);
  await database.replayed();
  gateway = await createTestGateway(database, { tuning: { poolSize: 2 } });
  newestFirst = await inOrder('true');
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

async function inOrder(condition: string): Promise<(string | null)[]> {
  const { rows } = await database.pool.query(
    `select i_xdr, connect_time from xdrs where ${condition} order by connect_time desc, i_xdr desc`,
  );
  return rows.map(({ i_xdr, connect_time }) => (connect_time === null ? null : i_xdr));
}

type Ask = (document: string, variables: object) => Promise<GraphQLAnswer>;

const asks: Record<string, Ask> = {
  streamed: (document, variables) => gateway.query(document, variables),
  async ordinary(document, variables) {
    const response = await gateway.ask(document, variables, { headers: { accept: 'multipart/mixed' } });
    const text = await response.text();
    return JSON.parse(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1));
  },
};

/** Every page of the list, put together in its order. */
async function walk(ask: Ask, order: string, size: number, backwards: boolean, filter = '') {
  const page = backwards ? `last: ${size}, before: $at` : `first: ${size}, after: $at`;
  const document = `query ($at: String) { cdrs(${page}, orderBy: ${order} ${filter}) {
    nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`;
  const seen = new Set<string>();
  let ids: (string | null)[] = [];
  let unreadable = 0;
  for (let at: string | null = null; ; ) {
    const { data, errors = [] } = await ask(document, { at });
    expect(errors.every(({ extensions }) => extensions.code === 'UNREADABLE_VALUE')).toBe(true);
    unreadable += errors.length;
    const { nodes, pageInfo } = data.cdrs;
    const page = nodes.map((node: { id: string } | null) => node?.id ?? null);
    ids = backwards ? [...page, ...ids] : [...ids, ...page];
    const [more, next] = backwards
      ? [pageInfo.hasPreviousPage, pageInfo.startCursor]
      : [pageInfo.hasNextPage, pageInfo.endCursor];
    if (!more) return { ids, unreadable };
    expect(nodes).toHaveLength(size);
    expect(next).toEqual(expect.any(String));
    expect(seen).not.toContain(next);
    seen.add(next);
    at = next;
  }
}

describe.each(Object.entries(asks))('the %s path', (_, ask) => {
  test.each(
    ['NEWEST_FIRST', 'OLDEST_FIRST'].flatMap((order) =>
      [1, 2, 3, 8, 60].flatMap((size) => [false, true].map((backwards) => [order, size, backwards] as const)),
    ),
  )('%s by pages of %i, backwards %s, has every call once, and ends', async (order, size, backwards) => {
    const expected = order === 'NEWEST_FIRST' ? newestFirst : newestFirst.toReversed();
    const { ids, unreadable } = await walk(ask, order, size, backwards);
    expect(ids).toEqual(expected);
    expect(unreadable).toBe(expected.filter((id) => id === null).length);
  });

  test.each([
    [', filter: { accountIds: [14] }', 'i_account = 14'],
    [', filter: { from: "2026-01-05T00:00:03Z" }', "connect_time >= '2026-01-05 00:00:03Z'"],
    [
      ', filter: { to: "2026-01-05T00:00:03Z", accountIds: [14, 15] }',
      "connect_time < '2026-01-05 00:00:03Z'",
    ],
  ])('a walk with%s is of these calls', async (filter, condition) => {
    const expected = await inOrder(condition);
    for (const backwards of [false, true]) {
      expect((await walk(ask, 'NEWEST_FIRST', 3, backwards, filter)).ids).toEqual(expected);
      expect((await walk(ask, 'OLDEST_FIRST', 4, backwards, filter)).ids).toEqual(expected.toReversed());
    }
  });

  test('between two cursors are the calls between them, wherever they lie', async () => {
    const cursors: string[] = [];
    for (let at: string | null = null; cursors.length < newestFirst.length; at = cursors.at(-1)!) {
      const { data } = await ask(
        'query ($at: String) { cdrs(first: 1, after: $at) { nodes { id } pageInfo { endCursor } } }',
        { at },
      );
      cursors.push(data.cdrs.pageInfo.endCursor);
    }
    for (let one = 0; one < cursors.length; one += 4) {
      for (let other = 0; other < cursors.length; other += 5) {
        const { data } = await ask(
          'query ($after: String, $before: String) { cdrs(first: 100, after: $after, before: $before) { nodes { id } } last: cdrs(last: 100, after: $after, before: $before) { nodes { id } } }',
          { after: cursors[one], before: cursors[other] },
        );
        const expected = newestFirst.slice(one + 1, Math.max(other, one + 1));
        const idsOf = (list: { nodes: ({ id: string } | null)[] }) =>
          list.nodes.map((node) => node?.id ?? null);
        expect([idsOf(data.cdrs), idsOf(data.last)]).toEqual([expected, expected]);
      }
    }
  });
});

test('the last ten thousand and more are found where some of them have no time', async () => {
  await using many = await createTestDatabase();
  await many.pool.query('alter table xdrs alter connect_time drop not null');
  await many.pool.query(`
    insert into xdrs (i_xdr, i_account, connect_time)
    select number, 14, case when number <= 10200 then '2026-01-05Z'::timestamptz + number * interval '1 second' end
    from generate_series(1, 10210) as number`);
  await many.replayed();
  await using reading = await createTestGateway(many);
  const document =
    'query ($n: Int!, $order: CdrOrder!, $before: String) { cdrs(last: $n, orderBy: $order, before: $before) { nodes { id } pageInfo { hasPreviousPage startCursor endCursor } } }';
  const ask = async (n: number, order: string, before: string | null = null) =>
    (await reading.query(document, { n, order, before })).data.cdrs;
  const oldest = await ask(10_100, 'OLDEST_FIRST');
  expect(oldest.nodes.length).toBe(10_100);
  expect([oldest.nodes[0].id, oldest.nodes.at(-1), oldest.pageInfo.hasPreviousPage]).toEqual([
    '111',
    null,
    true,
  ]);
  expect(oldest.nodes.filter((node: unknown) => node === null)).toHaveLength(10);
  const newest = await ask(10_205, 'NEWEST_FIRST');
  expect([newest.nodes.length, newest.nodes[4], newest.nodes[5].id]).toEqual([10_205, null, '10200']);
  const before = (await ask(3, 'NEWEST_FIRST')).pageInfo.endCursor;
  const rest = await ask(10_204, 'NEWEST_FIRST', before);
  expect([rest.nodes.length, rest.nodes[4], rest.nodes[5].id, rest.pageInfo.hasPreviousPage]).toEqual([
    10_204,
    null,
    '10200',
    true,
  ]);
});

test('a call without time that comes when the gateway has seen that there are none is walked to as well', async () => {
  await using later = await createTestDatabase();
  await later.pool.query(
    "insert into xdrs (i_xdr, i_account, connect_time) select number, 14, '2026-01-05Z' from generate_series(1, 5) as number",
  );
  await later.replayed();
  await using reading = await createTestGateway(later);
  await later.pool.query('alter table xdrs alter connect_time drop not null');
  await later.pool.query('insert into xdrs (i_xdr, i_account, connect_time) values (6, 14, null)');
  await later.replayed();
  const ask: Ask = (document, variables) => reading.query(document, variables);
  for (const backwards of [false, true]) {
    expect((await walk(ask, 'NEWEST_FIRST', 2, backwards)).ids).toEqual([null, '5', '4', '3', '2', '1']);
    expect((await walk(ask, 'OLDEST_FIRST', 2, backwards)).ids).toEqual(['1', '2', '3', '4', '5', null]);
  }
});
