import { keptFormat, keptPartials } from '../db/calls/kept-partials.ts';
import { type KeptSeconds, keptSeconds } from '../db/calls/kept-stats.ts';

/**
 * The tables of the file: the partials of the calls of each account, and of all accounts of one currency, in buckets of a
 * quarter of an hour, of an hour and of a day. Times are seconds since 1970.
 */

/** Another file is built anew. */
export const FORMAT = `1 ${keptFormat}`;

/** In the place of a customer that is not known: a key of SQLite has no null. */
export const NOBODY = -(2n ** 63n);

/** Where calls are kept whose time is infinite, a whole number of days away. */
export const INFINITE_SECONDS = 86_400 * 10 ** 11;

interface SumColumn {
  readonly name: string;
  readonly merge: 'sum' | 'max';
}

/** The columns that keep a partial. */
export function columnsOf({ column, type }: { readonly column: string; readonly type: string }): SumColumn[] {
  if (type === 'bigint') return [{ name: column, merge: 'sum' }];
  return [
    { name: column, merge: 'sum' },
    { name: `${column}_nanos`, merge: 'sum' },
    { name: `${column}_rest`, merge: 'sum' },
    { name: `${column}_digits`, merge: 'max' },
  ];
}

/** Rows with a sum that could not be kept exactly. */
const UNKEPT: SumColumn = { name: 'unkept', merge: 'sum' };

export const sumColumns: readonly SumColumn[] = [...keptPartials.flatMap(columnsOf), UNKEPT];

const names = sumColumns.map(({ name }) => name).join(', ');
const merged = sumColumns.map(({ name, merge }) => `${merge}(${name})`).join(', ');

export const tableOfAccounts = (seconds: KeptSeconds): string => `accounts_${seconds}`;
export const tableOfAll = (seconds: KeptSeconds): string => `all_${seconds}`;

export const CREATE = `
  create table state (state text not null);
  create table owners (i_account integer primary key, i_customer integer not null, currency text not null);
  create temp table touched (i_account integer, bucket integer, primary key (i_account, bucket)) without rowid;
  ${keptSeconds
    .map(
      (seconds) => `
        create table ${tableOfAccounts(seconds)} (i_account integer, bucket integer, i_customer integer,
          ${names.replaceAll(',', ' integer,')} integer, primary key (i_account, bucket, i_customer)) without rowid;
        create table ${tableOfAll(seconds)} (bucket integer, currency text,
          ${names.replaceAll(',', ' integer,')} integer, primary key (bucket, currency)) without rowid;`,
    )
    .join('\n')}`;

/** After the rows: to build an index at once is quicker. */
export const CREATE_INDEXES = keptSeconds
  .map((seconds) => `create index accounts_${seconds}_bucket on ${tableOfAccounts(seconds)} (bucket);`)
  .join('\n');

export const INSERT_ROW = `insert into ${tableOfAccounts(keptSeconds[0])} (i_account, bucket, i_customer, ${names})
  values (?, ?, ?, ${sumColumns.map(() => '?').join(', ')})`;

/** The start of the bucket of so many seconds that a time is in. */
const startOf = (time: string, seconds: number): string =>
  `${time} - (${time} % ${seconds} + ${seconds}) % ${seconds}`;

/** Counted anew: what lies in a bucket that was touched. */
export const REPLACE_TOUCHED: readonly string[] = [
  ...larger((smaller, seconds) => [
    `delete from ${tableOfAccounts(seconds)} where (i_account, bucket) in (
      select i_account, ${startOf('bucket', seconds)} from touched)`,
    `insert into ${tableOfAccounts(seconds)} (i_account, bucket, i_customer, ${names})
      select i_account, start, i_customer, ${merged}
      from (select distinct i_account as account, ${startOf('bucket', seconds)} as start from touched) as places
      cross join ${tableOfAccounts(smaller)} as kept
      where kept.i_account = account and kept.bucket >= start and kept.bucket < start + ${seconds}
      group by 1, 2, 3`,
  ]),
  `delete from ${tableOfAll(keptSeconds[0])} where bucket in (select bucket from touched)`,
  insertAll('where bucket in (select bucket from touched)'),
  ...larger((smaller, seconds) => [
    `delete from ${tableOfAll(seconds)} where bucket in (select ${startOf('bucket', seconds)} from touched)`,
    `insert into ${tableOfAll(seconds)} (bucket, currency, ${names})
      select start, currency, ${merged}
      from (select distinct ${startOf('bucket', seconds)} as start from touched) as places
      cross join ${tableOfAll(smaller)} as kept
      where kept.bucket >= start and kept.bucket < start + ${seconds}
      group by 1, 2`,
  ]),
];

/** The sums of all accounts anew, as when an account has got another currency. */
export const REPLACE_ALL: readonly string[] = [
  ...keptSeconds.map((seconds) => `delete from ${tableOfAll(seconds)}`),
  insertAll(''),
  ...larger((smaller, seconds) => [
    `insert into ${tableOfAll(seconds)} (bucket, currency, ${names})
      select ${startOf('bucket', seconds)}, currency, ${merged} from ${tableOfAll(smaller)} group by 1, 2`,
  ]),
];

/** All larger buckets of accounts, of a file that has none yet. */
export const FILL: readonly string[] = larger((smaller, seconds) => [
  `insert into ${tableOfAccounts(seconds)} (i_account, bucket, i_customer, ${names})
    select i_account, ${startOf('bucket', seconds)}, i_customer, ${merged}
    from ${tableOfAccounts(smaller)} group by 1, 2, 3`,
]);

function insertAll(condition: string): string {
  return `insert into ${tableOfAll(keptSeconds[0])} (bucket, currency, ${names})
    select bucket, coalesce(currency, ''), ${merged}
    from ${tableOfAccounts(keptSeconds[0])} as kept left join owners on owners.i_account = kept.i_account
    ${condition} group by 1, 2`;
}

/** For each size of bucket but the smallest, with the one that it is made of. */
function larger(make: (smaller: KeptSeconds, seconds: KeptSeconds) => readonly string[]): readonly string[] {
  return keptSeconds.slice(1).flatMap((seconds, index) => make(keptSeconds[index]!, seconds));
}

/** How far what is kept is, in the one row of `state`. */
export interface FileState {
  readonly format: string;
  readonly fingerprint: string;
  readonly systemIdentifier: string;
  readonly timeline: number;
  /** Decimal digits. */
  readonly lsn: string;
  readonly asOf: string | null;
  /** When it was counted; null when unknown. */
  readonly stalenessSeconds: number | null;
  /** Milliseconds since 1970, by the clock of this machine. */
  readonly countedAt: number;
}
