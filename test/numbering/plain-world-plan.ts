import type { MetadataJson } from 'libphonenumber-js/max';
import type { LineKind } from '../../src/numbering/carrier.ts';
import type { Place } from '../../src/numbering/world-plan.ts';

/**
 * The rules of libphonenumber as regular expressions, one after the other: the slow way, which src/numbering/world-plan.ts
 * is held against.
 */
export interface PlainWorldPlan {
  findPlace(international: string): Place;
}

/** Where in libphonenumber's metadata, format 4, the figures of a country stand. */
const GENERAL = 2;
const LENGTHS = 3;
const TRUNK_PREFIX = 5;
const TRUNK_PATTERN = 7;
const TRUNK_TRANSFORM = 8;
const LEADING_DIGITS = 10;
const TYPES = 11;

/** Places in the list of types. */
const FIXED = 0;
const MOBILE = 1;
/** The others, in the order in which they are tried. */
const KINDS: readonly (readonly [index: number, kind: LineKind])[] = [
  [MOBILE, 'MOBILE'],
  [3, 'PREMIUM_RATE'],
  [2, 'TOLL_FREE'],
  [9, 'SHARED_COST'],
  [8, 'VOIP'],
  [4, 'OTHER'],
  [7, 'OTHER'],
  [6, 'OTHER'],
  [5, 'OTHER'],
];

type Matches = (national: string) => boolean;

type NumberType = readonly [pattern: string, lengths?: readonly number[]];

interface Region {
  /** Null for a code of no country. */
  readonly country: string | null;
  readonly beginsAsHere: Matches | undefined;
  findKind(national: string): LineKind | null;
  withoutTrunkPrefix(national: string): string;
}

export function createPlainWorldPlan(metadata: MetadataJson): PlainWorldPlan {
  const regions = new Map<string, readonly Region[]>();

  /** Of a calling code, the main country first; empty when the code is not in use. Made at the first use. */
  function findRegions(code: string): readonly Region[] {
    const known = regions.get(code);
    if (known) return known;
    const shared = metadata.country_calling_codes[code] ?? [];
    const nowhere = metadata.nonGeographic[code];
    const made = shared.map((country) => createRegion(country, metadata.countries[country]!));
    if (nowhere) made.push(createRegion(null, nowhere));
    regions.set(code, made);
    return made;
  }

  return {
    findPlace(international) {
      for (let length = 1; length <= 3; length++) {
        const sharing = findRegions(international.slice(0, length));
        if (sharing.length > 0) return findPlaceAmong(sharing, international.slice(length));
      }
      return { country: null, lineKind: null };
    },
  };
}

function findPlaceAmong(sharing: readonly Region[], national: string): Place {
  const place = findPlaceAsWritten(sharing, national);
  if (place.lineKind !== null) return place;
  // Some write +44 (0)20…
  const shorter = sharing[0]!.withoutTrunkPrefix(national);
  const again = shorter === national ? place : findPlaceAsWritten(sharing, shorter);
  return again.lineKind === null ? place : again;
}

function findPlaceAsWritten(sharing: readonly Region[], national: string): Place {
  const region =
    sharing.length === 1
      ? sharing[0]
      : sharing.find(({ beginsAsHere, findKind }) =>
          beginsAsHere ? beginsAsHere(national) : findKind(national) !== null,
        );
  return { country: region?.country ?? null, lineKind: region?.findKind(national) ?? null };
}

// biome-ignore lint/suspicious/noExplicitAny: the library's own type for what it does not describe
function createRegion(country: string | null, plan: readonly any[]): Region {
  // 0 stands where the country has no such numbers.
  const types: readonly (NumberType | undefined)[] = (plan[TYPES] || []).map(
    (type: NumberType | 0) => type || undefined,
  );
  const isPossible = createMatcher(plan[GENERAL]);
  const matchers = new Map<number, Matches>();
  const is = (index: number, national: string): boolean => {
    const made = matchers.get(index) ?? createTypeMatcher(types[index], plan[LENGTHS]);
    matchers.set(index, made);
    return made(national);
  };
  // The metadata has no pattern, or an empty one, where it would repeat that of fixed lines.
  const hasMobilePattern = Boolean(types[MOBILE]?.[0]);

  return {
    country,
    beginsAsHere: plan[LEADING_DIGITS] ? createMatcher(plan[LEADING_DIGITS], '') : undefined,
    findKind(national) {
      if (!isPossible(national)) return null;
      if (is(FIXED, national)) return hasMobilePattern && !is(MOBILE, national) ? 'FIXED' : 'FIXED_OR_MOBILE';
      return KINDS.find(([index]) => is(index, national))?.[1] ?? null;
    },
    withoutTrunkPrefix: createTrunkStripper(plan[TRUNK_PATTERN] || plan[TRUNK_PREFIX], plan[TRUNK_TRANSFORM]),
  };
}

function createMatcher(pattern: string, end = '$'): Matches {
  const expression = new RegExp(`^(?:${pattern})${end}`);
  return (national) => expression.test(national);
}

function createTypeMatcher(type: NumberType | undefined, usualLengths: readonly number[]): Matches {
  if (!type?.[0]) return () => false;
  const [pattern, lengths = usualLengths] = type;
  const matches = createMatcher(pattern);
  return (national) => lengths.includes(national.length) && matches(national);
}

/** The digit dialled at home before a number, taken off; a few countries put something else in its place. */
function createTrunkStripper(
  pattern: string | 0 | undefined,
  transform: string | 0 | undefined,
): (national: string) => string {
  if (!pattern) return (national) => national;
  const expression = new RegExp(`^(?:${pattern})`);
  return (national) => {
    const groups = expression.exec(national);
    if (!groups) return national;
    const hasGroups = groups.length > 1 && groups.at(-1) !== undefined;
    return hasGroups && transform
      ? national.replace(expression, transform)
      : national.slice(groups[0].length);
  };
}
