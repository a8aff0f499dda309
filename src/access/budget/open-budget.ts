import type { Logger } from 'pino';
import type { Principals } from '../principals.ts';
import { Budget } from './budget.ts';
import { GuardedSignIn } from './guarded-sign-in.ts';
import { createLocalCounter } from './point-counter.ts';
import type { BudgetSettings } from './settings.ts';

export interface OpenBudget {
  readonly budget: Budget;
  /** Slows guesses of the credentials that these principals have. */
  guard(principals: Principals): GuardedSignIn;
  close(): void;
}

/** The client of Redis is loaded only where there is one. */
export async function openBudget(
  { redisUrl, maxFailedSignIns, ...limits }: BudgetSettings,
  logger: Pick<Logger, 'warn' | 'info'>,
): Promise<OpenBudget> {
  const counter = redisUrl
    ? await (await import('./shared-counter.ts')).createSharedCounter({ url: redisUrl, logger })
    : createLocalCounter();
  return {
    budget: new Budget({ ...limits, counter }),
    guard: (principals) => new GuardedSignIn({ principals, counter, maxFailures: maxFailedSignIns }),
    close: () => counter.close(),
  };
}
