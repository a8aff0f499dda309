import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createGatewayServer } from '../../src/http/server.ts';
import { anAccount, anXdr } from '../support/builders.ts';
import { connect } from '../support/database-urls.ts';
import {
  ACCOUNT_ID,
  ACCOUNT_TOKEN,
  ADMIN_TOKEN,
  createTestGateway,
  type TestGateway,
} from '../support/gateway.ts';
import { startTestCluster, type TestCluster } from '../support/postgres.ts';
import { startWireTap, type WireTap } from '../support/wire-tap.ts';

/** Nobody else writes here: what the standbys have replayed moves with the tests alone. */
let database: TestCluster;
let taps: WireTap[];
let gateway: TestGateway;
const lines: Record<string, unknown>[] = [];

beforeAll(async () => {
  database = await startTestCluster({ replicas: 2, settings: { autovacuum: 'off' } });
  await database.insertAccounts([anAccount()]);
  await database.insertXdrs([anXdr(), anXdr({ i_account: '15' })]);
  taps = await Promise.all(database.replicaUrls.map(startWireTap));
  gateway = await createTestGateway(
    { replicaUrls: taps.map(({ url }) => url) },
    {
      tuning: { pollIntervalSeconds: 0.05, primaryUrl: database.primaryUrl },
      onLog: (line) => lines.push(line),
    },
  );
});

afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  for (const tap of taps) await tap[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

/** Every test has calls of its own: what was stored before is of no use to it. */
beforeEach(async () => {
  await database.insertXdrs([anXdr({ i_account: '99' })]);
});

const PAGE = '{ cdrs(first: 5) { nodes { id cld } } }';
const STATS = '{ cdrStats { totals { attempts } } }';

/** A busy machine takes its time. */
const poll = <Value>(read: () => Value) => expect.poll(read, { timeout: 20_000 });

interface Options {
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly variables?: object;
  readonly signal?: AbortSignal;
  readonly from?: TestGateway;
}

async function get(query: string, options: Options = {}) {
  const { token = ADMIN_TOKEN, headers = {}, variables, signal, from = gateway } = options;
  const search = new URLSearchParams({ query, ...(variables && { variables: JSON.stringify(variables) }) });
  const request = new from.Request(`http://gateway/graphql?${search}`, {
    headers: { authorization: `Bearer ${token}`, ...headers },
    ...(signal && { signal }),
  });
  const response = await from.fetch(request);
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    etag: response.headers.get('etag'),
    text,
    body: text === '' ? undefined : JSON.parse(text),
    requestId: response.headers.get('x-request-id'),
  };
}

/** What became of the request, by the log. */
async function reuseOf({ requestId }: { readonly requestId: string | null }) {
  const line = () => lines.find((each) => each.requestId === requestId);
  await poll(line).toBeDefined();
  return line()!.reuse;
}

const statements = () =>
  taps.flatMap(({ sent }) => sent.map(({ text }) => text)).filter((text) => /\bxdrs\b/.test(text)).length;

/** Until the standbys are quiet, and their samples say so: the server itself writes a little WAL now and then. */
async function untilNotModified(query: string, options: Options = {}) {
  let { etag } = await get(query, options);
  for (;;) {
    const before = statements();
    const again = await get(query, { ...options, headers: { ...options.headers, 'if-none-match': etag! } });
    // Where something was replayed it is read, and may come out the same.
    if (again.status === 304 && statements() === before) return { ...again, statements: 0 };
    ({ etag } = again);
  }
}

/** Resolves when the gateway has seen all that the standbys have replayed by now. */
async function untilSeen() {
  const { rows } = await database.pool.query('select now()::text as now');
  const seen = () =>
    gateway.replicas
      .snapshot()
      .replicas.every(({ sampledAt }) => new Date(sampledAt!) > new Date(rows[0].now));
  await poll(seen).toBe(true);
}

describe('what has not changed is not read again', () => {
  test.each([PAGE, STATS, '{ account(id: "14") { username } }', '{ cdr(id: "1") { id } }'])(
    '%s',
    async (query) => {
      const first = await get(query);
      expect(first.status).toBe(200);
      expect(first.body.errors).toBeUndefined();
      expect(first.headers.get('cache-control')).toBe('private, no-cache');
      expect(first.headers.get('vary')).toContain('Authorization');
      expect(first.etag).toMatch(/^W\/"[\w-]{27}"$/);
      const again = await untilNotModified(query);
      expect(again).toMatchObject({ statements: 0, text: '', etag: expect.any(String) });
      expect(again.headers.get('cache-control')).toBe('private, no-cache');
      expect(await reuseOf(again)).toBe('not_modified');
      // Nothing is read, and yet it is known of a later moment that nothing has changed.
      const asOf = again.headers.get('x-data-as-of')!;
      expect(asOf >= first.headers.get('x-data-as-of')!).toBe(true);
      await poll(async () => (await untilNotModified(query)).headers.get('x-data-as-of')! > asOf).toBe(true);
    },
  );

  test('nor for a client that has nothing yet', async () => {
    await untilNotModified(STATS);
    const before = statements();
    const other = await get(STATS);
    expect(other).toMatchObject({ status: 200, body: { data: { cdrStats: { totals: {} } } } });
    expect(statements() - before).toBe(0);
    expect(await reuseOf(other)).toBe('stored');
  });

  test('a tag holds on another gateway, and on one that was started anew', async () => {
    await using other = await createTestGateway({ replicaUrls: database.replicaUrls });
    await poll(async () => {
      const { etag } = await get(PAGE);
      return (await get(PAGE, { headers: { 'if-none-match': etag! }, from: other })).status;
    }).toBe(304);
  });

  test('it costs nothing of the budget', async () => {
    await using limited = await createTestGateway(database, {
      settings: { ACCOUNT_POINTS_PER_MINUTE: '100000000' },
      tuning: { pollIntervalSeconds: 0.05 },
    });
    const options = { token: ACCOUNT_TOKEN, from: limited };
    const remaining = async () => {
      const { data } = await limited.query('{ viewer { rateLimit { remaining } } }', {}, options);
      return data.viewer.rateLimit?.remaining;
    };
    await poll(async () => {
      const { etag } = await get(PAGE, options);
      const before = await remaining();
      const { status } = await get(PAGE, { ...options, headers: { 'if-none-match': etag! } });
      const after = await remaining();
      return status === 304 && before - after < 2000 ? 'free' : [status, before, after];
    }).toBe('free');
  });
});

test('fetch says no-cache by itself where a program gives it a tag, and is answered 304', async () => {
  const server = createGatewayServer(gateway.fetch, {
    Request: gateway.Request,
    receive: gateway.receive,
    drainTimeoutSeconds: 0,
    onError: (error) => {
      throw error;
    },
  });
  try {
    const port = await server.listen({ host: '127.0.0.1', port: 0 });
    const url = `http://127.0.0.1:${port}/graphql?${new URLSearchParams({ query: STATS })}`;
    const authorization = `Bearer ${ADMIN_TOKEN}`;
    await poll(async () => {
      const first = await fetch(url, { headers: { authorization } });
      expect(JSON.parse(await first.text()).data.cdrStats.totals.attempts).toBeGreaterThan(0);
      const again = await fetch(url, {
        headers: { authorization, 'if-none-match': first.headers.get('etag')! },
      });
      expect(await again.text()).toBe(again.status === 304 ? '' : expect.any(String));
      return again.status;
    }).toBe(304);
  } finally {
    await server.close();
  }
});

describe('what may have changed is read', () => {
  test.each([
    ['a call that comes', () => database.insertXdrs([anXdr()])],
    [
      'a correction',
      async () => {
        await database.pool.query(`update xdrs set cld = '33' || i_xdr where i_account = 14`);
        await database.replayed();
      },
    ],
    [
      'a deletion',
      async () => {
        await database.pool.query(
          `delete from xdrs where i_xdr = (select max(i_xdr) from xdrs where i_account = 14)`,
        );
        await database.replayed();
      },
    ],
  ])('%s', async (_, change) => {
    await database.insertXdrs([anXdr({ i_account: '14' })]);
    const { etag } = await untilNotModified(PAGE);
    const stored = await get(PAGE);
    await change();
    // The standby has it; the gateway looks once in a while.
    await poll(async () => (await get(PAGE, { headers: { 'if-none-match': etag! } })).status).toBe(200);
    const changed = await get(PAGE);
    expect(changed.body.data).not.toEqual(stored.body.data);
    const { data } = await gateway.query(PAGE);
    expect(changed.body.data).toEqual(data);
  });

  test('an account that is renamed', async () => {
    const query = '{ account(id: "14") { username } }';
    const { etag } = await untilNotModified(query);
    await database.pool.query(`update accounts set username = username || 'x' where i_account = 14`);
    await database.replayed();
    await poll(async () => (await get(query, { headers: { 'if-none-match': etag! } })).status).toBe(200);
  });

  test('an answer that stays the same keeps its tag, though it was read again', async () => {
    const query = '{ cdrStats(filter: { accountIds: ["14"] }) { totals { attempts } } }';
    const { etag } = await untilNotModified(query);
    await database.insertXdrs([anXdr({ i_account: '98' })]);
    const answers: unknown[] = [];
    await poll(async () => {
      const again = await get(query, { headers: { 'if-none-match': etag! } });
      answers.push(again.status);
      return reuseOf(again);
    }).toBe('executed');
    expect(new Set(answers)).toEqual(new Set([304]));
  });

  test('what a client asks to be read anew', async () => {
    await untilNotModified(PAGE);
    for (const control of ['no-cache', 'no-store', 'max-age=10, no-cache']) {
      const reloaded = await get(PAGE, { headers: { 'cache-control': control } });
      expect(reloaded.status).toBe(200);
      expect(await reuseOf(reloaded)).toBeUndefined();
    }
  });
});

describe('a tag is of one operation, its variables and rights', () => {
  test.each<[string, string, Options]>([
    ['another operation', STATS, {}],
    ['another principal', PAGE, { token: ACCOUNT_TOKEN }],
    ['another media type', PAGE, { headers: { accept: 'application/graphql-response+json' } }],
  ])('%s', async (_, query, options) => {
    const { etag } = await untilNotModified(PAGE);
    const other = await get(query, { ...options, headers: { ...options.headers, 'if-none-match': etag! } });
    expect(other.status).toBe(200);
    expect(other.etag).not.toBe(etag);
  });

  test('other variables', async () => {
    const query = 'query ($first: Int) { cdrs(first: $first) { nodes { id } } }';
    const { etag } = await untilNotModified(query, { variables: { first: 1 } });
    const other = await get(query, { variables: { first: 2 }, headers: { 'if-none-match': etag! } });
    expect([other.status, other.body.data.cdrs.nodes.length]).toEqual([200, 2]);
  });

  test('an account is never given what an administrator was', async () => {
    await untilNotModified(PAGE);
    const { body } = await get(PAGE, { token: ACCOUNT_TOKEN });
    const { data } = await gateway.query(PAGE, {}, { token: ACCOUNT_TOKEN });
    expect(body.data).toEqual(data);
  });
});

describe('without a tag, and read each time:', () => {
  test.each<[string, string, Options?]>([
    ['what the gateway itself says', '{ viewer { name } }'],
    ['the state of the standbys', '{ replicationStatus { status } }'],
    ['who holds a number', '{ cdrs(first: 1) { nodes { id carrier { country } } } }'],
    ['a root that is read elsewhere beside one that is not', `{ viewer { name } ${PAGE.slice(1)}`],
    ['the schema', '{ __schema { queryType { name } } }'],
    ['a failure', '{ cdr(id: "none") { id } }'],
    ['a file', PAGE, { headers: { accept: 'text/csv' } }],
    ['events', PAGE, { headers: { accept: 'text/event-stream' } }],
  ])('%s', async (_, query, options = {}) => {
    const search = new URLSearchParams({ query });
    const request = new gateway.Request(`http://gateway/graphql?${search}`, {
      headers: { authorization: `Bearer ${ADMIN_TOKEN}`, ...options.headers },
    });
    const response = await gateway.fetch(request);
    expect(response.headers.get('etag')).toBeNull();
    await response.text();
  });

  test('a page behind a cursor', async () => {
    const { body } = await get('{ cdrs(first: 1) { pageInfo { endCursor } } }');
    const { endCursor } = body.data.cdrs.pageInfo;
    const query = 'query ($after: String) { cdrs(first: 1, after: $after) { nodes { id } } }';
    expect((await get(query, { variables: { after: endCursor } })).etag).toBeNull();
    expect((await get(query, { variables: {} })).etag).not.toBeNull();
    expect((await get(`{ cdrs(first: 1, after: "${endCursor}") { nodes { id } } }`)).etag).toBeNull();
  });

  test('a list that is sent as it is read', async () => {
    const rows = Array.from({ length: 8000 }, () => anXdr({ i_account: '77' }));
    await database.insertXdrs(rows);
    const query = '{ cdrs(first: 8000, filter: { accountIds: ["77"] }) { nodes { id callId cli cld } } }';
    const both = await Promise.all([get(query), get(query)]);
    for (const { etag, body } of both) {
      expect(etag).toBeNull();
      expect(body.data.cdrs.nodes).toHaveLength(8000);
    }
  });

  test('a POST', async () => {
    expect((await gateway.ask(PAGE)).headers.get('etag')).toBeNull();
  });
});

/** Reads every call of the table in some tens of milliseconds. */
const SLOW = '{ cdrStats(groupBy: [HOUR, CLD]) { rows { attempts p95PddSeconds } } }';

describe('the same operation of many', () => {
  test('is executed once', async () => {
    const before = statements();
    const all = await Promise.all(Array.from({ length: 50 }, () => get(SLOW)));
    expect(new Set(all.map(({ status }) => status))).toEqual(new Set([200]));
    // One for each standby, where one is further than the other.
    expect(statements() - before).toBeLessThanOrEqual(2);
    const reuses = await Promise.all(all.map(reuseOf));
    expect(reuses.filter((reuse) => reuse === 'executed').length).toBe(statements() - before);
    expect(reuses.filter((reuse) => reuse === 'collapsed').length).toBeGreaterThan(0);
  });

  test('is executed for the others when the first one leaves', async () => {
    const leaving = new AbortController();
    const first = get(SLOW, { signal: leaving.signal }).catch(() => undefined);
    const others = Array.from({ length: 10 }, () => get(SLOW));
    leaving.abort();
    await first;
    for (const { status, body } of await Promise.all(others)) {
      expect(status).toBe(200);
      expect(body.errors).toBeUndefined();
    }
  });

  test('whoever leaves while it waits leaves nothing behind', async () => {
    const leaving = new AbortController();
    const first = get(SLOW);
    const second = get(SLOW, { signal: leaving.signal }).catch(() => undefined);
    leaving.abort();
    await second;
    expect((await first).status).toBe(200);
    const inFlight = () =>
      gateway.replicas.snapshot().replicas.map(({ routing }) => routing.requestsInFlight);
    await poll(inFlight).toEqual([0, 0]);
  });

  test('fails for each by itself when it fails', async () => {
    const query = '{ cdrStats(timeZone: "Nowhere/Town") { totals { attempts } } }';
    const all = await Promise.all(Array.from({ length: 10 }, () => get(query)));
    for (const { body, etag } of all) {
      expect(body.errors[0].extensions.code).toBe('UNKNOWN_TIME_ZONE');
      expect(etag).toBeNull();
    }
  });
});

describe('an answer that was read a moment ago', () => {
  /** Each moves what the standbys have replayed, so that nothing but the age allows an answer again. */
  const move = () => database.insertXdrs([anXdr({ i_account: '97' })]);

  test('is given to a client that takes one so old, with its own age', async () => {
    const first = await get(STATS);
    await move();
    const before = statements();
    const young = await get(STATS, { headers: { 'cache-control': 'max-age=60' } });
    expect(young.body).toEqual(first.body);
    expect(young.headers.get('x-data-as-of')).toBe(first.headers.get('x-data-as-of'));
    expect(statements()).toBe(before);
    const same = await get(STATS, {
      headers: { 'cache-control': 'max-age=60', 'if-none-match': first.etag! },
    });
    expect(same.status).toBe(304);
    expect(await reuseOf(young)).toBe('stored');
  });

  test('is not given to one that wants another, or one as fresh as what it saw', async () => {
    for (const headers of [
      { 'cache-control': 'max-age=0' },
      { 'cache-control': 'max-age=60', 'x-max-staleness': '0.000001' },
      { 'cache-control': 'max-age=60', 'x-read-after': 'what it saw' },
      { 'cache-control': 'max-age=sixty' },
      { 'cache-control': 'max-stale=60' },
    ] as Record<string, string>[]) {
      await get(STATS);
      await move();
      await untilSeen();
      const { extensions } = await gateway.query(STATS);
      if (headers['x-read-after']) headers['x-read-after'] = extensions.replica.token;
      expect(await reuseOf(await get(STATS, { headers })), JSON.stringify(headers)).not.toBe('stored');
    }
  });

  test('a thousand dashboards that look each second cost a few statements, while calls arrive', async () => {
    let isOver = false;
    const writing = (async () => {
      while (!isOver) await move();
    })();
    const before = statements();
    const startedAt = performance.now();
    const headers = { 'cache-control': 'max-age=1' };
    let answers = 0;
    while (performance.now() - startedAt < 3000) {
      await new Promise(setImmediate);
      const some = await Promise.all(Array.from({ length: 20 }, () => get(STATS, { headers })));
      answers += some.filter(({ status }) => status === 200).length;
    }
    const seconds = (performance.now() - startedAt) / 1000;
    isOver = true;
    await writing;
    expect(answers).toBeGreaterThan(100);
    expect(statements() - before).toBeLessThanOrEqual(seconds + 1);
  });
});

test('a standby that was left behind does not answer for one that is ahead', async () => {
  const { etag } = await untilNotModified(PAGE);
  const paused = database.standbyUrls[0]!;
  const client = await connect(paused);
  try {
    await client.query('select pg_wal_replay_pause()');
    await database.pool.query(`update xdrs set cld = '44' || i_xdr`);
    const { rows } = await database.pool.query('select now()::text as now');
    // Until it is too old for the request, it says of which moment it speaks.
    const changedAt = new Date(rows[0].now);
    const read = async () => {
      const { status, headers } = await get(PAGE, {
        headers: { 'if-none-match': etag!, 'x-max-staleness': '1' },
      });
      if (status === 304) expect(new Date(headers.get('x-data-as-of')!) <= changedAt).toBe(true);
      return status;
    };
    await poll(read).toBe(200);
  } finally {
    await client.query('select pg_wal_replay_resume()');
    await client.end();
    await database.replayed();
  }
});

test('an account sees only its own in what is given again', async () => {
  await database.insertXdrs([anXdr({ i_account: ACCOUNT_ID })]);
  const own = '{ cdrs(first: 50) { nodes { accountId } } }';
  await untilNotModified(own);
  const { body } = await get(own, { token: ACCOUNT_TOKEN });
  expect(new Set(body.data.cdrs.nodes.map((node: { accountId: string }) => node.accountId))).toEqual(
    new Set([ACCOUNT_ID]),
  );
});

test('what is given again is never older than it says, whatever the standbys do', async () => {
  const [call] = [anXdr({ i_account: '55', charged_quantity: 0 })];
  await database.insertXdrs([call]);
  const stats = '{ cdrStats(filter: { accountIds: ["55"] }) { totals { billedSeconds } } }';
  /** Corrections of one call, each by one more: until when each was committed, on the primary's clock. */
  const committed: { readonly value: number; readonly by: string }[] = [];
  let isOver = false;
  const writing = (async () => {
    for (let value = 1; !isOver; value++) {
      await database.pool.query('update xdrs set charged_quantity = $1 where i_xdr = $2', [
        value,
        call!.i_xdr,
      ]);
      const { rows } = await database.pool.query(
        `select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as by`,
      );
      committed.push({ value, by: rows[0].by });
    }
  })();
  const pausing = (async () => {
    const client = await connect(database.standbyUrls[1]!);
    while (!isOver) {
      await client.query('select pg_wal_replay_pause()');
      await new Promise((resolve) => setTimeout(resolve, 300));
      await client.query('select pg_wal_replay_resume()');
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    await client.end();
  })();
  const bodies = new Map<string, number>();
  const kinds = new Map<unknown, number>();
  const reader = async (number: number) => {
    let etag: string | undefined;
    while (!isOver) {
      // What is at hand is answered without a turn of the event loop, which others need.
      await new Promise(setImmediate);
      const answer = await get(stats, {
        headers: {
          ...(number % 2 === 0 && { 'cache-control': 'max-age=1' }),
          ...(etag !== undefined && number % 3 !== 0 && { 'if-none-match': etag }),
        },
      });
      etag = answer.etag!;
      if (answer.status === 200) bodies.set(etag, Number(answer.body.data.cdrStats.totals.billedSeconds));
      const asOf = answer.headers.get('x-data-as-of');
      const reuse = lines.find(({ requestId }) => requestId === answer.requestId)?.reuse;
      kinds.set(reuse, (kinds.get(reuse) ?? 0) + 1);
      if (asOf === null) continue;
      const least = committed.findLast(({ by }) => by <= asOf)?.value ?? 0;
      expect(
        bodies.get(etag)!,
        JSON.stringify({ asOf, reuse, status: answer.status }),
      ).toBeGreaterThanOrEqual(least);
    }
  };
  const readers = Promise.all(Array.from({ length: 8 }, (_, number) => reader(number)));
  const ended = Promise.race([readers, new Promise((resolve) => setTimeout(resolve, 5000))]);
  try {
    await ended;
  } finally {
    isOver = true;
    await Promise.all([writing, pausing]);
  }
  await readers;
  expect(committed.length).toBeGreaterThan(20);
  expect([...kinds.keys()]).toEqual(expect.arrayContaining(['executed', 'stored', 'not_modified']));
});
