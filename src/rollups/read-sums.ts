import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { KeptPartial } from '../db/calls/kept-partials.ts';
import { type KeptAnswer, type KeptQuery, type KeptSeconds, keptSeconds } from '../db/calls/kept-stats.ts';
import { type Owners, ownersOf } from '../db/scope.ts';
import { joinDecimal } from './decimals.ts';
import { columnsOf, INFINITE_SECONDS, NOBODY, tableOfAccounts, tableOfAll } from './tables.ts';

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
    const merged = mergeRows(db, query, piece, MAX_ROWS + 1 - bucketsRead);
    bucketsRead += merged.reduce((total, { count }) => total + count, 0);
    if (bucketsRead > MAX_ROWS || merged.some(({ isExact }) => !isExact)) return undefined;
    rows.push(...merged.map((row) => jsonOf(row, piece.seconds, query.partials)));
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

/** Kept rows that were merged into one. */
interface MergedRow {
  readonly count: number;
  /** Whether each of them was kept exactly. */
  readonly isExact: boolean;
  readonly bucket: bigint | null;
  readonly account: bigint | null;
  readonly customer: bigint | null;
  /** The first and the last of its currencies; none where they are unknown. */
  readonly least: string;
  readonly greatest: string;
  /** In the order of the columns of the partials. */
  readonly sums: readonly (bigint | null)[];
}

/** Of no more than so many rows. */
function mergeRows(db: DatabaseSync, query: KeptQuery, piece: Piece, limit: number): readonly MergedRow[] {
  const { by, partials } = query;
  const columns = partials.flatMap(columnsOf);
  const { text, values } = relationFor(query, piece);
  const read = [
    `${by.time ? 'bucket' : 'null'} as bucket`,
    `${by.account ? 'kept.i_account' : 'null'} as account`,
    `${by.customer ? 'kept.i_customer' : 'null'} as customer`,
    "coalesce(currency, '') as currency",
    ...columns.map(({ name }) => name),
    'unkept',
  ];
  const sums = columns.map(({ name, merge }) => `, ${merge}(${name})`).join('');
  const statement = db.prepare(
    `select count(*), sum(unkept), bucket, account, customer, min(currency), max(currency) ${sums}
      from (select ${read.join(', ')} ${text} limit ?)
      group by bucket, account, customer${by.currency ? ', currency' : ''}`,
  );
  statement.setReadBigInts(true);
  statement.setReturnArrays(true);
  const rows = statement.all(...values, limit) as unknown as (bigint | string | null)[][];
  return rows.map(([count, unkept, bucket, account, customer, least, greatest, ...sums]) => ({
    count: Number(count),
    isExact: unkept === 0n,
    bucket: bucket as bigint | null,
    account: account as bigint | null,
    customer: customer as bigint | null,
    least: least as string,
    greatest: greatest as string,
    sums: sums as (bigint | null)[],
  }));
}

/** As `mergeKept` reads it. */
function jsonOf(row: MergedRow, seconds: KeptSeconds, partials: readonly KeptPartial[]): string {
  const { bucket, account, customer, least, greatest, sums } = row;
  const fields = [
    bucket === null ? '' : `"bucket":${jsonOfSecond(bucket)},"seconds":${seconds},`,
    account === null ? '' : `"accountId":${account},`,
    customer === null || customer === NOBODY ? '' : `"customerId":${customer},`,
    `"least":${JSON.stringify(least)},"greatest":${JSON.stringify(greatest)}`,
  ];
  let at = 0;
  for (const { column, type } of partials) {
    const value = type === 'bigint' ? sums[at++] : joinDecimal(decimalAt(sums, at));
    if (type !== 'bigint') at += 4;
    fields.push(`,"${column}":${value}`);
  }
  return `{${fields.join('')}}`;
}

/** What PostgreSQL reads as a float8. */
function jsonOfSecond(second: bigint): string {
  if (second === BigInt(INFINITE_SECONDS)) return '"Infinity"';
  if (second === BigInt(-INFINITE_SECONDS)) return '"-Infinity"';
  return String(second);
}

function decimalAt(sums: MergedRow['sums'], at: number) {
  return { whole: sums[at]!, nanos: sums[at + 1]!, rest: sums[at + 2]!, digits: sums[at + 3] ?? null };
}
