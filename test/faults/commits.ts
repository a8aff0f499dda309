import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';

/** Of this process, whatever is done to the clocks of servers. */
export const seconds = (): number => performance.now() / 1000;

/** A call that the primary has committed, and when it said so. */
interface Commit {
  readonly committedAt: number;
}

/** The first call that is committed here; those before it are there from the beginning. */
export const FIRST_ID = 1_000_001;

const insertSql = `
  insert into xdrs (i_xdr, i_account, i_customer, cli, cld, connect_time, setup_time, disconnect_time, duration,
    charged_amount, disconnect_cause, call_id, prefix, country, user_agent)
  select $1::int8, 14, 3, '33123', '44207', at, at, at, 60, 0.0125, 16, 'c' || $1::int8, '44', 'FRANCE',
    (select string_agg(md5(random()::text), '') from generate_series(1, $2::int))
  from (select clock_timestamp() as at) as moments
  on conflict do nothing`;

/**
 * Commits one call after another on the primary and remembers when, so that the age of what a standby, or an answer, lacks
 * is known without trusting the clock or the views of any server. A primary that dies is waited for.
 */
export class Commits {
  readonly #commits: Commit[] = [];
  readonly #url: string;
  #client: pg.Client | undefined;
  #isStopped = false;
  #running: Promise<void> | undefined;
  /** Seconds between two. */
  gap = 0.05;
  /** Of a call, roughly. */
  bytes = 200;

  constructor(primaryUrl: string) {
    this.#url = primaryUrl;
  }

  start(): void {
    this.#isStopped = false;
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    // The primary may be frozen.
    await Promise.race([this.#running, delay(1000)]);
    await Promise.race([this.#client?.end().catch(() => {}), delay(1000)]);
    this.#client = undefined;
  }

  /**
   * At `moment`: the age of the oldest commit until then that is not among the first `visible`. 0 when there is none.
   */
  ageOfMissing(visible: number, moment: number): number {
    const missing = this.#commits[visible];
    return missing && missing.committedAt < moment ? moment - missing.committedAt : 0;
  }

  get count(): number {
    return this.#commits.length;
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      try {
        this.#client ??= await connect(this.#url);
        const id = FIRST_ID + this.#commits.length;
        await this.#client.query(insertSql, [id, Math.ceil(this.bytes / 32)]);
        this.#commits.push({ committedAt: seconds() });
        await delay(this.gap * 1000);
      } catch {
        this.#client?.end().catch(() => {});
        this.#client = undefined;
        await delay(100);
      }
    }
  }
}

/** Reads past every gateway how much of it a standby shows. */
export class Witness {
  readonly #url: string;
  #client: pg.Client | undefined;
  #isAsking = false;

  constructor(standbyUrl: string) {
    this.#url = standbyUrl;
  }

  /** Undefined when the standby does not answer at once. */
  async visible(): Promise<number | undefined> {
    if (this.#isAsking) return undefined;
    this.#isAsking = true;
    const answer = this.#read()
      .catch(() => {
        this.#client?.end().catch(() => {});
        this.#client = undefined;
        return undefined;
      })
      .finally(() => {
        this.#isAsking = false;
      });
    return Promise.race([answer, delay(300).then(() => undefined)]);
  }

  async #read(): Promise<number> {
    this.#client ??= await connect(this.#url);
    const { rows } = await this.#client.query(
      `select coalesce(max(i_xdr), ${FIRST_ID - 1})::int8::text as id from xdrs where i_xdr >= ${FIRST_ID}`,
    );
    return Number(rows[0].id) - FIRST_ID + 1;
  }

  async close(): Promise<void> {
    await Promise.race([this.#client?.end().catch(() => {}), delay(500)]);
  }
}

async function connect(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 2000 });
  client.on('error', () => {});
  await client.connect();
  return client;
}
