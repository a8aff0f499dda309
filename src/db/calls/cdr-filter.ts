import { type RawBuilder, type SqlBool, sql } from 'kysely';
import { isOfEverybody, type Scope } from '../scope.ts';
import type { CallColumn } from '../sources/model.ts';
import { type CallNumber, isPositive } from './readable-numbers.ts';

/** How a number is compared. All given parts must hold. `%`, `_` and backslash mean themselves. */
export interface NumberMatch {
  readonly is?: string | null;
  readonly startsWith?: string | null;
  readonly endsWith?: string | null;
  readonly contains?: string | null;
}

/** The call types of the XML-RPC API, by whether the switch calls the result a success and whether time was spent. */
export type CdrType = 'ALL' | 'NON_ZERO' | 'NON_ZERO_AND_ERRORS' | 'COMPLETE' | 'INCOMPLETE' | 'ERRORS';

/**
 * What the value of a filter is once it has been checked. The kind of a filter decides its type in GraphQL
 * (`schema/cdr-filter.ts`) and its check (`resolvers/cdr-filter.ts`); neither compiles without one for every kind.
 */
export interface FilterValues {
  /** Decimal digits of bigints. */
  readonly ids: readonly string[];
  readonly texts: readonly string[];
  readonly integers: readonly number[];
  readonly outcomes: readonly string[];
  readonly text: string;
  readonly number: NumberMatch;
  readonly callType: CdrType;
  /** Decimal text. */
  readonly decimal: string;
  /** Text that PostgreSQL reads as a timestamptz. */
  readonly instant: string;
}

export type FilterKind = keyof FilterValues;

/** SQL with a `?` for each value. Conditions of the same text are one statement, whatever their values. */
export interface Condition {
  readonly text: string;
  readonly values: readonly unknown[];
}

export interface FilterDeclaration<Kind extends FilterKind = FilterKind> {
  readonly kind: Kind;
  /** As clients read it in the schema. Says what a search by it costs where that is not little. */
  readonly description: string;
  /** Longer texts are refused: they can only be a mistake. */
  readonly maxCharacters: number;
  /** Sought in a keyset index, whatever the values: lists by nothing else have one plan, and are counted from there. */
  readonly sought?: true;
  /** The calls that pass. One whose value is unknown (null) does not. */
  readonly condition: (value: FilterValues[Kind]) => Condition;
}

const MAX_TEXT_CHARACTERS = 128;

export function declareFilter<Kind extends FilterKind>(
  kind: Kind,
  declaration: Omit<FilterDeclaration<Kind>, 'kind' | 'maxCharacters'> & { readonly maxCharacters?: number },
): FilterDeclaration<Kind> {
  return { kind, maxCharacters: MAX_TEXT_CHARACTERS, ...declaration };
}

/** What calls can be filtered by: the fields of `CdrFilter` in GraphQL. A line is all there is to a filter. */
export const cdrFilters = {
  accountIds: declareFilter('ids', {
    description: 'Calls of any of these accounts.',
    sought: true,
    condition: isOneOfIds('xdrs.i_account'),
  }),
  customerIds: declareFilter('ids', {
    description: 'Calls of any of these customers.',
    condition: isOneOfIds('xdrs.i_customer'),
  }),
  from: declareFilter('instant', {
    description: 'Connect time at or after this instant.',
    sought: true,
    condition: compares('xdrs.connect_time', '>= ?::timestamptz'),
  }),
  to: declareFilter('instant', {
    description: 'Connect time before this instant: the range is half-open, so that days add up.',
    sought: true,
    condition: compares('xdrs.connect_time', '< ?::timestamptz'),
  }),
  cli: declareFilter('number', {
    description: 'Calling number, after translation.',
    condition: matchesNumber('xdrs.cli'),
  }),
  cld: declareFilter('number', {
    description: 'Called number, after translation.',
    condition: matchesNumber('xdrs.cld'),
  }),
  cliIn: declareFilter('number', {
    description:
      'Calling number as the call arrived, before translation: as `Cdr.cliIn` shows it. Calls without one are left out.',
    condition: matchesNumber('xdrs.cli_in'),
  }),
  cldIn: declareFilter('number', {
    description:
      'Called number as the call arrived, before translation: as `Cdr.cldIn` shows it, so also `00336…` or `+336…`. ' +
      'Calls without one are left out.',
    condition: matchesNumber('xdrs.cld_in'),
  }),
  callIds: declareFilter('texts', {
    description:
      'Any of these SIP Call-IDs, as `Cdr.callId` shows them. Reads every call of the other filters, unless the switch ' +
      'has an index of its own on them.',
    maxCharacters: 256,
    condition: isOneOfTexts('xdrs.call_id'),
  }),
  type: declareFilter('callType', {
    description: 'A call type of the older API.',
    condition: (type) => typeConditions[type],
  }),
  disconnectCauses: declareFilter('integers', {
    description: 'Any of these causes, as `Cdr.disconnectCause` shows them.',
    condition: compares('xdrs.disconnect_cause', '= any(?::int4[])'),
  }),
  outcomes: declareFilter('outcomes', {
    description: 'Any of these outcomes.',
    condition: isOneOfTexts('xdrs.outcome'),
  }),
  releaseSources: declareFilter('texts', {
    description:
      'Who hung up, as `Cdr.releaseSource` shows it: `caller` or `callee`, and "" where the switch writes nothing into it. ' +
      'Reads every call of the other filters.',
    condition: isOneOfTexts('xdrs.release_source'),
  }),
  countries: declareFilter('texts', {
    description: 'Country of the called number, as `Cdr.country` shows it.',
    condition: isOneOfTexts('xdrs.country'),
  }),
  regions: declareFilter('texts', {
    description:
      'Any of these regions of the called number, as `Cdr.region` shows them. Reads every call of the other filters; on a ' +
      'Sippy source looks the prefix of each up.',
    condition: isOneOfTexts('xdrs.region'),
  }),
  prefixes: declareFilter('texts', {
    description:
      'Any of these rate prefixes, whole, as `Cdr.prefix` shows them: "33" is not "331". For the numbers that begin with ' +
      'certain digits give `cld.startsWith`. Reads every call of the other filters.',
    condition: isOneOfTexts('xdrs.prefix'),
  }),
  minDurationSeconds: declareFilter('decimal', {
    description:
      'Conversation at least this long. Calls of which that is unknown, or no finite number, are left out.',
    condition: isAtLeast('xdrs.duration'),
  }),
  maxDurationSeconds: declareFilter('decimal', {
    description:
      'Conversation at most this long. Calls of which that is unknown, or no finite number, are left out.',
    condition: isAtMost('xdrs.duration'),
  }),
  minPddSeconds: declareFilter('decimal', {
    description:
      'Post-dial delay at least this long: the calls that rang late. Calls of which it is unknown, or no finite number, ' +
      'are left out. Reads every call of the other filters.',
    condition: isAtLeast('xdrs.pdd'),
  }),
  remoteIp: declareFilter('text', {
    description: 'The address the call came from, exactly.',
    condition: compares('xdrs.remote_ip', '= ?'),
  }),
};

export type CdrFilterName = keyof typeof cdrFilters;
export type FilterKindOf<Name extends CdrFilterName> = (typeof cdrFilters)[Name]['kind'];

type CdrFilterParts = {
  readonly [Name in CdrFilterName]?: FilterValues[FilterKindOf<Name>] | null;
};

/** Which calls. A field that is null or missing restricts nothing; an empty list matches nothing. */
export interface CdrFilter extends CdrFilterParts {
  /** Leaves out the calls that match it. One of which that is unknown does not match, and stays. */
  readonly not?: CdrFilter | null;
  /** At least one of them matches. */
  readonly anyOf?: readonly CdrFilter[] | null;
}

/** The value itself stands at the `?`. */
function compares(column: CallColumn, comparison: string): (value: unknown) => Condition {
  return (value) => ({ text: `${column} ${comparison}`, values: [value] });
}

/** A stored value that is no finite number is unknown; NaN is above Infinity to PostgreSQL. */
function isAtLeast(column: CallNumber): (value: unknown) => Condition {
  return compares(column, `>= ?::numeric and ${column} < 'Infinity'`);
}

function isAtMost(column: CallNumber): (value: unknown) => Condition {
  return compares(column, `<= ?::numeric and ${column} > '-Infinity'`);
}

/** One id is compared with `=`: only then does the keyset index also give the order. */
function isOneOfIds(column: CallColumn): (ids: readonly string[]) => Condition {
  return (ids) =>
    ids.length === 1
      ? { text: `${column} = ?::int8`, values: ids }
      : { text: `${column} = any(?::int8[])`, values: [ids] };
}

function isOneOfTexts(column: CallColumn): (texts: readonly string[]) => Condition {
  return compares(column, '= any(?::text[])');
}

const isTrue: Condition = { text: 'true', values: [] };

const isSpoken = `(${isPositive('xdrs.duration')})`;

const typeConditions: Record<CdrType, Condition> = {
  ALL: isTrue,
  NON_ZERO: { text: isSpoken, values: [] },
  NON_ZERO_AND_ERRORS: { text: `(${isSpoken} or not xdrs.successful)`, values: [] },
  COMPLETE: { text: 'xdrs.successful', values: [] },
  INCOMPLETE: { text: 'not xdrs.successful', values: [] },
  // Without conversation is also a duration that is unknown, or below 0.
  ERRORS: { text: `(not xdrs.successful and ${isSpoken} is not true)`, values: [] },
};

const numberConditions: Record<keyof NumberMatch, (column: CallColumn, text: string) => Condition> = {
  is: (column, text) => ({ text: `${column} = ?`, values: [text] }),
  // A pattern fixed at its beginning seeks in a text_pattern_ops index; the other two cannot.
  startsWith: (column, text) => ({ text: `${column} like ?`, values: [`${escapeLike(text)}%`] }),
  endsWith: (column, text) => ({ text: `${column} like ?`, values: [`%${escapeLike(text)}`] }),
  contains: (column, text) => ({ text: `${column} like ?`, values: [`%${escapeLike(text)}%`] }),
};

function matchesNumber(column: CallColumn): (match: NumberMatch) => Condition {
  return (match) => {
    const given = (Object.keys(numberConditions) as (keyof NumberMatch)[]).filter(
      (name) => match[name] != null,
    );
    return all(given.map((name) => numberConditions[name](column, match[name]!)));
  };
}

/** All of them hold. */
function all(conditions: readonly Condition[]): Condition {
  if (conditions.length === 0) return isTrue;
  return {
    text: conditions.map(({ text }) => text).join(' and '),
    values: conditions.flatMap(({ values }) => values),
  };
}

/** At least one of them holds. */
function any(conditions: readonly Condition[]): Condition {
  if (conditions.length === 0) return { text: 'false', values: [] };
  return {
    text: `(${conditions.map(({ text }) => `(${text})`).join(' or ')})`,
    values: conditions.flatMap(({ values }) => values),
  };
}

const declarations: { readonly [Name in CdrFilterName]: FilterDeclaration<FilterKindOf<Name>> } = cdrFilters;

export function declarationOf<Name extends CdrFilterName>(name: Name): FilterDeclaration<FilterKindOf<Name>> {
  return declarations[name];
}

export const filterNames = Object.keys(cdrFilters) as readonly CdrFilterName[];

/** What the filter restricts, always in the same order. */
export function namesIn(filter: CdrFilter): readonly CdrFilterName[] {
  return filterNames.filter((name) => filter[name] != null);
}

/** Whether a keyset index is searched for it. An account may be somebody else's, with calls that a customer must not meet. */
function isSoughtBy(scope: Scope, name: CdrFilterName): boolean {
  const isForeign = name === 'accountIds' && scope.kind === 'customers';
  return declarationOf(name).sought !== undefined && !isForeign;
}

/** Whether it restricts nothing but accounts and times, which a keyset index has. Filters within it are not sought. */
export function isSought(filter: CdrFilter, scope: Scope): boolean {
  if (filter.not != null || filter.anyOf != null) return false;
  return namesIn(filter).every((name) => isSoughtBy(scope, name));
}

/** What it restricts of accounts and times alone. */
export function soughtPart(filter: CdrFilter, scope: Scope): CdrFilter {
  const others = namesIn(filter).filter((name) => !isSoughtBy(scope, name));
  return { ...filter, ...Object.fromEntries(others.map((name) => [name, null])), not: null, anyOf: null };
}

/** Whether both ends of the times are given, not only left out, which no check lets be further away than a switch has lived. */
export function hasTimeRange({ from, to }: CdrFilter): boolean {
  return from != null && to != null;
}

/** Whether a number is looked for by its first digits, whose index has the numbers together and not in list order. */
export function hasNumberPrefix(filter: CdrFilter): boolean {
  return filterNames.some((name) => {
    const value = cdrFilters[name].kind === 'number' ? (filter[name] as NumberMatch | null) : null;
    return value?.startsWith != null;
  });
}

/** The filter as one condition: its text, and the values in the order of the text. */
export function conditionOf(filter: CdrFilter): Condition {
  return conditionFor(EVERYBODY, filter);
}

const EVERYBODY: Scope = { kind: 'all' };

/**
 * The same in a statement of a principal. An index on a number, or on anything else that is not the owner or the time, has the
 * calls of others between those of a tenant, who could tell by the time that it takes how many there are. No index serves a
 * condition within `coalesce`: then calls are found by whose they are.
 */
function conditionFor(scope: Scope, filter: CdrFilter): Condition {
  const seek = isOfEverybody(scope) ? (condition: Condition) => condition : withoutIndex;
  const parts = namesIn(filter).map((name) => {
    const condition = conditionOfPart(name, filter);
    return isSoughtBy(scope, name) ? condition : seek(condition);
  });
  if (filter.anyOf != null) parts.push(seek(any(filter.anyOf.map(conditionOf))));
  if (filter.not != null) parts.push(seek(leavesOut(conditionOf(filter.not))));
  return all(parts);
}

function withoutIndex({ text, values }: Condition): Condition {
  return { text: `coalesce(${text}, false)`, values };
}

/** "Not true" and not "not": of a call whose value is unknown a condition is neither true nor false. */
function leavesOut({ text, values }: Condition): Condition {
  return { text: `(${text}) is not true`, values };
}

function conditionOfPart<Name extends CdrFilterName>(name: Name, filter: CdrFilterParts): Condition {
  return declarationOf(name).condition(filter[name]!);
}

/** All conditions of the filter, as one, in a statement for this scope. */
export function matchesFilter(filter: CdrFilter, scope: Scope): RawBuilder<SqlBool> {
  const { text, values } = conditionFor(scope, filter);
  return withValues(text, values);
}

/** The same with a place for each value: one statement for all filters whose condition has the same text. */
export function matchesFilterLike(filter: CdrFilter, scope: Scope): RawBuilder<SqlBool> {
  const { text, values } = conditionFor(scope, filter);
  return withValues(
    text,
    values.map((_, index) => filterSlot(index)),
  );
}

const slots: symbol[] = [];

/** Where the value with this index belongs. */
function filterSlot(index: number): symbol {
  slots[index] ??= Symbol(`value ${index} of the filter`);
  return slots[index];
}

/** What is filled into a statement for the values of `conditionOf`. */
export function slotsOf(values: readonly unknown[]): Map<symbol, unknown> {
  return new Map(values.map((value, index) => [filterSlot(index), value]));
}

function withValues(text: string, values: readonly unknown[]): RawBuilder<SqlBool> {
  const [start, ...parts] = text.split('?');
  return parts.reduce<RawBuilder<SqlBool>>(
    (built, part, index) => sql`${built}${values[index]}${sql.raw(part)}`,
    sql.raw(start!),
  );
}

/** Text as a LIKE pattern that matches just itself. */
export function escapeLike(text: string): string {
  return text.replaceAll(/[\\%_]/g, (character) => `\\${character}`);
}
