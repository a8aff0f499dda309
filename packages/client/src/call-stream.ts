import type { LineReader } from './line-reader.ts';
import type { StreamReplica, StreamSource, Unreadable } from './stream-source.ts';

/** Calls of a list, to be read once: `for await (const call of calls)`. To leave the loop ends the request. */
export class CallStream<Call> implements AsyncIterable<Call> {
  readonly #source: StreamSource;
  #reader: LineReader | undefined;
  #cursor: string | null;
  #wasRead = false;

  constructor(source: StreamSource) {
    const { first, after } = source;
    if (first !== null && !(Number.isInteger(first) && first >= 0)) {
      throw new TypeError(`first is a whole number from 0 on, or null for all: not ${first}.`);
    }
    this.#source = source;
    this.#cursor = after;
  }

  /** Of the call that was given last: as `after` of another stream, of this process or a later one, it goes on there. */
  get cursor(): string | null {
    return this.#cursor;
  }

  /** Of the answer that is being read; null before the first. */
  get replica(): StreamReplica | null {
    return this.#reader?.replica ?? null;
  }

  /** How often it broke off and was taken up again. */
  get resumptions(): number {
    return this.#reader?.resumptions ?? 0;
  }

  /** Final when the last call was given. */
  get unreadable(): Unreadable {
    return this.#reader?.unreadable ?? { calls: 0, values: 0 };
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Call, void, undefined> {
    const decoder = new TextDecoder();
    const reader = await this.#start();
    for await (const lines of reader.read()) {
      for (const line of decoder.decode(lines).split('\n')) {
        if (line === '') continue;
        const edge = JSON.parse(line) as { readonly cursor: string; readonly node: Call } | null;
        if (!edge) continue;
        this.#cursor = edge.cursor;
        if (edge.node !== null) yield edge.node;
      }
    }
  }

  /**
   * The same as bytes, as they come: each chunk is one or more whole lines, `{"cursor":…,"node":{…}}`. For who stores
   * calls, or parses them later.
   */
  async *lines(): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
    const reader = await this.#start();
    for await (const lines of reader.read()) {
      this.#cursor = reader.cursor;
      yield lines;
    }
  }

  async #start(): Promise<LineReader> {
    if (this.#wasRead) throw new TypeError('A stream is read once: make another with its cursor as "after".');
    this.#wasRead = true;
    // Loaded when it is needed: a page that streams nothing does not pay for it.
    const { LineReader } = await import('./line-reader.ts');
    this.#reader = new LineReader(this.#source);
    return this.#reader;
  }
}
