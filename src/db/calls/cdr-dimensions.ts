import { type RawBuilder, sql } from 'kysely';
import { type CdrColumnName, cdrColumn, type cdrColumns, type WireType } from '../sources/cdr-columns.ts';
import type { AccountsModel, XdrsModel } from '../sources/model.ts';
import type { CdrFilterName, FilterKindOf } from './cdr-filter.ts';
import { type BucketUnit, bucketKey, bucketStart } from './time-buckets.ts';
import type { TimeZone } from './time-zones.ts';

/** What calls are grouped by: an enum value of GraphQL, and a field of the rows of statistics. */
interface Dimension {
  /** As clients read it in the schema. */
  readonly description: string;
}

/** Columns that calls can be grouped by as they are. */
type GroupedColumn = {
  [Name in CdrColumnName]: (typeof cdrColumns)[Name]['wire'] extends 'timestamp' ? never : Name;
}[CdrColumnName];

/** A column of the calls, as it is. */
export interface ColumnDimension<Column extends CdrColumnName = CdrColumnName, Field extends string = string>
  extends Dimension {
  readonly kind: 'column';
  readonly column: Column;
  readonly field: Field;
  /** Of a choice or a column. */
  readonly label: string;
  readonly choice?: Choice;
}

/** A column of the account that the call is charged to: statements that group by it read the table of accounts, too. */
export interface AccountDimension<
  Column extends keyof AccountsModel = keyof AccountsModel,
  Field extends string = string,
> extends Dimension {
  readonly kind: 'account';
  readonly column: Column;
  readonly field: Field;
  readonly label: string;
  readonly choice?: undefined;
}

/** How some of a dimension's values are chosen. Without it there are too many for a list, or for a line each. */
export interface Choice {
  readonly filter: ListFilterName;
  /** In Grafana's payloads and ad hoc filters. */
  readonly key: string;
  /** In Grafana, the variable that lists the values. */
  readonly variable: string;
}

/** The filters that take a list of values. */
export type ListFilterName = {
  [Name in CdrFilterName]: FilterKindOf<Name> extends ListKind ? Name : never;
}[CdrFilterName];
export type ListKind = 'ids' | 'texts' | 'integers' | 'outcomes';

/** Connect time, cut into buckets by the clock or the calendar of a zone: `bucket` of a row is when its bucket begins. */
export interface TimeDimension extends Dimension, BucketUnit {
  readonly kind: 'time';
}

export type CalendarUnit = Exclude<BucketUnit['unit'], 'clock'>;

/** Seconds of an hour, or of an equal part of one. */
const clock = (seconds: number, description: string): TimeDimension => ({
  kind: 'time',
  unit: 'clock',
  seconds,
  description,
});

const calendar = (unit: CalendarUnit, days: number, description: string): TimeDimension => ({
  kind: 'time',
  unit,
  seconds: days * 86_400,
  description,
});

const column = <Column extends GroupedColumn, const Field extends string>(
  name: Column,
  declaration: Omit<ColumnDimension<Column, Field>, 'kind' | 'column'>,
): ColumnDimension<Column, Field> => ({ kind: 'column', column: name, ...declaration });

const ofAccount = <Column extends keyof AccountsModel, const Field extends string>(
  name: Column,
  declaration: Omit<AccountDimension<Column, Field>, 'kind' | 'column'>,
): AccountDimension<Column, Field> => ({ kind: 'account', column: name, ...declaration });

/** What calls can be grouped by: the values of `CdrDimension` in GraphQL. A row is all there is to a dimension. */
export const cdrDimensions = {
  MINUTE: clock(60, 'Minute of connect time, in `timeZone`.'),
  QUARTER_HOUR: clock(900, 'Quarter of an hour of connect time, in `timeZone`.'),
  HOUR: clock(3600, 'Hour of connect time, in `timeZone`. A day has 23 or 25 of them when clocks change.'),
  DAY: calendar('day', 1, 'Day of connect time, from midnight to midnight in `timeZone`.'),
  WEEK: calendar('week', 7, 'ISO week of connect time, from Monday, in `timeZone`.'),
  MONTH: calendar('month', 30, 'Month of connect time, in `timeZone`.'),
  ACCOUNT: column('i_account', {
    field: 'accountId',
    label: 'Account',
    description: 'Account charged.',
    choice: { filter: 'accountIds', key: 'account', variable: 'accounts' },
  }),
  CUSTOMER: column('i_customer', {
    field: 'customerId',
    label: 'Customer',
    description: 'Customer who owns the account.',
    choice: { filter: 'customerIds', key: 'customer', variable: 'customers' },
  }),
  CURRENCY: ofAccount('currency', {
    field: 'currency',
    label: 'Currency',
    description:
      'Currency of the amounts, which is that of the account: `Cdr.currency`. Null where it is unknown.',
  }),
  COUNTRY: column('country', {
    field: 'country',
    label: 'Country',
    description: 'Country of the called number.',
    choice: { filter: 'countries', key: 'country', variable: 'countries' },
  }),
  REGION: column('region', {
    field: 'region',
    label: 'Region',
    description: 'Region of the called number, as `Cdr.region` shows it.',
    choice: { filter: 'regions', key: 'region', variable: 'regions' },
  }),
  PREFIX: column('prefix', {
    field: 'prefix',
    label: 'Prefix',
    description: 'Rate prefix of the called number.',
    choice: { filter: 'prefixes', key: 'prefix', variable: 'prefixes' },
  }),
  CLD: column('cld', { field: 'cld', label: 'Called number', description: 'Called number.' }),
  REMOTE_IP: column('remote_ip', {
    field: 'remoteIp',
    label: 'Remote address',
    description: 'Address the call came from.',
  }),
  DISCONNECT_CAUSE: column('disconnect_cause', {
    field: 'disconnectCause',
    label: 'Disconnect cause',
    description: 'Cause, as `Cdr.disconnectCause` shows it.',
    choice: { filter: 'disconnectCauses', key: 'cause', variable: 'causes' },
  }),
  RELEASE_SOURCE: column('release_source', {
    field: 'releaseSource',
    label: 'Who hung up',
    description: 'Who hung up, as `Cdr.releaseSource` shows it.',
    choice: { filter: 'releaseSources', key: 'release', variable: 'releases' },
  }),
  OUTCOME: column('outcome', {
    field: 'outcome',
    label: 'Outcome',
    description: 'What became of the call.',
    choice: { filter: 'outcomes', key: 'outcome', variable: 'outcomes' },
  }),
};

type Dimensions = typeof cdrDimensions;
export type CdrDimension = keyof Dimensions;
export type TimeDimensionName = {
  [Name in CdrDimension]: Dimensions[Name] extends TimeDimension ? Name : never;
}[CdrDimension];
export type ColumnDimensionName = Exclude<CdrDimension, TimeDimensionName>;

type ValueOf<Declared> =
  Declared extends ColumnDimension<infer Column>
    ? XdrsModel[Column]
    : Declared extends AccountDimension<infer Column>
      ? AccountsModel[Column]
      : never;

/** The values that a row of statistics is of. What it is not grouped by is missing. */
export type GroupValues = {
  readonly [Name in ColumnDimensionName as Dimensions[Name]['field']]?: ValueOf<Dimensions[Name]>;
} & { readonly bucket?: string | null };

/** A dimension, where only what all of them have in common matters. */
export const cdrDimension = (name: CdrDimension): TimeDimension | ColumnDimension | AccountDimension =>
  cdrDimensions[name];

const dimensionNames = Object.keys(cdrDimensions) as readonly CdrDimension[];
export const timeDimensionNames = dimensionNames.filter(isTimeDimension);
export const columnDimensionNames = dimensionNames.filter(isColumnDimension);

export function isTimeDimension(name: CdrDimension): name is TimeDimensionName {
  return cdrDimensions[name].kind === 'time';
}

function isColumnDimension(name: CdrDimension): name is ColumnDimensionName {
  return cdrDimensions[name].kind !== 'time';
}

/** Whether the calls are grouped by something that only the table of accounts knows. */
export function isAccountDimension(name: CdrDimension): boolean {
  return cdrDimensions[name].kind === 'account';
}

/** Whether its values are numbers of persons, or begin with their digits. */
export function isNumberDimension(name: CdrDimension): boolean {
  const dimension = cdrDimension(name);
  return dimension.kind === 'column' && cdrColumn(dimension.column).isNumber === true;
}

/** The way the values of a dimension travel. */
export function wireOf(name: ColumnDimensionName): WireType {
  const dimension = cdrDimensions[name];
  return dimension.kind === 'column' ? cdrColumn(dimension.column).wire : 'text';
}

/** The field of a row of statistics that says its group. */
export function groupField(name: CdrDimension): string {
  const dimension = cdrDimension(name);
  return dimension.kind === 'time' ? 'bucket' : dimension.field;
}

/** What the calls `xdrs` are grouped by, or their `accounts`. */
export function groupKey(
  name: CdrDimension,
  given: { readonly timeZone: TimeZone; readonly isWithinRange: boolean },
): RawBuilder<unknown> {
  const dimension = cdrDimension(name);
  if (dimension.kind === 'time') return bucketKey(dimension, sql.ref('xdrs.connect_time'), given);
  return sql.ref(`${dimension.kind === 'column' ? 'xdrs' : 'accounts'}.${dimension.column}`);
}

/** The same of an instant, for one of time. */
export function timeKey(
  name: TimeDimensionName,
  instant: RawBuilder<unknown>,
  given: { readonly timeZone: TimeZone; readonly isWithinRange: boolean },
): RawBuilder<unknown> {
  return bucketKey(cdrDimensions[name], instant, given);
}

/** What is shown of a group, given what it was grouped by. */
export function groupShown(
  name: CdrDimension,
  key: RawBuilder<unknown>,
  timeZone: TimeZone,
): RawBuilder<unknown> {
  const dimension = cdrDimension(name);
  return dimension.kind === 'time' ? bucketStart(dimension, key, timeZone) : key;
}
