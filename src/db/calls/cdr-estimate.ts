import { type SqlBool, sql } from 'kysely';
import { type Reader, run } from '../reader.ts';
import { isOfEverybody } from '../scope.ts';
import { type Relations, Statement } from '../statement.ts';
import { microsOfRfc3339, orderedMicrosOfPostgres, postgresOfMicros } from '../timestamps.ts';
import { type CdrFilter, isSought, matchesFilter, soughtPart } from './cdr-filter.ts';
import { selectCdrPage } from './cdrs.ts';

/** Calls that are counted one by one, in the index when the filter needs no more than it has: some milliseconds' work. */
const MAX_COUNTED_IN_INDEX = 20_000;
const MAX_COUNTED = 5000;

/**
 * About how many calls match, at once. Of everybody's calls: as many as the planner expects, by its statistics. These
 * are of everybody's calls too, and would show a principal who sees only some how many the others have. So such a
 * principal gets a number that is made of its own calls alone: their count where they are few, else one that is worked
 * out from what was counted in short pieces of time.
 */
export async function estimateCdrs(reader: Reader, filter: CdrFilter): Promise<string> {
  if (isOfEverybody(reader.scope)) return planRows(reader, filter);
  const limit = isSought(filter, reader.scope) ? MAX_COUNTED_IN_INDEX : MAX_COUNTED;
  const { seen, matching } = await countFirst(reader, filter, limit);
  return String(seen < limit ? matching : await extrapolate(reader, filter));
}

async function planRows(reader: Reader, filter: CdrFilter): Promise<string> {
  const statement = Statement.build(reader, 'planRows', (relations) =>
    relations.cdrs().select('xdrs.i_xdr').where(matchesFilter(filter, reader.scope)),
  ).explained<{ 'QUERY PLAN': [{ Plan: { 'Plan Rows': number } }] }>();
  const [row] = await run(reader, statement);
  return String(row!['QUERY PLAN'][0].Plan['Plan Rows']);
}

/** Calls that were looked at, and how many of them pass the filter. */
interface Counted {
  readonly seen: number;
  readonly matching: number;
}

const countedSql = [
  sql<number>`count(*)::int4`.as('seen'),
  sql<number>`(count(*) filter (where sample.passes))::int4`.as('matching'),
];

/** Of each call with the accounts and times of the filter, whether it passes the rest. */
function passingOf(relations: Relations, filter: CdrFilter) {
  const { scope } = relations;
  const passes = isSought(filter, scope) ? sql<SqlBool>`true` : matchesFilter(filter, scope);
  return relations
    .cdrs()
    .select(passes.as('passes'))
    .where(matchesFilter(soughtPart(filter, scope), scope));
}

/** Looks at no more than `limit` calls. */
async function countFirst(reader: Reader, filter: CdrFilter, limit: number): Promise<Counted> {
  const statement = Statement.build(reader, 'countFirst', (relations) => {
    const sample = passingOf(relations, filter).limit(sql.lit(limit));
    return relations.selectFrom(sample.as('sample')).select(countedSql);
  });
  const [row] = await run(reader, statement);
  return row!;
}

/** Pieces of time, shifted by the golden ratio so that they fall on all hours of the day. */
const PIECES = 256;
const GOLDEN = 0.618_033_988_749_895;
/** How much of the time is looked at first. */
const FIRST_PART = 1 / 128;
/** How much longer the next look may be. */
const MAX_GROWTH = 64;
/** After so many calls the next look is needless. */
const MIN_SEEN = 1000;
/** Calls that are looked at in one piece, should they all have come at once. */
const MAX_PIECE = 20_000;
/** Whatever lies beyond was not written by a clock. */
const MIN_MICROS = microsOfRfc3339('1970-01-01T00:00:00Z')!;
const MAX_MICROS = microsOfRfc3339('2200-01-01T00:00:00Z')!;

/** Counts a part of the time, and more of it until enough calls were seen. */
async function extrapolate(reader: Reader, filter: CdrFilter): Promise<number> {
  const span = await spanOf(reader, soughtPart(filter, reader.scope));
  for (let part = FIRST_PART; ; ) {
    const { seen, matching } = await countPieces(reader, filter, piecesOf(span, part));
    if (seen >= MIN_SEEN || part === 1) return Math.round(matching / part);
    part = Math.min(1, part * Math.min(MAX_GROWTH, (2 * MIN_SEEN) / Math.max(1, seen)));
  }
}

/** From the first call to the last, in microseconds since 1970. */
interface Span {
  readonly from: number;
  readonly to: number;
}

async function spanOf(reader: Reader, filter: CdrFilter): Promise<Span> {
  const first = { filter, order: 'OLDEST_FIRST', limit: 1 } as const;
  const ends = [first, { ...first, fromEnd: true }];
  const rows = await Promise.all(ends.map((page) => selectCdrPage(reader, page, ['connect_time', 'i_xdr'])));
  const [from, to] = rows.map(([row]) => (row ? orderedMicrosOfPostgres(row.connect_time!) : MIN_MICROS));
  const clip = (micros: bigint) =>
    Number(micros < MIN_MICROS ? MIN_MICROS : micros > MAX_MICROS ? MAX_MICROS : micros);
  return { from: clip(from!), to: clip(to!) + 1 };
}

interface Pieces {
  /** Text of timestamptz. */
  readonly starts: readonly string[];
  readonly micros: number;
}

function piecesOf({ from, to }: Span, part: number): Pieces {
  const distance = (to - from) / PIECES;
  const micros = Math.ceil(distance * part);
  const starts = Array.from({ length: PIECES }, (_, index) => {
    const shift = ((index * GOLDEN) % 1) * (distance - micros);
    return postgresOfMicros(BigInt(Math.floor(from + index * distance + Math.max(0, shift))));
  });
  return { starts, micros };
}

async function countPieces(reader: Reader, filter: CdrFilter, { starts, micros }: Pieces): Promise<Counted> {
  const pieces = sql<{ starts: string }>`unnest(${starts}::timestamptz[])`.as<'pieces'>(sql`pieces (starts)`);
  const statement = Statement.build(reader, 'countPieces', (relations) => {
    const sample = passingOf(relations, filter)
      .where(sql<SqlBool>`xdrs.connect_time >= pieces.starts`)
      .where(sql<SqlBool>`xdrs.connect_time < pieces.starts + ${micros}::int8 * interval '1 microsecond'`)
      .limit(sql.lit(MAX_PIECE));
    return relations
      .selectFrom(pieces)
      .innerJoinLateral(sample.as('sample'), (join) => join.onTrue())
      .select(countedSql);
  });
  const [row] = await run(reader, statement);
  return row!;
}
