import type { ObjectFieldBuilder } from '@pothos/core';
import type { GraphQLResolveInfo } from 'graphql';
import type { CurrencyAmount } from '../db/calls/cdr-currencies.ts';
import {
  type CdrDimension,
  type ColumnDimensionName,
  cdrDimensions,
  columnDimensionNames,
  wireOf,
} from '../db/calls/cdr-dimensions.ts';
import {
  cdrMeasure,
  type StatsMeasure,
  type StatsValue,
  statsMeasures,
  statsValues,
} from '../db/calls/cdr-measures.ts';
import type { CdrStatsRow } from '../db/calls/cdr-stats.ts';
import { type CdrStats, findCdrStats, type SelectedStats } from '../resolvers/cdr-stats.ts';
import { paced } from '../resolvers/paced.ts';
import { loadOwner } from '../resolvers/related.ts';
import { timestampOf } from '../resolvers/timestamps.ts';
import { shownText, shownValue } from '../resolvers/values.ts';
import { Account, Customer } from './accounts.ts';
import { builder } from './builder.ts';
import { CdrFilterInput } from './cdr-filter.ts';
import { fieldTypes } from './field-types.ts';
import { CallOutcomeEnum } from './outcomes.ts';
import { fieldsBelow, rootFields, selectedFields } from './selected-fields.ts';

const CdrDimensionEnum = builder.enumType('CdrDimension', {
  description: 'What calls are grouped by. Several at once are possible, but only one of time.',
  values: Object.fromEntries(
    Object.entries(cdrDimensions).map(([name, { description }]) => [name, { description }]),
  ) as Record<CdrDimension, { description: string }>,
});

const StatsMeasureEnum = builder.enumType('StatsMeasure', {
  description: 'What is measured of a group of calls: the fields of CdrStatsRow.',
  values: Object.fromEntries(
    statsMeasures.map((name) => [enumName(name), { value: name, description: cdrMeasure(name).description }]),
  ),
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
  description:
    'Orders groups by a measure; with `first`, the top N. Ties are broken by the dimensions, time first.',
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

type RowFields = ObjectFieldBuilder<typeof builder.$inferSchemaTypes, CdrStatsRow>;

const bucketField = (t: RowFields) =>
  t.field({
    type: 'DateTime',
    description: 'When grouped by time: the start of the hour, day, … as an instant in UTC.',
    resolve: (row) => timestampOf(row.bucket ?? null),
  });

function dimensionField(t: RowFields, name: ColumnDimensionName) {
  const { field } = cdrDimensions[name];
  const wire = wireOf(name);
  const options = {
    description: `When grouped by ${name}.`,
    resolve: (row: CdrStatsRow) => shownValue({ wire, nullable: true }, row[field] ?? null) as never,
  };
  if (name === 'OUTCOME') return t.field({ ...options, type: CallOutcomeEnum });
  return t.field({ ...options, type: fieldTypes[wire] });
}

function measureField(t: RowFields, name: StatsMeasure) {
  const { type, nullable, description } = cdrMeasure(name);
  return t.field({ type, nullable, description, resolve: (row) => row[name] });
}

const CurrencyAmountType = builder.objectRef<CurrencyAmount>('CurrencyAmount').implement({
  description: 'What the calls of a group were charged in one currency.',
  fields: (t) => ({
    currency: t.string({
      description:
        'ISO 4217, as `Cdr.currency`. Null: of the calls whose account is unknown, or whose account has none.',
      resolve: ({ currency }) => shownText(currency),
    }),
    chargedAmount: t.field({
      type: 'Decimal',
      nullable: false,
      description: 'Sum of charged amounts, exact.',
      resolve: ({ chargedAmount }) => chargedAmount,
    }),
    calls: t.field({
      type: 'BigInt',
      nullable: false,
      description: 'How many calls, charged or not.',
      resolve: ({ calls }) => calls,
    }),
  }),
});

const amountsField = (t: RowFields) =>
  t.field({
    type: [CurrencyAmountType],
    nullable: { list: false, items: false },
    description:
      'What was charged in each currency, by its name, the unknown one last. Empty without calls. A group that calls of ' +
      'several currencies are in has no `chargedAmount`, and these instead.',
    resolve: ({ amountsByCurrency }) => amountsByCurrency(),
  });

const CdrStatsRowType = builder.objectRef<CdrStatsRow>('CdrStatsRow').implement({
  description:
    'The measures of one group of calls. Flat, so that Grafana can plot it: a dimension is null unless grouped by.',
  fields: (t) => ({
    bucket: bucketField(t),
    ...Object.fromEntries(
      columnDimensionNames.map((name) => [cdrDimensions[name].field, dimensionField(t, name)]),
    ),
    account: t.field({
      type: Account,
      description: 'The account, when grouped by ACCOUNT. Looked up once per request, as `Cdr.account` is.',
      resolve: ({ accountId }, _args, context) => loadOwner('account', accountId, context) as never,
    }),
    customer: t.field({
      type: Customer,
      description: 'The customer, when grouped by CUSTOMER.',
      resolve: ({ customerId }, _args, context) => loadOwner('customer', customerId, context) as never,
    }),
    ...Object.fromEntries(statsMeasures.map((name) => [name, measureField(t, name)])),
    amountsByCurrency: amountsField(t),
  }),
});

const CdrStatsType = builder.objectRef<CdrStats>('CdrStats').implement({
  description:
    'Statistics of calls. Sums are exact; ratios are null, not 0, where there is nothing to divide by. A stored value that ' +
    'is no finite number counts as missing: see `unreadableCalls`.',
  fields: (t) => ({
    rows: t.field({
      type: [CdrStatsRowType],
      nullable: { list: false, items: false },
      description: 'One row per group that has calls; groups without calls are absent.',
      extensions: { records: true },
      resolve: async (stats, _args, _context, info) => paced(await stats.rows(valuesIn(info))) as never,
    }),
    totals: t.field({
      type: CdrStatsRowType,
      nullable: false,
      description: 'All calls of the filter as one group, whatever `having` and `first` leave out of `rows`.',
      resolve: (stats, _args, _context, info) => stats.totals(valuesIn(info)),
    }),
  }),
});

builder.queryField('cdrStats', (t) =>
  t.field({
    type: CdrStatsType,
    nullable: true,
    description:
      'Counts, ratios and sums over calls, grouped by time and by what the calls have in common. `rows` alone with ' +
      '`Accept: text/csv` or `application/x-ndjson` is a file. Null when it alone failed, beside its error.',
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
      orderBy: t.arg({
        type: StatsOrderInput,
        description: 'By the dimensions when missing: time first, then as `groupBy` has them.',
      }),
      first: t.arg.int({
        description: 'At most so many groups, from the top of the order. All when missing.',
      }),
    },
    resolve: (_root, args, context, info) => findCdrStats(context, args, selectedStats(info)),
  }),
);

/** Only what is selected is computed. */
function valuesIn(info: GraphQLResolveInfo): StatsValue[] {
  const fields = selectedFields(info);
  return statsValues.filter((name) => fields.has(name));
}

/** Roots that read no calls. */
const BESIDE: ReadonlySet<string> = new Set(['__typename', 'viewer', 'replicationStatus']);

/** Undefined where the operation reads calls beside them. */
function selectedStats(info: GraphQLResolveInfo): SelectedStats | undefined {
  const reading = rootFields(info).filter((name) => !BESIDE.has(name));
  if (reading.length !== 1) return undefined;
  const fields = selectedFields(info);
  const below = fieldsBelow(info);
  return {
    parts: (['rows', 'totals'] as const).filter((name) => fields.has(name)),
    values: statsValues.filter((name) => below.has(name)),
  };
}

/** chargedAmount → CHARGED_AMOUNT */
function enumName(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}
