import { matching, wholeNumber } from '../../settings/kinds.ts';
import { settingGroup, type ValueOf } from '../../settings/setting.ts';

const pointsPerMinute = wholeNumber(0, 100_000_000_000);

const redisUrl = matching(
  'a URL such as redis://:secret@redis:6379/0, or rediss:// for TLS',
  /^rediss?:\/\/\S+$/,
);

/** How much one principal may have done for it, whatever it may see. */
export const budgetSettings = settingGroup({
  title: 'Fairness',
  members: {
    pointsPerMinute: {
      name: 'RATE_LIMIT',
      meaning:
        'Points a minute for each principal that sees a part of the calls; a millisecond of a connection is 1,000. 0 = no limit',
      kind: pointsPerMinute,
      default: '300000000',
    },
    adminPointsPerMinute: {
      name: 'ADMIN_RATE_LIMIT',
      meaning: 'The same for each principal that sees every call. 0 = no limit',
      kind: pointsPerMinute,
      default: '0',
    },
    maxStreams: {
      name: 'MAX_STREAMS',
      meaning: 'Files and lists of more than 10,000 calls that one principal may have sent to it at once',
      kind: wholeNumber(1, 10_000),
      default: '20',
    },
    maxFailedSignIns: {
      name: 'MAX_FAILED_SIGN_INS',
      meaning: 'Tokens that nobody has, from one address in a minute, before no other new one is looked at',
      kind: wholeNumber(1, 1_000_000),
      default: '60',
    },
    redisUrl: {
      name: 'REDIS_URL',
      meaning:
        'Redis in which several gateways count together; without it, and while it is down, each counts alone',
      kind: redisUrl,
      mayHoldPassword: true,
      example: 'redis://127.0.0.1:6379',
    },
  },
});

export type BudgetSettings = ValueOf<typeof budgetSettings>;
