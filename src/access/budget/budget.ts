import { hash } from 'node:crypto';
import { RateLimitedError } from '../../errors.ts';
import { Places } from '../places.ts';
import type { Principal } from '../principals.ts';
import type { PointCounter, Spent } from './point-counter.ts';
import type { BudgetSettings } from './settings.ts';

export interface BudgetOptions extends Omit<BudgetSettings, 'redisUrl' | 'maxFailedSignIns'> {
  readonly counter: PointCounter;
}

/** What a principal may spend, and has left. */
export interface RateLimit {
  /** Points a window. */
  readonly limit: number;
  readonly remaining: number;
  /** Until everything may be spent again. */
  readonly resetSeconds: number;
}

/** For metrics. */
export interface BudgetReport {
  readonly charged: number;
  readonly refunded: number;
  readonly refused: Readonly<Record<Limited, number>>;
  /** See PointCounter. */
  readonly isShared: boolean | null;
}

/** What there was too much of. */
export const limitedThings = ['points', 'streams'] as const;
export type Limited = (typeof limitedThings)[number];

/** Points that were taken before an operation runs. */
export interface Charge {
  readonly points: number;
  /** Gives back what was not needed of them. Further calls do nothing. */
  settle(pointsOfWorkDone: number): void;
}

/**
 * Holds each principal to what it may have done for it. An operation is charged before it runs what it may cost at
 * most, and given back the rest when it has ended: so neither many at once nor long ones escape, and short ones are cheap.
 */
export class Budget {
  readonly #options: BudgetOptions;
  /** Files and long lists that are being sent, by principal. */
  readonly #streams: Places;
  /** Until when a principal has nothing left, in milliseconds since 1970. */
  readonly #spentUntil = new Map<string, number>();
  /** Operations that were charged and have not ended, by principal: their end may leave room for others. */
  readonly #running = new Map<string, number>();
  readonly #report = { charged: 0, refunded: 0, refused: { points: 0, streams: 0 } };

  constructor(options: BudgetOptions) {
    this.#options = options;
    this.#streams = new Places(options.maxStreams);
  }

  report(): BudgetReport {
    return { ...this.#report, isShared: this.#options.counter.isShared };
  }

  /** Throws RateLimitedError when the principal is known to have nothing left, before anything is done for it. */
  admit({ name }: Principal): void {
    const until = this.#spentUntil.get(name);
    if (until === undefined) return;
    const millis = until - Date.now();
    if (millis > 0) throw this.#refusal('points', millis);
    this.#spentUntil.delete(name);
  }

  /** Rejects with RateLimitedError when the principal has less left. */
  async charge(principal: Principal, wanted: number): Promise<Charge> {
    const limit = this.#limitOf(principal);
    if (limit === undefined) return { points: wanted, settle() {} };
    // What costs more than there ever is costs everything.
    const points = Math.min(Math.ceil(wanted), limit);
    const key = keyOf(principal);
    const spent = await this.#options.counter.add(key, points);
    if (spent.points > limit) {
      await this.#options.counter.add(key, -points);
      this.#note(principal, { ...spent, points: spent.points - points }, limit);
      throw this.#refusal('points', this.#running.has(principal.name) ? 0 : spent.resetMillis);
    }
    this.#report.charged += points;
    add(this.#running, principal.name, 1);
    let isSettled = false;
    return {
      points,
      settle: (done) => {
        if (isSettled) return;
        isSettled = true;
        add(this.#running, principal.name, -1);
        const rest = Math.max(0, points - Math.ceil(done));
        this.#report.refunded += rest;
        if (rest > 0) void this.#add(principal, -rest, limit);
      },
    };
  }

  /** Takes points for what is done already, such as reading a document that is then refused. */
  spend(principal: Principal, points: number): void {
    const limit = this.#limitOf(principal);
    if (limit === undefined) return;
    this.#report.charged += points;
    void this.#add(principal, Math.ceil(points), limit);
  }

  /** Undefined: without a limit. */
  async rateLimit(principal: Principal): Promise<RateLimit | undefined> {
    const limit = this.#limitOf(principal);
    if (limit === undefined) return undefined;
    const { points = 0, resetMillis = 0 } = (await this.#options.counter.read(keyOf(principal))) ?? {};
    const remaining = Math.min(limit, Math.max(0, limit - points));
    return { limit, remaining, resetSeconds: Math.ceil(resetMillis / 1000) };
  }

  /** Counts a file or a long list until the result is called. Throws RateLimitedError when there are as many as may be. */
  openStream(principal: Principal): () => void {
    const leave = this.#streams.take(principal);
    if (!leave) throw this.#refusal('streams', 0);
    return leave;
  }

  #limitOf({ scope }: Principal): number | undefined {
    const { pointsPerMinute, adminPointsPerMinute } = this.#options;
    return (scope.kind === 'all' ? adminPointsPerMinute : pointsPerMinute) || undefined;
  }

  async #add(principal: Principal, points: number, limit: number): Promise<void> {
    this.#note(principal, await this.#options.counter.add(keyOf(principal), points), limit);
  }

  #note({ name }: Principal, { points, resetMillis }: Spent, limit: number): void {
    if (points >= limit) this.#spentUntil.set(name, Date.now() + resetMillis);
    else this.#spentUntil.delete(name);
  }

  #refusal(limited: Limited, waitMillis: number): RateLimitedError {
    this.#report.refused[limited]++;
    return new RateLimitedError(limited, Math.max(1, Math.ceil(waitMillis / 1000)));
  }
}

const keys = new WeakMap<Principal, string>();

/** Names may be long, and hold what Redis need not know. A principal lives as long as its credential, so it is hashed once. */
function keyOf(principal: Principal): string {
  const known = keys.get(principal);
  if (known !== undefined) return known;
  const key = `points:${hash('sha256', principal.name, 'base64url').slice(0, 22)}`;
  keys.set(principal, key);
  return key;
}

function add(counts: Map<string, number>, key: string, count: number): void {
  const sum = (counts.get(key) ?? 0) + count;
  if (sum > 0) counts.set(key, sum);
  else counts.delete(key);
}
