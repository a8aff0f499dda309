import type { Principal } from '../../src/access/principals.ts';

export interface Tenant {
  readonly token: string;
  readonly principal: Principal;
}

const tenantOf = (accountId: string): Tenant => ({
  token: `token-of-tenant-${accountId}`,
  principal: {
    name: `account ${accountId}`,
    role: 'ACCOUNT',
    scope: { kind: 'accounts', accountIds: [accountId] },
    maxPage: 1_000_000,
  },
});

/** The first three are hostile. */
export const tenants: readonly Tenant[] = ['14', '15', '16', '17'].map(tenantOf);
export const hostile = tenants.slice(0, 3);
export const victim = tenants[3]!;
