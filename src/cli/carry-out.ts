import { applyPlan, describePlan, type Log, type Plan } from '../db/setup/plan.ts';
import { SetupFailedError } from '../db/setup/setup-error.ts';

/** All is done, or was already. */
const DONE = 0;
/** Something is to be done, or was left to the operator. */
const LEFT = 1;
/** A step failed. That nothing was changed is 2, as `cli.ts` says. */
const FAILED = 3;

/** Gives a plan to its argument while what it needs is open, and resolves with what that resolves with. */
export type WithPlan = (use: (plan: Plan) => Promise<number>) => Promise<number>;

/**
 * Plans, prints, and where it is wished carries out and looks again: only what is left to the operator may remain.
 * Resolves with the exit code.
 */
export async function carryOut(isApplied: boolean, log: Log, withPlan: WithPlan): Promise<number> {
  try {
    const first = await withPlan(async (plan) => {
      for (const line of describePlan(plan)) log(line);
      if (plan.steps.length === 0) return sayDone(plan, log);
      if (!isApplied) {
        log('Nothing was changed: --apply does it.');
        return LEFT;
      }
      const left = await applyPlan(plan, log);
      return left.length > 0 ? LEFT : DONE;
    });
    if (!isApplied || first !== DONE) return first;
    return await withPlan(async (plan) => {
      if (plan.steps.length === 0) return sayDone(plan, log);
      for (const line of describePlan(plan)) log(line);
      throw new SetupFailedError('Every step was done, and this is still, or again, to do.');
    });
  } catch (error) {
    if (!(error instanceof SetupFailedError)) throw error;
    log(error.message);
    return FAILED;
  }
}

function sayDone({ next }: Plan, log: Log): number {
  log('Nothing to do.');
  for (const line of next) log(`next: ${line}`);
  return DONE;
}
