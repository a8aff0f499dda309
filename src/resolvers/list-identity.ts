import type { CdrFilter } from '../db/calls/cdr-filter.ts';

/** A condition that must hold: a part of a filter, or filters within it. */
type Condition =
  | readonly [name: string, value: unknown]
  | readonly ['not', Conditions]
  | readonly ['anyOf', readonly Conditions[]];

/** All of them must hold, each once and in one order; null: nothing passes. */
type Conditions = readonly Condition[] | null;

/**
 * One text for all filters that mean the same, as far as that is seen without looking at calls: missing and null parts,
 * the order of parts and of lists, filters that restrict nothing, and what is left out twice do not count.
 */
export function canonicalText(filter: CdrFilter): string {
  if (filter.not == null && filter.anyOf == null) return JSON.stringify(canonicalParts(filter));
  const conditions = conditionsOf(filter);
  const parts = conditions?.filter(isPart);
  const byName = Object.fromEntries(parts ?? []);
  // As if it had been written without filters within it.
  const isPlain = parts?.length === conditions?.length && Object.keys(byName).length === parts?.length;
  return JSON.stringify(isPlain ? canonicalParts(byName) : conditions);
}

function isPart(condition: Condition): boolean {
  return condition[0] !== 'not' && condition[0] !== 'anyOf';
}

function conditionsOf({ not, anyOf, ...parts }: CdrFilter): Conditions {
  const own = Object.entries(canonicalParts(parts));
  return all([
    own,
    anyOf == null ? [] : any(anyOf.map(conditionsOf)),
    not == null ? [] : no(conditionsOf(not)),
  ]);
}

function all(several: readonly Conditions[]): Conditions {
  if (several.some((each) => each === null)) return null;
  return sorted(several.flatMap((each) => each ?? []));
}

function any(several: readonly Conditions[]): Conditions {
  if (several.some((each) => each?.length === 0)) return [];
  const possible = sorted(several.filter((each) => each !== null));
  if (possible.length === 0) return null;
  return possible.length === 1 ? possible[0]! : [['anyOf', possible]];
}

function no(conditions: Conditions): Conditions {
  if (conditions === null) return [];
  if (conditions.length === 0) return null;
  const [first] = conditions;
  if (conditions.length === 1 && first![0] === 'not') return first![1] as Conditions;
  return [['not', conditions]];
}

/** Each once. */
function sorted<Value>(values: readonly Value[]): Value[] {
  const byText = new Map(values.map((value) => [JSON.stringify(value), value]));
  return [...byText.keys()].sort().map((text) => byText.get(text)!);
}

function canonicalParts(value: object): Record<string, unknown> {
  const parts = Object.entries(value).filter(([, part]) => part != null);
  return Object.fromEntries(
    parts.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, part]) => [name, canonicalValue(part)]),
  );
}

function canonicalValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(String).sort();
  return typeof value === 'object' && value !== null ? canonicalParts(value) : value;
}
