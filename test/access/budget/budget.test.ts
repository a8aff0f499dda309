import { describe, expect, test } from 'vitest';
import { Budget, type BudgetOptions } from '../../../src/access/budget/budget.ts';
import { createLocalCounter } from '../../../src/access/budget/point-counter.ts';
import type { Principal } from '../../../src/access/principals.ts';

const tenant = (name: string): Principal => ({
  name,
  role: 'ACCOUNT',
  scope: { kind: 'accounts', accountIds: ['14'] },
  maxPage: 100,
});
const admin: Principal = { name: 'admin', role: 'ADMIN', scope: { kind: 'all' }, maxPage: 100 };

const budgetOf = (options: Partial<BudgetOptions> = {}) =>
  new Budget({
    pointsPerMinute: 1000,
    adminPointsPerMinute: 0,
    maxStreams: 2,
    counter: createLocalCounter(),
    ...options,
  });

const refused = (limit: string) =>
  expect.objectContaining({ code: 'RATE_LIMITED', details: expect.objectContaining({ limit }) });

describe('an operation is charged before it runs', () => {
  test('and refused when less is left, without what was refused being taken', async () => {
    const budget = budgetOf();
    await budget.charge(tenant('a'), 600);
    await expect(budget.charge(tenant('a'), 600)).rejects.toEqual(refused('points'));
    expect(await budget.rateLimit(tenant('a'))).toMatchObject({ limit: 1000, remaining: 400 });
    await budget.charge(tenant('a'), 400);
    expect(budget.report()).toMatchObject({ charged: 1000, refused: { points: 1 } });
  });

  test('and given back what it did not take, once', async () => {
    const budget = budgetOf();
    const charge = await budget.charge(tenant('a'), 900);
    charge.settle(100.2);
    charge.settle(0);
    expect(await budget.rateLimit(tenant('a'))).toMatchObject({ remaining: 899 });
    expect(budget.report()).toMatchObject({ charged: 900, refunded: 799 });
  });

  test('never more than it was charged, however long it took', async () => {
    const budget = budgetOf();
    (await budget.charge(tenant('a'), 300)).settle(5000);
    expect(await budget.rateLimit(tenant('a'))).toMatchObject({ remaining: 700 });
  });

  test('everything there is when it costs more than that: it may run, alone', async () => {
    const budget = budgetOf();
    const charge = await budget.charge(tenant('a'), 5000);
    expect(charge.points).toBe(1000);
    await expect(budget.charge(tenant('a'), 1)).rejects.toEqual(refused('points'));
    charge.settle(0);
    await budget.charge(tenant('a'), 5000);
  });

  test('to its principal alone', async () => {
    const budget = budgetOf();
    await budget.charge(tenant('a'), 1000);
    await budget.charge(tenant('b'), 1000);
  });
});

describe('who has spent everything', () => {
  test('is refused before anything is done, and told until when', async () => {
    const budget = budgetOf();
    budget.admit(tenant('a'));
    budget.spend(tenant('a'), 1000);
    await expect.poll(() => budget.rateLimit(tenant('a'))).toMatchObject({ remaining: 0 });
    expect(() => budget.admit(tenant('a'))).toThrow(refused('points'));
    budget.admit(tenant('b'));
    const error = await budget.charge(tenant('a'), 1).catch((reason) => reason);
    expect(error).toMatchObject({ retryable: true, status: 429 });
    expect(error.details.retryAfterSeconds).toBeGreaterThan(50);
  });

  test('is admitted again when an operation that runs gives back', async () => {
    const budget = budgetOf();
    const charge = await budget.charge(tenant('a'), 999);
    budget.spend(tenant('a'), 1);
    await expect.poll(() => budget.rateLimit(tenant('a'))).toMatchObject({ remaining: 0 });
    const error = await budget.charge(tenant('a'), 10).catch((reason) => reason);
    expect(error.details.retryAfterSeconds).toBe(1);
    charge.settle(1);
    await expect.poll(() => budget.rateLimit(tenant('a'))).toMatchObject({ remaining: 998 });
    budget.admit(tenant('a'));
  });
});

test('who sees everything has a limit of its own, or none', async () => {
  const free = budgetOf();
  await free.charge(admin, 1e12);
  expect(await free.rateLimit(admin)).toBeUndefined();
  const held = budgetOf({ adminPointsPerMinute: 10 });
  await held.charge(admin, 10);
  await expect(held.charge(admin, 1)).rejects.toEqual(refused('points'));
});

test('streams are counted until they end', () => {
  const budget = budgetOf();
  const end = budget.openStream(tenant('a'));
  budget.openStream(tenant('a'));
  expect(() => budget.openStream(tenant('a'))).toThrow(refused('streams'));
  budget.openStream(tenant('b'));
  end();
  end();
  budget.openStream(tenant('a'));
  expect(() => budget.openStream(tenant('a'))).toThrow(refused('streams'));
});
