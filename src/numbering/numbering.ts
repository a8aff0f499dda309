import type { Logger } from 'pino';
import type { Block, BlockIndex } from './block-index.ts';
import type { Carrier, CarrierSource, LineKind } from './carrier.ts';
import { type DialledNumber, internationalsOf, readNumber } from './dialled-number.ts';
import { type Operators, readOperators } from './operators-file.ts';
import { readPlan } from './plan-file.ts';
import { fold } from './table-file.ts';
import { type FileReport, type WatchedFile, watchFile } from './watched-file.ts';
import { loadWorldPlan, type Place, type WorldPlan } from './world-plan.ts';

export interface NumberingSettings {
  /** A file in the form of ARCEP's MAJNUM.csv; without it no block is known. */
  readonly planPath?: string | undefined;
  /** A file in the form of ARCEP's identifiants_CE.csv; without it holders have codes and no names. */
  readonly operatorsPath?: string | undefined;
  /** Taken off numbers before they are looked up. */
  readonly stripPrefixes?: readonly string[] | undefined;
  readonly logger?: Pick<Logger, 'info' | 'warn' | 'error'> | undefined;
  /** Between two looks at each file. Default 2,000. */
  readonly pollMillis?: number | undefined;
}

/** Who holds a number. */
export interface Numbering extends CarrierSource {
  /** Of each file that was asked for. */
  reports(): NumberingReports;
  /** Resolves when each file has been read for the first time, or could not be. */
  readonly firstRead: Promise<void>;
  close(): void;
}

export interface NumberingReports {
  readonly plan?: FileReport;
  readonly operators?: FileReport;
}

const POLL_MILLIS = 2000;

/** Files that are missing or useless stop nothing: they are said in the log, and read as soon as they are there. */
export function createNumbering({
  planPath,
  operatorsPath,
  stripPrefixes = [],
  logger,
  pollMillis = POLL_MILLIS,
}: NumberingSettings = {}): Numbering {
  const onRead = (what: string) => (report: FileReport) => logger && logReport(logger, what, report);
  const plan = planPath
    ? watchFile({ path: planPath, read: readPlan, onRead: onRead('numbering plan'), pollMillis })
    : undefined;
  const operators = operatorsPath
    ? watchFile({ path: operatorsPath, read: readOperators, onRead: onRead('list of operators'), pollMillis })
    : undefined;
  const files = [plan, operators].filter((file) => file !== undefined) as WatchedFile<unknown>[];
  let world: Promise<WorldPlan> | undefined;

  return {
    firstRead: Promise.all(files.map(({ firstRead }) => firstRead)).then(() => {}),
    reports: () => ({
      ...(plan && { plan: plan.report() }),
      ...(operators && { operators: operators.report() }),
    }),
    async lookUp(numbers) {
      world ??= loadWorldPlan();
      const sources = { world: await world, blocks: plan?.current(), operators: operators?.current() };
      return numbers.map((text) => {
        const number = readNumber(text, stripPrefixes);
        return number ? carrierOf(number, sources) : null;
      });
    },
    close() {
      for (const file of files) file.close();
    },
  };
}

interface Sources {
  readonly world: WorldPlan;
  readonly blocks: BlockIndex | undefined;
  readonly operators: Operators | undefined;
}

function carrierOf(number: DialledNumber, { world, blocks, operators }: Sources): Carrier | null {
  const block = blockOf(number, blocks);
  const place = placeOf(number, world);
  const frenchKind = frenchKindOf(number);
  const lineKind = frenchKind ?? place.lineKind;
  // Of short codes and machines the plan alone knows the territory.
  const known = block && frenchKind ? countryOf(block.territory) : place.country;
  const country = known ?? (block || isFrench(number) ? countryOf(block?.territory) : null);
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
function blockOf(number: DialledNumber, blocks: BlockIndex | undefined): Block | undefined {
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

function placeOf(number: DialledNumber, world: WorldPlan): Place {
  const { international, national, isShort } = number;
  const dialled = international === undefined || isShort ? nowhere : world.placeOf(international);
  if (dialled.lineKind !== null || isShort || !isFrench(number)) return dialled;
  const inUse = internationalsOf(national!)
    .map((each) => world.placeOf(each))
    .find(({ lineKind }) => lineKind !== null);
  return inUse ?? dialled;
}

const nowhere: Place = { country: null, lineKind: null };

/** What libphonenumber does not know. */
function frenchKindOf({ national, isShort }: DialledNumber): LineKind | undefined {
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
function countryOf(territory: string | null | undefined): string {
  const folded = fold(territory ?? '');
  return OVERSEAS.find(([part]) => folded.includes(part))?.[1] ?? 'FR';
}

function logReport(
  logger: Pick<Logger, 'info' | 'warn' | 'error'>,
  what: string,
  { path, entries, badLines, firstBad, problem }: FileReport,
): void {
  if (problem !== null) {
    const kept = entries > 0 ? `the ${entries} entries read before are kept` : 'numbers have no holder';
    logger.error({ file: path, entries, problem }, `${what} cannot be used; ${kept}`);
    return;
  }
  logger.info({ file: path, entries, badLines }, `${what} read`);
  if (badLines > 0)
    logger.warn({ file: path, badLines, firstBad }, `${what} has bad lines, which are left out`);
}
