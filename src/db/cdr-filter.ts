import { type Expression, type ExpressionBuilder, type SqlBool, sql } from 'kysely';
import type { DB } from './generated/model.ts';
import type { XdrsModel } from './sources.ts';

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

type Builder = ExpressionBuilder<DB & { xdrs: XdrsModel }, 'xdrs'>;
type Condition = Expression<SqlBool>;
type Given = { [Name in keyof CdrFilter]-?: NonNullable<CdrFilter[Name]> };

/** One line per filter; the compiler rejects a filter that has no line. */
const conditions: Record<keyof CdrFilter, (eb: Builder, given: Given) => Condition> = {
  accountIds: (eb, { accountIds }) => isOneOfIds(eb, 'i_account', accountIds),
  customerIds: (eb, { customerIds }) => isOneOfIds(eb, 'i_customer', customerIds),
  from: (_, { from }) => sql`xdrs.connect_time >= ${from}::timestamptz`,
  to: (_, { to }) => sql`xdrs.connect_time < ${to}::timestamptz`,
  cli: (eb, { cli }) => matchesNumber(eb, 'cli', cli),
  cld: (eb, { cld }) => matchesNumber(eb, 'cld', cld),
  type: (eb, { type }) => isOfType[type](eb),
  disconnectCauses: (_, { disconnectCauses }) =>
    sql`xdrs.disconnect_cause = any(${disconnectCauses}::int4[])`,
  outcomes: (_, { outcomes }) => sql`xdrs.outcome = any(${outcomes}::text[])`,
  countries: (_, { countries }) => sql`xdrs.country = any(${countries}::text[])`,
  minDurationSeconds: (_, { minDurationSeconds }) => sql`xdrs.duration >= ${minDurationSeconds}::numeric`,
  maxDurationSeconds: (_, { maxDurationSeconds }) => sql`xdrs.duration <= ${maxDurationSeconds}::numeric`,
  remoteIp: (_, { remoteIp }) => sql`xdrs.remote_ip = ${remoteIp}`,
};

const isOfType: Record<CdrType, (eb: Builder) => Condition> = {
  ALL: (eb) => eb.lit(true),
  NON_ZERO: () => sql`xdrs.duration > 0`,
  NON_ZERO_AND_ERRORS: () => sql`(xdrs.duration > 0 or not xdrs.successful)`,
  COMPLETE: () => sql`xdrs.successful`,
  INCOMPLETE: () => sql`not xdrs.successful`,
  ERRORS: () => sql`(not xdrs.successful and xdrs.duration = 0)`,
};

const matches: Record<keyof NumberMatch, (column: Condition, text: string) => Condition> = {
  is: (column, text) => sql`${column} = ${text}`,
  // A pattern fixed at its beginning seeks in a text_pattern_ops index; the other two cannot.
  startsWith: (column, text) => sql`${column} like ${`${escapeLike(text)}%`}`,
  endsWith: (column, text) => sql`${column} like ${`%${escapeLike(text)}`}`,
  contains: (column, text) => sql`${column} like ${`%${escapeLike(text)}%`}`,
};

/** All conditions of the filter, as one. */
export function matchesFilter(eb: Builder, filter: CdrFilter): Condition {
  const given = (Object.keys(conditions) as (keyof CdrFilter)[]).filter((name) => filter[name] != null);
  return eb.and(given.map((name) => conditions[name](eb, filter as Given)));
}

function matchesNumber(eb: Builder, column: 'cli' | 'cld', match: NumberMatch): Condition {
  const given = (Object.keys(matches) as (keyof NumberMatch)[]).filter((name) => match[name] != null);
  return eb.and(given.map((name) => matches[name](sql.ref(`xdrs.${column}`), match[name]!)));
}

/** One id is compared with `=`: only then does the keyset index also give the order. */
function isOneOfIds(_eb: Builder, column: 'i_account' | 'i_customer', ids: readonly string[]): Condition {
  const ref = sql.ref(`xdrs.${column}`);
  return ids.length === 1 ? sql`${ref} = ${ids[0]}::int8` : sql`${ref} = any(${ids}::int8[])`;
}

/** Text as a LIKE pattern that matches just itself. */
export function escapeLike(text: string): string {
  return text.replaceAll(/[\\%_]/g, (character) => `\\${character}`);
}
