import type { Statement } from './statement.ts';

/** Statements by key; those that were not used for the longest time make room for new ones. */
export class StatementCache {
  readonly #maxCharacters: number;
  /** The least recently used first. */
  readonly #statements = new Map<string, Statement<unknown>>();
  #characters = 0;

  /** `maxCharacters` of keys and texts are kept together. */
  constructor(maxCharacters: number) {
    this.#maxCharacters = maxCharacters;
  }

  get(key: string, build: () => Statement<unknown>): Statement<unknown> {
    const known = this.#statements.get(key);
    if (known) this.#statements.delete(key);
    const statement = known ?? build();
    this.#statements.set(key, statement);
    if (!known) this.#makeRoom(key.length + statement.length);
    return statement;
  }

  get size(): number {
    return this.#statements.size;
  }

  #makeRoom(added: number): void {
    this.#characters += added;
    for (const [key, { length }] of this.#statements) {
      if (this.#characters <= this.#maxCharacters) return;
      this.#statements.delete(key);
      this.#characters -= key.length + length;
    }
  }
}

/** A cache for each source: a text that was built from one is never executed over another. */
export class StatementCaches {
  readonly #maxCharacters: number;
  readonly #bySource = new WeakMap<object, StatementCache>();

  /** For each source `maxCharacters` of keys and texts are kept. */
  constructor(maxCharacters: number) {
    this.#maxCharacters = maxCharacters;
  }

  of(source: object): StatementCache {
    const known = this.#bySource.get(source);
    if (known) return known;
    const cache = new StatementCache(this.#maxCharacters);
    this.#bySource.set(source, cache);
    return cache;
  }
}
