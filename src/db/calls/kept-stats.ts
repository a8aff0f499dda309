import { type RawBuilder, type SqlBool, sql } from 'kysely';
import type { Reader } from '../reader.ts';
import type { Scope } from '../scope.ts';
import type { Relations } from '../statement.ts';
import { microsOfPostgres } from '../timestamps.ts';
import { amountsByCurrency } from './cdr-currencies.ts';
import { type CdrDimension, cdrDimensions, groupField, isTimeDimension, timeKey } from './cdr-dimensions.ts';
import { type CdrFilter, hasTimeRange, namesIn } from './cdr-filter.ts';
import { greatestCurrency, leastCurrency } from './cdr-measures.ts';
import { byGroup, type GroupQuery, mergeCurrencies, type PartialColumn } from './cdr-stats-parts.ts';
import { type KeptPartial, keptPartials, QUARTER_SECONDS } from './kept-partials.ts';
import { UTC } from './time-zones.ts';

/** Statistics from what is kept of the calls: which rows are needed, and how the answer is worked out from them. */

/** Seconds of the buckets that partials are kept of, the smallest first. In UTC each begins a multiple of them after 1970. */
export const keptSeconds = [QUARTER_SECONDS, 3600, 86_400] as const;
export type KeptSeconds = (typeof keptSeconds)[number];

/** Which of the kept rows are needed. Ids are decimal digits of a bigint. */
export interface KeptQuery {
  /** Whose rows may be read at all. */
  readonly scope: Scope;
  /** Whether rows say their customer. Otherwise the accounts do. */
  readonly hasCustomers: boolean;
  /** Undefined: of every one. */
  readonly accountIds: readonly string[] | undefined;
  readonly customerIds: readonly string[] | undefined;
  /** Microseconds since 1970, at whole quarters; undefined: from the first call on, to the last one. */
  readonly from: bigint | undefined;
  readonly to: bigint | undefined;
  /** Of the largest buckets that will do. */
  readonly seconds: KeptSeconds;
  /** What rows must be kept apart by. */
  readonly by: {
    readonly time: boolean;
    readonly account: boolean;
    readonly customer: boolean;
    readonly currency: boolean;
  };
  readonly partials: readonly KeptPartial[];
}

/** The rows, merged as far as the query allows. */
export interface KeptAnswer {
  /** An array of objects: see `keptRelation`. */
  readonly json: string;
  /** Kept rows that were merged into them. */
  readonly bucketsRead: number;
  readonly rows: number;
}

/**
 * Why the calls were read instead: the operation shows more than these statistics; nothing is kept by which they are asked; the
 * file cannot be read, or holds other tables; the request wants it fresher; too many sums, or one that is not kept exactly; clocks
 * were changed within a quarter of an hour.
 */
export const keptRefusals = ['operation', 'question', 'file', 'age', 'sums', 'clocks'] as const;
export type KeptRefusal = (typeof keptRefusals)[number];

const answered: ReadonlySet<string> = new Set(['accountIds', 'customerIds', 'from', 'to']);
const MICROS_PER_QUARTER = BigInt(QUARTER_SECONDS) * 1_000_000n;

/**
 * Undefined where what is kept does not answer it: a filter or a dimension that the rows do not have, an end of the range
 * within a quarter, a measure that cannot be merged.
 */
export function keptQuery(
  { source, scope }: Pick<Reader, 'source' | 'scope'>,
  query: GroupQuery,
  partials: readonly PartialColumn[],
): KeptQuery | undefined {
  const { filter, groupBy } = query;
  const kept = keptOf(partials);
  const from = microsOf(filter.from);
  const to = microsOf(filter.to);
  const needsCustomers = filter.customerIds != null || groupBy.includes('CUSTOMER');
  const mayBeAnswered =
    kept !== undefined &&
    isAnswered(filter) &&
    groupBy.every(isKept) &&
    (source.hasCustomers || !needsCustomers) &&
    // Otherwise the currency of an account would depend on which of its rows are seen.
    (source.accounts === null || source.hasUniqueAccounts) &&
    source.encoding === 'UTF8' &&
    isAtQuarter(from) &&
    isAtQuarter(to);
  if (!mayBeAnswered) return undefined;
  return {
    scope,
    hasCustomers: source.hasCustomers,
    accountIds: filter.accountIds ?? undefined,
    customerIds: filter.customerIds ?? undefined,
    from: from ?? undefined,
    to: to ?? undefined,
    seconds: secondsFor(query),
    by: {
      time: groupBy.some(isTimeDimension),
      account: groupBy.includes('ACCOUNT'),
      customer: groupBy.includes('CUSTOMER'),
      currency: needsCurrencies(query, partials),
    },
    partials: kept,
  };
}

/** Otherwise the first and the last of the currencies suffice, and rows of several are merged. */
function needsCurrencies({ groupBy }: GroupQuery, partials: readonly PartialColumn[]): boolean {
  return groupBy.includes('CURRENCY') || partials.some(({ sql }) => sql === amountsByCurrency.sql);
}

function keptOf(partials: readonly PartialColumn[]): readonly KeptPartial[] | undefined {
  if (partials.some(({ over }) => over === 'seconds')) return undefined;
  const ofCalls = partials.filter(({ over }) => over === 'calls');
  const kept = ofCalls.map((partial) => keptPartials.find(({ sql }) => sql === partial.sql));
  return kept.every((partial) => partial !== undefined) ? kept : undefined;
}

function isAnswered(filter: CdrFilter): boolean {
  if (filter.not != null || filter.anyOf != null) return false;
  return namesIn(filter).every((name) => answered.has(name));
}

function isKept(name: CdrDimension): boolean {
  if (isTimeDimension(name)) return cdrDimensions[name].seconds % QUARTER_SECONDS === 0;
  return name === 'ACCOUNT' || name === 'CUSTOMER' || name === 'CURRENCY';
}

/** Undefined: no end. Null: none that could be kept. */
function microsOf(instant: string | null | undefined): bigint | null | undefined {
  if (instant == null) return undefined;
  return microsOfPostgres(instant.replace('T', ' ').replace(/Z$/, '+00')) ?? null;
}

const isAtQuarter = (micros: bigint | null | undefined): boolean =>
  micros === undefined || (micros !== null && micros % MICROS_PER_QUARTER === 0n);

/** In a zone that is off by half an hour, hours and days begin within an hour of UTC. */
function secondsFor({ groupBy, timeZone }: GroupQuery): KeptSeconds {
  const time = groupBy.find(isTimeDimension);
  if (time === undefined) return 86_400;
  const { unit, seconds } = cdrDimensions[time];
  const largest =
    timeZone === UTC ? 86_400 : timeZone.hasWholeHours && unit !== 'clock' ? 3600 : QUARTER_SECONDS;
  return keptSeconds.findLast((each) => each <= largest && seconds % each === 0)!;
}

/** Where the rows are given in the statement: JSON. */
export const keptRows = Symbol('kept rows');

/** The rows as a relation `kept`. */
function keptRelation(partials: readonly KeptPartial[]) {
  const columns = sql.raw(
    [
      'bucket float8, seconds int4, "accountId" int8, "customerId" int8, least text collate "C", greatest text collate "C"',
      ...partials.map(({ column, type }) => `${column} ${type}`),
    ].join(', '),
  );
  return sql<object>`pg_catalog.json_to_recordset(${keptRows}::json)`.as<'kept'>(sql`kept (${columns})`);
}

/** When a kept row begins. */
const keptBucket = sql`pg_catalog.to_timestamp(kept.bucket)`;

/** A row per group, with the partials of its kept rows merged. */
export function mergeKept(relations: Relations, query: GroupQuery, partials: readonly PartialColumn[]) {
  return needsCurrencies(query, partials)
    ? mergeByCurrency(relations, query, partials)
    : mergeAtOnce(relations, query, partials);
}

function mergeAtOnce(relations: Relations, query: GroupQuery, partials: readonly PartialColumn[]) {
  const columnOf = (partial: PartialColumn): string => {
    if (partial.sql === leastCurrency.sql) return 'least';
    if (partial.sql === greatestCurrency.sql) return 'greatest';
    return keptOf([partial])![0]!.column;
  };
  return relations
    .selectFrom(keptRelation(keptOf(partials)!))
    .select([
      ...query.groupBy.map((name) => keyOfKept(name, query, keptBucket).as(groupField(name))),
      ...partials.map((partial) => sql.raw(partial.merge!(`kept.${columnOf(partial)}`)).as(partial.column)),
    ])
    .$call((q) => byGroup(q, query));
}

function mergeByCurrency(relations: Relations, query: GroupQuery, partials: readonly PartialColumn[]) {
  const ofCalls = partials.filter(({ over }) => over === 'calls');
  const kept = keptOf(ofCalls)!;
  const grouped = query.groupBy.filter((name) => name !== 'CURRENCY');
  const ofGroups = { ...query, groupBy: grouped };
  const byCurrency = relations
    .selectFrom(keptRelation(kept))
    .select([
      ...grouped.map((name) => keyOfKept(name, query, keptBucket).as(groupField(name))),
      // Of such rows the first is the last.
      sql`nullif(kept.least, '')`.as('currency'),
      ...ofCalls.map(({ column }, index) =>
        sql.raw(kept[index]!.merge(`kept.${kept[index]!.column}`)).as(column),
      ),
    ])
    .$call((q) => byGroup(q, ofGroups, 1));
  return mergeCurrencies(relations, query, partials, ofCalls, byCurrency.as('currencies'));
}

function keyOfKept(name: CdrDimension, { timeZone, filter }: GroupQuery, bucket: RawBuilder<unknown>) {
  if (!isTimeDimension(name)) return sql.ref(`kept.${groupField(name)}`);
  return timeKey(name, bucket, { timeZone, isWithinRange: hasTimeRange(filter) });
}

/** Whether a bucket of the zone begins within one that was kept: clocks are not always changed at whole quarters. */
export function isKeptCut(query: GroupQuery): RawBuilder<SqlBool> | undefined {
  const time = query.groupBy.find(isTimeDimension);
  if (time === undefined || query.timeZone === UTC) return undefined;
  const last = sql`${keptBucket} + make_interval(secs => kept.seconds) - interval '1 microsecond'`;
  const [first, end] = [keptBucket, last].map((instant) => keyOfKept(time, query, instant));
  const kept = keptRelation([]);
  return sql<SqlBool>`(select bool_or(${first} <> ${end}) from ${kept})`;
}
