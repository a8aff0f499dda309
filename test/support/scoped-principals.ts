import type { Principal, Principals } from '../../src/access/principals.ts';
import type { Scope } from '../../src/db/scope.ts';
import { UnauthenticatedError } from '../../src/errors.ts';

/** Scopes by their names. */
export type NamedScopes = Readonly<Record<string, Scope>>;

/** Every kind of scope: none, one and several of what they can be of. */
export const everyKindOfScope: NamedScopes = {
  everybody: { kind: 'all' },
  'one-account': { kind: 'accounts', accountIds: ['14'] },
  'two-accounts': { kind: 'accounts', accountIds: ['14', '16'] },
  'no-account': { kind: 'accounts', accountIds: [] },
  'one-customer': { kind: 'customers', customerIds: ['3'] },
  'two-customers': { kind: 'customers', customerIds: ['4', '3'] },
};

/** A principal of each scope: the token is the name. */
export function principalsOf(scopes: NamedScopes, role: Principal['role']): Principals {
  return {
    async authenticate({ authorization }) {
      const name = authorization?.slice('Bearer '.length) ?? '';
      const scope = scopes[name];
      if (!scope) throw new UnauthenticatedError();
      return { name, role, scope, maxPage: 50_000 };
    },
  };
}
