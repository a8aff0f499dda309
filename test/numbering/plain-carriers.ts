import type { Block, BlockIndex } from '../../src/numbering/block-index.ts';
import type { Carrier, LineKind } from '../../src/numbering/carrier.ts';
import { type DialledNumber, frenchCodes, readNumber } from '../../src/numbering/dialled-number.ts';
import type { Operators } from '../../src/numbering/operators-file.ts';
import { fold } from '../../src/numbering/table-file.ts';
import type { Place } from '../../src/numbering/world-plan.ts';
import type { PlainWorldPlan } from './plain-world-plan.ts';

export interface PlainSources {
  readonly world: PlainWorldPlan;
  readonly blocks: BlockIndex | undefined;
  readonly operators: Operators | undefined;
}

/** As src/numbering/carrier-finder.ts, step by step and with strings. */
export function findPlainCarrier(
  text: string,
  stripPrefixes: readonly string[],
  sources: PlainSources,
): Carrier | null {
  const number = readNumber(text, stripPrefixes);
  return number ? findCarrier(number, sources) : null;
}

function findCarrier(number: DialledNumber, { world, blocks, operators }: PlainSources): Carrier | null {
  const block = findBlock(number, blocks);
  const place = findPlace(number, world);
  const frenchKind = findFrenchKind(number);
  const lineKind = frenchKind ?? place.lineKind;
  // For short codes and machines only the plan has the territory.
  const known = block && frenchKind ? findCountry(block.territory) : place.country;
  const country = known ?? (block || isFrench(number) ? findCountry(block?.territory) : null);
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

/** Behind the code of an overseas territory there are no numbers of the mainland. */
function findBlock(number: DialledNumber, blocks: BlockIndex | undefined): Block | undefined {
  const block = number.national === undefined ? undefined : blocks?.find(number.national);
  return block && !isFrench(number) && isMainland(block) ? undefined : block;
}

function isMainland({ territory }: Block): boolean {
  return territory !== null && fold(territory) === 'metropole';
}

/** Written as at home, or with the code of France: then it may be a number of any territory. */
function isFrench({ international, national }: DialledNumber): boolean {
  return national !== undefined && (international === undefined || international.startsWith('33'));
}

function findPlace(number: DialledNumber, world: PlainWorldPlan): Place {
  const { international, national, isShort } = number;
  const dialled = international === undefined || isShort ? nowhere : world.findPlace(international);
  if (dialled.lineKind !== null || isShort || !isFrench(number)) return dialled;
  const inUse = toInternationals(national!)
    .map((each) => world.findPlace(each))
    .find(({ lineKind }) => lineKind !== null);
  return inUse ?? dialled;
}

const nowhere: Place = { country: null, lineKind: null };

/** The kinds that libphonenumber lacks. */
function findFrenchKind({ national, isShort }: DialledNumber): LineKind | undefined {
  if (isShort) return 'SHORT_CODE';
  return national !== undefined && national.length > 10 ? 'MACHINE' : undefined;
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

/** What a French number may be from abroad: the plan does not distinguish territories by their code. */
function toInternationals(national: string): readonly string[] {
  if (/^0508\d{6}$/.test(national)) return [national.slice(1)];
  return frenchCodes.map((code) => code + national.slice(1));
}
