import { type RawBuilder, type SqlBool, sql } from 'kysely';
import { type Reader, run } from '../reader.ts';
import { shapeOfScope } from '../scope.ts';
import { cdrColumnNames, shownSql } from '../sources/cdr-columns.ts';
import { Statement } from '../statement.ts';
import { StatementCaches } from '../statement-cache.ts';
import { type CdrFilter, conditionOf, matchesFilterLike, slotsOf } from './cdr-filter.ts';
import type { FilteredRow } from './cdr-row-filter.ts';
import { replayedPosition } from './replayed-position.ts';

/** What a standby shows at one moment, as far as calls that have yet to commit depend on it. */
export interface ReplayedMoment {
  /** PostgreSQL's text; null: it is no standby. */
  readonly lsn: string | null;
  /** Every transaction below has ended, and what it committed is visible to the next statement. */
  readonly endedBelow: bigint;
  /** No transaction with an id from here on was heard of yet. */
  readonly nextTransaction: bigint;
}

interface MomentRow {
  readonly lsn: string | null;
  readonly snapshot_xmin: string;
  readonly snapshot_xmax: string;
  readonly ahead: number;
}

/**
 * The list of running transactions in a snapshot is empty on a standby, so `pg_visible_in_snapshot` is of no use there;
 * `xmin` is right. `xmax` lies behind the last transaction that has ended and not behind those that run, so what comes
 * next is had from `age`, which counts from there.
 */
const momentStatement = Statement.ofServer(
  'replayedMoment',
  sql<MomentRow>`select ${replayedPosition} as lsn, snapshot_xmin::text, snapshot_xmax::text,
    age((snapshot_xmax::text::int8 % 4294967296)::text::xid) as ahead
    from pg_current_snapshot() as snapshot, pg_snapshot_xmin(snapshot) as snapshot_xmin,
    pg_snapshot_xmax(snapshot) as snapshot_xmax`,
);

export async function selectReplayedMoment(reader: Reader): Promise<ReplayedMoment> {
  const [row] = await run(reader, momentStatement);
  const { lsn, snapshot_xmin, snapshot_xmax, ahead } = row!;
  return {
    lsn,
    endedBelow: BigInt(snapshot_xmin),
    nextTransaction: BigInt(snapshot_xmax) + BigInt(Math.max(0, ahead)),
  };
}

/** The largest key of a call; 0 where there is none. */
export async function selectLargestKey(reader: Reader): Promise<bigint> {
  const statement = Statement.build(reader, 'largestKey', (relations) =>
    relations.cdrs().select(sql<string | null>`max(xdrs.i_xdr)::text`.as('key')),
  );
  const [row] = await run(reader, statement);
  return BigInt(row!.key ?? 0);
}

/** The smallest key of a call; undefined where there is none. */
export async function selectSmallestKey(reader: Reader): Promise<bigint | undefined> {
  const statement = Statement.build(reader, 'smallestKey', (relations) =>
    relations.cdrs().select(sql<string | null>`min(xdrs.i_xdr)::text`.as('key')),
  );
  const [row] = await run(reader, statement);
  return row!.key == null ? undefined : BigInt(row!.key);
}

/** Keys that calls have, in order, from above `low` up to `high`: the first `limit` of them. */
export async function selectKeys(
  reader: Reader,
  low: bigint,
  high: bigint,
  limit: number,
): Promise<bigint[]> {
  const statement = Statement.build(reader, 'keys', (relations) =>
    relations
      .cdrs()
      .select(sql<string>`xdrs.i_xdr::text`.as('key'))
      .where(sql<SqlBool>`xdrs.i_xdr > ${String(low)}::int8 and xdrs.i_xdr <= ${String(high)}::int8`)
      .orderBy(sql`xdrs.i_xdr`)
      .limit(limit),
  );
  return (await run(reader, statement)).map(({ key }) => BigInt(key));
}

const places = {
  above: Symbol('above'),
  upTo: Symbol('up to'),
  keys: Symbol('keys'),
  limit: Symbol('limit'),
};

/** Characters of text kept per source: filters come and go with subscriptions. */
const MAX_CACHE_CHARACTERS = 1024 * 1024;
const caches = new StatementCaches(MAX_CACHE_CHARACTERS);

/** Behind `above` and up to `upTo`. */
export interface KeySpan {
  readonly above: bigint;
  readonly upTo: bigint;
}

/** The calls of a span of keys that pass the filter, in the order of their keys, the first `limit` of them. */
export async function selectCallsBetween(
  reader: Reader,
  { above, upTo }: KeySpan,
  limit: number,
  filter: CdrFilter = {},
): Promise<FilteredRow[]> {
  const { text, values } = conditionOf(filter);
  const statement = statementOf(
    reader,
    `between ${text}`,
    sql<SqlBool>`xdrs.i_xdr > ${places.above}::int8 and xdrs.i_xdr <= ${places.upTo}::int8 and ${matchesFilterLike(filter, reader.scope)}`,
  );
  const filled = new Map<symbol, unknown>([
    [places.above, String(above)],
    [places.upTo, String(upTo)],
    [places.limit, limit],
    ...slotsOf(values),
  ]);
  return (await run(reader, statement, filled)) as FilteredRow[];
}

/** The calls that have one of these keys, in their order. */
export async function selectCallsOf(reader: Reader, keys: readonly bigint[]): Promise<FilteredRow[]> {
  const statement = statementOf(reader, 'of', sql<SqlBool>`xdrs.i_xdr = any(${places.keys}::int8[])`);
  const filled = new Map<symbol, unknown>([
    [places.keys, keys.map(String)],
    [places.limit, keys.length],
  ]);
  return (await run(reader, statement, filled)) as FilteredRow[];
}

/** Statements that differ only in values are built once. */
function statementOf(reader: Reader, key: string, condition: RawBuilder<SqlBool>): Statement<unknown> {
  const { source, scope } = reader;
  return caches.of(source).get(`${shapeOfScope(scope)} ${key}`, () =>
    Statement.build<unknown>({ source, scope }, 'arrivedCalls', (relations) =>
      relations
        .cdrs()
        .select([
          ...cdrColumnNames.map((name) => shownSql(source, name)),
          sql<boolean>`xdrs.successful`.as('successful'),
        ])
        .where(condition)
        .orderBy(sql`xdrs.i_xdr`)
        .limit(sql<number>`${places.limit}::int8`),
    ),
  );
}
