import { describe, expect, test } from 'vitest';
import { Budget } from '../../../src/access/budget/budget.ts';
import { createSharedCounter } from '../../../src/access/budget/shared-counter.ts';
import type { Principal } from '../../../src/access/principals.ts';
import { hasRedis, startRedis } from '../../support/redis.ts';

const tenant: Principal = {
  name: 'account 14',
  role: 'ACCOUNT',
  scope: { kind: 'accounts', accountIds: ['14'] },
  maxPage: 100,
};

/** The budget of one gateway. */
async function gatewayOf(url: string) {
  const log: string[] = [];
  const logger = {
    warn: (_: object, text: string) => log.push(text),
    info: (text: string) => log.push(text),
  };
  const counter = await createSharedCounter({ url, logger: logger as never });
  const budget = new Budget({ pointsPerMinute: 1000, adminPointsPerMinute: 0, maxStreams: 1, counter });
  const charge = (points: number) =>
    budget.charge(tenant, points).then(
      () => 'charged',
      (error) => error.code,
    );
  const remaining = async () => (await budget.rateLimit(tenant))?.remaining;
  return { budget, charge, remaining, log, [Symbol.dispose]: () => counter.close() };
}

const shared = (gateway: Awaited<ReturnType<typeof gatewayOf>>) => gateway.budget.report().isShared;

describe.skipIf(!hasRedis)('gateways with one Redis', () => {
  test('count together', async () => {
    await using redis = await startRedis();
    using one = await gatewayOf(redis.url);
    using other = await gatewayOf(redis.url);
    expect([shared(one), shared(other)]).toEqual([true, true]);
    expect(await one.charge(700)).toBe('charged');
    expect(await other.remaining()).toBe(300);
    expect(await other.charge(700)).toBe('RATE_LIMITED');
    expect(await other.charge(300)).toBe('charged');
    const charge = await other.budget.charge(tenant, 0);
    charge.settle(0);
    expect(await one.charge(1)).toBe('RATE_LIMITED');
  });

  test.each(['dies', 'stands still'] as const)(
    'count alone while it %s, quickly, and together again',
    async (how) => {
      await using redis = await startRedis();
      using one = await gatewayOf(redis.url);
      using other = await gatewayOf(redis.url);
      expect([shared(one), shared(other)]).toEqual([true, true]);
      expect(await one.charge(1000)).toBe('charged');
      if (how === 'dies') await redis.end();
      else redis.freeze();

      const since = performance.now();
      expect(await one.charge(400)).toBe('charged');
      expect(await one.charge(400)).toBe('charged');
      expect(await one.charge(400)).toBe('RATE_LIMITED');
      expect(performance.now() - since).toBeLessThan(1000);
      expect(shared(one)).toBe(false);
      expect(one.log.filter((line) => line.includes('alone'))).toHaveLength(1);

      if (how === 'dies') {
        await using again = await startRedis(Number(new URL(redis.url).port));
        expect(again.url).toBe(redis.url);
        await expect.poll(() => one.charge(1).then(() => shared(one)), { timeout: 10_000 }).toBe(true);
      } else {
        redis.resume();
        await expect.poll(() => one.charge(1).then(() => shared(one)), { timeout: 10_000 }).toBe(true);
        expect(await other.charge(1000)).toBe('RATE_LIMITED');
      }
      expect(one.log.at(-1)).toContain('together again');
    },
  );

  test('that is not there from the beginning stops nobody', async () => {
    using one = await gatewayOf('redis://127.0.0.1:1');
    expect(await one.charge(1000)).toBe('charged');
    expect(await one.charge(1000)).toBe('RATE_LIMITED');
    expect(shared(one)).toBe(false);
  });
});
