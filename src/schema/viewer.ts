import type { Principal } from '../access/principals.ts';
import type { ScopeKind } from '../db/scope.ts';
import { DEFAULT_PAGE } from '../resolvers/cdrs.ts';
import { builder } from './builder.ts';

const ViewerRole = builder.enumType('ViewerRole', {
  description: 'What kind of principal asks.',
  values: {
    ADMIN: { description: 'Sees the calls of every account.' },
    CUSTOMER: { description: 'Sees the calls of its own customers, of whichever account.' },
    ACCOUNT: { description: 'Sees the calls of its own accounts.' },
  } as const,
});

const ViewerScope = builder.enumType('ViewerScope', {
  description: 'Whose calls are visible.',
  values: {
    ALL: { value: 'all', description: 'Those of everybody.' },
    ACCOUNTS: { value: 'accounts', description: 'Those of `accountIds`.' },
    CUSTOMERS: { value: 'customers', description: 'Those of `customerIds`.' },
  } as const satisfies Record<Uppercase<ScopeKind>, { value: ScopeKind; description: string }>,
});

const Viewer = builder.objectRef<Principal>('Viewer').implement({
  description: 'Who asks, by the token of the request, and how much may be asked for.',
  fields: (t) => ({
    name: t.exposeString('name', {
      nullable: false,
      description: 'The name of the principal, as our logs show it.',
    }),
    role: t.expose('role', { type: ViewerRole, nullable: false, description: 'What kind of principal.' }),
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
