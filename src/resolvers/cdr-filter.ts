import type { Principal } from '../access/principals.ts';
import { checkPermission } from '../access/roles.ts';
import {
  type CdrFilter,
  type CdrFilterName,
  declarationOf,
  type FilterKind,
  type FilterKindOf,
  type FilterValues,
  type NumberMatch,
} from '../db/calls/cdr-filter.ts';
import { microsOfRfc3339, postgresOfMicros } from '../db/timestamps.ts';
import { InvalidArgumentError, InvalidTimeRangeError } from '../errors.ts';

/** What GraphQL hands over for a filter of each kind: its types are checked, its meaning is not. */
export interface FilterArguments extends Omit<FilterValues, 'instant'> {
  readonly instant: InstantArgument;
}

/** Microseconds since 1970; in an object, where they were given as a number of milliseconds. */
export type InstantArgument = bigint | { readonly micros: bigint; readonly isNumber: true };

type CdrFilterParts = {
  readonly [Name in CdrFilterName]?: FilterArguments[FilterKindOf<Name>] | null;
};

/** `CdrFilter` as GraphQL hands it over. */
export interface CdrFilterArgument extends CdrFilterParts {
  readonly not?: CdrFilterArgument | null;
  readonly anyOf?: readonly CdrFilterArgument[] | null;
}

/** Filters within one another, and all of them together: each is planned for every page. */
export const MAX_FILTER_DEPTH = 10;
export const MAX_FILTERS = 50;

const MAX_VALUES = 10_000;
/** No switch wrote calls before, and no filter of ours reaches further. */
const MIN_INSTANT_MICROS = microsOfRfc3339('1970-01-01T00:00:00Z')!;
const MAX_INSTANT_MICROS = microsOfRfc3339('2200-01-01T00:00:00Z')!;
/** The seconds of all years up to 2200 lie below, were they milliseconds, and no call does. */
const MIN_NUMBER_MICROS = microsOfRfc3339('1971-01-01T00:00:00Z')!;

/** Where in the request a value stands, and what its filter says of it. */
interface Place {
  readonly where: string;
  readonly maxCharacters: number;
}

/**
 * Holds a value of each kind to its meaning, and gives it its one spelling, so that filters which mean the same are the
 * same list. Undefined: it restricts nothing. Throws InvalidArgumentError or InvalidTimeRangeError.
 */
const parsers: {
  readonly [Kind in FilterKind]: (
    argument: FilterArguments[Kind],
    place: Place,
  ) => FilterValues[Kind] | undefined;
} = {
  ids: (ids, { where }) => parseList(ids, where, (id) => parseId(id, where)),
  texts: (texts, place) => parseList(texts, place.where, (text) => parseText(text, place)),
  integers: (integers, { where }) => parseList(integers, where, (integer) => integer),
  outcomes: (outcomes, { where }) => parseList(outcomes, where, (outcome) => outcome),
  text: parseText,
  number: parseNumberMatch,
  callType: (type) => (type === 'ALL' ? undefined : type),
  decimal: parseDecimal,
  instant: parseInstant,
};

/**
 * Checks what GraphQL's types cannot, and that the principal may search by it. Throws InvalidArgumentError,
 * InvalidTimeRangeError or ForbiddenError.
 */
export function parseFilter(
  argument: CdrFilterArgument | null | undefined,
  principal: Pick<Principal, 'role'>,
): CdrFilter {
  let count = 0;

  const parse = ({ not, anyOf, ...parts }: CdrFilterArgument, where: string, depth: number): CdrFilter => {
    count++;
    if (depth > MAX_FILTER_DEPTH || count > MAX_FILTERS) throw tooManyFilters();
    const filter: { [Name in CdrFilterName]?: FilterValues[FilterKindOf<Name>] } = {};
    for (const name of Object.keys(parts) as CdrFilterName[]) {
      // What is masked could otherwise be found digit by digit.
      const isNumber = parts[name] != null && declarationOf(name).kind === 'number';
      if (isNumber) checkPermission(principal, 'NUMBERS', `${where}.${name}`);
      parsePart(name, parts, filter, where);
    }
    checkRange(parts.from, parts.to);
    return {
      ...filter,
      ...(anyOf != null && {
        anyOf: anyOf.map((each, index) => parse(each, `${where}.anyOf[${index}]`, depth + 1)),
      }),
      ...(not != null && { not: parse(not, `${where}.not`, depth + 1) }),
    };
  };

  return parse(argument ?? {}, 'filter', 0);
}

function tooManyFilters(): InvalidArgumentError {
  return new InvalidArgumentError(
    `filter: at most ${MAX_FILTERS} filters, and ${MAX_FILTER_DEPTH} within one another, by "not" and "anyOf".`,
  );
}

function parsePart<Name extends CdrFilterName>(
  name: Name,
  argument: CdrFilterParts,
  filter: { [Part in Name]?: FilterValues[FilterKindOf<Part>] | null },
  where: string,
): void {
  const given = argument[name];
  if (given == null) return;
  const { kind, maxCharacters } = declarationOf(name);
  filter[name] = parsers[kind](given, { where: `${where}.${name}`, maxCharacters });
}

/** Whether it is a bigint in its one spelling: no sign of a number above zero, no leading zeros. */
export function isId(text: string): boolean {
  return /^(0|-?[1-9]\d{0,18})$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text);
}

/** Throws InvalidArgumentError unless it is an id. */
export function parseId(id: string, where: string): string {
  if (isId(id)) return id;
  throw new InvalidArgumentError(
    `${where}: "${id.slice(0, 40)}" is not an id. Ids are whole numbers, such as "14".`,
  );
}

/** Each value once. */
function parseList<Value>(
  values: readonly Value[],
  where: string,
  parse: (value: Value) => Value,
): readonly Value[] {
  if (values.length > MAX_VALUES) {
    throw new InvalidArgumentError(`${where}: at most ${MAX_VALUES} values, got ${values.length}.`);
  }
  return [...new Set(values.map(parse))];
}

/** PostgreSQL's text holds no NUL and no half of a surrogate pair; one longer than any value can only be a mistake. */
function parseText(text: string, { where, maxCharacters }: Place): string {
  if (text.length > maxCharacters) {
    throw new InvalidArgumentError(`${where}: at most ${maxCharacters} characters.`);
  }
  if (text.includes('\0')) throw new InvalidArgumentError(`${where}: a NUL character cannot be part of it.`);
  if (!text.isWellFormed()) {
    throw new InvalidArgumentError(`${where}: half of a surrogate pair is not a character.`);
  }
  return text;
}

function parseNumberMatch(match: NumberMatch, { where, maxCharacters }: Place): NumberMatch | undefined {
  const given = Object.entries(match).filter(([, text]) => text != null);
  for (const [part, text] of given) parseText(text, { where: `${where}.${part}`, maxCharacters });
  return given.length === 0 ? undefined : Object.fromEntries(given);
}

/** Without exponent, sign or zeros that say nothing: "1.0", "+1" and "10e-1" are "1". */
function parseDecimal(decimal: string): string {
  const found = /^([+-]?)(\d*)\.?(\d*)(?:e([+-]?\d+))?$/i.exec(decimal)!;
  const [, sign, whole = '', fraction = '', exponent = '0'] = found;
  const point = whole.length + Number(exponent);
  const digits = `${'0'.repeat(Math.max(0, -point))}${whole}${fraction}`.padEnd(point, '0');
  const at = Math.max(0, point);
  const plainWhole = digits.slice(0, at).replace(/^0+/, '') || '0';
  const plainFraction = digits.slice(at).replace(/0+$/, '');
  const plain = plainFraction === '' ? plainWhole : `${plainWhole}.${plainFraction}`;
  return sign === '-' && plain !== '0' ? `-${plain}` : plain;
}

function parseInstant(instant: InstantArgument, { where }: Place): string {
  const micros = microsOf(instant);
  if (micros < MIN_INSTANT_MICROS || micros > MAX_INSTANT_MICROS) {
    throw new InvalidTimeRangeError(`${where}: times must lie between 1970 and 2200.`);
  }
  // Zero is 1970 either way.
  if (typeof instant !== 'bigint' && micros > MIN_INSTANT_MICROS && micros < MIN_NUMBER_MICROS) {
    throw new InvalidTimeRangeError(
      `${where}: seconds? This takes milliseconds since 1970, by which it would lie in 1970. Give such an instant as text.`,
    );
  }
  return postgresOfMicros(micros);
}

function microsOf(instant: InstantArgument): bigint {
  return typeof instant === 'bigint' ? instant : instant.micros;
}

function checkRange(from: InstantArgument | null | undefined, to: InstantArgument | null | undefined): void {
  if (from != null && to != null && microsOf(from) >= microsOf(to)) {
    throw new InvalidTimeRangeError(
      '"from" must be before "to"; the range includes "from" and excludes "to".',
    );
  }
}
