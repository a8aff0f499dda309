import type { Logger } from 'pino';
import type { Block, BlockIndex } from './block-index.ts';
import type { Carrier, CarrierSource, LineKind } from './carrier.ts';
import { type DialledNumber, readNumber, toInternationals } from './dialled-number.ts';
import { type Operators, readOperators } from './operators-file.ts';
import { readPlan } from './plan-file.ts';
import type { NumberingFiles } from './settings.ts';
import { fold } from './table-file.ts';
import { type FileReport, type WatchedFile, watchFile } from './watched-file.ts';
import { loadWorldPlan, type Place, type WorldPlan } from './world-plan.ts';

/** Without a plan no block is known; without operators holders have codes and no names. */
export interface NumberingOptions extends Partial<NumberingFiles> {
  readonly logger?: Pick<Logger, 'info' | 'warn' | 'error'> | undefined;
  /** Between two looks at each file. Default 2,000. */
  readonly pollMillis?: number | undefined;
}

/** Who holds a number. */
export interface Numbering extends CarrierSource {
  /** Of each file that is configured. */
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
}: NumberingOptions = {}): Numbering {
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
        return number ? findCarrier(number, sources) : null;
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

function findCarrier(number: DialledNumber, { world, blocks, operators }: Sources): Carrier | null {
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

function findPlace(number: DialledNumber, world: WorldPlan): Place {
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
