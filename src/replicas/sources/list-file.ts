import { readFileSync, watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { splitUrls } from '../connection-url.ts';
import { codeOfError, SourceError } from './source.ts';

/** Between two readings that must agree: a file that is being written is not taken for what it will be. */
const SETTLE_MILLIS = 100;
const MAX_SETTLE_ROUNDS = 20;

/** A file of connection URLs, which is read again when it changes. */
export class ListFile {
  readonly path: string;
  /** Whether the list that is in use ended with a new line: then one that does not was cut off. */
  #hadNewline = false;

  constructor(path: string) {
    this.path = path;
  }

  /** Rejects with SourceError when it is missing, empty or half written. */
  async read(): Promise<readonly string[]> {
    const text = await this.#readSettled();
    const items = parseList(text);
    if (items.length === 0) {
      throw new SourceError(`The file "${this.path}" names no standby: write at least one URL into it.`);
    }
    const isWhole = text.endsWith('\n');
    if (this.#hadNewline && !isWhole) {
      throw new SourceError(
        `The file "${this.path}" is half written: its last line has no end. Write it anew beside, and rename it.`,
      );
    }
    this.#hadNewline = isWhole;
    return items;
  }

  /** Call the result to stop. The directory is watched, since a file is mostly replaced and not written to. */
  watch(onChange: () => void): () => void {
    const name = basename(this.path);
    try {
      const watcher = watch(dirname(this.path), { persistent: false }, (_event, changed) => {
        // Kubernetes replaces a link beside the file, and not the file.
        if (changed === null || changed === name || changed.startsWith('..')) onChange();
      });
      watcher.on('error', () => watcher.close());
      return () => watcher.close();
    } catch {
      // Where nothing can be watched, the regular readings find the change.
      return () => {};
    }
  }

  async #readSettled(): Promise<string> {
    let before = await this.#readOnce();
    for (let round = 0; round < MAX_SETTLE_ROUNDS; round++) {
      await delay(SETTLE_MILLIS);
      const now = await this.#readOnce();
      if (now === before) return now;
      before = now;
    }
    throw new SourceError(`The file "${this.path}" is being written without an end.`);
  }

  async #readOnce(): Promise<string> {
    try {
      return await readFile(this.path, 'utf8');
    } catch (error) {
      throw new SourceError(`The file "${this.path}" cannot be read (${codeOfError(error)}).`);
    }
  }
}

/** What a file says right now; nothing when it cannot be read. */
export function readList(path: string): readonly string[] {
  try {
    return parseList(readFileSync(path, 'utf8'));
  } catch {
    return [];
  }
}

/** One URL a line, or commas between them; lines that begin with # are comments. */
export function parseList(text: string): readonly string[] {
  const lines = text.split('\n').filter((line) => !line.trim().startsWith('#'));
  return splitUrls(lines.join('\n'));
}
