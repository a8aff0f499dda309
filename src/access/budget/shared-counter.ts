import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { RateLimiterRedis } from 'rate-limiter-flexible';
import { countsOf, createLocalCounter, type PointCounter, WINDOW_SECONDS } from './point-counter.ts';

export interface SharedCounterOptions {
  readonly url: string;
  readonly logger: Pick<Logger, 'warn' | 'info'>;
}

/** A Redis that is slower than this holds up every page: then each gateway counts alone. */
const MAX_WAIT_MILLIS = 100;
/** The start waits so long for Redis: then the first requests are counted together already. */
const MAX_START_MILLIS = 500;
/** Before a Redis that failed is tried again, by one request. */
const RETRY_MILLIS = 1000;

/**
 * Counts in Redis, where other gateways count too; alone while it is down, so that an outage of Redis costs nothing but
 * that a principal may spend its points at each gateway.
 */
export async function createSharedCounter({ url, logger }: SharedCounterOptions): Promise<PointCounter> {
  const redis = new Redis(url, {
    connectTimeout: 2000,
    commandTimeout: MAX_WAIT_MILLIS,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    retryStrategy: (attempts) => Math.min(RETRY_MILLIS, 50 * attempts),
  });
  // The state below says it once; each attempt to connect would say it again.
  redis.on('error', () => {});
  await Promise.race([
    once(redis, 'ready').catch(() => {}),
    delay(MAX_START_MILLIS, undefined, { ref: false }),
  ]);
  const shared = countsOf(
    new RateLimiterRedis({
      storeClient: redis,
      keyPrefix: 'cdr-gateway',
      points: Number.MAX_SAFE_INTEGER,
      duration: WINDOW_SECONDS,
      rejectIfRedisNotReady: true,
    }),
  );
  const local = createLocalCounter();
  /** Before then Redis is not tried; 0 while it is well. */
  let retryAt = 0;

  async function attempt<T>(act: (counts: Pick<PointCounter, 'add' | 'read'>) => Promise<T>): Promise<T> {
    const isTrial = retryAt > 0;
    if (performance.now() < retryAt) return act(local);
    if (isTrial) retryAt = performance.now() + RETRY_MILLIS;
    try {
      const result = await act(shared);
      if (isTrial) {
        retryAt = 0;
        logger.info('gateways count points together again');
      }
      return result;
    } catch (error) {
      if (retryAt === 0)
        logger.warn({ err: error }, 'Redis does not answer: this gateway counts points alone');
      retryAt = performance.now() + RETRY_MILLIS;
      return act(local);
    }
  }

  return {
    add: (key, points) => attempt((counts) => counts.add(key, points)),
    read: (key) => attempt((counts) => counts.read(key)),
    get isShared() {
      return retryAt === 0;
    },
    close: () => redis.disconnect(),
  };
}
