import type { MetadataJson } from 'libphonenumber-js/max';
import type { LineKind } from './carrier.ts';
import { type DigitPattern, DigitPatterns, Learning } from './digit-patterns.ts';

/** What follows from the digits of an international number. */
export interface Place {
  /** ISO 3166-1 alpha-2; null for satellites and other codes of no country, and where several share a code. */
  readonly country: string | null;
  /** Null where the digits are not those of a number in use. */
  readonly lineKind: LineKind | null;
}

export interface WorldPlan {
  /** Of country code and what follows, digits only. The same object for the same place. */
  findPlace(international: string): Place;
  /** The same for digits that lie from `from` to `to`. */
  findPlaceIn(digits: Uint8Array, from: number, to: number): Place;
  /** Digits of the number looked up last that decide where it is: of those behind them only the count matters. */
  readonly decidedBy: number;
  readonly learning: Learning;
}

/**
 * Where in libphonenumber's metadata, format 4, the figures of a country stand. Its own parser compiles every expression
 * anew for every number; here one walk over the digits tries the rules of all countries that share a code, and tests hold
 * one against the other.
 */
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

const MAX_CODE_LENGTH = 3;
const ZERO = 0x30;

type NumberType = readonly [pattern: string, lengths?: readonly number[]];

/** The numbers behind one calling code, which several countries may share. */
interface Territory {
  readonly patterns: DigitPatterns<Reading>;
  readonly withoutTrunkPrefix: (national: string) => string;
}

/** What follows from the digits as they are written. */
interface Reading {
  readonly place: Place;
  /** Whether they may begin with what some dial before a number at home. Without it they need not be looked at again. */
  readonly mayHaveTrunkPrefix: boolean;
}

/** Reads the metadata, some 160 kB: only when the first number is looked up. */
export async function loadWorldPlan(): Promise<WorldPlan> {
  const { default: metadata } = await import('libphonenumber-js/metadata.max');
  return createWorldPlan(metadata);
}

export function createWorldPlan(metadata: MetadataJson): WorldPlan {
  if (metadata.version !== 4) throw new Error(`metadata of version ${metadata.version}, expected 4`);
  const places = new Map<string, Place>();
  const learning = new Learning();
  let decidedBy = 0;
  /**
   * By code, with a 1 before it: those of one, two and three digits are different numbers then. Null where the code is
   * not in use, undefined where it was not met yet.
   */
  const territories = Array<Territory | null | undefined>(2 * 10 ** MAX_CODE_LENGTH).fill(undefined);

  const toPlace: ToPlace = (country, lineKind) => {
    const key = `${country} ${lineKind}`;
    const place = places.get(key) ?? { country, lineKind };
    places.set(key, place);
    return place;
  };
  const nowhere = toPlace(null, null);

  function createTerritoryOf(key: number): Territory | null {
    const code = String(key).slice(1);
    const shared = metadata.country_calling_codes[code] ?? [];
    const regions = shared.map((country) => readRegion(country, metadata.countries[country]!));
    const beyond = metadata.nonGeographic[code];
    if (beyond) regions.push(readRegion(null, beyond));
    return regions.length > 0 ? createTerritory(regions, toPlace, learning) : null;
  }

  function findPlaceIn(digits: Uint8Array, from: number, to: number): Place {
    let key = 1;
    for (let at = from; at < to && at < from + MAX_CODE_LENGTH; at++) {
      key = key * 10 + digits[at]! - ZERO;
      let territory = territories[key];
      if (territory === undefined) {
        territory = learning.measure(() => createTerritoryOf(key));
        territories[key] = territory;
      }
      if (!territory) continue;
      const place = findPlaceAmong(territory, digits, at + 1, to);
      decidedBy = at + 1 - from + territory.patterns.decidedBy;
      return place;
    }
    decidedBy = MAX_CODE_LENGTH;
    return nowhere;
  }

  return {
    learning,
    get decidedBy() {
      return decidedBy;
    },
    findPlaceIn,
    findPlace(international) {
      const digits = Buffer.from(international, 'latin1');
      return findPlaceIn(digits, 0, digits.length);
    },
  };
}

function findPlaceAmong(
  { patterns, withoutTrunkPrefix }: Territory,
  digits: Uint8Array,
  from: number,
  to: number,
): Place {
  const { place, mayHaveTrunkPrefix } = patterns.match(digits, from, to);
  if (place.lineKind !== null || !mayHaveTrunkPrefix) return place;
  // Some write +44 (0)20…
  const national = textOf(digits, from, to);
  const shorter = withoutTrunkPrefix(national);
  const again =
    shorter === national ? place : patterns.match(Buffer.from(shorter, 'latin1'), 0, shorter.length).place;
  // Which digits are taken off, each of them may decide.
  patterns.decidedBy = to - from;
  return again.lineKind === null ? place : again;
}

function textOf(digits: Uint8Array, from: number, to: number): string {
  return String.fromCharCode(...digits.subarray(from, to));
}

type ToPlace = (country: string | null, lineKind: LineKind | null) => Place;

/** What the metadata have of one country. */
interface Region {
  /** Null for a code of no country. */
  readonly country: string | null;
  readonly general: string;
  /** By which a country that shares a code with others is told from them; undefined: by what is in use there. */
  readonly leadingDigits: string | undefined;
  readonly lengths: readonly number[];
  /** Undefined where the country has no such numbers. */
  readonly types: readonly (NumberType | undefined)[];
  readonly trunk: Trunk | undefined;
}

/** What some dial before a number at home, and what stands in its place: the pattern of what is replaced may capture it. */
interface Trunk {
  readonly pattern: string;
  readonly transform: string | undefined;
}

// biome-ignore lint/suspicious/noExplicitAny: the library's own type for what it does not describe
function readRegion(country: string | null, plan: readonly any[]): Region {
  return {
    country,
    general: plan[GENERAL],
    leadingDigits: plan[LEADING_DIGITS] || undefined,
    lengths: plan[LENGTHS],
    // The metadata has no pattern, or an empty one, where it would repeat that of fixed lines.
    types: (plan[TYPES] || []).map((type: NumberType | 0) => (type && type[0] !== '' ? type : undefined)),
    trunk: readTrunk(plan[TRUNK_PATTERN] || plan[TRUNK_PREFIX], plan[TRUNK_TRANSFORM] || undefined),
  };
}

/** The main country is the first. */
function createTerritory(regions: readonly Region[], toPlace: ToPlace, learning: Learning): Territory {
  const patterns: DigitPattern[] = [];
  const add = (pattern: DigitPattern) => patterns.push(pattern) - 1;
  const numbered = regions.map(({ general, leadingDigits, types, ...region }) => ({
    ...region,
    general: add({ pattern: general }),
    leadingDigits:
      leadingDigits === undefined ? undefined : add({ pattern: leadingDigits, isBeginning: true }),
    types: types.map(
      (type) => type && { index: add({ pattern: type[0] }), lengths: type[1] ?? region.lengths },
    ),
  }));
  type Numbered = (typeof numbered)[number];
  const { trunk } = regions[0]!;
  // It may say where the number ends, which is left out here: what matches then is more, and is looked at closely.
  const trunkPattern = trunk && add({ pattern: trunk.pattern.replaceAll('$', ''), isBeginning: true });

  function findKind({ general, types }: Numbered, matched: ReadonlySet<number>, length: number) {
    if (!matched.has(general)) return null;
    const is = (kind: number) => {
      const type = types[kind];
      return type !== undefined && matched.has(type.index) && type.lengths.includes(length);
    };
    if (is(FIXED)) return types[MOBILE] && !is(MOBILE) ? 'FIXED' : 'FIXED_OR_MOBILE';
    return KINDS.find(([kind]) => is(kind))?.[1] ?? null;
  }

  const toReading = shareReadings();
  const derive = (matched: ReadonlySet<number>, length: number) => {
    const region =
      numbered.length === 1
        ? numbered[0]
        : numbered.find((each) =>
            each.leadingDigits === undefined
              ? findKind(each, matched, length) !== null
              : matched.has(each.leadingDigits),
          );
    const place = toPlace(region?.country ?? null, region ? findKind(region, matched, length) : null);
    return toReading(place, trunkPattern !== undefined && matched.has(trunkPattern));
  };
  const combined = new DigitPatterns(patterns, derive, learning);
  return { patterns: combined, withoutTrunkPrefix: createTrunkStripper(trunk) };
}

/** The same object for the same reading: of these there are few. */
function shareReadings(): (place: Place, mayHaveTrunkPrefix: boolean) => Reading {
  const readings: Reading[] = [];
  return (place, mayHaveTrunkPrefix) => {
    const known = readings.find(
      (each) => each.place === place && each.mayHaveTrunkPrefix === mayHaveTrunkPrefix,
    );
    if (known) return known;
    const reading = { place, mayHaveTrunkPrefix };
    readings.push(reading);
    return reading;
  };
}

function readTrunk(pattern: string | undefined, transform: string | undefined): Trunk | undefined {
  return pattern ? { pattern, transform } : undefined;
}

/** The digit dialled at home before a number, taken off; a few countries put something else in its place. */
function createTrunkStripper(trunk: Trunk | undefined): (national: string) => string {
  if (!trunk) return (national) => national;
  const expression = new RegExp(`^(?:${trunk.pattern})`);
  return (national) => {
    const groups = expression.exec(national);
    if (!groups) return national;
    const hasGroups = groups.length > 1 && groups.at(-1) !== undefined;
    return hasGroups && trunk.transform
      ? national.replace(expression, trunk.transform)
      : national.slice(groups[0].length);
  };
}
