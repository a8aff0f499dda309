import { open, unlink } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { KeyFileError, readKeyFile, writeKeyFile } from '../access/key-file.ts';
import type { StoredKey } from '../db/keys/api-keys.ts';
import { type KeyStore, KeysError, noSuchKey } from '../db/keys/key-table.ts';

/** Keys in a file. */
export function fileStore(path: string): KeyStore {
  const change = (edit: (keys: readonly StoredKey[]) => readonly StoredKey[]) =>
    withLock(path, async () => writeKeyFile(path, edit(await readKeyFile(path))));
  return {
    takesEffect: 'at once',
    list: () => readKeyFile(path),
    insert: (key) => change((keys) => [...keys, key]),
    rotate: (old, key, until) =>
      change((keys) => [
        ...replace(keys, old, (found) => ({ ...found, expiresAt: earlier(found, until) })),
        key,
      ]),
    revoke: (id) =>
      change((keys) =>
        replace(keys, id, (found) => ({ ...found, revokedAt: found.revokedAt ?? new Date().toISOString() })),
      ),
  };
}

function replace(
  keys: readonly StoredKey[],
  id: string,
  edit: (key: StoredKey) => StoredKey,
): readonly StoredKey[] {
  if (!keys.some((key) => key.id === id)) throw noSuchKey(id);
  return keys.map((key) => (key.id === id ? edit(key) : key));
}

function earlier({ expiresAt }: StoredKey, until: string): string {
  return expiresAt !== null && Date.parse(expiresAt) < Date.parse(until) ? expiresAt : until;
}

const LOCK_TRIES = 50;

/** Two commands at once would write the one over the other. */
async function withLock(path: string, work: () => Promise<void>): Promise<void> {
  const lock = `${path}.lock`;
  for (let left = LOCK_TRIES; ; left--) {
    try {
      await (await open(lock, 'wx')).close();
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
        throw new KeyFileError(
          `The file of API keys "${path}" cannot be written: ${(error as Error).message}.`,
        );
      }
      if (left === 0)
        throw new KeysError(`Another command is changing the keys. If none is, delete "${lock}".`);
      await delay(100);
    }
  }
  try {
    await work();
  } finally {
    await unlink(lock);
  }
}
