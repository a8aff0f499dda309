import type { Scope } from '../db/scope.ts';

/** Keys that are remembered for each scope and kind of object. */
const MAX_KEYS = 1000;
/** Scopes and kinds of objects that they are remembered for. */
const MAX_SETS = 200;

/**
 * Keys of objects that long lists of one scope referred to lately. The next list looks them up together with the first
 * that it needs, and not one after the other as calls refer to them. Nothing but keys is remembered.
 */
export class RecentKeys {
  /** By source, which says what the keys are of. */
  static readonly #bySource = new WeakMap<object, Map<string, RecentKeys>>();
  /** The last to be noted come last. */
  readonly #keys = new Set<string>();

  static of(source: object, scope: Scope, name: string): RecentKeys {
    const ofSource = RecentKeys.#bySource.get(source) ?? new Map<string, RecentKeys>();
    RecentKeys.#bySource.set(source, ofSource);
    const slot = `${name} ${JSON.stringify(scope)}`;
    const known = ofSource.get(slot) ?? new RecentKeys();
    // The least recently used come first.
    ofSource.delete(slot);
    ofSource.set(slot, known);
    dropFirst(ofSource, ofSource.size - MAX_SETS);
    return known;
  }

  list(): readonly string[] {
    return [...this.#keys];
  }

  note(keys: readonly string[]): void {
    for (const key of keys.slice(-MAX_KEYS)) {
      this.#keys.delete(key);
      this.#keys.add(key);
    }
    dropFirst(this.#keys, this.#keys.size - MAX_KEYS);
  }
}

function dropFirst(from: Set<string> | Map<string, unknown>, count: number): void {
  let left = count;
  for (const key of from.keys()) {
    if (left-- <= 0) return;
    from.delete(key);
  }
}
