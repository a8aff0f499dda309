import { type Account, type Customer, createAccounts } from './accounts.ts';
import { type Call, type CallMaker, createCallMaker } from './calls.ts';
import { createPicker, createRandom } from './random.ts';
import { scheduleEndings } from './schedule.ts';

/** Customers, their accounts, and the calls they make. */
export interface TrafficModel {
  readonly customers: readonly Customer[];
  /** The busiest first. */
  readonly accounts: readonly Account[];
  /** Exactly `count` calls that ended in the `days` before `now`, in the order in which they ended. */
  history(options: HistoryOptions): Generator<Call>;
  /** A call of any account that ends in that second. By shares alone: the demo is always in its busy hour. */
  callEndingIn(second: number): Call;
}

export interface HistoryOptions {
  readonly count: number;
  readonly now: Date;
  /** Default 30. */
  readonly days?: number;
}

const DAY = 86_400;

/** The same seed and the same calls of its functions in the same order give the same calls. */
export function createTrafficModel(seed = 1): TrafficModel {
  const random = createRandom(seed);
  const { customers, accounts } = createAccounts(random);
  const makers: readonly CallMaker[] = accounts.map((account) => createCallMaker(account, random));
  const pickAccount = createPicker(accounts.map(({ share }) => share));
  return {
    customers,
    accounts,
    *history({ count, now, days = 30 }) {
      const to = Math.floor(now.getTime() / 1000);
      for (const { accountIndex, second } of scheduleEndings(
        accounts,
        count,
        { from: to - days * DAY, to },
        random,
      )) {
        yield makers[accountIndex]!(second);
      }
    },
    callEndingIn: (second) => makers[pickAccount(random)]!(second),
  };
}
