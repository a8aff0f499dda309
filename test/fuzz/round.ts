import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { checkLastDuringInserts, checkRetention } from './check-edges.ts';
import { checkFilters } from './check-filter.ts';
import { checkHttp, READ_AFTER_WAIT_SECONDS } from './check-http.ts';
import { checkList } from './check-list.ts';
import { checkRows } from './check-rows.ts';
import { checkBuckets, checkCurrencies, checkGroups, checkRoots, checkTotals } from './check-statistics.ts';
import { checkStaleness } from './check-status.ts';
import { checkValues } from './check-values.ts';
import { type ExpectedRows, expectedRows } from './expected-rows.ts';
import { FuzzClient, type Principal } from './fuzz-client.ts';
import { createFuzzDatabase, type FuzzDatabase, type FuzzServers } from './fuzz-database.ts';
import type { GatewayHost } from './gateway-host.ts';
import type { LivezReport } from './livez-process.ts';
import type { LivezWatch } from './livez-watch.ts';
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
/** Filters of each lane, and once more after the tables have changed. */
const FILTERS = 2;
/** How long the gateway may hold its event loop at most, and how long `/livez` may take: so long every request waits. */
const MAX_HELD_MS = 100;
const MAX_LIVEZ_MS = 100;
const MAX_STOP_MS = 10_000;
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
  readonly livez: LivezReport;
}

/** What a round needs, and leaves as it was unless it throws. */
export interface FuzzDeps {
  readonly servers: FuzzServers;
  readonly host: GatewayHost;
  readonly livez: LivezWatch;
  /** Of the round; all of them when missing. */
  readonly parts?: readonly RoundPart[] | undefined;
}

/** The gateway did not say in time that it lives. */
export class LateLivezError extends Error {
  override name = 'LateLivezError';

  constructor({ longestMillis, longestOwnMillis }: LivezReport) {
    const [own, all] = [longestOwnMillis.toFixed(0), longestMillis.toFixed(0)];
    super(`/livez took ${own} ms, and ${all} ms with what the machine took.`);
  }
}

/** One round; once more where only /livez was late: what is not late again was the machine, which takes more than it says. */
export async function fuzzSeed(seed: number, deps: FuzzDeps): Promise<RoundReport> {
  try {
    return await fuzzRound(seed, deps);
  } catch (error) {
    if (!(error instanceof LateLivezError)) throw error;
    console.error(`seed ${seed}, to be tried again: ${error.message}`);
    return await fuzzRound(seed, deps);
  }
}

/** One database, its readers, and what happens to both. Throws at the first thing that is not as it must be. */
async function fuzzRound(
  seed: number,
  { servers, host, livez, parts: chosen = roundParts }: FuzzDeps,
): Promise<RoundReport> {
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
    READ_AFTER_WAIT: String(READ_AFTER_WAIT_SECONDS),
    DRAIN_TIMEOUT: '1',
    GRAPHIQL: 'false',
  });
  const client = new FuzzClient(host, url);
  livez.start({ url, pid: host.pid });
  try {
    await playRound({ random, database, tables, encoding, principals, client, url }, chosen);
    const heldMillis = await host.heldMillis();
    if (heldMillis > MAX_HELD_MS) throw new Error(`The event loop was held for ${heldMillis.toFixed(0)} ms.`);
    const report = await livez.stop();
    if (report.longestOwnMillis > MAX_LIVEZ_MS) {
      throw new LateLivezError(report);
    }
    return { requests: client.requests, heldMillis, livez: report };
  } finally {
    // One that spins for ever does not stop, and is ended with its process.
    await Promise.race([
      Promise.allSettled([livez.stop(), host.stop()]),
      delay(MAX_STOP_MS, undefined, { ref: false }),
    ]);
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

/** What a round consists of, in this order. Each has chances of its own, so that it is the same without the others. */
const parts = {
  stored: checkStored,
  lists: (round: Round) => inLanes(round, checkLists),
  filters: checkFilterLanes,
  values: checkValueLanes,
  http: ({ random, client, principals }: Round) => checkHttp(random, client, random.pick(principals)),
  changes: checkChanges,
  long: checkLongLists,
  edges: (round: Round) => checkRetention({ ...round, principal: round.random.pick(round.principals) }),
} as const;

export type RoundPart = keyof typeof parts;
export const roundParts = Object.keys(parts) as readonly RoundPart[];

async function playRound(round: Round, chosen: readonly RoundPart[]): Promise<void> {
  const chances = roundParts.map(() => new Random(round.random.below(2 ** 31)));
  for (const [index, name] of roundParts.entries()) {
    if (chosen.includes(name)) await parts[name]({ ...round, random: chances[index]! });
  }
}

/** At the same time, each with chances of its own. */
async function inLanes(round: Round, check: (round: Round) => Promise<void>): Promise<void> {
  const lanes = Array.from({ length: LANES }, () => new Random(round.random.below(2 ** 31)));
  await Promise.all(lanes.map((random) => check({ ...round, random })));
}

async function checkLists({ random, client, principals, ...round }: Round): Promise<void> {
  for (let check = 0; check < LISTS_PER_LANE; check++) {
    const principal = random.pick(principals);
    await checkList(client, principal, randomList(random), 1 + random.below(17));
    await checkGroups(random, client, principal);
    await checkBuckets(random, client, principal, round);
    await checkStaleness(client, principals[0]);
  }
}

async function checkFilterLanes(round: Round): Promise<void> {
  const stored = await expectedRows(round.database, round.tables, round.encoding);
  await inLanes(round, ({ random, client, principals }) =>
    checkFilters(random, client, random.pick(principals), stored, FILTERS),
  );
}

async function checkValueLanes(round: Round): Promise<void> {
  await inLanes(round, ({ random, client, principals }) =>
    checkValues(random, client, random.pick(principals)),
  );
  await checkRoots(round.client, round.random.pick(round.principals));
}

async function checkChanges(round: Round): Promise<void> {
  const { random, client, principals } = round;
  const before = await expectedRows(round.database, round.tables, round.encoding);
  await readEachField(round, before);
  await alterMeanwhile(round);
  await checkRecovered(round);
  const stored = await checkStoredAgain(round);
  await readEachField(round, before);
  await checkFilters(random, client, random.pick(principals), stored, FILTERS);
}

/** Now and then: lists that are longer than what the executor takes, with what their calls refer to. */
async function checkLongLists(round: Round): Promise<void> {
  const { random, database, tables, client, principals } = round;
  if (!random.chance(LONG_LISTS)) return;
  await database.pool.query(tables.manyMore({ from: 1000, count: LONG_LIST, second: 0 }));
  await database.replayed();
  const query = `{ cdrs(first: ${2 * LONG_LIST}) { nodes { id account { username } customer { name } } } }`;
  const { data } = await client.quietAnswer(query, principals[0], 'streamed');
  if (data.cdrs.nodes.length < LONG_LIST) throw new Error(`${data.cdrs.nodes.length} calls: ${query}`);
  await checkLastDuringInserts({ ...round, principal: principals[0] });
}

/** The same few statements before the tables change and after: on each connection they are prepared. */
async function readEachField({ client, principals }: Round, { fields }: ExpectedRows): Promise<void> {
  for (const field of fields) {
    const query = `{ cdrs(first: 3) { nodes { ${field} } } }`;
    await Promise.all(
      Array.from({ length: LANES }, () => client.quietAnswer(query, principals[0], 'streamed')),
    );
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
    await database.pool.query(tables.retype(random));
    await database.replayed(3000);
  } finally {
    stop.abort();
    await requested;
  }
  await Promise.all(requesting);
}

async function requestAnything(random: Random, client: FuzzClient, principal: Principal): Promise<void> {
  const list = randomList(random);
  const kind = random.pick(['list', 'list', 'list', 'statistics', 'csv', 'ndjson', 'status']);
  if (kind === 'statistics') {
    await client.answer(randomStatistics(random).query, principal, 'streamed');
  } else if (kind === 'status') {
    await checkStaleness(client, principal);
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
async function checkStored({ client, principals, database, tables, encoding }: Round): Promise<ExpectedRows> {
  const expected = await expectedRows(database, tables, encoding);
  await checkRows(client, principals, expected);
  for (const principal of principals) {
    await checkTotals(client, principal, expected, database.pool);
    await checkCurrencies(client, principal, expected, database.pool);
  }
  return expected;
}

/** What has come back to the tables is shown again, as soon as the catalogue is looked at. */
async function checkStoredAgain(round: Round): Promise<ExpectedRows> {
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
