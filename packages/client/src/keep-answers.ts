export interface KeepAnswersOptions {
  /** In place of the global one. */
  readonly fetch?: ((url: string | URL, init: RequestInit) => Promise<Response>) | undefined;
  /** Characters of all answers that are kept. 4,000,000 unless told otherwise; those that were used last stay. */
  readonly maxCharacters?: number | undefined;
}

interface KeptAnswer {
  readonly entityTag: string;
  readonly text: string;
}

/**
 * A `fetch` for the client that keeps the answers to GET in memory, and requests each by its tag from then on: what has not
 * changed is not read again, and does not come again. A tag is of the rights that its answer was made for, so that nobody
 * is shown what is somebody else's.
 */
export function keepAnswers({
  fetch: send = fetch,
  maxCharacters = 4_000_000,
}: KeepAnswersOptions = {}): NonNullable<KeepAnswersOptions['fetch']> {
  const kept = new KeptAnswers(maxCharacters);
  return async (url, init) => {
    if (init.method !== 'GET') return send(url, init);
    const headers = new Headers(init.headers);
    const key = `${headers.get('accept')} ${url}`;
    const known = kept.get(key);
    if (known) headers.set('if-none-match', known.entityTag);
    const response = await send(url, { ...init, headers: Object.fromEntries(headers) });
    // Its headers say until when the answer is known to hold.
    if (known && response.status === 304) return new Response(known.text, { headers: response.headers });
    const entityTag = response.headers.get('etag');
    if (entityTag === null || response.status !== 200) return response;
    const text = await response.text();
    kept.set(key, { entityTag, text });
    return new Response(text, { headers: response.headers });
  };
}

/** The first of the map is the one that was used longest ago. */
class KeptAnswers {
  readonly #answers = new Map<string, KeptAnswer>();
  readonly #maxCharacters: number;
  #characters = 0;

  constructor(maxCharacters: number) {
    this.#maxCharacters = maxCharacters;
  }

  get(key: string): KeptAnswer | undefined {
    const answer = this.#answers.get(key);
    if (answer) this.set(key, answer);
    return answer;
  }

  set(key: string, answer: KeptAnswer): void {
    this.#delete(key);
    this.#answers.set(key, answer);
    this.#characters += answer.text.length;
    for (const oldest of this.#answers.keys()) {
      if (this.#characters <= this.#maxCharacters) return;
      this.#delete(oldest);
    }
  }

  #delete(key: string): void {
    this.#characters -= this.#answers.get(key)?.text.length ?? 0;
    this.#answers.delete(key);
  }
}
