import type { CallColumn } from '../sources/model.ts';
import { type CallNumber, isPositive, isReadable } from './readable-numbers.ts';

/**
 * What is measured of a group of calls. Sums are numeric, never float: their order does not matter and nothing is lost.
 * A stored value that is no finite number counts as missing.
 *
 * A measure is worked out in steps. *Partials* are aggregates over the calls of a group; partials of groups that have no
 * call in common *merge* into those of both together; *finish* makes of the merged partials what is shown. With kept
 * partials (of hours, say) days can be answered without reading the calls again.
 */

/** How GraphQL shows a measure; a BigInt and a Decimal are texts here, because neither fits into a JavaScript number. */
export interface MeasureValues {
  readonly BigInt: string;
  readonly Float: number;
  readonly Decimal: string;
}

export type MeasureType = keyof MeasureValues;

/** Over the calls of a group. */
export interface Aggregate {
  readonly sql: string;
  /** What PostgreSQL takes a null in its place for. */
  readonly type: 'bigint' | 'numeric' | 'text';
  /**
   * The same wherever all values are finite numbers, at less cost: to look at each of them would take a fifth of the time
   * of most statistics.
   */
  readonly quick?: {
    readonly sql: string;
    /** Of a sum: one value of this column that is no finite number makes it one that is none. */
    readonly tells?: CallNumber;
    /** Right only beside sums that tell of these columns. */
    readonly beside: readonly CallNumber[];
  };
  /**
   * What SQL sees of the group: the relation `xdrs` of its calls; the relation `seconds` of the seconds in which some of
   * them were set up, each with its `attempts`, which takes a pass of its own over the calls; or the relation `currencies`
   * of the currencies that they were charged in, each with its `calls` and `amount`: see cdr-currencies.ts.
   */
  readonly over: 'calls' | 'seconds' | 'currencies';
  /** The aggregate over a column of partials; null where the value of two groups says nothing of both together. */
  readonly merge: ((column: string) => string) | null;
}

/**
 * How the values of calls are added up: the quick way, which is right while all of them are finite numbers, and tells
 * whether they are; or looking at each of them.
 */
export type Way = 'quick' | 'careful';

interface MergeableAggregate extends Aggregate {
  readonly merge: (column: string) => string;
}

interface Shown<Type extends MeasureType, Nullable extends boolean> {
  readonly type: Type;
  /** True: null, never 0, where there is nothing to divide by or nothing is known. */
  readonly nullable: Nullable;
  /** Of a bucket in which there are no calls: nothing happened, or nothing is known. */
  readonly withoutCalls: 0 | null;
  /** Of a picture or a column. */
  readonly label: string;
  /** Per cent, seconds or minutes; missing where the values are plain numbers. */
  readonly unit?: 'percent' | 's' | 'min';
  /** Definition and nulls, as clients read them in the schema. */
  readonly description: string;
}

/** Whether the partials can be merged, and with it the measure. */
type Steps<Partials> =
  | {
      readonly mergeable: true;
      readonly partials: Partials & Readonly<Record<keyof Partials, MergeableAggregate>>;
    }
  | { readonly mergeable: false; readonly partials: Partials };

type Columns<Partials> = { readonly [Name in keyof Partials]: string };

type Declaration<Type extends MeasureType, Nullable extends boolean, Partials> = Shown<Type, Nullable> &
  Steps<Partials> & {
    /** SQL over the merged partials, of which each is a column. */
    readonly finish: (columns: Columns<Partials>) => string;
  };

/** A measure, where only what all have in common matters. */
export interface MeasureDeclaration<
  Type extends MeasureType = MeasureType,
  Nullable extends boolean = boolean,
> extends Shown<Type, Nullable> {
  readonly mergeable: boolean;
  readonly partials: readonly Aggregate[];
  /** Given the column of each partial, in their order. */
  readonly finish: (columns: readonly string[]) => string;
}

export function declareMeasure<
  const Type extends MeasureType,
  const Nullable extends boolean,
  Partials extends Readonly<Record<string, Aggregate>>,
>({ partials, finish, ...shown }: Declaration<Type, Nullable, Partials>): MeasureDeclaration<Type, Nullable> {
  const names: readonly (keyof Partials)[] = Object.keys(partials);
  return {
    ...shown,
    partials: names.map((name) => partials[name]!),
    finish: (columns) =>
      finish(Object.fromEntries(names.map((name, index) => [name, columns[index]])) as Columns<Partials>),
  };
}

/** The same as `outcome = 'ANSWERED'`, without working out every other outcome for every call first. */
const isAnswered = `xdrs.successful and ${isPositive('xdrs.duration')}`;
/** The same of calls whose durations are finite numbers. */
const isQuicklyAnswered = 'xdrs.successful and xdrs.duration > 0';

const count = (condition?: string): MergeableAggregate => ({
  sql: `count(*)${only(condition)}`,
  type: 'bigint',
  over: 'calls',
  merge: (column) => `coalesce(sum(${column}), 0)::int8`,
});

const countOf = (column: CallColumn): MergeableAggregate => ({ ...count(), sql: `count(${column})` });

const countOfNumbers = (column: CallNumber): MergeableAggregate => ({
  ...count(isReadable(column)),
  quick: { sql: `count(${column})`, beside: [column] },
});

/** Null without a value to add. */
const sumOf = (sql: string, quick?: Aggregate['quick']): MergeableAggregate => ({
  sql,
  type: 'numeric',
  ...(quick && { quick }),
  over: 'calls',
  merge: (partials) => `sum(${partials})`,
});

const sum = (column: CallNumber): MergeableAggregate =>
  sumOf(`sum(${column})${only(isReadable(column))}`, { sql: `sum(${column})`, tells: column, beside: [] });

const only = (condition: string | undefined) =>
  condition === undefined ? '' : ` filter (where ${condition})`;

export const attempts = count();
const answered: MergeableAggregate = {
  ...count(isAnswered),
  quick: { sql: `count(*)${only(isQuicklyAnswered)}`, beside: ['xdrs.duration'] },
};
const answeredSeconds = sumOf(`sum(xdrs.duration)${only(isAnswered)}`, {
  sql: `sum(xdrs.duration)${only(isQuicklyAnswered)}`,
  tells: 'xdrs.duration',
  beside: [],
});
const seconds = sum('xdrs.duration');
/** Whole numbers, which are null where the switch has something else. */
const billedSeconds = sumOf('sum(xdrs.charged_quantity)');
export const chargedAmount = sum('xdrs.charged_amount');
const pddSeconds = sum('xdrs.pdd');

/** The least value that so large a part of the calls do not exceed. It is one of theirs, and so exact. */
const percentile = (part: number, column: CallColumn, condition?: string): Aggregate => ({
  sql: `percentile_disc(${part}) within group (order by ${column})${only(condition)}`,
  type: 'numeric',
  over: 'calls',
  merge: null,
});

/** The first or the last of the currencies that the calls are charged in: where both are the same, there is but one. */
const currencyAt = (end: 'min' | 'max'): MergeableAggregate => ({
  sql: `${end}(coalesce(currencies.currency, '') collate "C")`,
  type: 'text',
  over: 'currencies',
  merge: (column) => `${end}(${column})`,
});

export const leastCurrency = currencyAt('min');
export const greatestCurrency = currencyAt('max');

/** See `unreadableCalls`. */
const isSomeUnreadable = [
  'xdrs.is_quantity_unreadable',
  ...(['xdrs.duration', 'xdrs.charged_amount', 'xdrs.pdd'] as const).map(
    (column) => `(${isReadable(column)}) is false`,
  ),
].join(' or ');

const ROUNDED = 'Rounded to 16 significant digits, or more where the sum has more fraction digits.';

const perCent = (part: string, whole: string) => `(100.0 * ${part} / nullif(${whole}, 0))::float8`;
const average = (total: string, number: string) => asFloat(`${total} / nullif(${number}, 0)`);
const inMinutes = (seconds: string) => `trim_scale(coalesce(${seconds}, 0)::numeric / 60)`;
const orZero = (sum: string) => `coalesce(${sum}, 0)`;

/** PostgreSQL refuses to make a float of a numeric that is too large for one, or too small. */
const asFloat = (value: string) =>
  `case when abs(${value}) < 1e-300 then 0 when abs(${value}) < 1e308 then (${value})::float8 end`;

/** The fields of `CdrStatsRow` that are measured: a row is all there is to a measure. */
export const cdrMeasures = {
  attempts: declareMeasure({
    type: 'BigInt',
    nullable: false,
    withoutCalls: 0,
    label: 'Call attempts',
    description: 'All calls of the group, answered or not.',
    mergeable: true,
    partials: { attempts },
    finish: (partials) => partials.attempts,
  }),
  answered: declareMeasure({
    type: 'BigInt',
    nullable: false,
    withoutCalls: 0,
    label: 'Answered calls',
    description:
      'Calls that were successful (Q.850 cause 16, or none recorded) and had a duration above 0 that is a finite number.',
    mergeable: true,
    partials: { answered },
    finish: (partials) => partials.answered,
  }),
  failed: declareMeasure({
    type: 'BigInt',
    nullable: false,
    withoutCalls: 0,
    label: 'Failed calls',
    description: 'Attempts that were not answered.',
    mergeable: true,
    partials: { attempts, answered },
    finish: (partials) => `${partials.attempts} - ${partials.answered}`,
  }),
  asr: declareMeasure({
    type: 'Float',
    nullable: true,
    withoutCalls: null,
    label: 'ASR, answered of attempts',
    unit: 'percent',
    description: 'Answer-seizure ratio in per cent: 100 × answered / attempts. Null without attempts.',
    mergeable: true,
    partials: { answered, attempts },
    finish: (partials) => perCent(partials.answered, partials.attempts),
  }),
  ner: declareMeasure({
    type: 'Float',
    nullable: true,
    withoutCalls: null,
    label: 'NER, network effectiveness',
    unit: 'percent',
    description:
      'Network effectiveness ratio in per cent: 100 × (answered + busy + no answer + rejected + cancelled) / attempts ' +
      'with a known outcome. Null when no outcome is known.',
    mergeable: true,
    // Calls without a cause can neither count as the network's success nor as its failure.
    partials: {
      effective: count("xdrs.outcome in ('ANSWERED', 'BUSY', 'NO_ANSWER', 'REJECTED', 'CANCELLED')"),
      known: countOf('xdrs.outcome'),
    },
    finish: ({ effective, known }) => perCent(effective, known),
  }),
  acdSeconds: declareMeasure({
    type: 'Float',
    nullable: true,
    withoutCalls: null,
    label: 'ACD, average duration of answered calls',
    unit: 's',
    description:
      'Average call duration: seconds of answered calls / answered. Null without answered calls, or when it is beyond a Float.',
    mergeable: true,
    partials: { answeredSeconds, answered },
    finish: (partials) => average(partials.answeredSeconds, partials.answered),
  }),
  medianDurationSeconds: declareMeasure({
    type: 'Decimal',
    nullable: true,
    withoutCalls: null,
    label: 'Median duration of answered calls',
    unit: 's',
    description:
      'Median duration of answered calls in seconds: half of them, at least, lasted no longer. It is the duration of one ' +
      'of them, exact; of an even number the lower of the middle two. Null without answered calls. It cannot be worked ' +
      'out from the medians of groups. Sorts the calls.',
    mergeable: false,
    partials: { median: percentile(0.5, 'xdrs.duration', isAnswered) },
    finish: ({ median }) => `trim_scale(${median})`,
  }),
  pddSeconds: declareMeasure({
    type: 'Float',
    nullable: true,
    withoutCalls: null,
    label: 'PDD, average post-dial delay',
    unit: 's',
    description:
      'Average post-dial delay in seconds, over the calls that have one. Null when none has, or when it is beyond a Float.',
    mergeable: true,
    partials: { pddSeconds, known: countOfNumbers('xdrs.pdd') },
    finish: (partials) => average(partials.pddSeconds, partials.known),
  }),
  p95PddSeconds: declareMeasure({
    type: 'Decimal',
    nullable: true,
    withoutCalls: null,
    label: 'PDD that 95 % of calls do not exceed',
    unit: 's',
    description:
      '95th percentile of the post-dial delay in seconds: at least 95 of 100 calls that have one waited no longer. It is ' +
      'the delay of one of them, exact. Null when none has one. It cannot be worked out from the percentiles of groups. ' +
      'Sorts the calls.',
    mergeable: false,
    partials: { percentile: percentile(0.95, 'xdrs.pdd', isReadable('xdrs.pdd')) },
    finish: (partials) => `trim_scale(${partials.percentile})`,
  }),
  durationSeconds: declareMeasure({
    type: 'Decimal',
    nullable: false,
    withoutCalls: 0,
    label: 'Seconds of conversation',
    unit: 's',
    description: 'Sum of real durations in seconds, exact: `minutes` is this divided by 60, and rounded.',
    mergeable: true,
    partials: { seconds },
    finish: (partials) => orZero(partials.seconds),
  }),
  billedSeconds: declareMeasure({
    type: 'BigInt',
    nullable: false,
    withoutCalls: 0,
    label: 'Billed seconds',
    unit: 's',
    description: 'Sum of billed seconds, exact: `billedMinutes` is this divided by 60, and rounded.',
    mergeable: true,
    partials: { billedSeconds },
    finish: (partials) => orZero(partials.billedSeconds),
  }),
  minutes: declareMeasure({
    type: 'Decimal',
    nullable: false,
    withoutCalls: 0,
    label: 'Minutes',
    unit: 'min',
    description: `Sum of real durations / 60. ${ROUNDED} \`durationSeconds\` is exact.`,
    mergeable: true,
    partials: { seconds },
    finish: (partials) => inMinutes(partials.seconds),
  }),
  billedMinutes: declareMeasure({
    type: 'Decimal',
    nullable: false,
    withoutCalls: 0,
    label: 'Billed minutes',
    unit: 'min',
    description: `Sum of billed seconds / 60. ${ROUNDED} \`billedSeconds\` is exact.`,
    mergeable: true,
    partials: { billedSeconds },
    finish: (partials) => inMinutes(partials.billedSeconds),
  }),
  chargedAmount: declareMeasure({
    type: 'Decimal',
    nullable: true,
    withoutCalls: 0,
    label: "Charged amount, in each account's own currency",
    description:
      'Sum of charged amounts, exact: of a Sippy, whose amounts are binary floating point, of their first 15 significant ' +
      'digits. Null where the calls of the group are in several currencies: amounts of different ' +
      'currencies are never added. `amountsByCurrency` has the sum of each; group by CURRENCY to compare or to order by ' +
      'it. Calls whose currency is unknown count as calls of a currency of their own.',
    mergeable: true,
    partials: { chargedAmount, least: leastCurrency, greatest: greatestCurrency },
    finish: (partials) =>
      `case when ${partials.least} is not distinct from ${partials.greatest} then ${orZero(partials.chargedAmount)} end`,
  }),
  shortCalls: declareMeasure({
    type: 'BigInt',
    nullable: false,
    withoutCalls: 0,
    label: 'Answered calls of 6 seconds or less',
    description: 'Answered calls of 6 seconds or less: a sign of diallers, or of false answers.',
    mergeable: true,
    partials: { short: count('xdrs.successful and xdrs.duration > 0 and xdrs.duration <= 6') },
    finish: ({ short }) => short,
  }),
  unreadableCalls: declareMeasure({
    type: 'BigInt',
    nullable: false,
    withoutCalls: 0,
    label: 'Calls with unreadable numbers',
    description:
      'Calls that sums and averages had to leave something out of: their duration, billed seconds, charged amount or ' +
      'post-dial delay is stored, and is no finite number (NaN, Infinity) or beyond its type. Such a value counts as ' +
      'missing everywhere in statistics, the other values of the call count.',
    mergeable: true,
    partials: {
      seconds,
      chargedAmount,
      pddSeconds,
      unreadable: {
        ...count(isSomeUnreadable),
        quick: {
          sql: `count(*)${only('xdrs.is_quantity_unreadable')}`,
          beside: ['xdrs.duration', 'xdrs.charged_amount', 'xdrs.pdd'],
        },
      },
    },
    finish: ({ unreadable }) => unreadable,
  }),
  peakCallsPerSecond: declareMeasure({
    type: 'BigInt',
    nullable: true,
    withoutCalls: 0,
    label: 'Peak call attempts per second',
    description:
      'The most attempts of the group whose setup time falls into the same second of the clock. 0 without calls, null ' +
      'when no setup time is known. The peak of several groups cannot be worked out from theirs: they may share a ' +
      'second. Takes a second pass over the calls.',
    mergeable: false,
    partials: {
      peak: { sql: 'max(seconds.attempts)', type: 'bigint', over: 'seconds', merge: null },
      attempts,
    },
    finish: (partials) => `coalesce(${partials.peak}, case when ${partials.attempts} = 0 then 0 end)`,
  }),
};

export type StatsMeasure = keyof typeof cdrMeasures;
export const statsMeasures = Object.keys(cdrMeasures) as readonly StatsMeasure[];

/** What a row of statistics can show beside its group: the measures, and what cannot be compared. */
export type StatsValue = StatsMeasure | 'amountsByCurrency';
export const statsValues: readonly StatsValue[] = [...statsMeasures, 'amountsByCurrency'];

/** A measure, where only what all have in common matters. */
export const cdrMeasure = (name: StatsMeasure): MeasureDeclaration => cdrMeasures[name];

type ValueOf<Declared> =
  Declared extends MeasureDeclaration<infer Type, infer Nullable>
    ? MeasureValues[Type] | (Nullable extends true ? null : never)
    : never;

/** The measures of a row of statistics. */
export type MeasuredValues = {
  readonly [Name in StatsMeasure]: ValueOf<(typeof cdrMeasures)[Name]>;
};
