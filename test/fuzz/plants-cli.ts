import { spawn } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Edit, type Plant, plants } from './plants.ts';

/** `npm run fuzz:plants`: plants each fault in a copy of the source, and expects the fuzzer to find it. */

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const COPIED = ['src', 'test', 'migrations', 'package.json', 'tsconfig.json'];

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    rounds: { type: 'string', default: '25' },
    list: { type: 'boolean', default: false },
  },
});

/** Throws when the text to replace is not there exactly once. */
async function makeEdit(folder: string, { file, find, replace }: Edit): Promise<void> {
  const path = join(folder, file);
  const text = await readFile(path, 'utf8');
  const [before, after, ...more] = text.split(find);
  if (after === undefined || more.length > 0) {
    throw new Error(`${file} has ${after === undefined ? 'no' : 'more than one'} ${JSON.stringify(find)}`);
  }
  await writeFile(path, `${before}${replace}${after}`);
}

/** What the fuzzer found; undefined when it found nothing. */
async function findPlanted({ seed, edits }: Plant): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'fuzz-plant-'));
  try {
    for (const each of COPIED) await cp(join(ROOT, each), join(folder, each), { recursive: true });
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    for (const each of edits) await makeEdit(folder, each);
    const args = ['test/fuzz/cli.ts', '--seed', String(seed), '--rounds', values.rounds];
    const child = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (text: Buffer) => {
      said += text;
    });
    const code = await new Promise((resolve) => child.on('close', resolve));
    const found = /^Found: .*--seed (\d+).*\n(.*)/m.exec(said);
    if (code !== 0 && !found) throw new Error(said);
    return found ? `by seed ${found[1]}: ${found[2]!.slice(0, 160)}` : undefined;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

for (const plant of plants.filter(({ name }) => name.includes(values.only))) {
  if (values.list) {
    console.log(plant.name);
    continue;
  }
  const found = await findPlanted(plant);
  console.log(`${found ? 'found' : 'NOT FOUND'} ${plant.name}${found ? ` ${found}` : ''}`);
  if (!found) process.exitCode = 1;
}
