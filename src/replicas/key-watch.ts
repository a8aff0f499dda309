import { setTimeout as delay } from 'node:timers/promises';
import { type StoredKey, selectKeys, selectKeysState } from '../db/keys/api-keys.ts';
import { PositionLostError } from '../errors.ts';
import type { Replicas } from './replicas.ts';
import type { Token } from './token.ts';

/** Between two looks: a key that is revoked ends what goes on within replication and a second. */
const POLL_MS = 400;
/** For so long no standby may be there that has replayed what was read last; then an older one is read. */
const MAX_WAIT_MS = 30_000;

export interface KeyWatchOptions {
  readonly replicas: Pick<Replicas, 'choose'>;
  /** After each change, and once at the start. */
  onKeys(keys: readonly StoredKey[]): void;
  /** Once for each reason why keys cannot be read. */
  onProblem(problem: string): void;
  readonly pollMillis?: number;
}

const NO_TABLE =
  'The database has no table cdr_gateway.api_keys: run "migrate up" on the primary, or keep keys in a file.';

/** Reads the API keys from the standbys, whichever is there. They stay as they are known while none can be read. */
export class KeyWatch {
  readonly #options: KeyWatchOptions;
  #fingerprint: string | undefined;
  /** A standby that has not replayed it would bring back what was taken since. */
  #readAfter: Token | undefined;
  #failedSince: number | undefined;
  #problem = '';
  readonly #looked = Promise.withResolvers<void>();
  /** Resolves when the keys were read, or could not be. */
  readonly firstLook = this.#looked.promise;

  constructor(options: KeyWatchOptions) {
    this.#options = options;
  }

  async watch(stop: AbortSignal): Promise<void> {
    const { pollMillis = POLL_MS, onProblem } = this.#options;
    while (!stop.aborted) {
      const problem = await this.#look(stop).catch((error: Error) => error.message);
      if (problem !== undefined && problem !== this.#problem && !stop.aborted) onProblem(problem);
      this.#problem = problem ?? '';
      this.#looked.resolve();
      await delay(pollMillis, undefined, { signal: stop, ref: false }).catch(() => {});
    }
  }

  /** Undefined: all is well. */
  async #look(stop: AbortSignal): Promise<string | undefined> {
    const { replicas, onKeys } = this.#options;
    try {
      const replica = await replicas.choose({ readAfter: this.#readAfter, signal: stop });
      try {
        const state = await selectKeysState(replica.pool);
        if (!state) return NO_TABLE;
        // Of before the keys are read: what changes in between is read next time.
        if (state.fingerprint !== this.#fingerprint) onKeys(await selectKeys(replica.pool));
        this.#fingerprint = state.fingerprint;
        this.#readAfter = replica.readAfter(state.replayedLsn ?? undefined);
        this.#failedSince = undefined;
        return undefined;
      } finally {
        replica.release();
      }
    } catch (error) {
      this.#failedSince ??= performance.now();
      const isLost = error instanceof PositionLostError;
      if (isLost || performance.now() - this.#failedSince > MAX_WAIT_MS) this.#readAfter = undefined;
      throw error;
    }
  }
}
