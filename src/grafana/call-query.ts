import type { CdrDimension } from '../db/calls/cdr-stats.ts';
import { outcomes } from '../db/sources/sources.ts';
import { InvalidArgumentError } from '../errors.ts';
import type { CdrFilterArgument } from '../resolvers/cdr-filter.ts';
import type { AdHocFilter, JsonObject } from './body.ts';
import { parseText, parseTexts } from './payload.ts';

/** What calls may be filtered by, in the payload and as an ad hoc filter of the dashboard. */
type FilterKey = 'account' | 'customer' | 'country' | 'cause' | 'outcome';

type FilterValues = Pick<
  CdrFilterArgument,
  'accountIds' | 'customerIds' | 'countries' | 'disconnectCauses' | 'outcomes'
>;

/** What may be grouped by, as a series per value or a row per value. */
export interface Dimension {
  readonly name: CdrDimension;
  readonly label: string;
  /** Of the row of statistics, and of a table's column. */
  readonly field: 'accountId' | 'customerId' | 'country' | 'prefix' | 'cld' | 'disconnectCause' | 'outcome';
  /** The filter that chooses some of its values; without one it is only for tables. */
  readonly key?: FilterKey;
}

export const dimensions: readonly Dimension[] = [
  { name: 'ACCOUNT', label: 'Account', field: 'accountId', key: 'account' },
  { name: 'CUSTOMER', label: 'Customer', field: 'customerId', key: 'customer' },
  { name: 'COUNTRY', label: 'Country', field: 'country', key: 'country' },
  { name: 'PREFIX', label: 'Prefix', field: 'prefix' },
  { name: 'CLD', label: 'Called number', field: 'cld' },
  { name: 'DISCONNECT_CAUSE', label: 'Disconnect cause', field: 'disconnectCause', key: 'cause' },
  { name: 'OUTCOME', label: 'Outcome', field: 'outcome', key: 'outcome' },
];

/** How the values of a key become part of the filter. Throws InvalidArgumentError. */
const narrowings: Readonly<Record<FilterKey, (values: readonly string[]) => FilterValues>> = {
  account: (values) => ({ accountIds: values }),
  customer: (values) => ({ customerIds: values }),
  country: (values) => ({ countries: values }),
  cause: (values) => ({ disconnectCauses: values.map(parseCause) }),
  outcome: (values) => ({ outcomes: values.map(parseOutcome) }),
};
export const filterKeys = Object.keys(narrowings) as FilterKey[];

/** A value of a dimension as the filter that keeps only its calls. */
export function narrowTo(key: FilterKey, values: readonly string[]): FilterValues {
  return narrowings[key](values);
}

/**
 * The filter of a payload and of the dashboard together, without a time range. Filters of standbys are not
 * about calls and are passed over. Throws InvalidArgumentError.
 */
export function buildFilter(payload: JsonObject, adHoc: readonly AdHocFilter[]): CdrFilterArgument {
  const chosen = new Map<FilterKey, readonly string[]>();
  for (const key of filterKeys) {
    const values = parseTexts(payload, key);
    if (values) chosen.set(key, values);
  }
  for (const { key, isNegative, values } of adHoc) {
    if (!isFilterKey(key)) continue;
    if (isNegative)
      throw new InvalidArgumentError(`Filter "${key}": calls can be filtered with = and =| only.`);
    const already = chosen.get(key);
    // Both must hold; a list of nothing matches nothing.
    chosen.set(key, already ? already.filter((value) => values.includes(value)) : values);
  }
  const startsWith = parseText(payload, 'cld');
  const parts = [...chosen].map(([key, values]) => narrowTo(key, values));
  return Object.assign({}, ...parts, startsWith === undefined ? {} : { cld: { startsWith } });
}

export function isFilterKey(key: string): key is FilterKey {
  return (filterKeys as string[]).includes(key);
}

function parseCause(text: string): number {
  if (/^-?\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError(`A disconnect cause is a whole number, not "${text.slice(0, 40)}".`);
}

function parseOutcome(text: string): string {
  const found = outcomes.find((outcome) => outcome === text.toUpperCase());
  if (found) return found;
  throw new InvalidArgumentError(`An outcome is one of ${outcomes.join(', ')}, not "${text.slice(0, 40)}".`);
}
