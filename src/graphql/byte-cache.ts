interface Entry<Value> {
  readonly value: Value;
  bytes: number;
  /** Since it was last considered for making room. */
  isUsed: boolean;
}

/**
 * Values by text, bounded by bytes and not by entries: what clients send decides how large an entry is. The caller
 * estimates the size of a value it adds. What was not used for a long time makes room.
 */
export class ByteCache<Value> {
  readonly #maxBytes: number;
  readonly #entries = new Map<string, Entry<Value>>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): Value | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    entry.isUsed = true;
    return entry.value;
  }

  add(key: string, value: Value, bytes: number): void {
    this.#remove(key);
    this.#entries.set(key, { value, bytes, isUsed: false });
    this.#bytes += bytes;
    this.#makeRoom();
  }

  /** Counts what a value has come to hold since it was added; nothing when it is no longer here. */
  grow(key: string, bytes: number): void {
    const entry = this.#entries.get(key);
    if (!entry) return;
    entry.bytes += bytes;
    this.#bytes += bytes;
    this.#makeRoom();
  }

  /** Oldest first; what was used meanwhile is spared once. */
  #makeRoom(): void {
    for (const [key, entry] of this.#entries) {
      if (this.#bytes <= this.#maxBytes) return;
      this.#remove(key);
      if (!entry.isUsed) continue;
      entry.isUsed = false;
      this.#entries.set(key, entry);
      this.#bytes += entry.bytes;
    }
  }

  #remove(key: string): void {
    const entry = this.#entries.get(key);
    if (!entry) return;
    this.#entries.delete(key);
    this.#bytes -= entry.bytes;
  }
}
