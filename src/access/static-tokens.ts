import { hash, timingSafeEqual } from 'node:crypto';
import type { Authenticator, Principal } from './principals.ts';
import type { AccessSettings } from './settings.ts';

/** The two tokens of the settings: admin and account. */
export function createStaticTokens({
  adminToken,
  account,
  ...ceilings
}: Pick<AccessSettings, 'adminToken' | 'account' | 'adminMaxPage' | 'accountMaxPage'>): Authenticator {
  const known: { readonly digest: Buffer; readonly principal: Principal }[] = [];
  if (adminToken) {
    const principal = {
      name: 'admin',
      role: 'ADMIN',
      scope: { kind: 'all' },
      maxPage: ceilings.adminMaxPage,
    } as const;
    known.push({ digest: digestOf(adminToken), principal });
  }
  if (account) {
    const { token, accountIds } = account;
    const principal = {
      name: `account ${accountIds.join(',')}`,
      role: 'ACCOUNT',
      scope: { kind: 'accounts', accountIds },
      maxPage: ceilings.accountMaxPage,
    } as const;
    known.push({ digest: digestOf(token), principal });
  }
  return (token) => {
    const digest = digestOf(token);
    return known.find((candidate) => timingSafeEqual(candidate.digest, digest))?.principal;
  };
}

/** Tokens are compared as digests: equal in length, so in constant time. */
function digestOf(token: string): Buffer {
  return hash('sha256', token, 'buffer');
}
