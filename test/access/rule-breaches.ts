import { isDeepStrictEqual } from 'node:util';
import { type GraphQLObjectType, getNamedType, isObjectType } from 'graphql';
import { mayUse, roleTraits } from '../../src/access/roles.ts';
import { DEFAULT_PAGE } from '../../src/resolvers/cdrs.ts';
import { type Caller, MAX_PAGE, tokenOf } from './callers.ts';
import { type FieldRule, findRule, isHidden, rulesOfFields } from './field-rules.ts';

/** An object of an answer, by the names of its fields. */
export type Fields = Readonly<Record<string, unknown>>;

/**
 * Where a caller is shown something else than the rules say, given what an administrator is shown in the same place.
 * Empty when all is well.
 */
export function findBreaches(
  caller: Caller,
  type: GraphQLObjectType,
  seen: Fields,
  shown: Fields | undefined,
  path = type.name,
): readonly string[] {
  return Object.entries(seen).flatMap(([name, value]) => {
    const field = type.getFields()[name]!;
    const rule = findRule(rulesOfFields[type.name], name)!;
    const given = shown?.[name];
    const where = `${path}.${name}`;
    if (isHidden(rule, caller))
      return isNothing(given) ? [] : [`${where}: is shown ${JSON.stringify(given)}`];
    if (rule === 'MOMENT') return given === undefined ? [`${where}: is missing`] : [];
    const below = getNamedType(field.type);
    if (!isObjectType(below)) return findBreach({ caller, rule, name, value, given, where });
    return findBreachesOfItems(caller, below, [itemsOf(value), itemsOf(given)], where);
  });
}

/** The same of what stands at the root: an object, some of them, or none. */
export function findBreachesOfItems(
  caller: Caller,
  type: GraphQLObjectType,
  [seen, shown]: readonly [readonly Fields[], readonly Fields[]],
  path: string,
): readonly string[] {
  if (seen.length !== shown.length)
    return [`${path}: ${shown.length} objects in the place of ${seen.length}`];
  return seen.flatMap((item, index) => findBreaches(caller, type, item, shown[index], path));
}

/** Of a field that is an object, a list of them, or null. */
export function itemsOf(value: unknown): readonly Fields[] {
  if (value === null || value === undefined) return [];
  return (Array.isArray(value) ? value : [value]) as Fields[];
}

interface Leaf {
  readonly caller: Caller;
  readonly rule: FieldRule;
  readonly name: string;
  readonly value: unknown;
  readonly given: unknown;
  readonly where: string;
}

function findBreach({ caller, rule, name, value, given, where }: Leaf): readonly string[] {
  const moves = rule === 'OPERATORS' || rule === 'ADMINISTRATORS';
  if (moves || (rule === 'COUNT' && caller.scope === 'all')) return [];
  const expected = expectedOf(caller, rule, name, value);
  if (isDeepStrictEqual(given, expected)) return [];
  return [`${where}: ${JSON.stringify(given)} in the place of ${JSON.stringify(expected)}`];
}

/** What the caller is to be shown of a value that an administrator sees whole. */
function expectedOf(caller: Caller, rule: FieldRule, name: string, value: unknown): unknown {
  if (rule === 'SELF') return selfOf(caller)[name];
  if (rule === 'COUNT') return OWN_CALLS;
  if (rule === 'NUMBERS' && !mayUse(caller.role, 'NUMBERS'))
    return value === null ? null : masked(String(value));
  return value;
}

/** Calls that callers with a part of them see. */
const OWN_CALLS = 2;

/** All but the first four digits and the last two of a number with more than six. */
const masked = (number: string) => `${number.slice(0, 4)}${'*'.repeat(number.length - 6)}${number.slice(-2)}`;

const isNothing = (given: unknown) => given === null || (Array.isArray(given) && given.length === 0);

function selfOf(caller: Caller): Fields {
  const { role, scope } = caller;
  return {
    role,
    name: tokenOf(caller),
    permissions: roleTraits(role).permissions,
    scope: scope.toUpperCase(),
    accountIds: scope === 'accounts' ? ['14'] : null,
    customerIds: scope === 'customers' ? ['3'] : null,
    maxPage: MAX_PAGE,
    defaultPage: DEFAULT_PAGE,
  };
}

/** A record of a file: of CSV its cells by the path of each, of NDJSON an object. */
export type FileRecord = ReadonlyMap<string, string> | Fields;

/** No cell here has a comma, a quote or a line in it. */
export function recordsOf(text: string, accept: string): readonly FileRecord[] {
  const lines = text.trimEnd().split(/\r?\n/);
  if (accept !== 'text/csv') return lines.map((line) => JSON.parse(line) as Fields);
  const [header, ...rows] = lines.map((line) =>
    line.split(',').map((cell) => cell.replace(/^"(.*)"$/, '$1')),
  );
  return rows.map((cells) => new Map(cells.map((cell, index) => [header![index]!, cell])));
}

export function findBreachesOfRecords(
  caller: Caller,
  type: GraphQLObjectType,
  [seenRecords, shownRecords]: readonly [readonly FileRecord[], readonly FileRecord[]],
  path: string,
): readonly string[] {
  if (seenRecords.length !== shownRecords.length) return [`${path}: ${shownRecords.length} records`];
  return seenRecords.flatMap((record, index) => {
    const shown = shownRecords[index]!;
    if (!(record instanceof Map)) return findBreaches(caller, type, record as Fields, shown as Fields);
    return [...(record as ReadonlyMap<string, string>)].flatMap(([column, cell]) => {
      const expected = cellOf(caller, type, column.split('.'), cell);
      const given = (shown as ReadonlyMap<string, string>).get(column);
      return given === expected ? [] : [`${path}.${column}: ${given} in the place of ${expected}`];
    });
  });
}

/** What is to be shown of a cell, whose column may be of an object within an object. */
function cellOf(
  caller: Caller,
  type: GraphQLObjectType,
  [name, ...below]: readonly string[],
  cell: string,
): string {
  const rule = findRule(rulesOfFields[type.name], name!)!;
  if (isHidden(rule, caller)) return '';
  const field = getNamedType(type.getFields()[name!]!.type);
  if (below.length > 0) return cellOf(caller, field as GraphQLObjectType, below, cell);
  return String(expectedOf(caller, rule, name!, cell === '' ? null : cell) ?? '');
}
