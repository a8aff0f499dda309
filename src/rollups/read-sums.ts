import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { KeptPartial } from '../db/calls/kept-partials.ts';
import { type KeptAnswer, type KeptQuery, type KeptSeconds, keptSeconds } from '../db/calls/kept-stats.ts';
import { type Owners, ownersOf } from '../db/scope.ts';
import { postgresOfMicros } from '../db/timestamps.ts';
import { joinDecimal } from './decimals.ts';
import { columnsOf, NOBODY, tableOfAccounts, tableOfAll } from './tables.ts';

/** Rows that are merged for one query: the event loop waits meanwhile. For more the table is read. */
const MAX_ROWS = 20_000;

/** A part of a range that whole buckets of one size make up; undefined: without an end. In seconds since 1970. */
interface Piece {
  readonly seconds: KeptSeconds;
  readonly from: number | undefined;
  readonly to: number | undefined;
}

/** A condition, and what stands at its `?`. */
interface Condition {
  readonly text: string;
  readonly values: readonly SQLInputValue[];
}

/** Undefined where a sum was not kept exactly, or there are too many rows. */
export function readSums(db: DatabaseSync, query: KeptQuery): KeptAnswer | undefined {
  const rows: string[] = [];
  let bucketsRead = 0;
  for (const piece of piecesOf(query)) {
    const from = relationFor(query, piece);
    bucketsRead += countRows(db, from, MAX_ROWS + 1 - bucketsRead);
    if (bucketsRead > MAX_ROWS) return undefined;
    const found = mergeRows(db, query, piece, from);
    if (!found) return undefined;
    rows.push(...found);
  }
  return { json: `[${rows.join(',')}]`, bucketsRead, rows: rows.length };
}

/** The largest buckets that fit into the range, and smaller ones before and behind them. */
export function piecesOf({ from, to, seconds }: Pick<KeptQuery, 'from' | 'to' | 'seconds'>): Piece[] {
  const second = (micros: bigint | undefined) =>
    micros === undefined ? undefined : Number(micros / 1_000_000n);
  return pieces(second(from), second(to), seconds);
}

function pieces(from: number | undefined, to: number | undefined, seconds: KeptSeconds): Piece[] {
  const first = from === undefined ? undefined : Math.ceil(from / seconds) * seconds;
  const last = to === undefined ? undefined : Math.floor(to / seconds) * seconds;
  const smaller = keptSeconds[keptSeconds.indexOf(seconds) - 1];
  const isEmpty = first !== undefined && last !== undefined && first >= last;
  if (isEmpty && smaller !== undefined) return pieces(from, to, smaller);
  if (isEmpty) return [];
  return [
    ...(smaller && first !== from ? pieces(from, first, smaller) : []),
    { seconds, from: first, to: last },
    ...(smaller && last !== to ? pieces(last, to, smaller) : []),
  ];
}

/** What is read, in the scope of the query: the table, and the conditions. */
function relationFor(query: KeptQuery, { seconds, from, to }: Piece): Condition {
  const { scope, accountIds, customerIds, by, hasCustomers } = query;
  const owners = ownersOf(scope);
  const isOfAll = !owners && !accountIds && !customerIds && !by.account && !by.customer;
  const conditions = [
    ...(from === undefined ? [] : [{ text: 'kept.bucket >= ?', values: [from] }]),
    ...(to === undefined ? [] : [{ text: 'kept.bucket < ?', values: [to] }]),
    ...(owners ? [isOfOwners(owners, hasCustomers)] : []),
    ...(accountIds ? [isOneOf('kept.i_account', accountIds)] : []),
    ...(customerIds ? [isOneOf('kept.i_customer', customerIds)] : []),
  ];
  const table = isOfAll
    ? { text: `${tableOfAll(seconds)} as kept`, values: [] }
    : ofAccounts(seconds, owners);
  return {
    text: `from ${table.text} where ${['true', ...conditions.map(({ text }) => text)].join(' and ')}`,
    values: [...table.values, ...conditions.flatMap(({ values }) => values)],
  };
}

/** With the currencies of the accounts that the scope has: a call may be of a customer, and its account of another. */
function ofAccounts(seconds: KeptSeconds, owners: Owners | null): Condition {
  const isSeen = owners ? isOneOf(`owners.i_${owners.by}`, owners.ids) : { text: 'true', values: [] };
  return {
    text: `${tableOfAccounts(seconds)} as kept
      left join owners on owners.i_account = kept.i_account and ${isSeen.text}`,
    values: isSeen.values,
  };
}

/** Where rows do not say their customer, the accounts do. */
function isOfOwners({ by, ids }: Owners, hasCustomers: boolean): Condition {
  if (by === 'account') return isOneOf('kept.i_account', ids);
  if (hasCustomers) return isOneOf('kept.i_customer', ids);
  const { text, values } = isOneOf('owned.i_customer', ids);
  return { text: `kept.i_account in (select owned.i_account from owners as owned where ${text})`, values };
}

const MAX_ID = 2n ** 63n - 1n;

/** No id is that of a customer who is not known. */
function isOneOf(column: string, ids: readonly string[]): Condition {
  const known = ids.map(BigInt).filter((id) => id > NOBODY && id <= MAX_ID);
  return { text: `${column} in (select value from json_each(?))`, values: [`[${known.join(',')}]`] };
}

function countRows(db: DatabaseSync, { text, values }: Condition, limit: number): number {
  const [row] = db.prepare(`select count(*) as rows from (select 1 ${text} limit ${limit})`).all(...values);
  return Number(row!.rows);
}

function mergeRows(
  db: DatabaseSync,
  { by, partials }: KeptQuery,
  { seconds }: Piece,
  { text, values }: Condition,
): readonly string[] | undefined {
  const groups = [
    by.time ? 'bucket' : 'null',
    by.account ? 'kept.i_account' : 'null',
    by.customer ? 'kept.i_customer' : 'null',
    "coalesce(currency, '')",
  ];
  const sums = partials.flatMap(columnsOf).map(({ name, merge }) => `${merge}(${name})`);
  const statement = db.prepare(
    `select sum(unkept), ${[...groups, ...sums].join(', ')} ${text}
      group by ${groups.map((_, index) => index + 2).join(', ')}`,
  );
  statement.setReadBigInts(true);
  statement.setReturnArrays(true);
  const rows = statement.all(...values) as unknown as (bigint | string | null)[][];
  if (rows.some(([unkept]) => unkept !== 0n)) return undefined;
  return rows.map(([, ...row]) => jsonOf(row, seconds, partials));
}

/** Of a row as `mergeKept` reads it. */
function jsonOf(
  row: readonly (bigint | string | null)[],
  seconds: KeptSeconds,
  partials: readonly KeptPartial[],
): string {
  const [bucket, account, customer, currency] = row;
  const fields = [
    bucket === null
      ? ''
      : `"bucket":"${postgresOfMicros((bucket as bigint) * 1_000_000n)}","seconds":${seconds},`,
    account === null ? '' : `"accountId":${account},`,
    customer === null || customer === NOBODY ? '' : `"customerId":${customer},`,
    `"currency":${currency === '' ? null : JSON.stringify(currency)}`,
  ];
  let at = 4;
  for (const { column, type } of partials) {
    const value = type === 'bigint' ? row[at++] : joinDecimal(decimalAt(row as bigint[], at));
    if (type !== 'bigint') at += 4;
    fields.push(`,"${column}":${value}`);
  }
  return `{${fields.join('')}}`;
}

function decimalAt(row: readonly bigint[], at: number) {
  return { whole: row[at]!, nanos: row[at + 1]!, rest: row[at + 2]!, digits: row[at + 3] ?? null };
}
