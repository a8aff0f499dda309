import { Client } from 'pg';
import { expireKey, insertKey, revokeKey, type StoredKey, selectKeys } from './api-keys.ts';

/** Where API keys are kept. */
export interface KeyStore {
  list(): Promise<readonly StoredKey[]>;
  insert(key: StoredKey): Promise<void>;
  /** Puts one in the place of another, which goes on until then. */
  rotate(old: string, key: StoredKey, until: string): Promise<void>;
  revoke(id: string): Promise<void>;
  /** How soon every gateway knows. */
  readonly takesEffect: string;
}

/** A command about keys that cannot be done. Its message says what to do instead. */
export class KeysError extends Error {
  override readonly name = 'KeysError';
}

/** Runs `use` with the table of keys on a primary. Throws KeysError. */
export async function withTable<T>(url: string, use: (store: KeyStore) => Promise<T>): Promise<T> {
  const client = new Client({
    connectionString: url,
    application_name: 'cdr-gateway keys',
    connectionTimeoutMillis: 10_000,
  });
  client.on('error', () => {});
  try {
    await client.connect();
    return await use(tableStore(client));
  } catch (error) {
    throw explain(error);
  } finally {
    await client.end().catch(() => {});
  }
}

function tableStore(client: Client): KeyStore {
  return {
    takesEffect: 'within a second of its replication to the standbys',
    list: () => selectKeys(client),
    insert: (key) => insertKey(client, key),
    async rotate(old, key, until) {
      await client.query('begin');
      await insertKey(client, key);
      if (!(await expireKey(client, old, until))) throw noSuchKey(old);
      await client.query('commit');
    },
    async revoke(id) {
      if (!(await revokeKey(client, id))) throw noSuchKey(id);
    },
  };
}

function explain(error: unknown): unknown {
  if (error instanceof KeysError) return error;
  const { code, message } = error as { code?: string; message?: string };
  if (code === '42P01' || code === '3F000') {
    return new KeysError(
      'This database has no table cdr_gateway.api_keys: run "migrate up" on the primary, or keep keys in a file (--file).',
    );
  }
  if (code === '25006')
    return new KeysError('This is a standby, which cannot be written to: give the primary.');
  if (code === '42501')
    return new KeysError('This role may not write to cdr_gateway.api_keys: sign in as its owner.');
  return new KeysError(`The database answered: ${message || code || String(error)}`);
}

export function noSuchKey(id: string): KeysError {
  return new KeysError(`There is no key "${id.slice(0, 40)}". "keys list" shows those there are.`);
}
