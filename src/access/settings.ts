import { bearerToken, splitList, wholeNumber } from '../settings/kinds.ts';
import { type Kind, settingGroup, UnexpectedTextError, type ValueOf } from '../settings/setting.ts';

const accountIds: Kind<readonly string[]> = {
  expected: 'account ids such as 14 or 14,15',
  parse(value) {
    const ids = splitList(value);
    if (ids.length > 0 && ids.every((id) => /^\d{1,18}$/.test(id))) return ids;
    throw new UnexpectedTextError(value);
  },
};

const pageSize = wholeNumber(1, 100_000_000);

/** The two static tokens, and how much each may ask for. */
export const accessSettings = settingGroup({
  title: 'Access',
  members: {
    adminToken: {
      name: 'ADMIN_TOKEN',
      meaning: 'Bearer token that sees every account',
      kind: bearerToken,
      secret: true,
      needed: true,
    },
    accountToken: {
      name: 'ACCOUNT_TOKEN',
      meaning: 'Bearer token that sees only ACCOUNT_ID',
      kind: bearerToken,
      secret: true,
    },
    accountIds: {
      name: 'ACCOUNT_ID',
      meaning: 'Account (or accounts, comma separated) that ACCOUNT_TOKEN sees',
      kind: accountIds,
      example: '14',
    },
    adminMaxPage: {
      name: 'ADMIN_MAX_PAGE',
      meaning: 'Ceiling of first/last for the admin token',
      kind: pageSize,
      default: '5000000',
    },
    accountMaxPage: {
      name: 'ACCOUNT_MAX_PAGE',
      meaning: 'Ceiling of first/last for the account token',
      kind: pageSize,
      default: '1000000',
    },
  },
  combine({ accountToken, accountIds, ...others }, report) {
    const { adminToken } = others;
    const account = accountToken && accountIds ? { token: accountToken, accountIds } : undefined;
    if (!account && (accountToken ?? accountIds) !== undefined) {
      report('ACCOUNT_TOKEN and ACCOUNT_ID: set both or neither');
    } else if (adminToken === undefined && !account) {
      report('ADMIN_TOKEN or ACCOUNT_TOKEN: missing; without a token nobody could ask anything');
    } else if (adminToken === accountToken) {
      report('ADMIN_TOKEN and ACCOUNT_TOKEN: must differ');
    }
    return { ...others, account };
  },
});

export type AccessSettings = ValueOf<typeof accessSettings>;
