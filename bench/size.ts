/**
 * What a million calls a day come to: `npm run size`. A primary with a standby is played a day of calls, a commit each second and a
 * checkpoint each five minutes of it, and what that took is written into docs/sizing.md; so are what partitions and settings change.
 */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createProgress } from '../src/demo/progress.ts';
import { measurePartitions } from './size/partitions.ts';
import { playDays } from './size/play.ts';
import { keepRun, readRuns } from './size/runs.ts';
import { describeSizes } from './size/table.ts';
import { measureSettings } from './size/wal-settings.ts';

const DOCUMENT = fileURLToPath(new URL('../docs/sizing.md', import.meta.url));
const END = '<!-- end of what it wrote -->';
/** Debian's: pgBackRest of the same release knows no later major. */
const DEBIAN = '/usr/lib/postgresql/15/bin';

const help = `Usage: npm run size -- [partitions|settings] [--calls N] [options] [--dry]

  (nothing)                 A day of calls: bytes, WAL, archive, backups, memory, processors
  partitions                The same calls in one table and in a partition for each month, asked the same in turns
  settings                  Hours of a day with each of the settings that change the WAL, and statistics before and after autovacuum

  --calls N                 Of the day, or of all months (default: 1000000); more are measured, not derived
  --hours N                 Play only the last N hours of the day; what they took is of so many calls (default: 24)
  --history N               In the table before the day (default: as many)
  --wal-compression METHOD  off, pglz, lz4 or zstd (default: off, as PostgreSQL comes)
  --no-backups              Without an archive and backups, which take four times the disk
  --months N                Of partitions (default: 12)
  --repeats N               Of each query (default: 15), or hours of each setting (default: 3)
  --dry                     Print the table, and leave docs/sizing.md as it is

Minutes for a million, and twice its bytes of disk and more: some 2 GB. With pgBackRest and PostgreSQL 15 of Debian there are
backups too; without them those rows are missing. Partitions and settings need that PostgreSQL.
`;

async function main(args: readonly string[], signal: AbortSignal): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      calls: { type: 'string', default: '1000000' },
      hours: { type: 'string', default: '24' },
      history: { type: 'string' },
      'wal-compression': { type: 'string', default: 'off' },
      'no-backups': { type: 'boolean', default: false },
      months: { type: 'string', default: '12' },
      repeats: { type: 'string' },
      dry: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    return;
  }
  const calls = positive('--calls', values.calls);
  const common = { calls, progress: createProgress(process.stderr), signal };
  const hasDebian = existsSync(`${DEBIAN}/postgres`);
  const [what] = positionals;
  if (what === undefined) {
    const figures = await playDays({
      ...common,
      hours: positive('--hours', values.hours),
      history: positive('--history', values.history ?? values.calls),
      walCompression: values['wal-compression'],
      programs: hasDebian ? DEBIAN : undefined,
      hasBackups: existsSync('/usr/bin/pgbackrest') && !values['no-backups'],
    });
    if (!values.dry) await keepRun(figures);
    await report('npm run size', describeSizes(values.dry ? [figures] : await readRuns()), values.dry);
    return;
  }
  const measure =
    what === 'partitions' ? measurePartitions : what === 'settings' ? measureSettings : undefined;
  if (!measure) throw new Error(`Expected partitions, settings or nothing, got "${what}"`);
  if (!hasDebian) throw new Error(`PostgreSQL 15 is not in ${DEBIAN}: apt-get install postgresql-15`);
  const lines = await measure({
    ...common,
    programs: DEBIAN,
    months: positive('--months', values.months),
    repeats: positive('--repeats', values.repeats ?? (what === 'partitions' ? '15' : '3')),
  });
  await report(`npm run size -- ${what}`, lines, values.dry);
}

/** Prints the lines, and puts them between the marks of that command in docs/sizing.md. */
async function report(command: string, lines: readonly string[], isDry: boolean): Promise<void> {
  process.stdout.write(`${lines.join('\n')}\n`);
  if (isDry) return;
  const text = await readFile(DOCUMENT, 'utf8');
  const begin = `<!-- written by "${command}" -->`;
  const before = text.indexOf(begin);
  const after = text.indexOf(END, before);
  if (before < 0 || after < before) throw new Error(`${DOCUMENT} has no place for the table.`);
  const written = [text.slice(0, before + begin.length), '', ...lines, '', text.slice(after)].join('\n');
  await writeFile(DOCUMENT, written);
}

function positive(name: string, text: string): number {
  const number = /^\d{1,10}$/.test(text) ? Number(text) : 0;
  if (number > 0) return number;
  throw new Error(`${name}: expected a number, got "${text}"`);
}

const controller = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => controller.abort());
await main(process.argv.slice(2), controller.signal);
