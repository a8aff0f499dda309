import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Block, BlockIndex } from '../numbering/block-index.ts';
import { createNumbering } from '../numbering/numbering.ts';
import { type Operators, readOperators } from '../numbering/operators-file.ts';
import { type Loaded, readPlan } from '../numbering/plan-file.ts';
import type { NumberingFiles } from '../numbering/settings.ts';
import { whyUnusable } from '../numbering/text-lines.ts';

type Print = (line: string) => void;

const LOOK_UPS = 100_000;

/** Reads the files of numbers as the gateway would, and prints what is in them and what they cost. False: warnings. */
export async function examineNumbering(files: NumberingFiles, print: Print): Promise<boolean> {
  if (files.planPath === undefined) {
    print('numbering plan: none; numbers have country and kind of line, and no holder (NUMBERING_PLAN)');
    return true;
  }
  const plan = await examine('numbering plan', 'blocks', files.planPath, readPlan, print);
  const operators = files.operatorsPath
    ? await examine('list of operators', 'operators', files.operatorsPath, readOperators, print)
    : undefined;
  const areNamed = !plan || !operators || reportUnnamed(plan.content, operators.content, print);
  if (plan) await timeLookUps(files, plan.content, print);
  const areWell = [plan, files.operatorsPath ? operators : plan].every((loaded) => loaded?.badLines === 0);
  return areWell && areNamed;
}

async function examine<Content>(
  what: string,
  entriesAre: string,
  path: string,
  read: (path: string) => Promise<Loaded<Content>>,
  print: Print,
): Promise<Loaded<Content> | undefined> {
  const before = heapUsed();
  const start = performance.now();
  try {
    const loaded = await read(path);
    const millis = Math.round(performance.now() - start);
    const megabytes = (Math.max(0, heapUsed() - before) / 1e6).toFixed(1);
    const { entries, badLines, firstBad } = loaded;
    print(`${what}: ${path}`);
    print(
      `  ${count(entries)} ${entriesAre}, ${count(badLines)} bad lines; read in ${millis} ms, ${megabytes} MB of memory`,
    );
    for (const { line, reason } of firstBad) print(`  warning: line ${line}: ${reason}`);
    if (badLines > firstBad.length) print(`  warning: and ${count(badLines - firstBad.length)} more`);
    if (entries > 0) return loaded;
    print('  problem: it has no usable line');
  } catch (error) {
    print(`${what}: ${path}`);
    print(`  problem: ${whyUnusable(error)}`);
  }
  return undefined;
}

/** False when the list does not name every holder of the plan. */
function reportUnnamed(plan: BlockIndex, operators: Operators, print: Print): boolean {
  const codes = new Set([...plan].map(({ holderCode }) => holderCode));
  const unnamed = [...codes].filter((code) => !operators.has(code));
  if (unnamed.length === 0) return true;
  const some = unnamed.slice(0, 5).join(', ');
  print(`  warning: ${unnamed.length} of ${codes.size} holders have no name there, such as ${some}`);
  return false;
}

async function timeLookUps(files: NumberingFiles, plan: BlockIndex, print: Print): Promise<void> {
  const numbering = createNumbering(files);
  try {
    await numbering.firstRead;
    const numbers = drawNumbers([...plan], LOOK_UPS);
    await numbering.lookUp(numbers.slice(0, 1));
    const start = performance.now();
    await numbering.lookUp(numbers);
    const millis = Math.round(performance.now() - start);
    print(`looking up: ${count(LOOK_UPS)} numbers of the plan in ${millis} ms`);
  } finally {
    numbering.close();
  }
}

/** As a switch writes them, from every block in turn. */
function drawNumbers(blocks: readonly Block[], many: number): string[] {
  return Array.from({ length: many }, (_, index) => {
    const { first, last } = blocks[index % blocks.length]!;
    const number = Number(first) + (index % (Number(last) - Number(first) + 1));
    const national = String(number).padStart(first.length, '0');
    return first.startsWith('0') ? `33${national.slice(1)}` : national;
  });
}

/** Bytes of live objects. */
function heapUsed(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

function count(number: number): string {
  return number.toLocaleString('en');
}
