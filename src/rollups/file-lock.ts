import { DatabaseSync } from 'node:sqlite';

const SQLITE_BUSY = 5;

/** Sentences for administrators. */
export class KeptByAnotherError extends Error {
  constructor(path: string) {
    super(`Another process keeps ${path}.`);
  }
}

/**
 * Whoever has it is the only one that writes what is at the path, and removes what lies beside it. It is a lock of SQLite, which
 * goes with its process however that ends. Throws KeptByAnotherError.
 */
export function lockFile(path: string): Disposable {
  const db = new DatabaseSync(`${path}.lock`);
  try {
    // No journal beside it: nothing is written.
    db.exec('pragma journal_mode = memory; begin exclusive');
  } catch (error) {
    db.close();
    throw (error as { readonly errcode?: number }).errcode === SQLITE_BUSY
      ? new KeptByAnotherError(path)
      : error;
  }
  return { [Symbol.dispose]: () => db.close() };
}
