import type { ObjectFieldBuilder } from '@pothos/core';
import type { GraphQLObjectType, GraphQLResolveInfo } from 'graphql';
import type { AccountRow } from '../db/calls/accounts.ts';
import type { CdrRow } from '../db/calls/cdrs.ts';
import { type CdrColumnName, cdrColumn, cdrColumnNames } from '../db/sources/cdr-columns.ts';
import { type CdrConnection, type CdrEdge, cursorOf, findCdr, findCdrs } from '../resolvers/cdrs.ts';
import { loadRelated, relations } from '../resolvers/related.ts';
import { openCdrs } from '../resolvers/streamed-cdrs.ts';
import { shownText, shownValue } from '../resolvers/values.ts';
import type { PageInfoField } from '../streaming/connection-plan.ts';
import { Account, Customer } from './accounts.ts';
import { builder } from './builder.ts';
import { Carrier } from './carriers.ts';
import { CdrFilterInput, CdrOrderEnum } from './cdr-filter.ts';
import { fieldTypes } from './field-types.ts';
import { Node, nodeIdOf } from './nodes.ts';
import { CallOutcomeEnum } from './outcomes.ts';
import { fieldsBelow, isStreamed } from './selected-fields.ts';

export const Cdr = builder.objectRef<CdrRow>('Cdr');

/** The field of each column. A column without a field does not compile; the rest of the field is the column's own. */
const fieldNames = {
  i_xdr: 'id',
  call_id: 'callId',
  i_account: 'accountId',
  i_customer: 'customerId',
  cli: 'cli',
  cld: 'cld',
  cli_in: 'cliIn',
  cld_in: 'cldIn',
  setup_time: 'setupTime',
  connect_time: 'connectTime',
  disconnect_time: 'disconnectTime',
  duration: 'durationSeconds',
  charged_quantity: 'billedSeconds',
  charged_amount: 'chargedAmount',
  post_call_surcharge: 'postCallSurcharge',
  disconnect_cause: 'disconnectCause',
  disconnect_reason: 'disconnectReason',
  outcome: 'outcome',
  prefix: 'prefix',
  country: 'country',
  region: 'region',
  remote_ip: 'remoteIp',
  pdd: 'pddSeconds',
  release_source: 'releaseSource',
  user_agent: 'userAgent',
  i_protocol: 'protocol',
  p_asserted_id: 'assertedIdentity',
} as const satisfies Record<CdrColumnName, string>;

type FieldBuilder = ObjectFieldBuilder<typeof builder.$inferSchemaTypes, CdrRow>;

const WHO_SEES_NUMBERS = 'Whole with the permission `NUMBERS`, masked with `MASKED_NUMBERS`, otherwise null.';

/** `extensions.column` is the one declaration that the streaming path reads too. */
function fieldOf(t: FieldBuilder, column: CdrColumnName) {
  const declared = cdrColumn(column);
  const options = {
    nullable: declared.nullable,
    description: declared.isNumber ? `${declared.meaning} ${WHO_SEES_NUMBERS}` : declared.meaning,
    extensions: { column },
    resolve: (row: CdrRow) => shownValue(declared, row[column]) as never,
  };
  if (column === 'outcome') return t.field({ ...options, type: CallOutcomeEnum });
  return t.field({ ...options, type: fieldTypes[declared.wire] });
}

const fieldsOfColumns = (t: FieldBuilder) =>
  Object.fromEntries(cdrColumnNames.map((column) => [fieldNames[column], fieldOf(t, column)]));

/** What the fields below are resolved from, and where each call has its place: no other column need be read. */
function columnsBelow(info: GraphQLResolveInfo): readonly CdrColumnName[] {
  const names = fieldsBelow(info);
  const columns = new Set<CdrColumnName>(['connect_time', 'i_xdr']);
  for (const { name, extensions } of Object.values(
    (info.schema.getType('Cdr') as GraphQLObjectType).getFields(),
  )) {
    if (!names.has(name)) continue;
    const column = extensions.column ?? extensions.related?.column;
    if (column) columns.add(column);
  }
  return cdrColumnNames.filter((column) => columns.has(column));
}

Cdr.implement({
  description:
    'A call detail record: one rated call attempt, as the switch wrote it when the call ended. CLI is the calling ' +
    'number, CLD the called number. Re-rating may change the amounts of a call later; nothing else changes.',
  interfaces: [Node],
  fields: (t) => ({
    ...fieldsOfColumns(t),
    nodeId: t.id(nodeIdOf('Cdr', ({ i_xdr }) => i_xdr!)),
    currency: t.string({
      description:
        'ISO 4217 code of the amounts of the call: the currency of its account, `account.currency`. Null where the account ' +
        'is unknown or has none. Looked up once per account, however many calls it has.',
      extensions: { related: { ...relations.account, leaf: { type: 'Account', field: 'currency' } } },
      resolve: async (row, _args, context) => {
        const account = (await loadRelated('account', row, context)) as AccountRow | null;
        return account && shownText(account.currency);
      },
    }),
    account: t.field({
      type: Account,
      description:
        'The account the call is charged to. Looked up once per request, however many calls it has.',
      extensions: { related: relations.account },
      resolve: (row, _args, context) => loadRelated('account', row, context) as never,
    }),
    customer: t.field({
      type: Customer,
      description:
        'The customer who owns the account. Looked up once per request, however many calls it has.',
      extensions: { related: relations.customer },
      resolve: (row, _args, context) => loadRelated('customer', row, context) as never,
    }),
    carrier: t.field({
      type: Carrier,
      description:
        'Whom the block of the called number (`cld`) was given to, its country and kind of line; null when nothing is ' +
        'known. Numbers are ported: not necessarily the operator of today.',
      extensions: { related: relations.carrier },
      resolve: (row, _args, context) => loadRelated('carrier', row, context) as never,
    }),
  }),
});

const PageInfo = builder.objectRef<CdrConnection>('PageInfo').implement({
  description: 'Where this page lies in the list. Give `endCursor` as `after` for the next page.',
  fields: (t) =>
    ({
      hasNextPage: t.boolean({
        nullable: false,
        description: 'Whether calls follow. True means there are; false is as of `extensions.replica.asOf`.',
        resolve: (connection) => connection.hasNextPage(),
      }),
      hasPreviousPage: t.boolean({
        nullable: false,
        description: 'Whether calls precede this page.',
        resolve: (connection) => connection.hasPreviousPage(),
      }),
      startCursor: t.string({
        description: 'Cursor of the first call of the page; null when it is empty.',
        resolve: (connection) => connection.startCursor(),
      }),
      endCursor: t.string({
        description: 'Cursor of the last call of the page; null when it is empty.',
        resolve: (connection) => connection.endCursor(),
      }),
    }) satisfies Record<PageInfoField, unknown>,
});

const CdrEdgeType = builder.objectRef<CdrEdge>('CdrEdge').implement({
  description: 'A call and its place in the list.',
  fields: (t) => ({
    cursor: t.string({
      nullable: false,
      description:
        'Opaque. Bound to the filter and order it was made with, and to the age of the answer: a later page is never ' +
        'read from a standby that is older than this one was.',
      extensions: { cursor: true },
      resolve: cursorOf,
    }),
    node: t.field({
      type: Cdr,
      description: 'The call.',
      extensions: { node: true },
      resolve: (edge) => edge.node,
    }),
  }),
});

const CdrConnectionType = builder.objectRef<CdrConnection>('CdrConnection').implement({
  description:
    'A page of calls, by Relay conventions. Its cost does not depend on how deep the page lies. List items are ' +
    'nullable so that one unreadable call cannot void a list of 100,000.',
  fields: (t) => ({
    edges: t.field({
      type: [CdrEdgeType],
      nullable: { list: false, items: true },
      description: 'The calls, each with its cursor.',
      resolve: (connection, _args, _context, info) =>
        (isStreamed(info) ? connection.streamEdges() : connection.edges()) as never,
    }),
    nodes: t.field({
      type: [Cdr],
      nullable: { list: false, items: true },
      description: 'The calls, without cursors.',
      resolve: (connection, _args, _context, info) =>
        (isStreamed(info) ? connection.streamNodes() : connection.nodes()) as never,
    }),
    pageInfo: t.field({
      type: PageInfo,
      nullable: false,
      description: 'Where this page lies in the list.',
      resolve: (connection) => connection,
    }),
    totalCount: t.field({
      type: 'BigInt',
      description:
        'How many calls match the filter, exactly. Reads every one of them: ask only when it is shown.',
      resolve: (connection) => connection.totalCount(),
    }),
    estimatedCount: t.field({
      type: 'BigInt',
      description:
        'About how many calls match the filter, at once. For whoever sees all calls by the statistics of the ' +
        'planner: commonly within a few per cent for plain filters, and far off for rare numbers. For everybody ' +
        'else from their own calls: exact while they are few, later worked out from a part of them.',
      resolve: (connection) => connection.estimatedCount(),
    }),
  }),
});

builder.queryFields((t) => ({
  cdr: t.field({
    type: Cdr,
    description: 'One call by its key; null when there is none, or none that you may see.',
    args: { id: t.arg.id({ required: true, description: '`Cdr.id`.' }) },
    resolve: (_root, { id }, context) => findCdr(context, String(id)),
  }),
  cdrs: t.field({
    type: CdrConnectionType,
    nullable: true,
    description:
      'Calls, newest first unless asked otherwise. Page forwards with `first` and `after`, backwards with `last` and ' +
      '`before`. A page of a million is answered as a stream: `viewer.maxPage` is the ceiling. The same query with ' +
      '`Accept: text/csv` or `application/x-ndjson` is a file. Null when it alone failed, beside its error.',
    extensions: { openList: (args, context) => openCdrs(context, args) },
    args: {
      filter: t.arg({ type: CdrFilterInput, description: 'Which calls; all that you may see when missing.' }),
      orderBy: t.arg({
        type: CdrOrderEnum,
        required: true,
        defaultValue: 'NEWEST_FIRST',
        description: 'By connect time, ties broken by id.',
      }),
      first: t.arg.int({
        description: 'How many calls from the start of the list, or after `after`. 50 when missing.',
      }),
      after: t.arg.string({ description: 'Only calls after this cursor.' }),
      last: t.arg.int({
        description: 'How many calls from the end of the list, or before `before`. Not with `first`.',
      }),
      before: t.arg.string({ description: 'Only calls before this cursor.' }),
    },
    resolve: (_root, args, context, info) => findCdrs(context, args, columnsBelow(info)),
  }),
}));
