import { type RawBuilder, sql } from 'kysely';
import type { CatalogueTable } from '../catalogue/catalogue.ts';

/** Compared with one another without a cast, so an index on any of them serves. */
const integers = ['smallint', 'integer', 'bigint'];
const numbers = [...integers, 'numeric', 'real', 'double precision'];

const floats = ['real', 'double precision'];

/** What a required column may be. Keys are never cast: a cast would hide them from their index. */
const acceptable: Readonly<Record<string, readonly string[]>> = {
  bigint: integers,
  integer: integers,
  numeric: numbers,
  'timestamp with time zone': ['timestamp with time zone'],
};

/** The table, to select from or to join, under its own name. */
export function tableSql({ schema, name }: CatalogueTable): RawBuilder<unknown> {
  return sql`${sql.id(schema, name)} as ${sql.id(name)}`;
}

/** The expression of a value; null where the database has nothing that it could be read from. */
export type ValueSql = RawBuilder<unknown> | null;

/**
 * The column as an expression of the model's type, for conditions and sums: null where a value is beyond that type, and
 * never a failure, which would void every other call of the statement. Whole numbers of a smaller type stay as they are:
 * they compare with one another, and a cast would hide them from their index. Null where the column is not there, or is
 * of a type that means something else.
 */
export function columnSql(table: CatalogueTable | undefined, name: string, type: string): ValueSql {
  const actual = table?.columns.get(name);
  if (table === undefined || actual === undefined) return null;
  const reference = sql.ref(`${table.name}.${name}`);
  if (actual === type || isWithin(actual, type)) return sql`${reference}`;
  if (!isCastable(actual, type)) return null;
  return isWhole(type) ? wholeSql(reference, actual, type) : castSql(reference, actual, type);
}

/**
 * The column as text for parts that show its values, where some of them may be beyond the model's type: what is written
 * there is then no value of that type, which is for the reader to see. Null where no value can be.
 */
export function textSql(table: CatalogueTable | undefined, name: string, type: string): ValueSql {
  const actual = table?.columns.get(name);
  if (table === undefined || actual === undefined || !isWhole(type) || !isCastable(actual, type)) return null;
  if (isWithin(actual, type)) return null;
  const reference = sql.ref(`${table.name}.${name}`);
  if (isWhole(actual)) return sql`${reference}::text`;
  return sql`coalesce(${wholeSql(reference, actual, type)}::text, ${reference}::text)`;
}

/** Whether a value is stored that `columnSql` makes null, because the type has no such value. */
export function isUnreadableSql(
  table: CatalogueTable | undefined,
  name: string,
  type: string,
): RawBuilder<unknown> {
  const actual = table?.columns.get(name);
  const value = columnSql(table, name, type);
  if (table === undefined || actual === undefined || value === null || isWithin(actual, type))
    return sql`false`;
  return sql`(${value} is null and ${sql.ref(`${table.name}.${name}`)} is not null)`;
}

/** What outcomes are worked out from: a time that may be stored as something that is no finite number. */
export interface SecondsSql {
  readonly isPositive: RawBuilder<unknown>;
  /** Null where the type of the column has no such values. */
  readonly isUnreadable: RawBuilder<unknown> | null;
}

/** NaN is above Infinity to PostgreSQL. */
export function secondsSql(table: CatalogueTable, name: string): SecondsSql {
  const reference = sql.ref(`${table.name}.${name}`);
  if (isWhole(table.columns.get(name) ?? '')) {
    return { isPositive: sql`${reference} > 0`, isUnreadable: null };
  }
  return {
    isPositive: sql`(${reference} > 0 and ${reference} < 'Infinity')`,
    isUnreadable: sql`${reference} in ('NaN', 'Infinity', '-Infinity')`,
  };
}

/** The first of the columns that is there. */
export function firstColumnSql(
  table: CatalogueTable | undefined,
  names: readonly string[],
  type: string,
): ValueSql {
  for (const name of names) {
    const found = columnSql(table, name, type);
    if (found) return found;
  }
  return null;
}

const isWhole = (type: string): boolean => integers.includes(type);

/** Whether every whole number of one type is one of the other. */
const isWithin = (actual: string, type: string): boolean =>
  isWhole(actual) && integers.indexOf(actual) <= integers.indexOf(type);

function castSql(reference: RawBuilder<unknown>, actual: string, type: string): RawBuilder<unknown> {
  // Without a zone of its own it is in UTC: switches write nothing else.
  if (actual === 'timestamp without time zone') return sql`(${reference} at time zone 'UTC')`;
  // As plain text an inet would carry its netmask.
  if (actual === 'inet') return sql`host(${reference})`;
  if (type === 'boolean') return sql`(${reference} <> 0)`;
  // double precision becomes numeric by its first 15 significant digits: every decimal of up to 15 digits that the
  // switch meant comes back as it was, and the noise of binary arithmetic beyond (0.1 + 0.2) does not show.
  return sql`(${reference})::${sql.raw(type)}`;
}

/** What lies just outside of each type, once it is rounded. */
const bounds: Readonly<Record<string, readonly [below: string, above: string]>> = {
  smallint: ['-32768.5', '32767.5'],
  integer: ['-2147483648.5', '2147483647.5'],
};

/**
 * A number of a larger type. A count of seconds is rounded, as PostgreSQL's own cast does; an id is never made from
 * another number, and a binary fraction is an id only while it is exact.
 */
function wholeSql(reference: RawBuilder<unknown>, actual: string, type: string): RawBuilder<unknown> {
  const bound = bounds[type];
  const cast = sql.raw(type);
  if (bound) {
    // Compared as whole numbers where they are: a numeric for each call would be dear.
    const [low, high] = bound.map((each) => sql.raw(isWhole(actual) ? each.replace(/\.5$/, '') : each));
    if (isWhole(actual)) {
      return sql`(case when ${reference} between ${low} and ${high} then ${reference}::${cast} end)`;
    }
    // A binary fraction that lies halfway is rounded to the even number, which the least one is and the greatest is not.
    const above = sql.raw(floats.includes(actual) ? '>=' : '>');
    return sql`(case when ${reference} ${above} ${low} and ${reference} < ${high} then ${reference}::${cast} end)`;
  }
  const [low, high] = floats.includes(actual)
    ? ['-999999999999999', '999999999999999']
    : ['-9223372036854775808', '9223372036854775807'];
  return sql`(case when ${reference} between ${sql.raw(low)} and ${sql.raw(high)} and ${reference} = trunc(${reference}) then ${reference}::${cast} end)`;
}

/** Casts that mean the same value. */
function isCastable(actual: string, type: string): boolean {
  if (type === 'text') return true;
  if (type === 'timestamp with time zone') return actual === 'timestamp without time zone';
  if (type === 'boolean') return integers.includes(actual);
  return numbers.includes(actual);
}

/** What is wrong with required columns, one sentence each; empty when nothing is. `remedy` is for those that are hidden. */
export function problemsOf(
  table: CatalogueTable,
  required: Readonly<Record<string, string>>,
  remedy: string | undefined,
): readonly string[] {
  return Object.entries(required).flatMap(([name, type]) => {
    const actual = table.columns.get(name);
    if (actual !== undefined) {
      const allowed = acceptable[type] ?? [type];
      if (allowed.includes(actual)) return [];
      return `${table.name}.${name} is ${actual}; it must be ${allowed.join(' or ')}. ${mendingOf(table.name, name, actual, type)}`;
    }
    return table.hidden.has(name)
      ? `${table.name}.${name} may not be read by this role. On the primary: ${remedy}`
      : `${table.name}.${name} is missing`;
  });
}

/** The statement that makes the column what it must be. It rewrites the table, so it wants a quiet hour. */
function mendingOf(table: string, name: string, actual: string, type: string): string {
  const target = type === 'integer' ? 'bigint' : type;
  const using = conversions[target]?.(actual, name);
  if (!using)
    return `No ${target} can be made of it: give the table another column, or read a view that has one`;
  return `On the primary, which rewrites the table: alter table ${table} alter column ${name} type ${target} using ${using};`;
}

const conversions: Readonly<Record<string, (actual: string, name: string) => string | undefined>> = {
  bigint: (actual, name) =>
    numbers.includes(actual) || isText(actual)
      ? `${name}::${isText(actual) ? '' : 'numeric::'}bigint`
      : undefined,
  numeric: (actual, name) => (isText(actual) ? `${name}::numeric` : undefined),
  'timestamp with time zone': (actual, name) => {
    if (actual === 'date' || actual === 'timestamp without time zone') return `${name} at time zone 'UTC'`;
    return isText(actual) ? `${name}::timestamptz` : undefined;
  },
};

const isText = (type: string): boolean => /^(text|character|character varying)$/.test(type);
