const ZERO = 0x30;
const NINE = 0x39;
const PLUS = 0x2b;
/** Longer texts are not kept. */
const MAX_LENGTH = 31;
/** Of longer ones that every digit decides there are too many: each would be kept for itself. */
const MAX_SINGLE_LENGTH = 6;
/** The first nodes are roots: one for each length, and one more for each where the text begins with "+". */
const ROOTS = 2 * (MAX_LENGTH + 1);
const INITIAL_NODES = 1024;
/** 2.6 MB. When there are more, all is forgotten: many numbers are of few beginnings, and come again. */
const MAX_NODES = 65_536;
const UNKNOWN = 0;

/**
 * What was found for numbers, by as many of their digits as decide it: all numbers of one length that begin alike, as
 * those of one block do. One walk over a table replaces several, since a list of calls looks up a hundred thousand.
 */
export class DecidedNumbers<Answer> {
  /** By node and digit: the next node; below 0 the complement of an answer's index; 0 where nothing is known. */
  #next = new Int32Array(10 * INITIAL_NODES);
  #nodes = ROOTS;
  readonly #answers: Answer[] = [];
  readonly #indices = new Map<Answer, number>();

  /** Of the text that lies from `from` to `to`; undefined when it is not known. */
  find(text: Uint8Array, from: number, to: number): Answer | undefined {
    const length = to - from;
    if (length > MAX_LENGTH || length === 0) return undefined;
    const next = this.#next;
    const hasPlus = text[from] === PLUS;
    let node = hasPlus ? MAX_LENGTH + 1 + length : length;
    let at = hasPlus ? from + 1 : from;
    while (at < to) {
      const byte = text[at++]!;
      if (byte < ZERO || byte > NINE) return undefined;
      node = next[10 * node + byte - ZERO]!;
      if (node <= UNKNOWN) break;
    }
    if (node >= UNKNOWN) return undefined;
    for (; at < to; at++) if (text[at]! < ZERO || text[at]! > NINE) return undefined;
    return this.#answers[~node];
  }

  /** Learns it for all texts of this length, digits that may follow "+", that begin with the same `decidedBy` bytes. */
  learn(text: Uint8Array, from: number, to: number, decidedBy: number, answer: Answer): void {
    const length = to - from;
    if (length > MAX_LENGTH || (decidedBy >= length && length > MAX_SINGLE_LENGTH)) return;
    if (this.#nodes + length > MAX_NODES) this.#forget();
    const hasPlus = text[from] === PLUS;
    let node = hasPlus ? MAX_LENGTH + 1 + length : length;
    const last = from + Math.min(decidedBy, length) - 1;
    for (let at = hasPlus ? from + 1 : from; at < last; at++) {
      const slot = 10 * node + text[at]! - ZERO;
      // A shorter beginning decides it already.
      if (this.#next[slot]! < UNKNOWN) return;
      if (this.#next[slot] === UNKNOWN) this.#next[slot] = this.#addNode();
      node = this.#next[slot]!;
    }
    this.#next[10 * node + text[last]! - ZERO] = ~this.#indexOf(answer);
  }

  #addNode(): number {
    const node = this.#nodes++;
    if (10 * node >= this.#next.length) {
      const larger = new Int32Array(2 * this.#next.length);
      larger.set(this.#next);
      this.#next = larger;
    }
    return node;
  }

  #indexOf(answer: Answer): number {
    const known = this.#indices.get(answer);
    if (known !== undefined) return known;
    const index = this.#answers.push(answer) - 1;
    this.#indices.set(answer, index);
    return index;
  }

  #forget(): void {
    this.#next.fill(UNKNOWN);
    this.#nodes = ROOTS;
  }
}
