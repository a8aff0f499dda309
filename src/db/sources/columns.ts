import { type RawBuilder, sql } from 'kysely';
import type { CatalogueTable } from '../catalogue/catalogue.ts';

/** Compared with one another without a cast, so an index on any of them serves. */
const integers = ['smallint', 'integer', 'bigint'];
const numbers = [...integers, 'numeric', 'real', 'double precision'];

/** What a required column may be. Keys are never cast: a cast would hide them from their index. */
const acceptable: Readonly<Record<string, readonly string[]>> = {
  bigint: integers,
  integer: integers,
  numeric: numbers,
  'timestamp with time zone': ['timestamp with time zone'],
};

/** The expression of a value; null where the database has nothing that it could be read from. */
export type ValueSql = RawBuilder<unknown> | null;

/** The column as an expression of the model's type; null where it is not there, or cannot become that type. */
export function columnSql(table: CatalogueTable | undefined, name: string, type: string): ValueSql {
  const actual = table?.columns.get(name);
  if (table === undefined || actual === undefined) return null;
  const reference = sql.ref(`${table.name}.${name}`);
  if (actual === type || (type === 'bigint' && integers.includes(actual))) return sql`${reference}`;
  return castSql(reference, actual, type);
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

function castSql(reference: RawBuilder<unknown>, actual: string, type: string): ValueSql {
  if (!isCastable(actual, type)) return null;
  // Without a zone of its own it is in UTC: switches write nothing else.
  if (actual === 'timestamp without time zone') return sql`(${reference} at time zone 'UTC')`;
  // As plain text an inet would carry its netmask.
  if (actual === 'inet') return sql`host(${reference})`;
  if (type === 'boolean') return sql`(${reference} <> 0)`;
  // double precision becomes numeric by its first 15 significant digits: every decimal of up to 15 digits that the
  // switch meant comes back as it was, and the noise of binary arithmetic beyond (0.1 + 0.2) does not show.
  return sql`(${reference})::${sql.raw(type)}`;
}

/** Only casts that no value can make fail: a call must not become unreadable because of one odd row. */
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
      return `${table.name}.${name} is ${actual}; it must be ${allowed.join(' or ')}`;
    }
    return table.hidden.has(name)
      ? `${table.name}.${name} may not be read by this role. On the primary: ${remedy}`
      : `${table.name}.${name} is missing`;
  });
}
