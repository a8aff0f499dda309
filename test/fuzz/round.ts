import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { checkList } from './check-list.ts';
import { checkRows } from './check-rows.ts';
import { checkBuckets, checkRoots, checkTotals } from './check-statistics.ts';
import { expectedRows } from './expected-rows.ts';
import { FuzzClient, type Principal } from './fuzz-client.ts';
import { createFuzzDatabase, type FuzzDatabase, type FuzzServers } from './fuzz-database.ts';
import type { GatewayHost } from './gateway-host.ts';
import { Random } from './random.ts';
import { documentOf, fileDocumentOf, randomList, randomStatistics } from './random-request.ts';
import { marks, type RandomTables, randomTables } from './random-table.ts';

const ROWS = 40;
/** Lists that are read at the same time, which is more than the smallest pool has connections. */
const LANES = 3;
const LISTS_PER_LANE = 2;
const ALTERS = 6;
/** How many rounds end with a long list, and how long it is. */
const LONG_LISTS = 0.05;
const LONG_LIST = 12_000;
/** How long the gateway may hold its event loop at most: so long every other request waits. */
const MAX_HELD_MS = 100;
/** How soon a gateway is itself again when a table changes no more. */
const MAX_RECOVERY_MS = 15_000;
const ENCODINGS = ['UTF8', 'UTF8', 'LATIN1', 'WIN1252', 'SQL_ASCII'];
/** What somebody may have set for all sessions of the database: none of it may change an answer. */
const SESSION_SETTINGS = [
  "default_transaction_isolation = 'serializable'",
  'extra_float_digits = -5',
  "DateStyle = 'SQL, DMY'",
  "IntervalStyle = 'sql_standard'",
  "TimeZone = 'Asia/Kathmandu'",
  "bytea_output = 'escape'",
  'standard_conforming_strings = off',
  'search_path = pg_catalog, public',
];

export interface RoundReport {
  readonly requests: number;
  /** How long the event loop was held at most, in milliseconds. */
  readonly heldMillis: number;
}

/** One database, its readers, and what happens to both. Throws at the first thing that is not as it must be. */
export async function fuzzRound(seed: number, servers: FuzzServers, host: GatewayHost): Promise<RoundReport> {
  const random = new Random(seed);
  const encoding = random.pick(ENCODINGS);
  await using database = await createFuzzDatabase(servers, encoding);
  const tables = randomTables(random, encoding, ROWS);
  await database.pool.query(tables.sql);
  for (const setting of random.chance(0.4) ? random.some(SESSION_SETTINGS, 3) : []) {
    await database.pool.query(`alter database ${database.name} set ${setting}`);
  }
  await database.replayed();
  const principals = randomPrincipals(random);
  const [admin, tenant] = principals;
  const url = await host.start({
    REPLICA_URLS: database.replicaUrls.join(','),
    CDR_SOURCE: tables.source,
    API_PORT: '0',
    ADMIN_TOKEN: admin.token,
    ACCOUNT_TOKEN: tenant.token,
    ACCOUNT_ID: tenant.accounts.join(','),
    DB_MAX_CONNECTIONS: String(1 + random.below(3)),
    LOG_LEVEL: 'silent',
    POLL_INTERVAL: '0.2',
    DRAIN_TIMEOUT: '1',
    GRAPHIQL: 'false',
  });
  const client = new FuzzClient(host, url);
  const stopped = new AbortController();
  const probing = probe(url, stopped.signal);
  const round = { random, database, tables, encoding, principals, client, url };
  try {
    await Promise.race([playRound(round), probing]);
    const heldMillis = await host.heldMillis();
    if (heldMillis > MAX_HELD_MS) throw new Error(`The event loop was held for ${heldMillis.toFixed(0)} ms.`);
    return { requests: client.requests, heldMillis };
  } finally {
    stopped.abort();
    await Promise.allSettled([probing, host.stop()]);
  }
}

type Principals = readonly [admin: Principal, tenant: Principal];

interface Round {
  readonly random: Random;
  readonly database: FuzzDatabase;
  readonly tables: RandomTables;
  readonly encoding: string;
  readonly principals: Principals;
  readonly client: FuzzClient;
  readonly url: string;
}

function randomPrincipals(random: Random): Principals {
  const token = () => randomBytes(16).toString('hex');
  return [
    { name: 'the administrator', token: token(), accounts: [...marks.keys()], isAdmin: true },
    { name: 'the tenant', token: token(), accounts: random.pick([[14], [14], [14, 16]]), isAdmin: false },
  ];
}

async function playRound(round: Round): Promise<void> {
  const { client, principals, random } = round;
  await checkStored(round);
  const lanes = Array.from({ length: LANES }, () => new Random(random.below(2 ** 31)));
  await Promise.all(lanes.map((lane) => checkLane(lane, round)));
  await checkRoots(client, random.pick(principals));
  await alterMeanwhile(round);
  await checkRecovered(round);
  await checkRowsAgain(round);
  if (random.chance(LONG_LISTS)) await checkLongList(round);
}

/** A list that is longer than what the executor takes, with what its calls refer to. */
async function checkLongList({ database, tables, client, principals }: Round): Promise<void> {
  await database.pool.query(tables.manyMore(LONG_LIST));
  await database.replayed();
  const query = `{ cdrs(first: ${2 * LONG_LIST}) { nodes { id account { username } customer { name } } } }`;
  const { data } = await client.quietAnswer(query, principals[0], 'streamed');
  if (data.cdrs.nodes.length < LONG_LIST) throw new Error(`${data.cdrs.nodes.length} calls: ${query}`);
}

async function checkLane(random: Random, { client, principals, ...stored }: Round): Promise<void> {
  for (let check = 0; check < LISTS_PER_LANE; check++) {
    const principal = random.pick(principals);
    await checkList(client, principal, randomList(random), 1 + random.below(17));
    await client.quietAnswer(randomStatistics(random), principal, 'streamed');
    await checkBuckets(random, client, principal, stored);
  }
}

/** Requests of everybody while the tables change: each is answered, or refused with a reason. */
async function alterMeanwhile({ random, database, tables, client, principals }: Round): Promise<void> {
  const stop = new AbortController();
  const requesting = Array.from({ length: LANES }, async () => {
    const lane = new Random(random.below(2 ** 31));
    while (!stop.signal.aborted) await requestAnything(lane, client, lane.pick(principals));
  });
  const requested = Promise.allSettled(requesting);
  try {
    for (let change = 0; change < ALTERS; change++) {
      await database.pool.query(tables.alter(random));
      await database.replayed(3000);
      await delay(random.below(60));
    }
  } finally {
    stop.abort();
    await requested;
  }
  await Promise.all(requesting);
}

async function requestAnything(random: Random, client: FuzzClient, principal: Principal): Promise<void> {
  const list = randomList(random);
  const kind = random.pick(['list', 'list', 'list', 'statistics', 'csv', 'ndjson']);
  if (kind === 'statistics') {
    await client.answer(randomStatistics(random), principal, 'streamed');
  } else if (kind === 'list') {
    const document = documentOf(list, 'first: 20, after: $at', random.pick(['nodes', 'edges']));
    await client.answer(document, principal, random.pick(['streamed', 'executed']), { at: null });
  } else {
    const accept = kind === 'csv' ? 'text/csv' : 'application/x-ndjson';
    await client.text(fileDocumentOf(list), principal, accept);
  }
}

/** Nothing needs a restart. */
async function checkRecovered({ database, tables, client, principals, url }: Round): Promise<void> {
  await database.pool.query(tables.grantAgain);
  await database.replayed();
  const deadline = performance.now() + MAX_RECOVERY_MS;
  for (;;) {
    const ready = await fetch(new URL('/readyz', url));
    const problems = await ready.text();
    const { errors } = await client.answer(
      '{ cdrs(first: 1) { nodes { id cli } } }',
      principals[0],
      'streamed',
    );
    const refused = errors.find(({ extensions }) => extensions.code !== 'UNREADABLE_VALUE');
    if (ready.status === 200 && !refused) break;
    if (performance.now() > deadline) {
      throw new Error(
        `The tables are whole again, but not the gateway: ${problems} ${JSON.stringify(refused)}`,
      );
    }
    await delay(50);
  }
}

/** Rows and sums are what PostgreSQL itself says. */
async function checkStored({ client, principals, database, tables, encoding }: Round): Promise<void> {
  const expected = await expectedRows(database, tables, encoding);
  await checkRows(client, principals, expected);
  for (const principal of principals) await checkTotals(client, principal, expected, database.pool);
}

/** What has come back to the tables is shown again, as soon as the catalogue is looked at. */
async function checkRowsAgain(round: Round): Promise<void> {
  const deadline = performance.now() + MAX_RECOVERY_MS;
  for (;;) {
    try {
      return await checkStored(round);
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await delay(100);
    }
  }
}

const PROBE_MS = 50;
const MAX_PROBE_MS = 20_000;

/** Rejects when the gateway says nothing any more; resolves when it is aborted. */
async function probe(url: string, stopped: AbortSignal): Promise<void> {
  while (!stopped.aborted) {
    const alive = await fetch(new URL('/livez', url), { signal: AbortSignal.timeout(MAX_PROBE_MS) }).catch(
      (cause: unknown) => {
        throw new Error('/livez does not answer', { cause });
      },
    );
    await alive.arrayBuffer();
    await delay(PROBE_MS, undefined, { signal: stopped }).catch(() => {});
  }
}
