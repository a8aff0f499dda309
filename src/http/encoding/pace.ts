/** Bytes that wait for the kernel to take them: a peer that leaves so many takes less than we make. */
const MAX_WAITING_BYTES = 256 * 1024;
/** Of the body, compressed while nothing waits, before it is tried whether the peer keeps up with stored bytes too. */
const FIRST_TRIAL_BYTES = 2 * 1024 * 1024;
/** After a trial that failed the next one is so much later. */
const TRIAL_GROWTH = 4;
/** Of the body, stored: a shorter one fits into buffers on the way, and says nothing of the peer. */
const MIN_PROOF_BYTES = 4 * 1024 * 1024;

export interface PaceOptions {
  readonly startsStored: boolean;
  /** Whether what was compressed may be followed by stored bytes. */
  readonly mayStoreAgain: boolean;
}

/** Decides bit by bit whether a body is compressed, by how its client takes it. */
export class Pace {
  readonly #mayStoreAgain: boolean;
  #isStoring: boolean;
  #storedBytes = 0;
  /** Of the body, since something waited or the kind of blocks changed. */
  #freeBytes = 0;
  #trialBytes = FIRST_TRIAL_BYTES;

  constructor({ startsStored, mayStoreAgain }: PaceOptions) {
    this.#isStoring = startsStored;
    this.#mayStoreAgain = mayStoreAgain;
  }

  /** Whether what comes next is stored, when so many bytes of what was sent before it wait for the kernel. */
  stores(waitingBytes: number): boolean {
    if (this.#isStoring && waitingBytes > MAX_WAITING_BYTES) {
      this.#isStoring = false;
      this.#freeBytes = 0;
      this.#trialBytes *= TRIAL_GROWTH;
    } else if (!this.#isStoring && this.#mayStoreAgain) {
      if (waitingBytes > 0) this.#freeBytes = 0;
      this.#isStoring = this.#freeBytes >= this.#trialBytes;
    }
    return this.#isStoring;
  }

  /** So many bytes of the body were sent as `stores` has said. */
  note(bodyBytes: number): void {
    this.#freeBytes += bodyBytes;
    if (this.#isStoring) this.#storedBytes += bodyBytes;
  }

  /** Whether the peer has kept up, at the end of the body; undefined when that cannot be told. */
  get keptUp(): boolean | undefined {
    if (this.#isStoring) return this.#storedBytes >= MIN_PROOF_BYTES || undefined;
    return this.#storedBytes > 0 ? false : undefined;
  }
}
