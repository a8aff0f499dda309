import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { RandomSource } from './soak-random.ts';

/** A call as the oracle knows it: committed on the primary. */
export interface CommittedCall {
  readonly id: string;
  readonly account: string;
  readonly cld: string;
}

/** What a transaction that waited has left undone is made up for, up to so much. */
const MAX_BEHIND_MILLIS = 5000;

/** How long a transaction waits before it ends: most not at all, and one in some ten thousands for longer than any fault. */
function waitOf(random: RandomSource): number {
  if (random.chance(0.00005)) return random.between(15_000, 40_000);
  if (random.chance(0.02)) return random.between(2000, 8000);
  return random.chance(0.3) ? random.between(0, 150) : 0;
}

export const ACCOUNTS = ['14', '15', '16'] as const;
const NUMBERS = ['331', '332', '441', '390'] as const;

/**
 * Transactions as a switch has them, and worse: some are rolled back, some in part, some wait long before they commit, so that
 * calls of others overtake theirs.
 */
export class SoakWriters {
  readonly committed: CommittedCall[] = [];
  /** When the answer to the commit of a call came, in milliseconds of the process. */
  readonly committedAt = new Map<string, number>();
  /** When calls were corrected or deleted last, in milliseconds of the process: the moment before the commit and that behind it. */
  readonly changed = new Map<string, { readonly from: number; to: number }>();
  /** Commits whose answer never came: they may be there or not. */
  readonly unsure = new Set<string>();
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>[] = [];
  /** Whether calls are corrected and deleted too. */
  corrects = false;
  #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  start(count: number, ratePerSecond: number, random: RandomSource): void {
    for (let index = 0; index < count; index++) {
      this.#running.push(this.#run(ratePerSecond / count, random.fork(index)));
    }
  }

  /** To another primary. */
  redirect(url: string): void {
    this.#url = url;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#running);
  }

  async #run(rate: number, random: RandomSource): Promise<void> {
    const { signal } = this.#stopping;
    let client: pg.Client | undefined;
    let dueAt = performance.now();
    while (!signal.aborted) {
      try {
        client ??= await this.#connect();
        const isCorrection = this.corrects && this.committed.length > 0 && random.chance(0.15);
        const rows = isCorrection
          ? await this.#correct(client, random)
          : await this.#transact(client, random, signal);
        const now = performance.now();
        dueAt = Math.max(dueAt + ((1000 * rows) / rate) * random.between(0.5, 1.5), now - MAX_BEHIND_MILLIS);
        await delay(Math.max(1, dueAt - now), undefined, { signal });
      } catch {
        await client?.end().catch(() => {});
        client = undefined;
        await delay(50);
      }
    }
    await client?.end().catch(() => {});
  }

  async #connect(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: this.#url, connectionTimeoutMillis: 2000 });
    client.on('error', () => {});
    await client.connect();
    return client;
  }

  /** How many calls it wrote. */
  async #transact(client: pg.Client, random: RandomSource, signal: AbortSignal): Promise<number> {
    const calls: CommittedCall[] = [];
    await client.query('begin');
    const count = random.chance(0.05) ? 40 : random.chance(0.3) ? 4 : 1;
    for (let index = 0; index < count; index++) calls.push(await this.#insert(client, random));
    if (random.chance(0.1)) {
      await client.query('savepoint part');
      await this.#insert(client, random);
      await client.query('rollback to part');
    }
    const wait = waitOf(random);
    if (wait > 0) await delay(wait, undefined, { signal }).catch(() => {});
    if (random.chance(0.08)) {
      await client.query('rollback');
      return count;
    }
    for (const { id } of calls) this.unsure.add(id);
    await client.query('commit');
    const at = performance.now();
    for (const call of calls) {
      this.unsure.delete(call.id);
      this.committedAt.set(call.id, at);
      this.committed.push(call);
    }
    return count;
  }

  /** Changes calls of the last while: their numbers, whose they are, or whether they are there. How many. */
  async #correct(client: pg.Client, random: RandomSource): Promise<number> {
    const recent = this.committed.slice(-2000);
    const count = random.chance(0.02) ? 300 : random.chance(0.5) ? 5 : 1;
    const ids = [...new Set(Array.from({ length: count }, () => random.pick(recent).id))];
    await client.query('begin');
    if (random.chance(0.15)) {
      await client.query('delete from xdrs where i_xdr = any($1)', [ids]);
    } else if (random.chance(0.3)) {
      await client.query('update xdrs set i_account = $2 where i_xdr = any($1)', [
        ids,
        random.pick(ACCOUNTS),
      ]);
    } else {
      const cld = `${random.pick(NUMBERS)}${Math.floor(random.between(0, 1e6))}`;
      await client.query('update xdrs set cld = $2 where i_xdr = any($1)', [ids, cld]);
    }
    if (random.chance(0.1)) {
      await client.query('rollback');
      return count;
    }
    const from = performance.now();
    for (const id of ids) this.changed.set(id, { from, to: Number.POSITIVE_INFINITY });
    await client.query('commit');
    const to = performance.now();
    for (const id of ids) this.changed.set(id, { from, to });
    return count;
  }

  async #insert(client: pg.Client, random: RandomSource): Promise<CommittedCall> {
    const [account, cld] = [random.pick(ACCOUNTS), random.pick(NUMBERS)];
    const { rows } = await client.query(
      'insert into xdrs (i_account, connect_time, cld, duration) values ($1, now(), $2, 1) returning i_xdr::text as id',
      [account, cld],
    );
    return { id: rows[0].id, account, cld };
  }
}
