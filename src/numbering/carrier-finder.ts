import type { Block, BlockIndex } from './block-index.ts';
import type { Carrier, LineKind } from './carrier.ts';
import { DecidedNumbers } from './decided-numbers.ts';
import { frenchCodes, MAX_TEXT_LENGTH, readNumber } from './dialled-number.ts';
import type { Operators } from './operators-file.ts';
import { fold } from './table-file.ts';
import type { Place, WorldPlan } from './world-plan.ts';

/** Finds carriers in what was read of the plans: the same object for numbers of which the same is known. */
export interface CarrierFinder {
  /** Of the text, UTF-8, that lies from `from` to `to`; null: nothing is known of it. */
  find(text: Uint8Array, from: number, to: number): Carrier | null;
  /** The same where numbers like it were found before; otherwise undefined. */
  findAgain(text: Uint8Array, from: number, to: number): Carrier | null | undefined;
}

export interface CarrierFinderDeps {
  readonly world: WorldPlan;
  readonly blocks: BlockIndex | undefined;
  readonly operators: Operators | undefined;
  readonly stripPrefixes: readonly string[];
}

/** How a number was read. Digits only; the length is -1 where there is no such number. */
interface ReadNumber {
  readonly international: Uint8Array;
  internationalLength: number;
  readonly national: Uint8Array;
  nationalLength: number;
  kind: FrenchKind;
  /** How many bytes of the text stand before the digits of each, at most. */
  internationalAt: number;
  nationalAt: number;
  /** Bytes of the text that decide what is found: of the digits behind them only the count matters. */
  decidedBy: number;
}

/** What libphonenumber has no kinds for. */
const frenchKinds = [undefined, 'SHORT_CODE', 'MACHINE'] as const satisfies readonly (LineKind | undefined)[];
type FrenchKind = 0 | 1 | 2;
const SHORT_CODE: FrenchKind = 1;
const MACHINE: FrenchKind = 2;

/** More digits than any number has that is read. */
const MAX_DIGITS = 32;
/** Of a text that is a number in any writing, in UTF-8. */
const MAX_TEXT_BYTES = 3 * MAX_TEXT_LENGTH;
/** Behind "+" or "00": the code, the zero that some write behind it, and the next digit decide how the rest is read. */
const READING_BYTES = 5;

export function createCarrierFinder(deps: CarrierFinderDeps): CarrierFinder {
  const { world, blocks, stripPrefixes } = deps;
  const carrierOf = rememberCarriers(deps.operators);
  const isMainland = rememberMainland();
  const number: ReadNumber = {
    international: new Uint8Array(MAX_DIGITS),
    internationalLength: -1,
    national: new Uint8Array(MAX_DIGITS),
    nationalLength: -1,
    kind: 0,
    internationalAt: 0,
    nationalAt: 0,
    decidedBy: 0,
  };
  const scratch = new Uint8Array(MAX_DIGITS);
  const isAsWritten = stripPrefixes.length === 0;
  const decided = new DecidedNumbers<Carrier | null>();

  /** Of the number that was read. */
  function findRead(): Carrier | null {
    const isFrench = isWrittenInFrance(number);
    let block: Block | undefined;
    if (blocks && number.nationalLength >= 0) {
      block = blocks.findIn(number.national, 0, number.nationalLength);
      noteDecided(number, number.nationalAt + blocks.decidedBy);
      // Behind the code of an overseas territory there are no numbers of the mainland.
      if (block && !isFrench && isMainland(block)) block = undefined;
    }
    return carrierOf(block, findPlace(number, world, isFrench, scratch), number.kind, isFrench);
  }

  function findAgain(text: Uint8Array, from: number, to: number): Carrier | null | undefined {
    return isAsWritten ? decided.find(text, from, to) : undefined;
  }

  return {
    findAgain,
    find(text, from, to) {
      const known = findAgain(text, from, to);
      if (known !== undefined) return known;
      if (isAsWritten && isPlain(text, from, to)) {
        const carrier = readPlain(number, text, from, to) ? findRead() : null;
        decided.learn(text, from, to, number.decidedBy, carrier);
        return carrier;
      }
      if (to - from > MAX_TEXT_BYTES) return null;
      const isRead = readText(number, Buffer.from(text.subarray(from, to)).toString(), stripPrefixes);
      return isRead ? findRead() : null;
    },
  };
}

const ZERO = 0x30;
const ONE = 0x31;
const THREE = 0x33;
const NINE = 0x39;
const PLUS = 0x2b;

/** Whether the text is digits, perhaps behind a "+": nearly all are, and need not become strings. */
function isPlain(text: Uint8Array, from: number, to: number): boolean {
  const begin = text[from] === PLUS ? from + 1 : from;
  if (to - begin < 1 || to - begin >= MAX_DIGITS) return false;
  for (let at = begin; at < to; at++) {
    if (text[at]! < ZERO || text[at]! > NINE) return false;
  }
  return true;
}

/** As `readNumber` of dialled-number.ts reads it. False when it is no number. */
function readPlain(number: ReadNumber, text: Uint8Array, from: number, to: number): boolean {
  const length = to - from;
  number.kind = 0;
  number.internationalLength = -1;
  number.nationalLength = -1;
  number.nationalAt = 0;
  number.decidedBy = READING_BYTES;
  if (isShortCode(text, from, length) || isNational(text, from, length)) {
    for (let at = 0; at < length; at++) number.national[at] = text[from + at]!;
    number.nationalLength = length;
    if (text[from] !== ZERO) number.kind = SHORT_CODE;
    else if (length > 10) number.kind = MACHINE;
    return true;
  }
  const begin =
    text[from] === PLUS ? from + 1 : from + (text[from] === ZERO && text[from + 1] === ZERO ? 2 : 0);
  const digits = to - begin;
  number.internationalAt = begin - from;
  number.decidedBy = begin - from + READING_BYTES;
  if (digits < 5 || digits > 19 || text[begin] === ZERO) return false;
  for (let at = 0; at < digits; at++) number.international[at] = text[begin + at]!;
  number.internationalLength = digits;
  writeNational(number);
  return true;
}

function isShortCode(text: Uint8Array, at: number, length: number): boolean {
  const first = text[at];
  if (length === 2 || length === 3) return first === ONE;
  if (length === 4) return first === ONE || first === THREE;
  const third = text[at + 2];
  return length === 6 && first === ONE && text[at + 1] === ONE && (third === 0x36 || third === 0x38);
}

function isNational(text: Uint8Array, at: number, length: number): boolean {
  return (length === 10 || length === 13 || length === 14) && text[at] === ZERO && text[at + 1]! >= ONE;
}

/** As `toNational` of dialled-number.ts. */
function writeNational(number: ReadNumber): void {
  const { international, internationalLength: length, national } = number;
  const code = findFrenchCode(international, length);
  if (code === undefined) return;
  let from = code.length;
  if (from < length && international[from] === ZERO) from++;
  number.nationalAt = number.internationalAt + from - 1;
  let to = 0;
  national[to++] = ZERO;
  // The numbers of Saint-Pierre-et-Miquelon have six digits there, and its code is part of them elsewhere in France.
  if (code === '508' && length - from === 6) {
    for (let at = 0; at < code.length; at++) national[to++] = code.charCodeAt(at);
  }
  while (from < length) national[to++] = international[from++]!;
  if (!isNational(national, 0, to)) return;
  number.nationalLength = to;
  if (to > 10) number.kind = MACHINE;
}

function findFrenchCode(digits: Uint8Array, length: number): string | undefined {
  for (let index = 0; index < frenchCodes.length; index++) {
    const code = frenchCodes[index]!;
    if (length >= code.length && beginsWith(digits, code)) return code;
  }
  return undefined;
}

function beginsWith(digits: Uint8Array, code: string): boolean {
  for (let at = 0; at < code.length; at++) if (digits[at] !== code.charCodeAt(at)) return false;
  return true;
}

/** Anything else that people and switches write. False when it is no number. */
function readText(number: ReadNumber, text: string, stripPrefixes: readonly string[]): boolean {
  const read = readNumber(text, stripPrefixes);
  if (!read) return false;
  const { international, national, isShort } = read;
  number.internationalLength = write(number.international, international);
  number.nationalLength = write(number.national, national);
  number.kind = isShort ? SHORT_CODE : number.nationalLength > 10 ? MACHINE : 0;
  return true;
}

function write(digits: Uint8Array, text: string | undefined): number {
  if (text === undefined) return -1;
  for (let at = 0; at < text.length; at++) digits[at] = text.charCodeAt(at);
  return text.length;
}

/** Written as at home, or with the code of France: then it may be a number of any territory. */
function isWrittenInFrance({ international, internationalLength, nationalLength }: ReadNumber): boolean {
  return (
    nationalLength >= 0 &&
    (internationalLength < 0 || (international[0] === THREE && international[1] === THREE))
  );
}

/** Remembers it by the text, which blocks share: there are a few. */
function rememberMainland(): (block: Block) => boolean {
  const known = new Map<string, boolean>();
  return ({ territory }) => {
    if (territory === null) return false;
    const isMainland = known.get(territory) ?? fold(territory) === 'metropole';
    known.set(territory, isMainland);
    return isMainland;
  };
}

const nowhere: Place = { country: null, lineKind: null };

function noteDecided(number: ReadNumber, bytes: number): void {
  if (bytes > number.decidedBy) number.decidedBy = bytes;
}

function findPlace(number: ReadNumber, world: WorldPlan, isFrench: boolean, scratch: Uint8Array): Place {
  const { international, internationalLength, kind } = number;
  const isDialled = internationalLength >= 0 && kind !== SHORT_CODE;
  const dialled = isDialled ? world.findPlaceIn(international, 0, internationalLength) : nowhere;
  if (isDialled) noteDecided(number, number.internationalAt + world.decidedBy);
  if (dialled.lineKind !== null || kind === SHORT_CODE || !isFrench) return dialled;
  return findFrenchPlace(number, world, scratch) ?? dialled;
}

/** What its numbers begin with elsewhere in France. */
const SAINT_PIERRE = '0508';

/** Of the codes that it may have from abroad, the first with which it is in use: the plan does not tell territories by code. */
function findFrenchPlace(number: ReadNumber, world: WorldPlan, scratch: Uint8Array): Place | undefined {
  const { national, nationalLength: length, nationalAt } = number;
  noteDecided(number, nationalAt + SAINT_PIERRE.length);
  if (length === 10 && beginsWith(national, SAINT_PIERRE)) {
    const place = world.findPlaceIn(national, 1, length);
    noteDecided(number, nationalAt + 1 + world.decidedBy);
    return place.lineKind === null ? undefined : place;
  }
  for (const code of frenchCodes) {
    const begin = write(scratch, code) - 1;
    for (let at = 1; at < length; at++) scratch[begin + at] = national[at]!;
    const place = world.findPlaceIn(scratch, 0, begin + length);
    noteDecided(number, nationalAt + world.decidedBy - begin);
    if (place.lineKind !== null) return place;
  }
  return undefined;
}

type CarrierOf = (
  block: Block | undefined,
  place: Place,
  kind: FrenchKind,
  isFrench: boolean,
) => Carrier | null;

/** What is known is made once for each block and place, of which there are few, and not for each number. */
function rememberCarriers(operators: Operators | undefined): CarrierOf {
  const ofBlocks = new Map<Block, Made[]>();
  const ofPlaces = new Map<Place, Made[]>();

  return (block, place, kind, isFrench) => {
    const made = block ? madeFor(ofBlocks, block) : madeFor(ofPlaces, place);
    for (let index = 0; index < made.length; index++) {
      const each = made[index]!;
      if (each.place === place && each.kind === kind && each.isFrench === isFrench) return each.carrier;
    }
    const carrier = makeCarrier(block, place, kind, isFrench, operators);
    made.push({ place, kind, isFrench, carrier });
    return carrier;
  };
}

interface Made {
  readonly place: Place;
  readonly kind: FrenchKind;
  readonly isFrench: boolean;
  readonly carrier: Carrier | null;
}

function madeFor<Key>(known: Map<Key, Made[]>, key: Key): Made[] {
  const made = known.get(key);
  if (made) return made;
  const none: Made[] = [];
  known.set(key, none);
  return none;
}

function makeCarrier(
  block: Block | undefined,
  place: Place,
  kind: FrenchKind,
  isFrench: boolean,
  operators: Operators | undefined,
): Carrier | null {
  const frenchKind = frenchKinds[kind];
  const lineKind = frenchKind ?? place.lineKind;
  // For short codes and machines only the plan has the territory.
  const known = block && frenchKind ? findCountry(block.territory) : place.country;
  const country = known ?? (block || isFrench ? findCountry(block?.territory) : null);
  if (!block && country === null && lineKind === null) return null;
  return {
    blockHolder: (block && operators?.get(block.holderCode)) ?? null,
    blockHolderCode: block?.holderCode ?? null,
    territory: block?.territory ?? null,
    country,
    lineKind,
    prefix: block?.prefix ?? null,
  };
}

const OVERSEAS: readonly (readonly [part: string, country: string])[] = [
  ['guadeloupe', 'GP'],
  ['martinique', 'MQ'],
  ['guyane', 'GF'],
  ['reunion', 'RE'],
  ['mayotte', 'YT'],
  ['miquelon', 'PM'],
];

/** Of a French block. */
function findCountry(territory: string | null | undefined): string {
  const folded = fold(territory ?? '');
  return OVERSEAS.find(([part]) => folded.includes(part))?.[1] ?? 'FR';
}
