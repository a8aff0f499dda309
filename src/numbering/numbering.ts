import type { Logger } from 'pino';
import type { BlockIndex } from './block-index.ts';
import type { CarrierSource } from './carrier.ts';
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
      const finder = finders(world, plan?.current(), operators?.current());
      return numbers.map((number) => {
        const text = Buffer.from(number);
        return finder.find(text, 0, text.length);
      });
    },
    findNow: (text, from, to) =>
      world && finders(world, plan?.current(), operators?.current()).find(text, from, to),
    close() {
      for (const file of files) file.close();
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
