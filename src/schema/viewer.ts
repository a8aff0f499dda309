import type { Principal } from '../access/principals.ts';
import { DEFAULT_PAGE } from '../resolvers/cdrs.ts';
import { builder } from './builder.ts';

const ViewerRole = builder.enumType('ViewerRole', {
  description: 'What kind of principal asks.',
  values: {
    ADMIN: { description: 'Sees the calls of every account.' },
    ACCOUNT: { description: 'Sees the calls of its own accounts.' },
  } as const,
});

const Viewer = builder.objectRef<Principal>('Viewer').implement({
  description: 'Who asks, by the token of the request, and how much may be asked for.',
  fields: (t) => ({
    name: t.exposeString('name', {
      nullable: false,
      description: 'The name of the principal, as our logs show it.',
    }),
    role: t.expose('role', { type: ViewerRole, nullable: false, description: 'What kind of principal.' }),
    accountIds: t.idList({
      nullable: { list: true, items: false },
      description: 'The accounts whose calls are visible; null means all.',
      resolve: ({ accountIds }) => accountIds,
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
