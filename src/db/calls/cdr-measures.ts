import type { CallColumn } from '../sources/model.ts';

/**
 * What is measured of a group of calls. Sums are numeric, never float: their order does not matter and nothing is lost.
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
  /**
   * What SQL sees of the group: the relation `xdrs` of its calls, or the relation `seconds` of the seconds in which some
   * of them were set up, each with its `attempts`. The latter takes a pass of its own over the calls.
   */
  readonly over: 'calls' | 'seconds';
  /** The aggregate over a column of partials; null where the value of two groups says nothing of both together. */
  readonly merge: ((column: string) => string) | null;
}

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
const isAnswered = 'xdrs.successful and coalesce(xdrs.duration > 0, false)';

const count = (condition?: string): MergeableAggregate => ({
  sql: `count(*)${only(condition)}`,
  over: 'calls',
  merge: (column) => `coalesce(sum(${column}), 0)::int8`,
});

const countOf = (column: CallColumn): MergeableAggregate => ({ ...count(), sql: `count(${column})` });

/** Null without a value to add. */
const sum = (column: CallColumn, condition?: string): MergeableAggregate => ({
  sql: `sum(${column})${only(condition)}`,
  over: 'calls',
  merge: (partials) => `sum(${partials})`,
});

const only = (condition: string | undefined) =>
  condition === undefined ? '' : ` filter (where ${condition})`;

const attempts = count();
const answered = count(isAnswered);

/** The least value that so large a part of the calls do not exceed. It is one of theirs, and so exact. */
const percentile = (part: number, column: CallColumn, condition?: string): Aggregate => ({
  sql: `percentile_disc(${part}) within group (order by ${column})${only(condition)}`,
  over: 'calls',
  merge: null,
});

const perCent = (part: string, whole: string) => `(100.0 * ${part} / nullif(${whole}, 0))::float8`;
const average = (total: string, number: string) => `(${total} / nullif(${number}, 0))::float8`;
const inMinutes = (seconds: string) => `trim_scale(coalesce(${seconds}, 0)::numeric / 60)`;

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
    description: 'Calls that were successful (Q.850 cause 16, or none recorded) and had a duration above 0.',
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
    description: 'Average call duration: seconds of answered calls / answered. Null without answered calls.',
    mergeable: true,
    partials: { seconds: sum('xdrs.duration', isAnswered), answered },
    finish: (partials) => average(partials.seconds, partials.answered),
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
    description: 'Average post-dial delay in seconds, over the calls that have one. Null when none has.',
    mergeable: true,
    partials: { seconds: sum('xdrs.pdd'), known: countOf('xdrs.pdd') },
    finish: ({ seconds, known }) => average(seconds, known),
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
    partials: { percentile: percentile(0.95, 'xdrs.pdd') },
    finish: (partials) => `trim_scale(${partials.percentile})`,
  }),
  minutes: declareMeasure({
    type: 'Decimal',
    nullable: false,
    withoutCalls: 0,
    label: 'Minutes',
    unit: 'min',
    description: 'Sum of real durations / 60, exact.',
    mergeable: true,
    partials: { seconds: sum('xdrs.duration') },
    finish: ({ seconds }) => inMinutes(seconds),
  }),
  billedMinutes: declareMeasure({
    type: 'Decimal',
    nullable: false,
    withoutCalls: 0,
    label: 'Billed minutes',
    unit: 'min',
    description: 'Sum of billed seconds / 60, exact.',
    mergeable: true,
    partials: { seconds: sum('xdrs.charged_quantity') },
    finish: ({ seconds }) => inMinutes(seconds),
  }),
  chargedAmount: declareMeasure({
    type: 'Decimal',
    nullable: false,
    withoutCalls: 0,
    label: "Charged amount, in each account's own currency",
    description:
      "Sum of charged amounts, exact. Only meaningful within one currency: amounts are in each account's own.",
    mergeable: true,
    partials: { amount: sum('xdrs.charged_amount') },
    finish: ({ amount }) => `coalesce(${amount}, 0)`,
  }),
  shortCalls: declareMeasure({
    type: 'BigInt',
    nullable: false,
    withoutCalls: 0,
    label: 'Answered calls of 6 seconds or less',
    description: 'Answered calls of 6 seconds or less: a sign of diallers, or of false answers.',
    mergeable: true,
    partials: { short: count(`${isAnswered} and xdrs.duration <= 6`) },
    finish: ({ short }) => short,
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
    partials: { peak: { sql: 'max(seconds.attempts)', over: 'seconds', merge: null }, attempts },
    finish: (partials) => `coalesce(${partials.peak}, case when ${partials.attempts} = 0 then 0 end)`,
  }),
};

export type StatsMeasure = keyof typeof cdrMeasures;
export const statsMeasures = Object.keys(cdrMeasures) as readonly StatsMeasure[];

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
