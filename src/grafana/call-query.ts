import {
  type Choice,
  type ColumnDimension,
  type ColumnDimensionName,
  cdrDimensions,
  columnDimensionNames,
  type ListKind,
} from '../db/calls/cdr-dimensions.ts';
import { cdrFilters } from '../db/calls/cdr-filter.ts';
import { outcomes } from '../db/sources/sources.ts';
import { InvalidArgumentError } from '../errors.ts';
import type { CdrFilterArgument, FilterArguments } from '../resolvers/cdr-filter.ts';
import type { AdHocFilter } from './body.ts';
import { type Payload, parseTexts } from './payload.ts';

/** What may be grouped by, as a series per value or a row per value. */
export interface Dimension {
  readonly name: ColumnDimensionName;
  readonly label: string;
  /** Of the row of statistics. */
  readonly field: (typeof cdrDimensions)[ColumnDimensionName]['field'];
  /** How some of its values are chosen; without one it is only for tables. */
  readonly choice: Choice | undefined;
}

export const dimensions: readonly Dimension[] = columnDimensionNames.map((name) => {
  const { choice }: Pick<ColumnDimension, 'choice'> = cdrDimensions[name];
  const { label, field } = cdrDimensions[name];
  return { name, label, field, choice };
});

/** What calls may be filtered by, in the payload and as an ad hoc filter of the dashboard. */
export const choices: readonly Choice[] = dimensions.flatMap(({ choice }) => choice ?? []);

/** The fields of a payload that restrict the calls. */
export const filterFieldNames: readonly string[] = [...choices.map(({ key }) => key), 'cld'];

/** The values of a choice, which are texts to Grafana, as the argument of their filter. Throws InvalidArgumentError. */
const parsers: { readonly [Kind in ListKind]: (values: readonly string[]) => FilterArguments[Kind] } = {
  ids: (values) => values,
  texts: (values) => values,
  integers: (values) => values.map(parseCause),
  outcomes: (values) => values.map(parseOutcome),
};

const parserOf = ({ filter }: Choice) => parsers[cdrFilters[filter].kind];

/** The filter that keeps only the calls of these values. */
export function narrowTo(choice: Choice, values: readonly string[]): CdrFilterArgument {
  return { [choice.filter]: parserOf(choice)(values) };
}

/** Values as the filter has them: the same value can be written in several ways, such as `busy` and `BUSY`. */
const canonical = (choice: Choice, values: readonly string[]): readonly string[] =>
  parserOf(choice)(values).map(String);

/** The same of one value, for dimensions that have too many for a list. */
const narrowings: Partial<Readonly<Record<ColumnDimensionName, (value: string) => CdrFilterArgument>>> = {
  CLD: (value) => ({ cld: { is: value } }),
  REMOTE_IP: (value) => ({ remoteIp: value }),
};

/** Of so few values that the calls of all of them are read: there is no filter by them. */
const isOfFew = ({ name }: Dimension) => name === 'CURRENCY';

/** Whether it can be drawn as lines: its values are few, or there is a filter by them. */
export const canNarrow = (dimension: Dimension) =>
  dimension.choice !== undefined || isOfFew(dimension) || takesOneByOne(dimension);

/** Whether the filter has a part for each value, of which it takes not many. */
export const takesOneByOne = ({ name }: Dimension) => name in narrowings;

/** The filter that keeps of its calls only those of these values of the dimension. */
export function narrowToValues(
  filter: CdrFilterArgument,
  dimension: Dimension,
  values: readonly string[],
): CdrFilterArgument {
  const { name, choice } = dimension;
  if (isOfFew(dimension)) return filter;
  if (choice) return { ...filter, ...narrowTo(choice, values) };
  // Both must hold, what the filter has any of and these.
  const inside = filter.anyOf ? { anyOf: filter.anyOf } : {};
  return { ...filter, anyOf: values.map((value) => ({ ...inside, ...narrowings[name]!(value) })) };
}

/** Numbers that calls go to: each is a part of the filter. */
const MAX_NUMBERS = 20;

/**
 * The filter of a payload and of the dashboard together, without a time range. Filters of standbys are not
 * about calls and are passed over. Throws InvalidArgumentError.
 */
export function buildFilter(payload: Payload, adHoc: readonly AdHocFilter[]): CdrFilterArgument {
  const kept = new Map<Choice, readonly string[]>();
  const leftOut: CdrFilterArgument[] = [];
  for (const choice of choices) {
    const values = parseTexts(payload, choice.key);
    if (values) kept.set(choice, canonical(choice, values));
  }
  for (const { key, isNegative, values } of adHoc) {
    const choice = choices.find((one) => one.key === key);
    if (!choice) continue;
    if (isNegative) {
      leftOut.push(narrowTo(choice, values));
      continue;
    }
    const already = kept.get(choice);
    const wanted = canonical(choice, values);
    // Both must hold; a list of nothing matches nothing.
    kept.set(choice, already ? already.filter((value) => wanted.includes(value)) : wanted);
  }
  return Object.assign(
    {},
    ...[...kept].map(([choice, values]) => narrowTo(choice, values)),
    filterNumbers(parseTexts(payload, 'cld')),
    // A call of which the value is unknown does not match, and stays.
    leftOut.length > 0 && { not: leftOut.length === 1 ? leftOut[0] : { anyOf: leftOut } },
  );
}

function filterNumbers(beginnings: readonly string[] = []): CdrFilterArgument {
  if (beginnings.length > MAX_NUMBERS) {
    throw new InvalidArgumentError(`payload.cld may hold at most ${MAX_NUMBERS} numbers.`);
  }
  const filters = beginnings.map((startsWith) => ({ cld: { startsWith } }));
  return filters.length > 1 ? { anyOf: filters } : (filters[0] ?? {});
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
