/** Hands values on together, at once after a pause and else every so many milliseconds. After the signal, none. */
export class Paced<Value> {
  readonly #millis: number;
  readonly #signal: AbortSignal;
  readonly #take: (values: readonly Value[]) => void;
  #values: Value[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #takenAt = Number.NEGATIVE_INFINITY;

  constructor(millis: number, signal: AbortSignal, take: (values: readonly Value[]) => void) {
    this.#millis = millis;
    this.#signal = signal;
    this.#take = take;
  }

  push(value: Value): void {
    this.#values.push(value);
    const wait = this.#takenAt + this.#millis - performance.now();
    if (wait <= 0) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), wait);
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#signal.aborted || this.#values.length === 0) return;
    this.#takenAt = performance.now();
    this.#take(this.#values.splice(0));
  }
}
