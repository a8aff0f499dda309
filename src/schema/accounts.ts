import type { AccountRow, CustomerRow } from '../db/calls/accounts.ts';
import { findAccount } from '../resolvers/accounts.ts';
import { shownText } from '../resolvers/values.ts';
import { builder } from './builder.ts';
import { Node, nodeIdOf } from './nodes.ts';

export const Customer = builder.objectRef<CustomerRow>('Customer').implement({
  description: 'Who owns accounts: a reseller, or a company with several lines.',
  interfaces: [Node],
  fields: (t) => ({
    nodeId: t.id(nodeIdOf('Customer', ({ id }) => id)),
    id: t.exposeID('id', { nullable: false, description: 'As in `Cdr.customerId`.' }),
    name: t.string({
      description: 'Null where the database does not say.',
      resolve: ({ name }) => shownText(name),
    }),
  }),
});

export const Account = builder.objectRef<AccountRow>('Account').implement({
  description:
    'Whom calls are charged to. Where the calls live in a database of their own, everything but the ids is null.',
  interfaces: [Node],
  fields: (t) => ({
    nodeId: t.id(nodeIdOf('Account', ({ id }) => id)),
    id: t.exposeID('id', { nullable: false, description: 'As in `Cdr.accountId`.' }),
    username: t.string({
      description: 'The name the account logs in with.',
      resolve: ({ username }) => shownText(username),
    }),
    customerId: t.exposeID('customerId', {
      nullable: true,
      description: 'The customer who owns the account.',
    }),
    customer: t.field({
      type: Customer,
      description: 'The customer who owns the account.',
      resolve: ({ customerId }, _args, { loaders }) =>
        customerId === null ? null : loaders().customer.load(customerId),
    }),
    currency: t.string({
      description: 'ISO 4217 code of every amount charged to the account.',
      resolve: ({ currency }) => shownText(currency),
    }),
    timeZone: t.string({
      description: 'IANA name of the zone the account is billed in.',
      resolve: ({ timeZone }) => shownText(timeZone),
    }),
    blocked: t.exposeBoolean('blocked', { description: 'Whether the switch refuses calls of the account.' }),
  }),
});

builder.queryField('account', (t) =>
  t.field({
    type: Account,
    description: 'One account by its id; null when there is none, or none that you may see.',
    args: { id: t.arg.id({ required: true, description: '`Account.id`.' }) },
    resolve: (_root, { id }, context) => findAccount(context, String(id)),
  }),
);
