import { spawn } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { FuzzServers } from './fuzz-database.ts';
import { startServers } from './fuzz-servers.ts';
import { type Edit, faults, type Plant, plants } from './plants.ts';
import type { RoundPart } from './round.ts';

const HELP = `Usage: npm run fuzz:plants -- [options]

Takes the cure of each fault out of a copy of the source, one after the other, and expects the fuzzer to find it by a seed.
Prints a table of them, and writes their rows into that of test/fuzz/PLANTS.md.

  --only TEXT    Only cures whose name has this in it
  --faults A,B   Only those of these kinds of faults, by number
  --rounds N     Seeds to try, from that of the plant on (30)
  --list         Say their names, and do nothing
  --help         This text`;

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const COPIED = ['src', 'test', 'migrations', 'package.json', 'tsconfig.json'];
const TABLE = 'test/fuzz/PLANTS.md';
const TABLE_HEAD = '| fault | cure taken out | seed | found as |\n| --- | --- | ---: | --- |';
const NOT_FOUND = '**NOT FOUND**';
/** Of what was found, as much as tells one thing from another. */
const MAX_SAID = 140;

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    faults: { type: 'string' },
    rounds: { type: 'string', default: '30' },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

/** A copy of the source, in which one cure at a time is missing. */
class Copy implements AsyncDisposable {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  static async create(): Promise<Copy> {
    const folder = await mkdtemp(join(tmpdir(), 'fuzz-plant-'));
    for (const each of COPIED) await cp(join(ROOT, each), join(folder, each), { recursive: true });
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    return new Copy(folder);
  }

  /** What the fuzzer finds in it without these; undefined when it finds nothing. */
  async findWithout({ seed, part, edits }: Plant, servers: FuzzServers): Promise<Finding | undefined> {
    try {
      for (const each of edits) await this.#edit(each);
      return await this.#fuzz(seed, part, servers);
    } finally {
      for (const { file } of edits) await cp(join(ROOT, file), join(this.#folder, file));
    }
  }

  async #edit(edit: Edit): Promise<void> {
    await writeFile(join(this.#folder, edit.file), await edited(this.#folder, edit));
  }

  async #fuzz(seed: number, part: RoundPart, servers: FuzzServers): Promise<Finding | undefined> {
    const args = ['--seed', String(seed), '--rounds', values.rounds, '--parts', part];
    const child = spawn(
      process.execPath,
      ['test/fuzz/cli.ts', ...args, '--servers', JSON.stringify(servers)],
      {
        cwd: this.#folder,
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    );
    let said = '';
    child.stderr.on('data', (text: Buffer) => {
      said += text;
    });
    const code = await new Promise((resolve) => child.on('close', resolve));
    const found = /^Found: .*--seed (\d+).*\n(.*)/m.exec(said);
    if (code !== 0 && !found) throw new Error(said);
    return found ? { seed: found[1]!, said: found[2]! } : undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** The file with the edit. Throws when the text to replace is not there exactly once. */
async function edited(folder: string, { file, find, replace }: Edit): Promise<string> {
  const [before, after, ...more] = (await readFile(join(folder, file), 'utf8')).split(find);
  if (after !== undefined && more.length === 0) return `${before}${replace}${after}`;
  throw new Error(`${file} has ${after === undefined ? 'no' : 'more than one'} ${JSON.stringify(find)}`);
}

interface Finding {
  readonly seed: string;
  readonly said: string;
}

/** A cell of a table in Markdown. */
const cell = (text: string) => text.slice(0, MAX_SAID).replaceAll(/[|\n`]/g, ' ');

async function findAll(chosen: readonly Plant[]): Promise<void> {
  // A cure that is written differently since is to be found again first.
  for (const { edits } of chosen) for (const each of edits) await edited(ROOT, each);
  await using servers = await startServers(18);
  await using copy = await Copy.create();
  const since = performance.now();
  const rows = new Map<string, string>();
  console.log(TABLE_HEAD);
  for (const plant of chosen) {
    const found = await copy.findWithout(plant, servers).catch((error: unknown) => {
      console.error(error);
      return undefined;
    });
    rows.set(plant.name, rowOf(plant, found));
    console.log(rowOf(plant, found));
  }
  const minutes = (performance.now() - since) / 60_000;
  const missed = [...rows.values()].filter((row) => row.includes(NOT_FOUND)).length;
  console.error(`${chosen.length - missed} of ${chosen.length} found in ${minutes.toFixed(1)} min.`);
  const table = join(ROOT, TABLE);
  await writeFile(table, tableOf({ ...rowsIn(await readFile(table, 'utf8')), ...Object.fromEntries(rows) }));
  if (missed > 0) process.exitCode = 1;
}

function rowOf({ fault, name }: Plant, found: Finding | undefined): string {
  return `| ${fault} ${faults[fault]} | ${name} | ${found?.seed ?? '–'} | ${found ? cell(found.said) : NOT_FOUND} |`;
}

/** By the names of the plants. */
function rowsIn(table: string): Readonly<Record<string, string>> {
  const rows = table.split('\n').filter((line) => /^\| \d/.test(line));
  return Object.fromEntries(rows.map((row) => [row.split(' | ')[1]!, row]));
}

function tableOf(rows: Readonly<Record<string, string>>): string {
  const lines = plants.flatMap(({ name }) => rows[name] ?? []);
  const found = lines.filter((line) => !line.includes(NOT_FOUND)).length;
  return `# Faults that the fuzzer finds

Written by \`npm run fuzz:plants\`: each cure of \`plants.ts\` was taken out of the source, alone, and the seed is the first
by which \`npm run fuzz\` found it with PostgreSQL 18. ${found} of ${plants.length} found.

${TABLE_HEAD}
${lines.join('\n')}
`;
}

const kinds = values.faults?.split(',');
const chosen = plants.filter(
  ({ fault, name }) => name.includes(values.only) && (kinds === undefined || kinds.includes(String(fault))),
);
if (values.help) console.log(HELP);
else if (values.list) for (const { fault, name } of chosen) console.log(`${fault} ${name}`);
else await findAll(chosen);
