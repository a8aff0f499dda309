import { hash, timingSafeEqual } from 'node:crypto';
import type { Scope } from '../db/scope.ts';
import { UnauthenticatedError } from '../errors.ts';
import type { AccessSettings } from './settings.ts';

/** Who asks, what they may see, and how much at once. */
export interface Principal {
  readonly name: string;
  readonly role: 'ADMIN' | 'CUSTOMER' | 'ACCOUNT';
  readonly scope: Scope;
  /** Ceiling of `first` and `last`. */
  readonly maxPage: number;
}

/** Finds the principal of an Authorization header. */
export interface Principals {
  /** Rejects with UnauthenticatedError when the header is missing, malformed, or names no principal. */
  authenticate(authorization: string | null): Promise<Principal>;
}

/** The principals of the settings: two static tokens, admin and account. */
export function createPrincipals({ adminToken, account, ...ceilings }: AccessSettings): Principals {
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

  return {
    async authenticate(authorization) {
      const token = /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1];
      if (token === undefined) throw new UnauthenticatedError();
      const digest = digestOf(token);
      const found = known.find((candidate) => timingSafeEqual(candidate.digest, digest));
      if (!found) throw new UnauthenticatedError('This token is not known here.');
      return found.principal;
    },
  };
}

/** Tokens are compared as digests: equal in length, so in constant time. */
function digestOf(token: string): Buffer {
  return hash('sha256', token, 'buffer');
}
