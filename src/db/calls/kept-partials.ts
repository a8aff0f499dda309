import { hash } from 'node:crypto';
import { type RawBuilder, type SqlBool, sql } from 'kysely';
import { type Reader, run } from '../reader.ts';
import { type Relations, type SlotValues, Statement } from '../statement.ts';
import { type Aggregate, cdrMeasure, statsMeasures, type Way } from './cdr-measures.ts';
import { isOverflow, isUnreadableText } from './readable-numbers.ts';

/**
 * Partials that are kept of the calls of an account in a quarter of an hour, so that statistics of hours and days are merged
 * from them and no call is read again: those of every measure that can be merged.
 */

/** Every zone's clocks differ from UTC by a multiple of it, since 1972. */
export const QUARTER_SECONDS = 900;

/** A partial, and the column that keeps it. */
export interface KeptPartial extends Aggregate {
  readonly column: string;
  readonly merge: (column: string) => string;
}

export const keptPartials: readonly KeptPartial[] = findKeptPartials();

function findKeptPartials(): readonly KeptPartial[] {
  const mergeable = statsMeasures.map(cdrMeasure).filter((measure) => measure.mergeable);
  const ofCalls = mergeable.flatMap(({ partials }) => partials).filter(({ over }) => over === 'calls');
  const bySql = new Map(ofCalls.map((partial) => [partial.sql, partial]));
  return [...bySql.values()].map((partial, index) => ({
    ...partial,
    merge: partial.merge!,
    column: `kept_${index + 1}`,
  }));
}

/** Differs where something else is kept under the same names. */
export const keptFormat = hash('sha256', JSON.stringify(keptPartials.map(({ sql, type }) => [sql, type])));

/** What is kept of the calls that an account had in a quarter of an hour, of one of its customers. */
export interface KeptRow {
  readonly i_account: string | null;
  /** Null, too, where calls do not say whose they are. */
  readonly i_customer: string | null;
  /** PostgreSQL's text of the first instant of the quarter. */
  readonly quarter: string | null;
  /** By column: PostgreSQL's text, null for a sum of nothing. */
  readonly [column: string]: string | null;
}

/** An account, and a quarter of an hour by its first instant and its last microsecond: PostgreSQL's texts. */
export interface KeptPlace {
  readonly account: string;
  readonly first: string;
  readonly last: string;
}

const places = {
  from: Symbol('from'),
  to: Symbol('to'),
  accounts: Symbol('accounts'),
  firsts: Symbol('firsts'),
  lasts: Symbol('lasts'),
};

const quarterOf = (instant: RawBuilder<unknown>) =>
  sql`date_bin(${sql.lit(`${QUARTER_SECONDS} seconds`)}::interval, ${instant}, '2000-01-01 00:00:00+00')`;

const customer = ({ source }: Relations) => (source.hasCustomers ? sql`xdrs.i_customer` : sql`null::int8`);

/** All partials stand beside each other, so that each quick one has those beside it that it needs. */
const partialColumns = (way: Way) =>
  keptPartials.map(({ sql: careful, quick, column }) =>
    sql.raw((way === 'quick' && quick?.sql) || careful).as(column),
  );

const told = keptPartials.filter(({ quick }) => quick?.tells);

/** What is kept, the quick way where that is right. */
async function selectKept(
  reader: Reader,
  build: (way: Way) => Statement<object>,
  values?: SlotValues,
): Promise<KeptRow[]> {
  const select = (way: Way) => run(reader, build(way), values) as Promise<KeptRow[]>;
  const rows = await select('quick').catch((error: unknown) => {
    if (isOverflow(error)) return undefined;
    throw error;
  });
  const isRight = rows?.every((row) => !told.some(({ column }) => isUnreadableText(row[column]!)));
  return isRight ? rows! : select('careful');
}

/** What is kept of all calls of a span of time: its ends are PostgreSQL's texts of quarters, the second lies behind it. */
export function selectKeptBetween(reader: Reader, from: string, to: string): Promise<KeptRow[]> {
  const build = (way: Way) =>
    Statement.build(reader, 'keptBetween', (relations) =>
      relations
        .cdrs()
        .select(['xdrs.i_account', customer(relations).as('i_customer')])
        .select([quarterOf(sql.ref('xdrs.connect_time')).as('quarter'), ...partialColumns(way)])
        .where(sql<SqlBool>`xdrs.connect_time >= ${places.from}::timestamptz`)
        .where(sql<SqlBool>`xdrs.connect_time < ${places.to}::timestamptz`)
        .groupBy([sql.raw('1'), sql.raw('2'), sql.raw('3')]),
    );
  const values = new Map([
    [places.from, from],
    [places.to, to],
  ]);
  return selectKept(reader, build, values);
}

/**
 * The same of calls whose time is infinite: they are in no day, and in every sum without a range. Those without a time or an
 * account, which cannot be kept, are among them.
 */
export function selectKeptOfNoTime(reader: Reader): Promise<KeptRow[]> {
  const build = (way: Way) =>
    Statement.build(reader, 'keptOfNoTime', (relations) =>
      relations
        .cdrs()
        .select(['xdrs.i_account', customer(relations).as('i_customer')])
        .select([sql.ref('xdrs.connect_time').as('quarter'), ...partialColumns(way)])
        .where(
          sql<SqlBool>`(xdrs.connect_time in ('infinity', '-infinity') or xdrs.connect_time is null
            or xdrs.i_account is null)`,
        )
        .groupBy([sql.raw('1'), sql.raw('2'), sql.raw('3')]),
    );
  return selectKept(reader, build);
}

/** The same of these places alone. Each is sought in the index of its account, whatever the planner thinks of their number. */
export function selectKeptAt(reader: Reader, wanted: readonly KeptPlace[]): Promise<KeptRow[]> {
  const build = (way: Way) =>
    Statement.build(reader, 'keptAt', (relations) => {
      const counted = relations
        .cdrs()
        .select([customer(relations).as('i_customer'), ...partialColumns(way)])
        .where(sql<SqlBool>`xdrs.i_account = places.account`)
        .where(sql<SqlBool>`xdrs.connect_time between places.first and places.last`)
        .groupBy(sql.raw('1'));
      const given = sql<Record<'account' | 'first' | 'last', string>>`unnest(
        ${places.accounts}::int8[], ${places.firsts}::timestamptz[], ${places.lasts}::timestamptz[])`;
      return relations
        .selectFrom(given.as<'places'>(sql`places (account, first, last)`))
        .innerJoinLateral(counted.as('counted'), (join) => join.onTrue())
        .select([
          sql.ref('places.account').as('i_account'),
          sql.ref('counted.i_customer').as('i_customer'),
          sql.ref('places.first').as('quarter'),
          ...keptPartials.map(({ column }) => sql.ref(`counted.${column}`).as(column)),
        ]);
    });
  const values = new Map<symbol, unknown>([
    [places.accounts, wanted.map(({ account }) => account)],
    [places.firsts, wanted.map(({ first }) => first)],
    [places.lasts, wanted.map(({ last }) => last)],
  ]);
  return selectKept(reader, build, values);
}

/** The first finite time of a call from there on: PostgreSQL's text; undefined where there is none. */
export async function selectFirstTime(reader: Reader, from: string): Promise<string | undefined> {
  const statement = Statement.build(reader, 'firstTime', (relations) =>
    relations
      .cdrs()
      .select(sql<string | null>`min(xdrs.connect_time)`.as('first'))
      .where(sql<SqlBool>`xdrs.connect_time >= ${places.from}::timestamptz`)
      .where(sql<SqlBool>`xdrs.connect_time > '-infinity' and xdrs.connect_time < 'infinity'`),
  );
  const [row] = await run(reader, statement, new Map([[places.from, from]]));
  return row!.first ?? undefined;
}

/** An account, as far as statistics depend on it. */
export interface KeptAccount {
  readonly i_account: string;
  readonly i_customer: string | null;
  readonly currency: string | null;
}

export async function selectKeptAccounts(reader: Reader): Promise<readonly KeptAccount[]> {
  const { accounts } = reader.source;
  if (!accounts) return [];
  const statement = Statement.build(reader, 'keptAccounts', (relations) =>
    relations
      .selectFrom(relations.open(accounts))
      .select(['accounts.i_account', 'accounts.i_customer', 'accounts.currency'])
      .orderBy('accounts.i_account'),
  );
  return run(reader, statement);
}
