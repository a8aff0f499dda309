import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { measureAgainst } from './against.ts';
import { watchOthers } from './cpu.ts';
import { openDatabase } from './database.ts';
import type { Line, Row } from './line.ts';
import { describeCommands, describeMachine } from './machine.ts';
import { againstMarkdown, keyOf, printNotes, printTable, type Report, resultsMarkdown } from './report.ts';
import { rows } from './rows/index.ts';
import { ServerStartError } from './server-process.ts';
import { BadArgumentError, help, parseSettings, type Settings } from './settings.ts';
import { SideMissingError, Stage } from './stage.ts';

const RESULTS = fileURLToPath(new URL('RESULTS.md', import.meta.url));
const AGAINST = fileURLToPath(new URL('AGAINST.md', import.meta.url));
const PICTURE = fileURLToPath(new URL('memory.svg', import.meta.url));

/** The part of the processors that others may use before it is worth saying beside a line. */
const DISTURBED = 0.05;

const startedAt = performance.now();
const log = (line: string) => {
  const seconds = (performance.now() - startedAt) / 1000;
  process.stderr.write(`${seconds.toFixed(0).padStart(4)} s  ${line}\n`);
};

async function main(args: readonly string[], signal: AbortSignal): Promise<number> {
  const names = {
    rowNames: rows.map(({ name }) => name),
    workloadNames: rows.filter(({ workloads }) => workloads).map(({ name }) => name),
  };
  const settings = parseSettings(args, names);
  if (settings === 'help') {
    process.stdout.write(help(names));
    return 0;
  }
  const scratchDir = mkdtempSync(join(tmpdir(), 'cdr-gateway-bench-run-'));
  try {
    const report = await run(settings, { args, scratchDir, signal });
    process.stdout.write(
      `\n${printTable(report)}\n\n${printNotes(report)}\n\n${report.machine.join('\n')}\n`,
    );
    if (settings.writesResults) writeResults(report, settings);
    return report.lines.some(({ verdict }) => verdict === 'FAIL') ? 1 : 0;
  } finally {
    rmSync(scratchDir, { recursive: true, force: true });
  }
}

async function run(
  settings: Settings,
  { args, scratchDir, signal }: { args: readonly string[]; scratchDir: string; signal: AbortSignal },
): Promise<Report> {
  const { calls } = settings.sizes;
  // A directory of our own inside: what is in it may have to be removed.
  const dataDir = join(settings.dataDir ?? tmpdir(), `cdr-gateway-bench-${calls}`);
  await using database = await openDatabase({ calls, dataDir, signal, log });
  const machine = await describeMachine(database, settings.against);
  const others = watchOthers();
  await using stage = new Stage({ database, settings, scratchDir, log });
  const lines: Line[] = [];
  for (const row of rows) {
    if (settings.rows ? !settings.rows.includes(row.name) : settings.against && !row.workloads) continue;
    log(`Measuring ${row.name}: ${row.title}`);
    lines.push(...(await Promise.race([measure(row, stage), stopped(signal)])));
  }
  const used = others();
  if (used !== undefined) machine.push(`Others used ${percent(used)} of the processors meanwhile`);
  return {
    lines,
    machine,
    commands: settings.against === undefined ? describeCommands(settings.sizes) : [],
    command: describeArguments(args, settings),
    date: new Date(),
    before: settings.against === undefined ? exchangeLastRun(`${dataDir}.last.json`, lines) : new Map(),
  };
}

/** Rejects at SIGINT or SIGTERM: the measurement is given up, and everything that runs is ended. */
function stopped(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

/** A row that cannot be measured says why; the others go on. A row that was disturbed says so too. */
async function measure(row: Row, stage: Stage): Promise<readonly Line[]> {
  const others = watchOthers();
  try {
    const measured = stage.settings.against === undefined ? row.measure(stage) : measureAgainst(row, stage);
    const [first, ...more] = await measured;
    const used = others() ?? 0;
    if (used < DISTURBED) return [first!, ...more];
    return [
      { ...first!, notes: [...first!.notes, `others used ${percent(used)} of the processors`] },
      ...more,
    ];
  } catch (error) {
    if (error instanceof ServerStartError) throw error;
    const { message } = error as Error;
    log(`  ${row.name}: ${message}`);
    const verdict = error instanceof SideMissingError ? 'not run' : 'FAIL';
    return [
      {
        title: row.title,
        target: '',
        measured: verdict === 'FAIL' ? 'error' : '',
        verdict,
        notes: [message],
      },
    ];
  }
}

const percent = (share: number): string => `${Math.round(100 * share)} %`;

/** What the run before measured of the same data; this run takes its place. */
function exchangeLastRun(file: string, lines: readonly Line[]): Map<string, string> {
  const known = readLastRun(file);
  const measured = lines.filter(({ target, verdict }) => target !== '' && verdict !== 'not run');
  const now = new Map(measured.map((line) => [keyOf(line), line.measured]));
  writeFileSync(file, JSON.stringify([...known, ...now]));
  return known;
}

function readLastRun(file: string): Map<string, string> {
  try {
    return new Map(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return new Map();
  }
}

/** Where the other checkout lies is nobody's business. */
function describeArguments(args: readonly string[], { against }: Settings): string {
  const shown = args.map((argument, index) => (args[index - 1] === '--against' ? '<directory>' : argument));
  const written = shown.map((argument) => argument.replace(/^--against=.*/s, '--against=<directory>'));
  return ['npm run bench', ...(args.length > 0 ? ['--', ...(against ? written : args)] : [])].join(' ');
}

function writeResults(report: Report, { against }: Settings): void {
  if (against !== undefined) {
    writeFileSync(AGAINST, againstMarkdown(report));
    log('Written: bench/AGAINST.md');
    return;
  }
  const picture = report.lines.find((line) => line.picture !== undefined)?.picture;
  if (picture !== undefined) writeFileSync(PICTURE, picture);
  writeFileSync(RESULTS, resultsMarkdown(report, picture && 'memory.svg'));
  log('Written: bench/RESULTS.md');
}

const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    if (stop.signal.aborted) process.exit(130);
    log('Stopping');
    stop.abort(new BadArgumentError('Stopped.'));
  });
}

try {
  process.exitCode = await main(process.argv.slice(2), stop.signal);
} catch (error) {
  const isExplained =
    error instanceof BadArgumentError ||
    error instanceof ServerStartError ||
    (error as Error).name === 'DemoError';
  process.stderr.write(`${isExplained ? (error as Error).message : (error as Error).stack}\n`);
  process.exitCode = 2;
}
