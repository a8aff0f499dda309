import type { GraphQLResolveInfo } from 'graphql';
import type { CdrStatsRow, StatsMeasure } from '../db/calls/cdr-stats.ts';
import { type CdrStats, findCdrStats } from '../resolvers/cdr-stats.ts';
import { timestampOf } from '../resolvers/timestamps.ts';
import { builder } from './builder.ts';
import { CdrFilterInput } from './cdr-filter.ts';
import { CallOutcomeEnum } from './outcomes.ts';
import { selectedFields } from './selected-fields.ts';

const CdrDimensionEnum = builder.enumType('CdrDimension', {
  description: 'What calls are grouped by. Several at once are possible, but only one of time.',
  values: {
    HOUR: {
      description: 'Hour of connect time, in `timeZone`. A day has 23 or 25 of them when clocks change.',
    },
    DAY: { description: 'Day of connect time, from midnight to midnight in `timeZone`.' },
    WEEK: { description: 'ISO week of connect time, from Monday, in `timeZone`.' },
    MONTH: { description: 'Month of connect time, in `timeZone`.' },
    ACCOUNT: { description: 'Account charged.' },
    CUSTOMER: { description: 'Customer who owns the account.' },
    COUNTRY: { description: 'Country of the called number.' },
    PREFIX: { description: 'Rate prefix of the called number.' },
    CLD: { description: 'Called number.' },
    DISCONNECT_CAUSE: { description: 'Cause, as `Cdr.disconnectCause` shows it.' },
    OUTCOME: { description: 'What became of the call.' },
  } as const,
});

/** One line per measure: the description is that of the field, of the enum value, and of nothing else. */
const measureDescriptions = {
  attempts: 'All calls of the group, answered or not.',
  answered: 'Calls that were successful (Q.850 cause 16, or none recorded) and had a duration above 0.',
  failed: 'Attempts that were not answered.',
  asr: 'Answer-seizure ratio in per cent: 100 × answered / attempts. Null without attempts.',
  ner: 'Network effectiveness ratio in per cent: 100 × (answered + busy + no answer + rejected + cancelled) / attempts with a known outcome. Null when no outcome is known.',
  acdSeconds: 'Average call duration: seconds of answered calls / answered. Null without answered calls.',
  pddSeconds: 'Average post-dial delay in seconds, over the calls that have one. Null when none has.',
  minutes: 'Sum of real durations / 60, exact.',
  billedMinutes: 'Sum of billed seconds / 60, exact.',
  chargedAmount:
    "Sum of charged amounts, exact. Only meaningful within one currency: amounts are in each account's own.",
  shortCalls: 'Answered calls of 6 seconds or less: a sign of diallers, or of false answers.',
} as const satisfies Record<StatsMeasure, string>;

const StatsMeasureEnum = builder.enumType('StatsMeasure', {
  description: 'What is measured of a group of calls: the fields of CdrStatsRow.',
  values: Object.fromEntries(
    Object.entries(measureDescriptions).map(([name, description]) => [
      enumName(name),
      { value: name, description },
    ]),
  ) as Record<string, { value: StatsMeasure; description: string }>,
});

const SortDirectionEnum = builder.enumType('SortDirection', {
  description: 'Which end comes first. Groups where the measure is null come last either way.',
  values: { ASC: { description: 'Smallest first.' }, DESC: { description: 'Largest first.' } } as const,
});

const StatsConditionInput = builder.inputType('StatsCondition', {
  description:
    'Keeps only groups whose measure fulfils every given part. A measure that is null fulfils none.',
  fields: (t) => ({
    measure: t.field({ type: StatsMeasureEnum, required: true, description: 'What is compared.' }),
    is: t.field({ type: 'Decimal', description: 'Equal to.' }),
    atLeast: t.field({ type: 'Decimal', description: 'Greater than or equal to.' }),
    atMost: t.field({ type: 'Decimal', description: 'Less than or equal to.' }),
    moreThan: t.field({ type: 'Decimal', description: 'Greater than.' }),
    lessThan: t.field({ type: 'Decimal', description: 'Less than.' }),
  }),
});

const StatsOrderInput = builder.inputType('StatsOrder', {
  description: 'Orders groups by a measure; with `first`, the top N. Ties are broken by the dimensions.',
  fields: (t) => ({
    measure: t.field({ type: StatsMeasureEnum, required: true, description: 'What is compared.' }),
    direction: t.field({
      type: SortDirectionEnum,
      required: true,
      defaultValue: 'DESC',
      description: 'Which end comes first.',
    }),
  }),
});

const CdrStatsRowType = builder.objectRef<CdrStatsRow>('CdrStatsRow').implement({
  description:
    'The measures of one group of calls. Flat, so that Grafana can plot it: a dimension is null unless grouped by.',
  fields: (t) => {
    const count = (name: 'attempts' | 'answered' | 'failed' | 'shortCalls') =>
      t.expose(name, { type: 'BigInt', nullable: false, description: measureDescriptions[name] });
    const ratio = (name: 'asr' | 'ner' | 'acdSeconds' | 'pddSeconds') =>
      t.exposeFloat(name, { description: measureDescriptions[name] });
    const sum = (name: 'minutes' | 'billedMinutes' | 'chargedAmount') =>
      t.expose(name, { type: 'Decimal', nullable: false, description: measureDescriptions[name] });
    return {
      bucket: t.field({
        type: 'DateTime',
        description: 'Start of the hour, day, week or month, as an instant in UTC.',
        resolve: (row) => timestampOf(row.bucket ?? null),
      }),
      accountId: t.exposeID('accountId', { nullable: true, description: 'When grouped by ACCOUNT.' }),
      customerId: t.exposeID('customerId', { nullable: true, description: 'When grouped by CUSTOMER.' }),
      country: t.exposeString('country', { description: 'When grouped by COUNTRY.' }),
      prefix: t.exposeString('prefix', { description: 'When grouped by PREFIX.' }),
      cld: t.exposeString('cld', { description: 'When grouped by CLD.' }),
      disconnectCause: t.exposeInt('disconnectCause', { description: 'When grouped by DISCONNECT_CAUSE.' }),
      outcome: t.field({
        type: CallOutcomeEnum,
        description: 'When grouped by OUTCOME.',
        resolve: (row) => (row.outcome ?? null) as never,
      }),
      attempts: count('attempts'),
      answered: count('answered'),
      failed: count('failed'),
      asr: ratio('asr'),
      ner: ratio('ner'),
      acdSeconds: ratio('acdSeconds'),
      pddSeconds: ratio('pddSeconds'),
      minutes: sum('minutes'),
      billedMinutes: sum('billedMinutes'),
      chargedAmount: sum('chargedAmount'),
      shortCalls: count('shortCalls'),
    };
  },
});

const CdrStatsType = builder.objectRef<CdrStats>('CdrStats').implement({
  description:
    'Statistics of calls. Sums are exact; ratios are null, not 0, where there is nothing to divide by.',
  fields: (t) => ({
    rows: t.field({
      type: [CdrStatsRowType],
      nullable: { list: false, items: false },
      description: 'One row per group that has calls; groups without calls are absent.',
      resolve: (stats, _args, _context, info) => stats.rows(measuresIn(info)),
    }),
    totals: t.field({
      type: CdrStatsRowType,
      nullable: false,
      description: 'All calls of the filter as one group, whatever `having` and `first` leave out of `rows`.',
      resolve: (stats, _args, _context, info) => stats.totals(measuresIn(info)),
    }),
  }),
});

builder.queryField('cdrStats', (t) =>
  t.field({
    type: CdrStatsType,
    nullable: false,
    description: 'Counts, ratios and sums over calls, grouped by time and by what the calls have in common.',
    args: {
      filter: t.arg({ type: CdrFilterInput, description: 'Which calls; all that you may see when missing.' }),
      groupBy: t.arg({
        type: [CdrDimensionEnum],
        description: 'One row per combination. One row for all when missing.',
      }),
      timeZone: t.arg.string({
        required: true,
        defaultValue: 'UTC',
        description: 'IANA name of the zone that hours, days, weeks and months are cut in: "Europe/Paris".',
      }),
      having: t.arg({
        type: [StatsConditionInput],
        description: 'Keeps only the groups that fulfil all of these.',
      }),
      orderBy: t.arg({ type: StatsOrderInput, description: 'By the dimensions when missing, time first.' }),
      first: t.arg.int({
        description: 'At most so many groups, from the top of the order. All when missing.',
      }),
    },
    resolve: (_root, args, context) => findCdrStats(context, args),
  }),
);

/** Only what is asked for is computed. */
function measuresIn(info: GraphQLResolveInfo): StatsMeasure[] {
  const fields = selectedFields(info);
  return (Object.keys(measureDescriptions) as StatsMeasure[]).filter((name) => fields.has(name));
}

/** chargedAmount → CHARGED_AMOUNT */
function enumName(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}
