import type { RateLimit } from '../access/budget/budget.ts';
import type { Principal } from '../access/principals.ts';
import { permissions, type Role, roleNames, roleTraits } from '../access/roles.ts';
import type { ScopeKind } from '../db/scope.ts';
import { DEFAULT_PAGE } from '../resolvers/cdrs.ts';
import { builder } from './builder.ts';
import { described } from './described.ts';

const ViewerRole = builder.enumType('ViewerRole', {
  description: 'What kind of principal asks.',
  values: Object.fromEntries(
    roleNames.map((name) => [name, { description: roleTraits(name).meaning }]),
  ) as Record<Role, { description: string }>,
});

const ViewerPermission = builder.enumType('ViewerPermission', {
  description: 'What may be asked about the calls in scope. Each field names the one that it needs.',
  values: described(permissions),
});

const ViewerScope = builder.enumType('ViewerScope', {
  description: 'Whose calls are visible.',
  values: {
    ALL: { value: 'all', description: 'Those of everybody.' },
    ACCOUNTS: { value: 'accounts', description: 'Those of `accountIds`.' },
    CUSTOMERS: { value: 'customers', description: 'Those of `customerIds`.' },
  } as const satisfies Record<Uppercase<ScopeKind>, { value: ScopeKind; description: string }>,
});

const RateLimitObject = builder.objectRef<RateLimit>('RateLimit').implement({
  description:
    'How much may be done for the principal, in points: a millisecond of a connection to a standby is 1,000. An operation ' +
    'is charged `extensions.cost.points` before it runs, and given back what it did not need.',
  fields: (t) => ({
    limit: t.expose('limit', { type: 'BigInt', nullable: false, description: 'Points a minute.' }),
    remaining: t.expose('remaining', {
      type: 'BigInt',
      nullable: false,
      description: 'Points that are left of this minute, without those of operations that still run.',
    }),
    resetSeconds: t.exposeInt('resetSeconds', {
      nullable: false,
      description: 'Until all of `limit` may be spent again; 0 when nothing was spent.',
    }),
  }),
});

const Viewer = builder.objectRef<Principal>('Viewer').implement({
  description: 'Who asks, by the token of the request, and how much may be asked for.',
  fields: (t) => ({
    name: t.exposeString('name', {
      nullable: false,
      description: 'The name of the principal, as our logs show it.',
    }),
    role: t.expose('role', { type: ViewerRole, nullable: false, description: 'What kind of principal.' }),
    permissions: t.field({
      type: [ViewerPermission],
      nullable: { list: false, items: false },
      description: 'What may be asked. An operation that needs another one is refused as a whole: FORBIDDEN.',
      resolve: ({ role }) => roleTraits(role).permissions,
    }),
    scope: t.field({
      type: ViewerScope,
      nullable: false,
      description: 'Whose calls are visible, and with them whose accounts, customers, statistics and counts.',
      resolve: ({ scope }) => scope.kind,
    }),
    accountIds: t.idList({
      nullable: { list: true, items: false },
      description: 'The accounts whose calls are visible; null where `scope` is not ACCOUNTS.',
      resolve: ({ scope }) => (scope.kind === 'accounts' ? scope.accountIds : null),
    }),
    customerIds: t.idList({
      nullable: { list: true, items: false },
      description: 'The customers whose calls are visible; null where `scope` is not CUSTOMERS.',
      resolve: ({ scope }) => (scope.kind === 'customers' ? scope.customerIds : null),
    }),
    maxPage: t.exposeInt('maxPage', {
      nullable: false,
      description: 'Ceiling of `first` and `last` of `cdrs`.',
    }),
    rateLimit: t.field({
      type: RateLimitObject,
      description: 'How much may be done for the principal; null where there is no limit.',
      resolve: (_principal, _args, context) => context.rateLimit(),
    }),
    defaultPage: t.int({
      nullable: false,
      description: 'Calls per page when neither `first` nor `last` is given.',
      resolve: ({ maxPage }) => Math.min(DEFAULT_PAGE, maxPage),
    }),
  }),
});

builder.queryField('viewer', (t) =>
  t.field({
    type: Viewer,
    nullable: false,
    description: 'Who asks, and with which limits.',
    resolve: (_root, _args, { principal }) => principal,
  }),
);
