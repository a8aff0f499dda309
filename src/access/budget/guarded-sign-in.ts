import { hash } from 'node:crypto';
import { RateLimitedError, UnauthenticatedError } from '../../errors.ts';
import type { Credentials, Principal, Principals } from '../principals.ts';
import type { PointCounter } from './point-counter.ts';

export interface GuardedSignInOptions {
  readonly principals: Principals;
  readonly counter: PointCounter;
  /** Failed sign-ins of one address that are looked at in a minute. */
  readonly maxFailures: number;
}

/** For metrics. */
export interface SignInReport {
  /** Tokens that nobody has. */
  readonly failed: number;
  /** Refused without being looked at. */
  readonly refused: number;
}

/** Credentials that were good lately: as many as there may be people and programs. */
const MAX_KNOWN = 10_000;
/** Addresses whose limit is reached. */
const MAX_BLOCKED = 100_000;

/**
 * Slows guesses: from an address that has sent too many tokens that nobody has, no other is looked at for the rest of the
 * minute, good or bad. Tokens that were good before are not concerned, so nobody can lock out those who share the address.
 */
export class GuardedSignIn implements Principals {
  readonly #options: GuardedSignInOptions;
  /** Digests, the oldest first. */
  readonly #known = new Set<string>();
  /** Until when, in milliseconds since 1970, by address. */
  readonly #blocked = new Map<string, number>();
  readonly #report = { failed: 0, refused: 0 };

  constructor(options: GuardedSignInOptions) {
    this.#options = options;
  }

  report(): SignInReport {
    return { ...this.#report };
  }

  async authenticate(credentials: Credentials): Promise<Principal> {
    const { authorization, address } = credentials;
    // Who sends nothing guesses nothing.
    if (authorization === null) return this.#options.principals.authenticate(credentials);
    const digest = hash('sha256', authorization, 'base64');
    if (!this.#known.has(digest)) this.#checkAddress(address);
    try {
      const principal = await this.#options.principals.authenticate(credentials);
      this.#know(digest);
      return principal;
    } catch (error) {
      if (error instanceof UnauthenticatedError) await this.#noteFailure(digest, address);
      throw error;
    }
  }

  #checkAddress(address: string | undefined): void {
    const until = address && this.#blocked.get(networkOf(address));
    if (!until) return;
    const millis = until - Date.now();
    if (millis > 0) {
      this.#report.refused++;
      throw new RateLimitedError('sign-ins', Math.ceil(millis / 1000));
    }
    this.#blocked.delete(networkOf(address));
  }

  #know(digest: string): void {
    if (this.#known.has(digest)) return;
    this.#known.add(digest);
    if (this.#known.size > MAX_KNOWN) this.#known.delete(this.#known.values().next().value!);
  }

  async #noteFailure(digest: string, address: string | undefined): Promise<void> {
    this.#report.failed++;
    this.#known.delete(digest);
    if (address === undefined) return;
    const network = networkOf(address);
    const { points, resetMillis } = await this.#options.counter.add(`sign-ins:${network}`, 1);
    if (points < this.#options.maxFailures) return;
    this.#blocked.set(network, Date.now() + resetMillis);
    if (this.#blocked.size > MAX_BLOCKED) this.#blocked.delete(this.#blocked.keys().next().value!);
  }
}

/** One customer of a provider has 2^64 addresses of IPv6, or more. */
function networkOf(address: string): string {
  if (!address.includes(':') || address.includes('.')) return address.replace(/^::ffff:/i, '');
  const [head = '', tail] = address.split('::');
  const groups = head.split(':').filter(Boolean);
  const after = tail?.split(':').filter(Boolean) ?? [];
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - groups.length - after.length);
  return [...groups, ...Array(zeros).fill('0'), ...after].slice(0, 4).join(':');
}
