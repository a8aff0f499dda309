import type { IncomingHttpHeaders } from 'node:http';

/** How long a client of this host that was slow is taken for slow. */
const SLOW_MILLIS = 5 * 60_000;
const MAX_CLIENTS = 256;

/** Clients on this host that lately took less than was made: all of them have one address, so their names count. */
export class SlowClients {
  /** Until when, by name. */
  readonly #until = new Map<string, number>();

  add(headers: IncomingHttpHeaders): void {
    if (this.#until.size >= MAX_CLIENTS) this.#until.clear();
    this.#until.set(nameOf(headers), performance.now() + SLOW_MILLIS);
  }

  has(headers: IncomingHttpHeaders): boolean {
    // Nearly always there is none.
    if (this.#until.size === 0) return false;
    const name = nameOf(headers);
    const until = this.#until.get(name);
    if (until === undefined || until > performance.now()) return until !== undefined;
    this.#until.delete(name);
    return false;
  }
}

const MAX_NAME_CHARACTERS = 128;

function nameOf(headers: IncomingHttpHeaders): string {
  return (headers['user-agent'] ?? '').slice(0, MAX_NAME_CHARACTERS);
}
