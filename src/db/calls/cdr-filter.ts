import { type RawBuilder, type SqlBool, sql } from 'kysely';

/** How a number is compared. All given parts must hold. `%`, `_` and backslash mean themselves. */
export interface NumberMatch {
  readonly is?: string | null;
  readonly startsWith?: string | null;
  readonly endsWith?: string | null;
  readonly contains?: string | null;
}

/** The call types of the XML-RPC API, by whether the switch calls the result a success and whether time was spent. */
export type CdrType = 'ALL' | 'NON_ZERO' | 'NON_ZERO_AND_ERRORS' | 'COMPLETE' | 'INCOMPLETE' | 'ERRORS';

/** Which calls. A field that is null or missing restricts nothing; an empty list matches nothing. */
export interface CdrFilter {
  /** Decimal digits of a bigint, as are customerIds. */
  readonly accountIds?: readonly string[] | null;
  readonly customerIds?: readonly string[] | null;
  /** Text that PostgreSQL reads as a timestamptz. The range is half-open: `from` belongs to it, `to` does not. */
  readonly from?: string | null;
  readonly to?: string | null;
  readonly cli?: NumberMatch | null;
  readonly cld?: NumberMatch | null;
  readonly type?: CdrType | null;
  readonly disconnectCauses?: readonly number[] | null;
  readonly outcomes?: readonly string[] | null;
  readonly countries?: readonly string[] | null;
  /** Decimal text, both ends included. */
  readonly minDurationSeconds?: string | null;
  readonly maxDurationSeconds?: string | null;
  readonly remoteIp?: string | null;
}

type Given = { [Name in keyof CdrFilter]-?: NonNullable<CdrFilter[Name]> };

/** A condition: SQL with `?` for each value. Filters of the same shape have the same SQL. */
interface Term {
  readonly sql: string;
  readonly values: readonly unknown[];
}

const term = (text: string, ...values: readonly unknown[]): Term => ({ sql: text, values });

/** One line per filter; the compiler rejects a filter that has no line. */
const terms: Record<keyof CdrFilter, (given: Given) => readonly Term[]> = {
  accountIds: ({ accountIds }) => [isOneOfIds('xdrs.i_account', accountIds)],
  customerIds: ({ customerIds }) => [isOneOfIds('xdrs.i_customer', customerIds)],
  from: ({ from }) => [term('xdrs.connect_time >= ?::timestamptz', from)],
  to: ({ to }) => [term('xdrs.connect_time < ?::timestamptz', to)],
  cli: ({ cli }) => matchesNumber('xdrs.cli', cli),
  cld: ({ cld }) => matchesNumber('xdrs.cld', cld),
  type: ({ type }) => [typeTerms[type]],
  disconnectCauses: ({ disconnectCauses }) => [
    term('xdrs.disconnect_cause = any(?::int4[])', disconnectCauses),
  ],
  outcomes: ({ outcomes }) => [term('xdrs.outcome = any(?::text[])', outcomes)],
  countries: ({ countries }) => [term('xdrs.country = any(?::text[])', countries)],
  minDurationSeconds: ({ minDurationSeconds }) => [term('xdrs.duration >= ?::numeric', minDurationSeconds)],
  maxDurationSeconds: ({ maxDurationSeconds }) => [term('xdrs.duration <= ?::numeric', maxDurationSeconds)],
  remoteIp: ({ remoteIp }) => [term('xdrs.remote_ip = ?', remoteIp)],
};

const typeTerms: Record<CdrType, Term> = {
  ALL: term('true'),
  NON_ZERO: term('xdrs.duration > 0'),
  NON_ZERO_AND_ERRORS: term('(xdrs.duration > 0 or not xdrs.successful)'),
  COMPLETE: term('xdrs.successful'),
  INCOMPLETE: term('not xdrs.successful'),
  ERRORS: term('(not xdrs.successful and xdrs.duration = 0)'),
};

const matchTerms: Record<keyof NumberMatch, (column: string, text: string) => Term> = {
  is: (column, text) => term(`${column} = ?`, text),
  // A pattern fixed at its beginning seeks in a text_pattern_ops index; the other two cannot.
  startsWith: (column, text) => term(`${column} like ?`, `${escapeLike(text)}%`),
  endsWith: (column, text) => term(`${column} like ?`, `%${escapeLike(text)}`),
  contains: (column, text) => term(`${column} like ?`, `%${escapeLike(text)}%`),
};

function matchesNumber(column: string, match: NumberMatch): readonly Term[] {
  const given = (Object.keys(matchTerms) as (keyof NumberMatch)[]).filter((name) => match[name] != null);
  return given.map((name) => matchTerms[name](column, match[name]!));
}

/** One id is compared with `=`: only then does the keyset index also give the order. */
function isOneOfIds(column: string, ids: readonly string[]): Term {
  return ids.length === 1 ? term(`${column} = ?::int8`, ids[0]) : term(`${column} = any(?::int8[])`, ids);
}

function termsOf(filter: CdrFilter): readonly Term[] {
  const given = (Object.keys(terms) as (keyof CdrFilter)[]).filter((name) => filter[name] != null);
  return given.flatMap((name) => terms[name](filter as Given));
}

/** All conditions of the filter, as one. */
export function matchesFilter(filter: CdrFilter): RawBuilder<SqlBool> {
  const conditions = termsOf(filter).map(({ sql: text, values }) => {
    const parts = text.split('?');
    return sql<SqlBool>(parts as never, ...values);
  });
  return conditions.length > 0 ? sql`${sql.join(conditions, sql` and `)}` : sql`true`;
}

/** What two filters have in common when they differ in nothing but values; and the values, in the order of the SQL. */
export function shapeOfFilter(filter: CdrFilter): {
  readonly shape: string;
  readonly values: readonly unknown[];
} {
  const given = termsOf(filter);
  return { shape: given.map((each) => each.sql).join('&'), values: given.flatMap(({ values }) => values) };
}

/** Text as a LIKE pattern that matches just itself. */
export function escapeLike(text: string): string {
  return text.replaceAll(/[\\%_]/g, (character) => `\\${character}`);
}
