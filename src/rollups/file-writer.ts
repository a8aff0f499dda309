import { randomBytes } from 'node:crypto';
import { readdirSync, readlinkSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { isDeepStrictEqual } from 'node:util';
import { type KeptAccount, type KeptRow, keptPartials } from '../db/calls/kept-partials.ts';
import { keptSeconds } from '../db/calls/kept-stats.ts';
import { splitDecimal, wholeOf } from './decimals.ts';
import { quarterOf } from './quarters.ts';
import {
  CREATE,
  CREATE_INDEXES,
  FILL,
  type FileState,
  INFINITE_SECONDS,
  INSERT_ROW,
  NOBODY,
  REPLACE_ALL,
  REPLACE_TOUCHED,
  sumColumns,
  tableOfAccounts,
} from './tables.ts';

/** An account, and the quarter of an hour by its first second. */
export interface TouchedPlace {
  readonly account: bigint;
  readonly second: number;
}

/** What one look at the standby has counted, all of one moment. */
export interface Counted {
  /** Whose rows take the place of all that was there. */
  readonly places: readonly TouchedPlace[];
  readonly rows: readonly KeptRow[];
  readonly accounts: readonly KeptAccount[];
  readonly state: FileState;
}

/** Somebody may have opened the file to look at it, or to copy it. */
const BUSY_MILLIS = 5000;

/** A month has fewer. */
const MAX_QUARTERS = 4000;

/** Of files that are built, and of those that SQLite has beside them. */
const PART = /^\.[0-9a-f]{12}(?:-wal|-shm|-journal)?$/;

/**
 * Writes what is kept. The path is a link to the file itself, which has a name of its own: a file that is built is published by
 * renaming the link, so that no reader ever sees a part of one, nor the log of one beside another.
 */
export class FileWriter {
  readonly #path: string;
  readonly #own: string;
  readonly #db: DatabaseSync;
  readonly #insert: StatementSync;
  /** By PostgreSQL's text. */
  readonly #quarters = new Map<string, number>();
  #accounts = '';
  #isPublished = false;

  /** An empty file, which nobody sees yet. Removes what earlier ones have left. */
  constructor(path: string) {
    this.#path = path;
    removeParts(path, targetOf(path));
    this.#own = `${basename(path)}.${randomBytes(6).toString('hex')}`;
    this.#db = new DatabaseSync(join(dirname(path), this.#own), { timeout: BUSY_MILLIS });
    // Until it is published nothing of it is worth a log.
    this.#db.exec('pragma journal_mode = off; pragma synchronous = off;');
    this.#db.exec(CREATE);
    this.#insert = this.#db.prepare(INSERT_ROW);
  }

  /** Rows of places that have none yet. */
  fill(rows: readonly KeptRow[]): void {
    this.#db.exec('begin');
    for (const row of rows) this.#insertRow(row);
    this.#db.exec('commit');
  }

  /** All places are filled. */
  finish(): void {
    this.#db.exec('begin');
    for (const statement of FILL) this.#db.exec(statement);
    this.#db.exec(`commit; ${CREATE_INDEXES}`);
  }

  /** Whoever reads next sees all of it. */
  write({ places, rows, accounts, state }: Counted): void {
    this.#db.exec('begin immediate');
    try {
      this.#replace(places, rows);
      this.#noteAccounts(accounts);
      this.#db.exec('delete from state');
      this.#db.prepare('insert into state values (?)').run(JSON.stringify(state));
      this.#db.exec('commit');
    } catch (error) {
      // A full disk has ended it already.
      if (this.#db.isTransaction) this.#db.exec('rollback');
      throw error;
    }
  }

  publish(): void {
    this.#db.exec('pragma journal_mode = wal; pragma synchronous = normal;');
    const before = targetOf(this.#path);
    const link = `${this.#path}.${randomBytes(6).toString('hex')}`;
    symlinkSync(this.#own, link);
    renameSync(link, this.#path);
    this.#isPublished = true;
    if (before !== undefined) removeParts(this.#path, this.#own);
  }

  /** How many sums of a quarter of an hour there are. */
  get rows(): number {
    const [row] = this.#db.prepare(`select count(*) as rows from ${tableOfAccounts(keptSeconds[0])}`).all();
    return Number(row!.rows);
  }

  /** Some place that has rows; undefined where there is none. `at`: from 0 to 1. */
  somePlace(at: number): TouchedPlace | undefined {
    const table = tableOfAccounts(keptSeconds[0]);
    const [place] = this.#db
      .prepare(
        // Each end is sought in the index, which one query for both would read as a whole.
        `with ends as (select (select min(bucket) from ${table} where bucket > ?) as first,
            (select max(bucket) from ${table} where bucket < ?) as last)
        select i_account as account, bucket as second from ${table} where bucket = (
          select bucket from ${table}
          where bucket >= (select first + cast((last - first) * ? as integer) from ends) order by bucket limit 1)
        order by random() limit 1`,
      )
      .all(-INFINITE_SECONDS, INFINITE_SECONDS, at);
    return place && { account: BigInt(place.account as number), second: Number(place.second) };
  }

  /** Whether what is kept of a place is what these rows say. */
  holds({ account, second }: TouchedPlace, rows: readonly KeptRow[]): boolean {
    const table = tableOfAccounts(keptSeconds[0]);
    const names = ['i_customer', ...sumColumns.map(({ name }) => name)].join(', ');
    const statement = this.#db.prepare(
      `select ${names} from ${table} where i_account = ? and bucket = ? order by i_customer`,
    );
    statement.setReadBigInts(true);
    statement.setReturnArrays(true);
    const kept = statement.all(account, second) as unknown as SQLInputValue[][];
    const counted = rows.map((row) => [customerOf(row), ...sumsOf(row)].map(asStored));
    const byCustomer = counted.toSorted(([one], [other]) => (one! < other! ? -1 : 1));
    return isDeepStrictEqual(kept, byCustomer);
  }

  close(): void {
    this.#db.close();
    if (!this.#isPublished) removeParts(this.#path, targetOf(this.#path));
  }

  #replace(places: readonly TouchedPlace[], rows: readonly KeptRow[]): void {
    if (places.length === 0) return;
    this.#db.exec('delete from touched');
    const touch = this.#db.prepare('insert into touched values (?, ?)');
    const remove = this.#db.prepare(
      `delete from ${tableOfAccounts(keptSeconds[0])} where i_account = ? and bucket = ?`,
    );
    for (const { account, second } of places) {
      touch.run(account, second);
      remove.run(account, second);
    }
    for (const row of rows) this.#insertRow(row);
    for (const statement of REPLACE_TOUCHED) this.#db.exec(statement);
  }

  #insertRow(row: KeptRow): void {
    const { i_account, quarter } = row;
    if (i_account === null || quarter === null) throw new Error('Some calls have no account, or no time.');
    this.#insert.run(BigInt(i_account), this.#secondOf(quarter), customerOf(row), ...sumsOf(row));
  }

  /** Many rows are of one quarter, whose text takes longer to read than all of their sums. */
  #secondOf(quarter: string): number {
    const known = this.#quarters.get(quarter);
    if (known !== undefined) return known;
    if (this.#quarters.size >= MAX_QUARTERS) this.#quarters.clear();
    const second = quarterOf(quarter);
    this.#quarters.set(quarter, second);
    return second;
  }

  #noteAccounts(accounts: readonly KeptAccount[]): void {
    const text = JSON.stringify(accounts);
    if (text === this.#accounts) return;
    this.#db.exec('delete from owners');
    const insert = this.#db.prepare('insert or replace into owners values (?, ?, ?)');
    for (const { i_account, i_customer, currency } of accounts) {
      insert.run(BigInt(i_account), i_customer === null ? NOBODY : BigInt(i_customer), currency ?? '');
    }
    for (const statement of REPLACE_ALL) this.#db.exec(statement);
    this.#accounts = text;
  }
}

function customerOf({ i_customer }: KeptRow): bigint {
  return i_customer === null ? NOBODY : BigInt(i_customer);
}

const asStored = (value: SQLInputValue) =>
  typeof value === 'number' ? BigInt(value) : (value as bigint | null);

/** In the order of `sumColumns`. */
function sumsOf(row: KeptRow): SQLInputValue[] {
  let unkept = 0;
  const sums = keptPartials.flatMap(({ column, type }): SQLInputValue[] => {
    const text = row[column] ?? null;
    if (type === 'bigint') return [wholeOf(text ?? '0')];
    const parts = splitDecimal(text);
    if (!parts) unkept = 1;
    const { whole, nanos, rest, digits } = parts ?? splitDecimal(null)!;
    return [whole, nanos, rest, digits];
  });
  return [...sums, unkept];
}

/** The name of the file that the link leads to; undefined where there is none. */
function targetOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** Files that were built beside the path, but for this one. */
function removeParts(path: string, kept: string | undefined): void {
  const name = basename(path);
  for (const each of readdirSync(dirname(path))) {
    const isKept = kept !== undefined && each.startsWith(kept);
    if (each.startsWith(name) && PART.test(each.slice(name.length)) && !isKept) {
      rmSync(join(dirname(path), each), { force: true });
    }
  }
}
