import { type RawBuilder, type SqlBool, sql } from 'kysely';
import type { Source } from '../sources/sources.ts';
import { postgresOfMicros } from '../timestamps.ts';
import type { CdrKeyset, CdrPage } from './cdr-page.ts';

type Bounded = Omit<CdrPage, 'limit'>;

/** A bound, on the side where it lies: less than this, or greater. */
interface Bounds {
  readonly lower: CdrKeyset | undefined;
  readonly upper: CdrKeyset | undefined;
}

function boundsOf({ order, after, before }: Bounded): Bounds {
  return order === 'OLDEST_FIRST' ? { lower: after, upper: before } : { lower: before, upper: after };
}

const hasTime = (keyset: CdrKeyset | undefined): boolean => keyset !== undefined && keyset.micros !== null;
const isUntimed = (keyset: CdrKeyset | undefined): boolean => keyset !== undefined && keyset.micros === null;

/** The page in segments, in the order of reading: each is read when those before it have too few calls. */
export function segmentsOf<Page extends Bounded>(page: Page): readonly Page[] {
  const { lower, upper } = boundsOf(page);
  if (!lower && !upper) return [page];
  const { filter, order, fromEnd = false } = page;
  const isOfTimes = filter.from != null || filter.to != null;
  const mayBeTimed = !isUntimed(lower);
  const mayBeUntimed = !hasTime(upper) && !isOfTimes;
  const segments: Page[] = [];
  if (mayBeTimed) segments.push({ ...page, segment: 'timed' });
  if (mayBeUntimed) segments.push({ ...page, segment: 'untimed' });
  const isAscending = (order === 'OLDEST_FIRST') !== fromEnd;
  return isAscending ? segments : segments.reverse();
}

const slots = {
  lowerTime: Symbol('connect time above which the page lies'),
  lowerId: Symbol('key above which the page lies'),
  upperTime: Symbol('connect time below which the page lies'),
  upperId: Symbol('key below which the page lies'),
} as const;

/** Pages whose bounds have the same shape differ in nothing but values. */
export function shapeOfBounds(page: Bounded): string {
  const { lower, upper } = boundsOf(page);
  return [page.segment, shapeOfKeyset(lower), shapeOfKeyset(upper)].join();
}

function shapeOfKeyset(keyset: CdrKeyset | undefined): string {
  return keyset ? `${keyset.micros === null ? '-' : 'time'} ${keyset.id === null ? '-' : 'key'}` : '';
}

export function valuesOfBounds(page: Bounded): readonly (readonly [symbol, string])[] {
  const { lower, upper } = boundsOf(page);
  const values: (readonly [symbol, string])[] = [];
  if (lower && lower.micros !== null) values.push([slots.lowerTime, postgresOfMicros(lower.micros)]);
  if (lower && lower.id !== null) values.push([slots.lowerId, String(lower.id)]);
  if (upper && upper.micros !== null) values.push([slots.upperTime, postgresOfMicros(upper.micros)]);
  if (upper && upper.id !== null) values.push([slots.upperId, String(upper.id)]);
  return values;
}

const time = sql`xdrs.connect_time`;
const key = sql`xdrs.i_xdr`;
const lowerTime = sql`${slots.lowerTime}::timestamptz`;
const lowerKey = sql`${slots.lowerId}::int8`;
const upperTime = sql`${slots.upperTime}::timestamptz`;
const upperKey = sql`${slots.upperId}::int8`;

/** The condition of a page, or of one segment of it. */
export function isBetween(
  page: Bounded,
  { hasNullableKey }: Pick<Source, 'hasNullableKey'>,
): RawBuilder<SqlBool> {
  const { lower, upper } = boundsOf(page);
  const conditions =
    page.segment === 'untimed'
      ? [sql`${time} is null`, isKeyAbove(lower, hasNullableKey), isKeyBelow(upper)]
      : [isAbove(lower, hasNullableKey), isBelow(upper)];
  const given = conditions.filter((condition) => condition !== undefined);
  if (page.segment === 'timed' && !hasTime(lower) && !hasTime(upper)) given.push(sql`${time} is not null`);
  return given.length > 0 ? sql`${sql.join(given, sql` and `)}` : sql`true`;
}

/** A row comparison, not "a < x or (a = x and b < y)": only this form seeks in the index. */
function isBelow(upper: CdrKeyset | undefined): RawBuilder<unknown> | undefined {
  if (!upper || upper.micros === null) return undefined;
  if (upper.id === null)
    return sql`${time} <= ${upperTime} and (${time} < ${upperTime} or ${key} is not null)`;
  return sql`(${time}, ${key}) < (${upperTime}, ${upperKey})`;
}

/** It leaves out the calls without a key, which come last of those of one time. */
function isAbove(lower: CdrKeyset | undefined, hasNullableKey: boolean): RawBuilder<unknown> | undefined {
  if (!lower || lower.micros === null) return undefined;
  if (lower.id === null) return sql`${time} > ${lowerTime}`;
  if (!hasNullableKey) return sql`(${time}, ${key}) > (${lowerTime}, ${lowerKey})`;
  return sql`${time} >= ${lowerTime} and (${time} > ${lowerTime} or ${key} > ${lowerKey} or ${key} is null)`;
}

function isKeyAbove(lower: CdrKeyset | undefined, hasNullableKey: boolean): RawBuilder<unknown> | undefined {
  if (!lower || lower.micros !== null) return undefined;
  if (lower.id === null) return sql`false`;
  return hasNullableKey ? sql`(${key} > ${lowerKey} or ${key} is null)` : sql`${key} > ${lowerKey}`;
}

function isKeyBelow(upper: CdrKeyset | undefined): RawBuilder<unknown> | undefined {
  if (!upper || upper.micros !== null) return undefined;
  return upper.id === null ? sql`${key} is not null` : sql`${key} < ${upperKey}`;
}
