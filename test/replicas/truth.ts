import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';

/** A row committed on the primary, and when the primary said so, on this process's clock in seconds. */
interface Beat {
  readonly id: number;
  readonly committedAt: number;
}

export const seconds = (): number => performance.now() / 1000;

/**
 * Commits a row on the primary again and again, and knows when, so that the age of what a standby lacks can be
 * measured without trusting a clock or a view of any server.
 */
export class Heart {
  readonly #beats: Beat[] = [];
  readonly #url: string;
  readonly #table: string;
  #client: pg.Client | undefined;
  #halt: (() => Promise<void>) | undefined;

  constructor(primaryUrl: string, table = 'beats') {
    this.#url = primaryUrl;
    this.#table = table;
  }

  async beat(bytes = 10): Promise<void> {
    if (!this.#client) {
      this.#client = await connect(this.#url);
      await this.#client.query(
        `create table if not exists ${this.#table} (id integer primary key, ballast text)`,
      );
    }
    const id = this.#beats.length + 1;
    // Random, since PostgreSQL compresses.
    await this.#client.query(
      `insert into ${this.#table} select $1, string_agg(md5(random()::text), '') from generate_series(1, $2::int)`,
      [id, Math.ceil(bytes / 32)],
    );
    this.#beats.push({ id, committedAt: seconds() });
  }

  /** Every `gap` seconds, until stopped. A primary that dies ends it too. */
  start(gap: number, bytes?: number): void {
    let isStopped = false;
    const run = async () => {
      while (!isStopped) {
        await this.beat(bytes);
        await delay(gap * 1000);
      }
    };
    const running = run().catch(() => {
      this.#client = undefined;
    });
    this.#halt = () => {
      isStopped = true;
      return running;
    };
  }

  async stop(): Promise<void> {
    await this.#halt?.();
    this.#halt = undefined;
  }

  /** At `moment`: age of the oldest commit until then that is beyond `visible`. 0 when there is none. */
  ageOfMissing(visible: number, moment: number): number {
    const missing = this.#beats[visible];
    return missing && missing.committedAt < moment ? moment - missing.committedAt : 0;
  }

  get count(): number {
    return this.#beats.length;
  }

  async close(): Promise<void> {
    await this.stop();
    await this.#client?.end().catch(() => {});
  }
}

/** How many beats a standby shows. */
export class Eye {
  readonly #client: pg.Client;

  private constructor(client: pg.Client) {
    this.#client = client;
  }

  static async open(standbyUrl: string): Promise<Eye> {
    return new Eye(await connect(standbyUrl));
  }

  async visible(table = 'beats'): Promise<number> {
    const { rows } = await this.#client.query(`select coalesce(max(id), 0) as id from ${table}`);
    return rows[0].id;
  }

  async close(): Promise<void> {
    await this.#client.end().catch(() => {});
  }
}

async function connect(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString });
  client.on('error', () => {});
  await client.connect();
  return client;
}
