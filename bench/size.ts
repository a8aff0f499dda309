/**
 * What a million calls a day come to: `npm run size`. A primary with a standby is played a day of calls, a commit each second and a
 * checkpoint each five minutes of it, and what that took is written into docs/sizing.md.
 */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createProgress } from '../src/demo/progress.ts';
import { playDays, type SizeOptions } from './size/play.ts';
import { describeSizes } from './size/table.ts';

const DOCUMENT = fileURLToPath(new URL('../docs/sizing.md', import.meta.url));
const BEGIN = '<!-- written by "npm run size" -->';
const END = '<!-- end of what it wrote -->';
/** Debian's: pgBackRest of the same release knows no later major. */
const DEBIAN = '/usr/lib/postgresql/15/bin';

const help = `Usage: npm run size -- [--calls N] [--history N] [--wal-compression METHOD] [--dry]

  --calls N                 Of the day (default: 1000000); more are measured, not derived
  --history N               In the table before it (default: as many)
  --wal-compression METHOD  off, pglz, lz4 or zstd (default: off, as PostgreSQL comes)
  --dry                     Print the table, and leave docs/sizing.md as it is

Minutes for a million, and twice its bytes of disk and more: some 2 GB. With pgBackRest and PostgreSQL 15 of Debian there are
backups too; without them those rows are missing.
`;

async function main(args: readonly string[], signal: AbortSignal): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      calls: { type: 'string', default: '1000000' },
      history: { type: 'string' },
      'wal-compression': { type: 'string', default: 'off' },
      dry: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    return;
  }
  const hasPgBackRest = existsSync('/usr/bin/pgbackrest') && existsSync(`${DEBIAN}/postgres`);
  const options: SizeOptions = {
    calls: positive('--calls', values.calls),
    history: positive('--history', values.history ?? values.calls),
    walCompression: values['wal-compression'],
    programs: hasPgBackRest ? DEBIAN : undefined,
    progress: createProgress(process.stderr),
    signal,
  };
  const lines = describeSizes(await playDays(options));
  process.stdout.write(`${lines.join('\n')}\n`);
  if (values.dry) return;
  const text = await readFile(DOCUMENT, 'utf8');
  const [before, after] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (before < 0 || after < before) throw new Error(`${DOCUMENT} has no place for the table.`);
  const written = [text.slice(0, before + BEGIN.length), '', ...lines, '', text.slice(after)].join('\n');
  await writeFile(DOCUMENT, written);
}

function positive(name: string, text: string): number {
  const number = /^\d{1,10}$/.test(text) ? Number(text) : 0;
  if (number > 0) return number;
  throw new Error(`${name}: expected a number of calls, got "${text}"`);
}

const controller = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => controller.abort());
await main(process.argv.slice(2), controller.signal);
