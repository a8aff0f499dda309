import type { RateLimiterAbstract, RateLimiterRes } from 'rate-limiter-flexible';
// The root loads the limiters of thirteen stores too.
import RateLimiterMemory from 'rate-limiter-flexible/lib/RateLimiterMemory.js';

/** What a key has spent in its present window. */
export interface Spent {
  /** Below zero where more was given back than was spent in this window. */
  readonly points: number;
  /** Until the window ends, and the next one begins with nothing spent. */
  readonly resetMillis: number;
}

/** Counts points by key, in windows that begin with the first point. */
export interface PointCounter {
  /** Adds points, or gives them back where they are negative. Never rejects: who counts must not stop who answers. */
  add(key: string, points: number): Promise<Spent>;
  /** Undefined: nothing in this window. */
  read(key: string): Promise<Spent | undefined>;
  /** Whether several gateways count together now; null where they are not meant to. */
  readonly isShared: boolean | null;
  close(): void;
}

export const WINDOW_SECONDS = 60;

/** Of this process alone. */
export function createLocalCounter(): PointCounter {
  const counts = countsOf(
    new RateLimiterMemory({ points: Number.MAX_SAFE_INTEGER, duration: WINDOW_SECONDS }),
  );
  return { ...counts, isShared: null, close() {} };
}

type Limiter = Pick<RateLimiterAbstract, 'penalty' | 'reward' | 'get'>;

/** A limiter that only counts: what is too much is decided by those who know how much there may be. */
export function countsOf(limiter: Limiter): Pick<PointCounter, 'add' | 'read'> {
  return {
    async add(key, points) {
      return spentOf(await (points < 0 ? limiter.reward(key, -points) : limiter.penalty(key, points)));
    },
    async read(key) {
      const found = await limiter.get(key);
      return found ? spentOf(found) : undefined;
    },
  };
}

function spentOf({ consumedPoints, msBeforeNext }: RateLimiterRes): Spent {
  return { points: consumedPoints, resetMillis: Math.max(0, msBeforeNext) };
}
