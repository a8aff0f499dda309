import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

const DIGITS = 15;

/** What a file is called when it is closed: by the number of its last line, so that names are in the order of the chain. */
export function closedName(file: string, lastSequence: number): string {
  return `${file}.${String(lastSequence).padStart(DIGITS, '0')}`;
}

/** The closed files, oldest first. */
export async function closedFiles(file: string): Promise<readonly string[]> {
  const start = `${basename(file)}.`;
  const names = await readdir(dirname(file));
  return names
    .filter((name) => name.startsWith(start) && /^\d{15}$/.test(name.slice(start.length)))
    .sort()
    .map((name) => join(dirname(file), name));
}

/** Beside the file: number and hash of its last line, so that lines cannot be cut off its end without a trace. */
export const headFile = (file: string): string => `${file}.head`;
