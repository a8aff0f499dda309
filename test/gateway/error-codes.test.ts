import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ErrorCode, errorCodes } from '../../src/errors.ts';
import type { Token } from '../../src/replicas/token.ts';
import { anXdr } from '../support/builders.ts';
import { encodePlainToken } from '../support/plain-token.ts';
import { startTestCluster, type TestCluster } from '../support/postgres.ts';
import { type Ask, insertMany, on, type ServedGateway, serveGateway, until } from './served-gateway.ts';

/** One standby, where replay has the right of way at once: only there can a query be cancelled for it in time. */
let database: TestCluster;
let gateway: ServedGateway;
let stack: AsyncDisposableStack;

beforeAll(async () => {
  stack = new AsyncDisposableStack();
  database = stack.use(
    await startTestCluster({
      replicas: 1,
      settings: { autovacuum: 'off' },
      standbySettings: { max_standby_streaming_delay: '0', hot_standby_feedback: 'off' },
    }),
  );
  await insertMany(database);
  await database.pool.query('create table removed (number integer)');
  await database.insertXdrs([anXdr({ i_xdr: '900001', setup_time: 'infinity' })]);
  const settings = { ACCOUNT_TOKEN, DOCUMENT_POLICY: 'ACCOUNT=preferred' };
  gateway = stack.use(await serveGateway(database, settings));
});
afterAll(() => stack.disposeAsync());

const ACCOUNT_TOKEN = 'token-of-the-account-that-may-do-less';

/** An error as a client has it, and the HTTP status that it came with. */
interface Failure {
  readonly status: number;
  readonly code: string;
  readonly retryable: boolean;
}

const COUNT = '{ cdrStats { totals { attempts } } }';
const ONE = '{ cdrs(first: 1) { nodes { id } } }';

async function failureOf(response: Response): Promise<Failure | undefined> {
  const { errors } = (await response.json()) as { errors?: { extensions: Omit<Failure, 'status'> }[] };
  const extensions = errors?.[0]?.extensions;
  return extensions && { status: response.status, code: extensions.code, retryable: extensions.retryable };
}

const query = async (document: string, variables?: object, ask?: Ask) =>
  failureOf(await gateway.ask(document, variables, ask));

const withHeaders = (document: string, headers: Record<string, string>) => query(document, {}, { headers });

/** After a position as gateways wrote it before they were sealed: of this cluster unless told otherwise. */
async function withPosition(asked: ServedGateway, position: Partial<Token>): Promise<Failure | undefined> {
  const { rows } = await database.pool.query('select system_identifier::text as id from pg_control_system()');
  const token = { systemIdentifier: BigInt(rows[0].id), timeline: 1, lsn: 1n, ...position };
  return failureOf(await asked.ask(ONE, {}, { headers: { 'x-read-after': encodePlainToken(token) } }));
}

const send = async (init: RequestInit) =>
  failureOf(await fetch(gateway.url, { headers: gateway.headers, ...init }));

/** While the table of calls is locked, also on the standby: statements wait. */
async function whileLocked<T>(work: () => Promise<T>): Promise<T> {
  const client = await database.pool.connect();
  try {
    await client.query('begin; lock table xdrs in access exclusive mode');
    // A commit, which sends the standby what was written before it, the lock included.
    await database.pool.query('insert into removed values (1)');
    await until('lock on the standby', async () => {
      const rows = await on(
        database.standbyUrls[0]!,
        `select from pg_locks where relation = 'xdrs'::regclass and mode = 'AccessExclusiveLock'`,
      );
      return rows.length > 0;
    });
    return await work();
  } finally {
    await client.query('rollback');
    client.release();
  }
}

/** Ends what the gateway's statements run in, for as long as the work takes. */
async function whileEnding<T>(work: Promise<T>): Promise<T> {
  let isOver = false;
  const ending = (async () => {
    while (!isOver) {
      await on(
        database.standbyUrls[0]!,
        `select pg_terminate_backend(pid) from pg_stat_activity
         where usename = 'gateway' and application_name = 'cdr-gateway' and wait_event_type = 'Lock'`,
      );
    }
  })();
  try {
    return await work;
  } finally {
    isOver = true;
    await ending;
  }
}

/** Removes row versions that a snapshot on the standby may need, again and again. */
async function whileVacuuming<T>(work: Promise<T>): Promise<T> {
  let isOver = false;
  const vacuuming = (async () => {
    while (!isOver) {
      await database.pool.query('insert into removed select generate_series(1, 10)');
      await database.pool.query('delete from removed');
      await database.pool.query('vacuum removed');
      await database.replayed();
    }
  })();
  try {
    return await work;
  } finally {
    isOver = true;
    await vacuuming;
  }
}

/** The request that gets each code. */
const requests: Readonly<Record<Exclude<ErrorCode, Unseen | Elsewhere>, () => Promise<Failure | undefined>>> =
  {
    GRAPHQL_PARSE_FAILED: () => query('{ cdrs('),
    GRAPHQL_VALIDATION_FAILED: () => query('{ nothing }'),
    BAD_REQUEST: () => send({ method: 'POST', body: '{' }),
    QUERY_TOO_LARGE: () =>
      query(`{ ${Array.from({ length: 2000 }, (_, n) => `a${n}: ${ONE.slice(1, -1)}`)} }`),
    UNAUTHENTICATED: () => withHeaders(ONE, { authorization: 'Bearer nobody' }),
    FORBIDDEN: () =>
      withHeaders('{ __schema { queryType { name } } }', { authorization: `Bearer ${ACCOUNT_TOKEN}` }),
    INVALID_ARGUMENT: () => query('{ cdrs(first: -1) { nodes { id } } }'),
    INVALID_TIME_RANGE: () =>
      query(
        '{ cdrs(filter: { from: "2026-01-02T00:00:00Z", to: "2026-01-01T00:00:00Z" }) { nodes { id } } }',
      ),
    UNKNOWN_TIME_ZONE: () => query('{ cdrStats(timeZone: "Europe/Atlantis") { totals { attempts } } }'),
    INVALID_CURSOR: () => query('{ cdrs(after: "nonsense") { nodes { id } } }'),
    async CURSOR_MISMATCH() {
      const { data } = await gateway.query('{ cdrs(first: 1) { pageInfo { endCursor } } }');
      return query('query ($after: String) { cdrs(after: $after, orderBy: OLDEST_FIRST) { nodes { id } } }', {
        after: data.cdrs.pageInfo.endCursor,
      });
    },
    async PAGE_TOO_LARGE() {
      const { data } = await gateway.query('{ viewer { maxPage } }');
      return query(`{ cdrs(first: ${data.viewer.maxPage + 1}) { nodes { id } } }`);
    },
    NOT_ACCEPTABLE: () => withHeaders(COUNT, { accept: 'text/csv' }),
    INVALID_TOKEN: () => withHeaders(ONE, { 'x-read-after': 'nonsense' }),
    POSITION_FOREIGN: () => withPosition(gateway, { systemIdentifier: 42n }),
    POSITION_ON_LATER_TIMELINE: () => withPosition(gateway, { timeline: 2 }),
    async POSITION_IN_FUTURE() {
      await using informed = await serveGateway(database, { PRIMARY_URL: database.primaryUrl });
      return await withPosition(informed, { lsn: 0xffff_0000_0000n });
    },
    REPLICA_TOO_STALE: () => withHeaders(ONE, { 'x-max-staleness': '0.000001' }),
    async NO_REPLICA_AVAILABLE() {
      const [standby] = database.cluster.replicas;
      await standby!.stop('immediate');
      try {
        return await until('word of it', async () => {
          const failure = await query(ONE);
          return failure?.code === 'NO_REPLICA_AVAILABLE' && failure;
        });
      } finally {
        await standby!.start();
        await until('standby', async () => (await query(ONE)) === undefined);
      }
    },
    PERSISTED_QUERY_NOT_FOUND: () =>
      send({ method: 'POST', body: JSON.stringify({ documentId: `sha256:${'0'.repeat(64)}` }) }),
    RATE_LIMITED: async () => {
      await using poor = await serveGateway(database, { ADMIN_RATE_LIMIT: '1000' });
      return await until('refusal', async () => {
        const failure = await failureOf(await poor.ask('{ nonsense }'));
        return failure?.code === 'RATE_LIMITED' && failure;
      });
    },
    OVERLOADED: async () => {
      await using small = await serveGateway(database, { DB_MAX_CONNECTIONS: '1', STATEMENT_TIMEOUT: '30' });
      return await whileLocked(() =>
        until('refusal', async () => {
          // Statistics wait for those of their own principal, however long.
          const answers = await Promise.all(Array.from({ length: 4 }, () => small.ask(ONE)));
          const failures = await Promise.all(answers.map(failureOf));
          return failures.find((failure) => failure?.code === 'OVERLOADED');
        }),
      );
    },
    REPLICA_CONFLICT: () =>
      whileVacuuming(
        until('conflict at every try', async () => {
          const failure = await query('{ cdrStats(groupBy: [CLD, HOUR], first: 1) { rows { attempts } } }');
          return failure?.code === 'REPLICA_CONFLICT' && failure;
        }),
      ),
    REPLICA_LOST: () => whileLocked(() => whileEnding(query(COUNT))),
    UNREADABLE_VALUE: () => query('{ cdr(id: 900001) { setupTime } }'),
    QUERY_TIMEOUT: async () => {
      // Before the wait for the lock is given up.
      await using hasty = await serveGateway(database, { STATEMENT_TIMEOUT: '1' });
      return await whileLocked(async () => failureOf(await hasty.ask(COUNT)));
    },
    async INTERNAL() {
      const change = async (statement: string) => {
        await database.pool.query(statement);
        await database.replayed();
      };
      await change(`
      alter table xdrs rename to taken_away;
      create view xdrs as select * from taken_away where 1 / (i_xdr - i_xdr) > 0;
      grant select on xdrs to gateway_reader`);
      try {
        return await query(COUNT);
      } finally {
        await change('drop view xdrs; alter table taken_away rename to xdrs');
      }
    },
  };

/** Takes a fail-over: test/replicas/positions.test.ts. */
type Elsewhere = 'POSITION_LOST';
/** Whoever it is for has left: only the log and the metrics have it. */
type Unseen = 'REQUEST_CANCELLED';

/** What docs/errors.md says of each code before its first sentence: the status, and whether to ask again. */
function documented(code: string): { status: number; retryable: boolean } {
  const text = readFileSync('docs/errors.md', 'utf8');
  const [, status, retryable] =
    new RegExp(`### \`${code}\`\\n\\n(?:(\\d{3})(, retryable)?\\.)?`).exec(text) ?? [];
  return { status: Number(status), retryable: retryable !== undefined };
}

describe('a request gets', () => {
  test.each(Object.entries(requests))('%s', async (code, request) => {
    const failure = await request();
    const { status, retryable } = documented(code);

    expect(failure).toMatchObject({ code, retryable });
    if (!Number.isNaN(status)) expect(failure!.status).toBe(status);
  });
});

test('REQUEST_CANCELLED is what a request was that its client gave up', async () => {
  const leaving = new AbortController();
  await whileLocked(async () => {
    const answer = gateway.ask(COUNT, {}, { signal: leaving.signal }).catch(() => 'left');
    await until('statement that waits', async () => {
      const rows = await on(
        database.standbyUrls[0]!,
        `select from pg_stat_activity where usename = 'gateway' and wait_event_type = 'Lock'`,
      );
      return rows.length > 0;
    });
    leaving.abort();
    expect(await answer).toBe('left');
  });
  await until('request that counts as cancelled', async () => {
    const text = await (await fetch(new URL('/metrics', gateway.url))).text();
    return text.includes('gateway_graphql_requests_total{operation="cdrStats",outcome="cancelled"} 1\n');
  });
});

test('every code has its request, or is told by other means', () => {
  expect([...Object.keys(requests), 'REQUEST_CANCELLED', 'POSITION_LOST'].sort()).toEqual(
    Object.keys(errorCodes).sort(),
  );
});
