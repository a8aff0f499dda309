import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';

/** What an identity provider publishes is small. */
const MAX_BODY_BYTES = 1024 * 1024;
const FETCH_TIMEOUT_MS = 5_000;
/** Between two fetches that requests cause: whoever sends made-up key ids costs the provider no more. */
const COOLDOWN_MS = 30_000;
/** Keys of this age are fetched anew beside the requests, so that a key that was withdrawn goes. */
const MAX_AGE_MS = 600_000;
/** Until the first keys are there. */
const MIN_RETRY_MS = 1_000;

export interface KeySetOptions {
  readonly url: string;
  /** Told the ids of the keys whenever they were fetched. */
  onKeys(keyIds: ReadonlySet<string>): void;
  /** Told why a fetch failed: the keys that are known stay in use. */
  onProblem(error: unknown): void;
  readonly fetch?: typeof globalThis.fetch;
  /** Milliseconds of the process. */
  readonly now?: () => number;
}

/**
 * The public keys of an identity provider. A provider that is down stops nobody: what was fetched once is used until
 * other keys are there.
 */
export class KeySet {
  readonly #options: KeySetOptions;
  #find: ReturnType<typeof createLocalJWKSet> | undefined;
  #fetchedAt = Number.NEGATIVE_INFINITY;
  #triedAt = Number.NEGATIVE_INFINITY;
  #fetching: Promise<void> | undefined;
  #retry: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: KeySetOptions) {
    this.#options = options;
  }

  /** Fetches the keys, again and again until there are some. Resolves after the first try. */
  async start(waitMillis = MIN_RETRY_MS): Promise<void> {
    await this.#fetch();
    if (this.#find || this.#isClosed) return;
    const next = Math.min(2 * waitMillis, COOLDOWN_MS);
    this.#retry = setTimeout(() => void this.start(next), waitMillis).unref();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#retry);
  }

  /** The key that signed a token. Throws an error of jose when there is none. */
  readonly find: JWTVerifyGetKey = async (header, token) => {
    const now = this.#now();
    if (now - this.#fetchedAt > MAX_AGE_MS && now - this.#triedAt > COOLDOWN_MS) void this.#fetch();
    try {
      if (this.#find) return await this.#find(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
    }
    // A key that is not known may be new.
    if (this.#fetching) await this.#fetching;
    else if (now - this.#triedAt > COOLDOWN_MS) await this.#fetch();
    if (!this.#find) throw new errors.JWKSNoMatchingKey();
    return this.#find(header, token);
  };

  /** Never rejects. One at a time. */
  #fetch(): Promise<void> {
    this.#triedAt = this.#now();
    this.#fetching ??= this.#replace()
      .catch((error: unknown) => this.#options.onProblem(error))
      .finally(() => {
        this.#fetching = undefined;
      });
    return this.#fetching;
  }

  async #replace(): Promise<void> {
    const { url, fetch = globalThis.fetch, onKeys } = this.#options;
    const response = await fetch(url, {
      headers: { accept: 'application/jwk-set+json, application/json' },
      redirect: 'error',
      signal: AbortSignal.timeout(FETCH_TIMEOUT_MS),
    });
    if (!response.ok) throw new Error(`The identity provider answered ${response.status}.`);
    const set = JSON.parse(await readBounded(response)) as JSONWebKeySet;
    this.#find = createLocalJWKSet(set);
    this.#fetchedAt = this.#now();
    onKeys(new Set(set.keys.map(({ kid }) => kid ?? '')));
  }

  #now(): number {
    return (this.#options.now ?? performance.now.bind(performance))();
  }
}

async function readBounded({ body }: Response): Promise<string> {
  const decoder = new TextDecoder();
  let [text, bytes] = ['', 0];
  for await (const part of body ?? []) {
    bytes += part.length;
    if (bytes > MAX_BODY_BYTES) throw new Error('The identity provider answered with more than a megabyte.');
    text += decoder.decode(part, { stream: true });
  }
  return text;
}
