import type { StoredKey } from '../db/keys/api-keys.ts';
import { UnauthenticatedError } from '../errors.ts';
import { hasDigest, idOfKey, looksLikeKey } from './api-key.ts';
import { UNKNOWN } from './authentication.ts';
import { BadKeyError, type KeyRecord, parseStoredKey } from './key-record.ts';
import type { Authenticator, Principal } from './principals.ts';
import { Right } from './right.ts';
import { scopeOf } from './roles.ts';

interface Entry {
  readonly stored: string;
  readonly record: KeyRecord;
  readonly principal: Principal;
  readonly right: Right;
}

export interface KeyRingOptions {
  /** Ceiling of pages where a key has none of its own. */
  maxPageOf(record: KeyRecord): number;
  /** Told of each stored key that means nothing: it is nobody's. */
  onBadKey(problem: string): void;
}

/** The API keys in force. What is read later replaces what is known, and ends the rights of the keys that have gone. */
export class KeyRing {
  readonly #options: KeyRingOptions;
  #entries = new Map<string, Entry>();
  /** A key that was revoked is so for ever: a standby that lags, or an older copy of a file, does not bring it back. */
  readonly #revoked = new Set<string>();

  constructor(options: KeyRingOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#entries.size;
  }

  replace(keys: readonly StoredKey[]): void {
    const before = this.#entries;
    this.#entries = new Map();
    for (const key of keys) this.#take(key, before.get(key.id));
    for (const [id, { right }] of before) {
      if (this.#entries.get(id)?.right !== right) right.revoke();
    }
  }

  #take(key: StoredKey, known: Entry | undefined): void {
    if (key.revokedAt !== null) this.#revoked.add(key.id);
    if (this.#revoked.has(key.id)) return;
    const stored = JSON.stringify(key);
    if (known?.stored === stored) {
      this.#entries.set(key.id, known);
      return;
    }
    try {
      this.#entries.set(key.id, { stored, ...this.#open(parseStoredKey(key)) });
    } catch (error) {
      if (!(error instanceof BadKeyError)) throw error;
      this.#options.onBadKey(error.message);
    }
  }

  #open(record: KeyRecord): Omit<Entry, 'stored'> {
    const right = new Right(record.expiresAt);
    const principal = {
      name: `key ${record.name}`,
      role: record.role,
      scope: scopeOf(record.role, record.owners),
      maxPage: record.maxPage ?? this.#options.maxPageOf(record),
      keyId: record.id,
      right,
    };
    return { record, principal, right };
  }

  /** A mistyped key is refused before it is looked up. What else is wrong is told only to who holds the secret. */
  readonly authenticate: Authenticator = (token, address) => {
    if (!looksLikeKey(token)) return undefined;
    const id = idOfKey(token);
    if (id === undefined) throw new UnauthenticatedError('This API key is mistyped, or was cut.');
    const entry = this.#entries.get(id);
    if (!entry || !hasDigest(token, entry.record.digest)) throw new UnauthenticatedError(UNKNOWN);
    const { record, principal, right } = entry;
    if (right.hasEnded) throw new UnauthenticatedError('This API key has expired.');
    if (!record.networks.isEmpty && !record.networks.has(address)) {
      throw new UnauthenticatedError('This API key may not be used from this address.');
    }
    return principal;
  };
}
