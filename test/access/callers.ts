import type { Principals } from '../../src/access/principals.ts';
import { roleNames, roleTraits, scopeOf } from '../../src/access/roles.ts';
import type { Scope } from '../../src/db/scope.ts';
import { UnauthenticatedError } from '../../src/errors.ts';

export const MAX_PAGE = 1000;

const owners: Record<string, Scope> = {
  all: { kind: 'all' },
  accounts: { kind: 'accounts', accountIds: ['14'] },
  customers: { kind: 'customers', customerIds: ['3'] },
};

/** Every role with every scope that it may be given: of account 14, of customer 3, or of everybody. */
export const callers = roleNames.flatMap((role) => roleTraits(role).scopes.map((scope) => ({ role, scope })));
export type Caller = (typeof callers)[number];

export const tokenOf = ({ role, scope }: Caller) => `${role}-${scope}`;

/** By tokenOf. */
export const callerPrincipals: Principals = {
  async authenticate({ authorization }) {
    const [name = '', kind = ''] = authorization?.slice('Bearer '.length).split('-') ?? [];
    const role = roleNames.find((each) => each === name);
    if (!role || !owners[kind]) throw new UnauthenticatedError();
    const scope = scopeOf(role, owners[kind]);
    return { name: `${role}-${kind}`, role, scope, maxPage: MAX_PAGE };
  },
};
