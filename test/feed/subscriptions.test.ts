import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Right } from '../../src/access/right.ts';
import { anXdr } from '../support/builders.ts';
import { ACCOUNT_ID, ACCOUNT_TOKEN, createTestGateway, type TestGateway } from '../support/gateway.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { requestEvents, subscribe } from './event-client.ts';

let database: TestDatabase;
let gateway: TestGateway;

beforeAll(async () => {
  database = await createTestDatabase();
  await database.insertXdrs([anXdr(), anXdr(), anXdr()]);
  gateway = await createTestGateway(database);
});

afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

const CALLS = `subscription ($filter: CdrFilter, $after: String) {
  cdrs(filter: $filter, after: $after) {
    cursor asOf stalenessSeconds mayRepeat inserted { id accountId cld } corrected { id } deletedIds gap { reason message }
  }
}`;

/** A client that is told as the feed is. */
async function follow(options: Parameters<typeof subscribe>[2] = {}, query = CALLS) {
  const client = await subscribe(gateway.fetch, query, options);
  return client.until(({ events }) => events.length > 0);
}

describe('calls are told as they arrive', () => {
  test('and not those that were there before', async () => {
    await using client = await follow();
    expect(client.messages[0]).toMatchObject({ mayRepeat: false, inserted: [], gap: null });
    const rows = [anXdr(), anXdr()];
    await database.insertXdrs(rows);
    await client.until(({ ids }) => ids.length >= 2);
    expect(client.ids).toEqual(rows.map(({ i_xdr }) => i_xdr));
    expect(client.events.at(-1)!.id).toBe(client.messages.at(-1).cursor);
  });

  test('at least one message comes each second, with a later asOf', async () => {
    await using client = await follow();
    // Of a primary that writes nothing its standbys hear every few seconds only.
    const writing = setInterval(() => database.pool.query('select txid_current()').catch(() => {}), 100);
    await client.until(({ events }) => events.length >= 4).finally(() => clearInterval(writing));
    const times = client.events.map(({ at }) => at);
    const gaps = times.slice(1).map((at, index) => at - times[index]!);
    expect(Math.max(...gaps)).toBeLessThan(1500);
    const [first] = client.messages;
    const last = client.messages.at(-1);
    expect(last.asOf > first.asOf).toBe(true);
    expect(last.stalenessSeconds).toBeGreaterThan(0);
  });

  test('a call whose key is small and which commits late is told', async () => {
    await using client = await follow();
    const [early, late] = [anXdr(), anXdr()];
    const transaction = await database.pool.connect();
    await transaction.query('begin');
    await transaction.query('insert into xdrs (i_xdr, i_account, connect_time) values ($1, 14, now())', [
      early.i_xdr,
    ]);
    await database.insertXdrs([late]);
    await client.until(({ ids }) => ids.includes(late.i_xdr));
    expect(client.ids).not.toContain(early.i_xdr);
    await transaction.query('commit');
    transaction.release();
    await client.until(({ ids }) => ids.includes(early.i_xdr));
    expect(client.ids).toEqual([late.i_xdr, early.i_xdr]);
  });

  test('an account is told its own calls alone', async () => {
    await using client = await follow({ token: ACCOUNT_TOKEN });
    await using admin = await follow();
    const [own, foreign] = [anXdr({ i_account: ACCOUNT_ID }), anXdr({ i_account: '15' })];
    await database.insertXdrs([foreign, own]);
    await admin.until(({ ids }) => ids.length >= 2);
    await client.until(({ ids }) => ids.length >= 1);
    expect(client.ids).toEqual([own.i_xdr]);
  });

  test('with the position behind which a query has all that was told', async () => {
    await using client = await follow({}, 'subscription { cdrs { position inserted { id } } }');
    const row = anXdr();
    await database.insertXdrs([row]);
    await client.until(({ ids }) => ids.includes(row.i_xdr));
    const { position } = client.messages.at(-1);
    const ask = (readAfter: string) =>
      gateway.query(`{ cdr(id: "${row.i_xdr}") { id } }`, {}, { headers: { 'x-read-after': readAfter } });
    expect(await ask(position)).toMatchObject({ data: { cdr: { id: row.i_xdr } } });
    expect(await ask(`${position.slice(0, -4)}AAAA`)).toMatchObject({
      errors: [{ extensions: { code: 'INVALID_TOKEN' } }],
    });
  });

  test('by a filter', async () => {
    // Values of scalars are read once: what they are read as is no value of theirs.
    const scalars = { from: '2020-01-01T00:00:00Z', minDurationSeconds: '0' };
    await using client = await follow({
      variables: { filter: { ...scalars, cld: { startsWith: '33' }, not: { countries: ['Italy'] } } },
    });
    const [match, other, left] = [
      anXdr({ cld: '331' }),
      anXdr({ cld: '441' }),
      anXdr({ cld: '332', country: 'Italy' }),
    ];
    const end = anXdr({ cld: '339' });
    await database.insertXdrs([match, other, left, end]);
    await client.until(({ ids }) => ids.includes(end.i_xdr));
    expect(client.ids).toEqual([match.i_xdr, end.i_xdr]);
  });

  test('with what calls refer to, aliases and fragments', async () => {
    await database.insertAccounts([
      {
        i_account: '77',
        i_customer: '3',
        username: 'named',
        currency: 'EUR',
        time_zone: null,
        blocked: false,
      },
    ]);
    await using client = await follow(
      {},
      `subscription Live {
      calls: cdrs { __typename ...Parts } }
      fragment Parts on CdrFeed { new: inserted { id chargedAmount account { name: username } } }`,
    );
    const row = anXdr({ i_account: '77' });
    await database.insertXdrs([row]);
    const told = () => client.events.flatMap(({ data }) => data?.data?.calls?.new ?? []);
    await client.until(() => told().length > 0);
    expect(told()).toEqual([{ id: row.i_xdr, chargedAmount: '0.012500', account: { name: 'named' } }]);
  });
});

describe('a subscription goes on behind a cursor', () => {
  test('with what came meanwhile, once each', async () => {
    const rows = Array.from({ length: 6 }, () => anXdr());
    let cursor: string;
    {
      await using client = await follow();
      await database.insertXdrs(rows.slice(0, 2));
      await client.until(({ ids }) => ids.length >= 2);
      cursor = client.lastId!;
    }
    await database.insertXdrs(rows.slice(2, 4));
    await using again = await follow({ variables: { after: cursor } });
    await again.until(({ ids }) => ids.length >= 2);
    await database.insertXdrs(rows.slice(4));
    await again.until(({ ids }) => ids.length >= 4);
    expect(again.ids).toEqual(rows.slice(2).map(({ i_xdr }) => i_xdr));
    await using byHeader = await follow({ headers: { 'last-event-id': cursor } });
    await byHeader.until(({ ids }) => ids.length >= 4);
    expect(byHeader.ids).toEqual(rows.slice(2).map(({ i_xdr }) => i_xdr));
  });

  test('on another gateway, with a call that was overtaken and commits there', async () => {
    const [early, late, last] = [anXdr(), anXdr(), anXdr()];
    const transaction = await database.pool.connect();
    await transaction.query('begin');
    await transaction.query('insert into xdrs (i_xdr, i_account, connect_time) values ($1, 14, now())', [
      early.i_xdr,
    ]);
    let cursor: string;
    {
      await using client = await follow();
      await database.insertXdrs([late]);
      await client.until(({ ids }) => ids.includes(late.i_xdr));
      cursor = client.lastId!;
    }
    await using other = await createTestGateway(database);
    await using again = await subscribe(other.fetch, CALLS, { variables: { after: cursor } });
    await again.until(({ events }) => events.length > 1);
    await transaction.query('commit');
    transaction.release();
    await again.until(({ ids }) => ids.includes(early.i_xdr));
    await database.insertXdrs([last]);
    await again.until(({ ids }) => ids.includes(last.i_xdr));
    expect(again.ids).toEqual([early.i_xdr, last.i_xdr]);
  });

  test.each([
    ['nonsense', 'abc', 'INVALID_CURSOR'],
    ['a cursor of a list', undefined, 'INVALID_CURSOR'],
  ])('%s is refused', async (_name, given, code) => {
    const page = await gateway.query('{ cdrs(first: 1) { pageInfo { endCursor } } }');
    const after = given ?? page.data.cdrs.pageInfo.endCursor;
    const client = await follow({ variables: { after } });
    expect(client.events[0]!.data.errors[0].extensions.code).toBe(code);
    await client.until(({ hasEnded }) => hasEnded);
  });

  test('not with a cursor of another filter, or of somebody else', async () => {
    const after = (await follow()).lastId;
    const byFilter = await follow({ variables: { after, filter: { countries: ['France'] } } });
    expect(byFilter.events[0]!.data.errors[0].extensions.code).toBe('CURSOR_MISMATCH');
    const byOther = await follow({ token: ACCOUNT_TOKEN, variables: { after } });
    expect(byOther.events[0]!.data.errors[0].extensions.code).toBe('CURSOR_MISMATCH');
  });
});

test('the state of the standbys is told each second', async () => {
  await using client = await follow(
    {},
    'subscription { replicationStatus { status feed { level position reason } } }',
  );
  // The first may come before the standbys were looked at.
  await client.until(({ events }) => {
    const { status, feed } = events.at(-1)?.data.data.replicationStatus ?? {};
    return events.length >= 3 && status === 'OK' && feed.level === 'INSERTS';
  });
});

test('a subscription is refused as JSON', async () => {
  const response = await gateway.ask(CALLS);
  expect(response.status).toBe(406);
});

test('events are compressed when that is asked for, and end as gzip does', async () => {
  const leaving = new AbortController();
  const response = await requestEvents(
    gateway.fetch,
    CALLS,
    { headers: { 'accept-encoding': 'gzip' } },
    leaving.signal,
  );
  expect(response.headers.get('content-encoding')).toBe('gzip');
  const chunks: Uint8Array[] = [];
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    chunks.push(chunk);
    if (chunks.length >= 4) break;
  }
  // Whoever reads what has come so far needs no end.
  const text = gunzipSync(Buffer.concat(chunks), { finishFlush: 2 }).toString();
  expect(text).toContain('event: next\nid: ');
  leaving.abort();
});

test('a subscription ends with the right of its principal, and says so', async () => {
  const right = new Right();
  const principal = { name: 'short', role: 'ADMIN', scope: { kind: 'all' }, maxPage: 10, right } as const;
  await using other = await createTestGateway(database, {
    principals: { authenticate: async () => principal },
  });
  await using client = await subscribe(other.fetch, CALLS);
  await client.until(({ events }) => events.length > 0);
  right.revoke();
  await client.until(({ hasEnded }) => hasEnded);
  const [refusal, complete] = client.events.slice(-2);
  expect(refusal!.data.errors[0].extensions.code).toBe('UNAUTHENTICATED');
  expect(complete!.event).toBe('complete');
});

test('who may not see numbers whole is told what a list shows, and who may see no calls is refused', async () => {
  const scope = { kind: 'all', numbers: 'masked' } as const;
  const support = { name: 'support', role: 'SUPPORT', scope, maxPage: 10 } as const;
  const grafana = { ...support, name: 'grafana', role: 'GRAFANA' } as const;
  await using other = await createTestGateway(database, {
    principals: {
      authenticate: async ({ authorization }) => (authorization?.includes('g') ? grafana : support),
    },
  });
  await using client = await subscribe(other.fetch, CALLS, { token: 's' });
  await client.until(({ events }) => events.length > 0);
  const row = anXdr({ cld: '33612345678' });
  await database.insertXdrs([row]);
  await client.until(({ ids }) => ids.includes(row.i_xdr));
  const { data } = await other.query(
    'query ($id: ID!) { cdr(id: $id) { cld } }',
    { id: row.i_xdr },
    { token: 's' },
  );
  const told = client.messages.flatMap(({ inserted }) => inserted).find(({ id }) => id === row.i_xdr);
  expect(told.cld).toBe(data.cdr.cld);
  const refused = await subscribe(other.fetch, CALLS, { token: 'g' });
  await refused.until(({ events }) => events.length > 0);
  expect(refused.events[0]!.data.errors[0].extensions.code).toBe('FORBIDDEN');
});

test('a principal has so many subscriptions at once, and no trace is left of those that ended', async () => {
  await using other = await createTestGateway(database, { settings: { MAX_SUBSCRIPTIONS: '3' } });
  const clients = await Promise.all([1, 2, 3].map(() => subscribe(other.fetch, CALLS)));
  for (const client of clients) await client.until(({ events }) => events.length > 0);
  const refused = await subscribe(other.fetch, CALLS);
  await refused.until(({ events }) => events.length > 0);
  expect(refused.events[0]!.data.errors[0].extensions.code).toBe('OVERLOADED');
  for (const client of clients) client.leave();
  await expect.poll(() => other.feed.readers).toBe(0);
  await using again = await subscribe(other.fetch, CALLS);
  await again.until(({ events }) => events.length > 0);
});

test('a hundred subscribers cost the database what one does', async () => {
  await using other = await createTestGateway(database);
  const measure = async (count: number) => {
    const clients = await Promise.all(Array.from({ length: count }, () => subscribe(other.fetch, CALLS)));
    for (const client of clients) await client.until(({ events }) => events.length > 0);
    const before = { at: performance.now(), statements: other.feed.counts.statements };
    await clients[0]!.until(({ events }) => events.length > 3);
    const seconds = (performance.now() - before.at) / 1000;
    for (const client of clients) client.leave();
    return (other.feed.counts.statements - before.statements) / seconds;
  };
  const [one, hundred] = [await measure(1), await measure(100)];
  // A turn each 25 ms at most; a busy machine takes longer for each.
  expect(hundred).toBeLessThan(Math.max(one * 1.3, 60));
});
