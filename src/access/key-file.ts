import { readFile, rename, stat, unlink, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { StoredKey } from '../db/keys/api-keys.ts';

/** Between two looks at the file. */
const POLL_MS = 250;

/** A file of keys that cannot be used as it is. Its message is a sentence for the terminal and the log. */
export class KeyFileError extends Error {
  override readonly name = 'KeyFileError';
}

/** Empty where there is no file yet. Throws KeyFileError. */
export async function readKeyFile(path: string): Promise<readonly StoredKey[]> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new KeyFileError(`The file of API keys "${path}" cannot be read: ${(error as Error).message}.`);
  }
  try {
    const { keys } = JSON.parse(text);
    if (Array.isArray(keys) && keys.every(isStoredKey)) return keys;
  } catch {
    // Said below.
  }
  throw new KeyFileError(
    `The file of API keys "${path}" is not one: it is { "keys": [ … ] }, as "keys create" writes it.`,
  );
}

/** In its place at once, so that no reader sees half of it. Only its owner may read it. */
export async function writeKeyFile(path: string, keys: readonly StoredKey[]): Promise<void> {
  const draft = `${path}.${process.pid}.new`;
  try {
    await writeFile(draft, `${JSON.stringify({ keys }, null, 2)}\n`, { mode: 0o600 });
    await rename(draft, path);
  } catch (error) {
    await unlink(draft).catch(() => {});
    throw new KeyFileError(`The file of API keys "${path}" cannot be written: ${(error as Error).message}.`);
  }
}

function isStoredKey(value: unknown): value is StoredKey {
  if (typeof value !== 'object' || value === null) return false;
  const { id, name, role, scope, digest, createdAt, ...key } = value as Record<string, unknown>;
  const isTextOrNull = (given: unknown) => given === null || typeof given === 'string';
  const isTexts = (given: unknown) => Array.isArray(given) && given.every((each) => typeof each === 'string');
  return (
    [id, name, role, scope, digest, createdAt].every((given) => typeof given === 'string') &&
    isTexts(key.scopeIds) &&
    isTexts(key.networks) &&
    isTextOrNull(key.expiresAt) &&
    isTextOrNull(key.revokedAt) &&
    (key.maxPage === null || (Number.isInteger(key.maxPage) && Number(key.maxPage) > 0))
  );
}

export interface KeyFileWatch {
  /** After each change, and once at the start. */
  onKeys(keys: readonly StoredKey[]): void;
  /** Once for each reason why the file as it is now is not in use. */
  onProblem(error: unknown): void;
}

/**
 * Reads the file whenever it has changed, until it is told to stop. Resolves when it was read for the first time, or
 * could not be. A file that cannot be used leaves the keys that are known as they are.
 */
export async function watchKeyFile(
  path: string,
  { onKeys, onProblem }: KeyFileWatch,
  stop: AbortSignal,
): Promise<void> {
  let seen: string | undefined;
  let problem = '';
  const look = async () => {
    const identity = await identityOf(path);
    if (identity === seen) return;
    try {
      onKeys(await readKeyFile(path));
      problem = '';
    } catch (error) {
      const { message } = error as Error;
      if (message !== problem) onProblem(error);
      problem = message;
    }
    seen = identity;
  };
  const watch = async () => {
    while (!stop.aborted) {
      await delay(POLL_MS, undefined, { signal: stop, ref: false }).catch(() => {});
      if (!stop.aborted) await look();
    }
  };
  await look();
  void watch();
}

/** The time of change (ctime) moves also when a file is put into its place. */
async function identityOf(path: string): Promise<string> {
  return stat(path, { bigint: true }).then(
    ({ dev, ino, size, ctimeNs }) => `${dev} ${ino} ${size} ${ctimeNs}`,
    () => 'missing',
  );
}
