import { Counter, Gauge, type Registry } from 'prom-client';
import { type BudgetReport, limitedThings } from '../access/budget/budget.ts';
import type { SignInReport } from '../access/budget/guarded-sign-in.ts';

export interface BudgetMetrics {
  /** Before each scrape. */
  show(report: BudgetReport, signIn?: SignInReport): void;
}

export function createBudgetMetrics(registry: Registry): BudgetMetrics {
  const registers = [registry];
  const charged = new Counter({
    name: 'gateway_budget_charged_points_total',
    help: 'Points taken from principals that have a limit, before their operations ran.',
    registers,
  });
  const refunded = new Counter({
    name: 'gateway_budget_refunded_points_total',
    help: 'Of these, points given back because the operation took less.',
    registers,
  });
  const refused = new Counter({
    name: 'gateway_rate_limited_total',
    help: 'Requests refused with RATE_LIMITED, by what there was too much of.',
    labelNames: ['limit'],
    registers,
  });
  const failed = new Counter({
    name: 'gateway_failed_sign_ins_total',
    help: 'Requests with a token that nobody has. Those refused without being looked at are in gateway_rate_limited_total.',
    registers,
  });
  const shared = new Gauge({
    name: 'gateway_budget_shared',
    help: '1 while gateways count points together in Redis, 0 while this one counts alone. Absent without REDIS_URL.',
    registers,
  });
  shared.remove();
  return {
    show(report, signIn = { failed: 0, refused: 0 }) {
      setTo(charged, {}, report.charged);
      setTo(refunded, {}, report.refunded);
      refused.reset();
      for (const limit of limitedThings) refused.inc({ limit }, report.refused[limit]);
      refused.inc({ limit: 'sign-ins' }, signIn.refused);
      setTo(failed, {}, signIn.failed);
      if (report.isShared !== null) shared.set(Number(report.isShared));
    },
  };
}

/** The budget counts by itself, whether anybody scrapes or not. */
function setTo(counter: Counter, labels: Record<string, string>, value: number): void {
  counter.reset();
  counter.inc(labels, value);
}
