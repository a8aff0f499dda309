import { type RawBuilder, sql } from 'kysely';
import { type Reader, run } from '../reader.ts';
import { Statement } from '../statement.ts';
import { type CdrFilter, matchesFilter } from './cdr-filter.ts';

/** The time dimensions: calls are put into buckets of connect time, cut in a time zone. */
export type TimeDimension = 'HOUR' | 'DAY' | 'WEEK' | 'MONTH';
export type CdrDimension =
  | TimeDimension
  | 'ACCOUNT'
  | 'CUSTOMER'
  | 'COUNTRY'
  | 'PREFIX'
  | 'CLD'
  | 'DISCONNECT_CAUSE'
  | 'OUTCOME';

/** The same as `outcome = 'ANSWERED'`, without working out every other outcome for every call first. */
const isAnswered = sql.raw('xdrs.successful and coalesce(xdrs.duration > 0, false)');

/**
 * The measures, each by the definition that its GraphQL description repeats. Sums are numeric, never float:
 * their order does not matter and nothing is lost. Null, not 0, where there is nothing to divide by.
 */
const measures = {
  attempts: sql`count(*)`,
  answered: sql`count(*) filter (where ${isAnswered})`,
  failed: sql`count(*) filter (where not (${isAnswered}))`,
  asr: sql`(100.0 * count(*) filter (where ${isAnswered}) / nullif(count(*), 0))::float8`,
  // Calls without a cause can neither count as the network's success nor as its failure.
  ner: sql`(100.0 * count(*) filter (where xdrs.outcome in ('ANSWERED', 'BUSY', 'NO_ANSWER', 'REJECTED', 'CANCELLED')) / nullif(count(xdrs.outcome), 0))::float8`,
  acdSeconds: sql`(sum(xdrs.duration) filter (where ${isAnswered}) / nullif(count(*) filter (where ${isAnswered}), 0))::float8`,
  pddSeconds: sql`avg(xdrs.pdd)::float8`,
  minutes: sql`trim_scale(coalesce(sum(xdrs.duration), 0) / 60)`,
  billedMinutes: sql`trim_scale(coalesce(sum(xdrs.charged_quantity), 0)::numeric / 60)`,
  chargedAmount: sql`coalesce(sum(xdrs.charged_amount), 0)`,
  shortCalls: sql`count(*) filter (where ${isAnswered} and xdrs.duration <= 6)`,
} as const satisfies Record<string, RawBuilder<unknown>>;

export type StatsMeasure = keyof typeof measures;
export const statsMeasures = Object.keys(measures) as StatsMeasure[];

/** What a row of each dimension is called, and the SQL it is grouped by. */
interface DimensionSql {
  readonly as:
    | 'bucket'
    | 'accountId'
    | 'customerId'
    | 'country'
    | 'prefix'
    | 'cld'
    | 'disconnectCause'
    | 'outcome';
  readonly sql: (timeZone: string) => RawBuilder<unknown>;
  /** What is shown of a group, where that is not what it is grouped by. */
  readonly shown?: (timeZone: string) => RawBuilder<unknown>;
}

/** In UTC a bucket is plain arithmetic, counted from a Monday; elsewhere the calendar must be asked for each call. */
const bucket = (unit: string, stride?: string): DimensionSql => ({
  as: 'bucket',
  sql: (timeZone) =>
    stride && timeZone === 'UTC'
      ? sql`date_bin(${sql.lit(stride)}::interval, xdrs.connect_time, '2000-01-03 00:00:00+00')`
      : sql`date_trunc(${sql.lit(unit)}, xdrs.connect_time, ${timeZone}::text)`,
});

/**
 * Where clocks change at midnight there are two of it, or none: date_trunc answers the second, but a day begins with
 * the first. A microsecond earlier there is no doubt.
 */
const bucketOfDays = (unit: string, stride?: string): DimensionSql => ({
  ...bucket(unit, stride),
  shown: (timeZone) => {
    const midnight = sql`date_trunc('day', groups.bucket at time zone ${timeZone}::text)`;
    return sql`(${midnight} - interval '1 microsecond') at time zone ${timeZone}::text + interval '1 microsecond'`;
  },
});
const column = (as: DimensionSql['as'], name: string): DimensionSql => ({
  as,
  sql: () => sql.ref(`xdrs.${name}`),
});

const dimensions: Record<CdrDimension, DimensionSql> = {
  HOUR: bucket('hour', '1 hour'),
  DAY: bucketOfDays('day', '1 day'),
  WEEK: bucketOfDays('week', '7 days'),
  MONTH: bucketOfDays('month'),
  ACCOUNT: column('accountId', 'i_account'),
  CUSTOMER: column('customerId', 'i_customer'),
  COUNTRY: column('country', 'country'),
  PREFIX: column('prefix', 'prefix'),
  CLD: column('cld', 'cld'),
  DISCONNECT_CAUSE: column('disconnectCause', 'disconnect_cause'),
  OUTCOME: column('outcome', 'outcome'),
};

/** A bound on a measure. All given parts must hold; a measure that is null fulfils none. Decimal texts. */
export interface StatsCondition {
  readonly measure: StatsMeasure;
  readonly is?: string | null;
  readonly atLeast?: string | null;
  readonly atMost?: string | null;
  readonly moreThan?: string | null;
  readonly lessThan?: string | null;
}

const comparisons = { is: '=', atLeast: '>=', atMost: '<=', moreThan: '>', lessThan: '<' } as const;

export interface CdrStatsQuestion {
  readonly filter: CdrFilter;
  readonly groupBy: readonly CdrDimension[];
  /** An IANA name that PostgreSQL knows. */
  readonly timeZone: string;
  readonly having: readonly StatsCondition[];
  /** Undefined: by the dimensions, in the order in which they are grouped. */
  readonly orderBy?: { readonly measure: StatsMeasure; readonly descending: boolean } | undefined;
  readonly limit: number;
}

/** Counts and exact sums as text, ratios and averages as numbers, dimensions not grouped by are missing. */
export interface CdrStatsRow {
  readonly bucket?: string | null;
  readonly accountId?: string | null;
  readonly customerId?: string | null;
  readonly country?: string | null;
  readonly prefix?: string | null;
  readonly cld?: string | null;
  readonly disconnectCause?: number | null;
  readonly outcome?: string | null;
  readonly attempts: string;
  readonly answered: string;
  readonly failed: string;
  readonly asr: number | null;
  readonly ner: number | null;
  readonly acdSeconds: number | null;
  readonly pddSeconds: number | null;
  readonly minutes: string;
  readonly billedMinutes: string;
  readonly chargedAmount: string;
  readonly shortCalls: string;
}

/** One row per group that has calls and fulfils every condition; ties are broken by the dimensions. */
export function selectCdrStats(
  reader: Reader,
  question: CdrStatsQuestion,
  wanted: readonly StatsMeasure[] = statsMeasures,
): Promise<CdrStatsRow[]> {
  const grouped = question.groupBy.map((name) => dimensions[name]);
  const needed = neededMeasures(question, wanted);
  const statement = Statement.build(reader, 'cdrStats', (relations) => {
    const groups = relations
      .cdrs()
      .select([
        ...grouped.map((dimension) => dimension.sql(question.timeZone).as(dimension.as)),
        ...needed.map((name) => measures[name].as(name)),
      ])
      .where(matchesFilter(question.filter))
      .$if(grouped.length > 0, (query) =>
        query.groupBy(grouped.map((_, index) => sql.raw(String(index + 1)))),
      );
    return relations
      .selectFrom(groups.as('groups'))
      .select([
        ...grouped.map(({ as, shown }) => (shown?.(question.timeZone) ?? sql.ref(`groups.${as}`)).as(as)),
        ...needed.map((name) => sql.ref(`groups.${name}`).as(name)),
      ])
      .where(() => sql`${sql.join([sql`true`, ...question.having.flatMap(conditionsOf)], sql` and `)}`)
      .$if(question.orderBy !== undefined, (q) =>
        q.orderBy(sql.ref(`groups.${question.orderBy!.measure}`), (order) =>
          question.orderBy!.descending ? order.desc().nullsLast() : order.asc().nullsLast(),
        ),
      )
      .$call((q) => grouped.reduce((ordered, { as }) => ordered.orderBy(sql.ref(`groups.${as}`)), q))
      .limit(question.limit);
  });
  return run(reader, statement) as never;
}

/** All calls of the filter as one group. */
export async function selectCdrTotals(
  reader: Reader,
  filter: CdrFilter,
  wanted?: readonly StatsMeasure[],
): Promise<CdrStatsRow> {
  const question = { filter, groupBy: [], timeZone: 'UTC', having: [], limit: 1 };
  const [row] = await selectCdrStats(reader, question, wanted);
  return row!;
}

/** Files beside the zones of some systems: whatever zone the server happens to be in. */
const nobodysZones = ['localtime', 'posixrules'];

/** Whether PostgreSQL knows the zone by this name, as an IANA name: no abbreviation, no POSIX rule. */
export async function isTimeZone(reader: Reader, name: string): Promise<boolean> {
  if (nobodysZones.includes(name)) return false;
  const statement = Statement.ofServer(
    'isTimeZone',
    sql<{ known: boolean }>`select exists (select from pg_timezone_names where name = ${name}) as known`,
  );
  const [row] = await run(reader, statement);
  return row!.known;
}

function neededMeasures(
  { having, orderBy }: CdrStatsQuestion,
  wanted: readonly StatsMeasure[],
): StatsMeasure[] {
  const needed = new Set<StatsMeasure>(['attempts', ...wanted, ...having.map(({ measure }) => measure)]);
  if (orderBy) needed.add(orderBy.measure);
  return statsMeasures.filter((name) => needed.has(name));
}

function conditionsOf(condition: StatsCondition): RawBuilder<unknown>[] {
  return (Object.keys(comparisons) as (keyof typeof comparisons)[])
    .filter((name) => condition[name] != null)
    .map((name) => {
      const left = sql.ref(`groups.${condition.measure}`);
      return sql`${left} ${sql.raw(comparisons[name])} ${condition[name]}::numeric`;
    });
}
