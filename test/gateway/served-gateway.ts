import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { startGateway } from '../../src/serve.ts';
import { ACCOUNT_ID, type GraphQLAnswer } from '../support/gateway.ts';
import type { TestDatabase } from '../support/postgres.ts';

export interface Ask {
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** The whole gateway as it runs: settings from an environment, a port, real standbys. */
export interface ServedGateway extends AsyncDisposable {
  readonly url: string;
  /** As the administrator: authorization included. */
  readonly headers: Readonly<Record<string, string>>;
  ask(document: string, variables?: object, ask?: Ask): Promise<Response>;
  query(
    document: string,
    variables?: object,
    ask?: Ask,
  ): Promise<GraphQLAnswer & { readonly status: number }>;
}

/** Starts it on a free port. Settings are as in the environment. */
export async function serveGateway(
  { replicaUrls }: { readonly replicaUrls: readonly string[] },
  settings: Readonly<Record<string, string>> = {},
): Promise<ServedGateway> {
  const token = randomBytes(16).toString('hex');
  const { url, close } = await startGateway({
    REPLICA_URLS: replicaUrls.join(','),
    API_PORT: '0',
    ADMIN_TOKEN: token,
    ACCOUNT_TOKEN: randomBytes(16).toString('hex'),
    ACCOUNT_ID,
    LOG_LEVEL: 'silent',
    POLL_INTERVAL: '0.2',
    DRAIN_TIMEOUT: '1',
    GRAPHIQL: 'false',
    ...settings,
  });
  const headers = {
    'content-type': 'application/json',
    accept: 'application/graphql-response+json',
    authorization: `Bearer ${token}`,
  };
  const ask: ServedGateway['ask'] = (query, variables = {}, { headers: more, signal } = {}) =>
    fetch(url, {
      method: 'POST',
      headers: { ...headers, ...more },
      body: JSON.stringify({ query, variables }),
      ...(signal && { signal }),
    });
  return {
    url,
    headers,
    ask,
    async query(...given) {
      const response = await ask(...given);
      return { ...((await response.json()) as GraphQLAnswer), status: response.status };
    },
    [Symbol.asyncDispose]: close,
  };
}

/** Asks again until the answer is not undefined. Throws, saying what was waited for, when it takes too long. */
export async function until<T>(
  what: string,
  produce: () => Promise<T | undefined | false>,
  seconds = 30,
): Promise<T> {
  const deadline = performance.now() + seconds * 1000;
  for (;;) {
    const value = await produce();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > deadline) throw new Error(`In ${seconds} seconds there was no ${what}.`);
    await delay(10);
  }
}

/** One statement on one server, over a connection of its own. */
export async function on(
  url: string,
  statement: string,
  values: unknown[] = [],
): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query(statement, values)).rows;
  } finally {
    await client.end();
  }
}

/** What the gateway's own connections are doing there, the watcher's apart, and the rules of zones that it reads for itself. */
export function backendsOf(standbyUrl: string): Promise<Record<string, unknown>[]> {
  return on(
    standbyUrl,
    `select pid, state, wait_event_type, backend_xmin is not null as "hasSnapshot", left(query, 200) as query
     from pg_stat_activity
     where usename = 'gateway' and datname = current_database() and application_name = 'cdr-gateway'
       and query not like '%pg_timezone_names%'`,
  );
}

/** Calls enough to make an answer of some 70 megabytes, oldest first in the order of their keys. */
export const MANY = 200_000;

const insertManySql = `
  insert into xdrs (i_xdr, i_account, i_customer, cli, cld, connect_time, setup_time, disconnect_time, duration,
    charged_amount, disconnect_cause, call_id, prefix, country, user_agent)
  select number, 14, 3, '33' || number, '44' || number, at, at, at, 60, 0.0125, 16, repeat('c', 60), '44', 'FRANCE',
    repeat('u', 60)
  from (select number, '2026-01-05T09:00:00Z'::timestamptz + (number / 7) * interval '1 second' as at
        from generate_series(1, ${MANY}) as number) as calls`;

/** Puts them into the database, and resolves when every standby has them. */
export async function insertMany(database: Pick<TestDatabase, 'pool' | 'replayed'>): Promise<void> {
  await database.pool.query(insertManySql);
  await database.pool.query('vacuum analyze xdrs');
  await database.replayed();
}

export const WIDE =
  'id callId accountId customerId cli cld setupTime connectTime disconnectTime durationSeconds chargedAmount userAgent country';

/** How often a call is not the one behind the last: 0 for a list that is whole. Told without a hundred thousand lines. */
export function straysIn(nodes: readonly { readonly id: string }[], start = 1): number {
  return nodes.filter(({ id }, index) => id !== String(start + index)).length;
}

/** A body that is read bit by bit. */
export class SlowReading {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #chunks: Uint8Array[] = [];

  constructor(response: Response) {
    this.#reader = response.body!.getReader() as ReadableStreamDefaultReader<Uint8Array>;
  }

  /** One chunk more; false at the end. */
  async more(): Promise<boolean> {
    const { value, done } = await this.#reader.read();
    if (value) this.#chunks.push(value);
    return !done;
  }

  /** The rest, and then the whole as text. */
  async text(): Promise<string> {
    while (await this.more());
    return Buffer.concat(this.#chunks).toString();
  }

  async json(): Promise<GraphQLAnswer> {
    return JSON.parse(await this.text());
  }
}
