import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { BlockIndex } from './block-index.ts';
import type { Carrier, CarrierSource } from './carrier.ts';
import { type CarrierFinder, createCarrierFinder } from './carrier-finder.ts';
import { type Operators, readOperators } from './operators-file.ts';
import { readPlan } from './plan-file.ts';
import type { NumberingFiles } from './settings.ts';
import { type FileReport, type WatchedFile, watchFile } from './watched-file.ts';
import { loadWorldPlan, type WorldPlan } from './world-plan.ts';

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
/** Of one turn of the event loop. */
const MAX_TURN_MILLIS = 8;

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
  const finders = keepFinder(stripPrefixes);
  const budget = createLearningBudget();
  let loading: Promise<WorldPlan> | undefined;
  let world: WorldPlan | undefined;

  return {
    firstRead: Promise.all(files.map(({ firstRead }) => firstRead)).then(() => {}),
    reports: () => ({
      ...(plan && { plan: plan.report() }),
      ...(operators && { operators: operators.report() }),
    }),
    async lookUp(numbers) {
      loading ??= loadWorldPlan();
      world = await loading;
      return lookUpInTurns(finders(world, plan?.current(), operators?.current()), numbers);
    },
    findNow(text, from, to) {
      if (!world) return undefined;
      const finder = finders(world, plan?.current(), operators?.current());
      if (!budget.isSpent(world)) return finder.find(text, from, to);
      return finder.findAgain(text, from, to);
    },
    close() {
      for (const file of files) file.close();
    },
  };
}

/** Leaves the event loop to others now and then. */
async function lookUpInTurns(
  finder: CarrierFinder,
  numbers: readonly string[],
): Promise<readonly (Carrier | null)[]> {
  const carriers: (Carrier | null)[] = [];
  let begin = performance.now();
  for (const number of numbers) {
    const text = Buffer.from(number);
    carriers.push(finder.find(text, 0, text.length));
    if (performance.now() - begin < MAX_TURN_MILLIS) continue;
    await nextTurn();
    begin = performance.now();
  }
  return carriers;
}

/**
 * How a number of a country is read is worked out when the first like it comes, which may take as long as to find a
 * thousand others: so much of it is done in one turn of the event loop and no more, and the rest is looked up.
 */
function createLearningBudget(): { isSpent(world: WorldPlan): boolean } {
  let before = 0;
  let isSpent = false;
  return {
    isSpent({ learning }) {
      if (isSpent || learning.millis - before < MAX_TURN_MILLIS) return isSpent;
      isSpent = true;
      setImmediate(() => {
        isSpent = false;
        before = learning.millis;
      });
      return true;
    },
  };
}

/** A finder remembers what it found: another one where a file has been read again. */
function keepFinder(stripPrefixes: readonly string[]) {
  let kept: { readonly finder: CarrierFinder; readonly of: readonly unknown[] } | undefined;
  return (world: WorldPlan, blocks: BlockIndex | undefined, operators: Operators | undefined) => {
    if (!kept || kept.of[0] !== blocks || kept.of[1] !== operators) {
      const finder = createCarrierFinder({ world, blocks, operators, stripPrefixes });
      kept = { finder, of: [blocks, operators] };
    }
    return kept.finder;
  };
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
