import type { CdrColumnName } from '../db/calls/cdr-columns.ts';
import type { CdrRow } from '../db/calls/cdrs.ts';
import { type CdrConnection, type CdrEdge, cursorOf, findCdr, findCdrs } from '../resolvers/cdrs.ts';
import { timestampOf } from '../resolvers/timestamps.ts';
import { Account, Customer } from './accounts.ts';
import { builder } from './builder.ts';
import { Carrier } from './carriers.ts';
import { CdrFilterInput, CdrOrderEnum } from './cdr-filter.ts';
import { CallOutcomeEnum } from './outcomes.ts';
import { isStreamed } from './selected-fields.ts';

export const Cdr = builder.objectRef<CdrRow>('Cdr');

/** What a field of a call needs to be told: the column catalogue knows the rest. */
interface ColumnField {
  readonly column: CdrColumnName;
  readonly description: string;
}

Cdr.implement({
  description:
    'A call detail record: one rated call attempt, as the switch wrote it when the call ended. CLI is the calling ' +
    'number, CLD the called number. Re-rating may change the amounts of a call later; nothing else changes.',
  fields: (t) => {
    /** `extensions.column` is the one declaration that the streaming path reads too. */
    const text = ({ column, description }: ColumnField) =>
      t.string({ description, extensions: { column }, resolve: (row) => row[column] as string | null });
    const id = ({ column, description }: ColumnField) =>
      t.id({ description, extensions: { column }, resolve: (row) => row[column] as string | null });
    const requiredId = ({ column, description }: ColumnField) =>
      t.id({ nullable: false, description, extensions: { column }, resolve: (row) => row[column] as string });
    const integer = ({ column, description }: ColumnField) =>
      t.int({ description, extensions: { column }, resolve: (row) => row[column] as number | null });
    const decimal = ({ column, description }: ColumnField) =>
      t.field({
        type: 'Decimal',
        description,
        extensions: { column },
        resolve: (row) => row[column] as string | null,
      });
    const instant = ({ column, description }: ColumnField) =>
      t.field({
        type: 'DateTime',
        description,
        extensions: { column },
        resolve: (row) => timestampOf(row[column] as string | null),
      });

    return {
      id: requiredId({
        column: 'i_xdr',
        description:
          'The key of the call. It grows as calls end, so it is neither gap-free nor in connect time order.',
      }),
      callId: text({ column: 'call_id', description: 'The SIP Call-ID, to find the call in a trace.' }),
      accountId: requiredId({ column: 'i_account', description: 'The account the call is charged to.' }),
      customerId: id({ column: 'i_customer', description: 'The customer who owns the account.' }),
      account: t.field({
        type: Account,
        description: 'The account the call is charged to. One lookup per request, however many calls ask.',
        resolve: (row, _args, { loaders }) => loaders().account.load(row.i_account!),
      }),
      customer: t.field({
        type: Customer,
        description: 'The customer who owns the account. One lookup per request, however many calls ask.',
        resolve: (row, _args, { loaders }) =>
          row.i_customer === null ? null : loaders().customer.load(row.i_customer),
      }),
      cli: text({
        column: 'cli',
        description:
          'Calling number (A-number) after translation. Text: it may be `anonymous`, or begin with `+` or `00`.',
      }),
      cld: text({ column: 'cld', description: 'Called number (B-number) after translation.' }),
      carrier: t.field({
        type: Carrier,
        description:
          'Whom the block of the called number (`cld`) was given to, its country and kind of line; null when nothing is ' +
          'known. Numbers are ported: not necessarily the operator of today. A list that selects this is answered whole ' +
          'by the ordinary executor, and not as a stream or a file; for long lists ask `Query.carriers` for the numbers ' +
          'that are shown.',
        resolve: ({ cld }, _args, { loaders }) => (cld ? loaders().carrier.load(cld) : null),
      }),
      cliIn: text({ column: 'cli_in', description: 'Calling number as the switch received it.' }),
      cldIn: text({ column: 'cld_in', description: 'Called number as the switch received it.' }),
      setupTime: instant({ column: 'setup_time', description: 'When the call attempt reached the switch.' }),
      connectTime: t.field({
        type: 'DateTime',
        nullable: false,
        description:
          'When the called side answered; for a failed call, when it failed. Calls are listed by this time. Switches ' +
          'often write whole seconds, so many calls share one.',
        extensions: { column: 'connect_time' },
        resolve: (row) => timestampOf(row.connect_time)!,
      }),
      disconnectTime: instant({ column: 'disconnect_time', description: 'When the call ended.' }),
      durationSeconds: decimal({
        column: 'duration',
        description: 'Seconds of conversation, fractions included. 0 for a failed call.',
      }),
      billedSeconds: integer({
        column: 'charged_quantity',
        description: "Seconds charged for, after the tariff's rounding. 0 for a failed call.",
      }),
      chargedAmount: decimal({
        column: 'charged_amount',
        description: "What the call cost, exactly, in the account's currency.",
      }),
      disconnectCause: integer({
        column: 'disconnect_cause',
        description:
          'Why the call ended: the ITU-T Q.850 cause (16 normal, 17 busy, 34 no circuit, …). On a Sippy source the ' +
          "switch's own result: 0 success, above 0 a SIP status, below 0 an internal error.",
      }),
      disconnectReason: text({ column: 'disconnect_reason', description: 'The cause in words.' }),
      outcome: t.field({
        type: CallOutcomeEnum,
        description:
          'What became of the call, derived from cause and duration. Null when the cause is unknown.',
        extensions: { column: 'outcome' },
        resolve: (row) => row.outcome as never,
      }),
      prefix: text({
        column: 'prefix',
        description:
          'The rate prefix that priced the call. Text: a switch may write a word here when rating failed.',
      }),
      country: text({
        column: 'country',
        description: 'Country of the called number, from the rate prefix.',
      }),
      region: text({
        column: 'region',
        description: 'Part of the country, or kind of line, from the rate prefix.',
      }),
      remoteIp: text({ column: 'remote_ip', description: 'Address the call came from.' }),
      pddSeconds: decimal({
        column: 'pdd',
        description: 'Post-dial delay: seconds from the INVITE to the first ringing. Null when nothing rang.',
      }),
      releaseSource: text({
        column: 'release_source',
        description: 'Who hung up: `caller` or `callee`. Null or empty for many failed calls.',
      }),
      userAgent: text({ column: 'user_agent', description: "The caller's equipment, as it names itself." }),
    };
  },
});

const PageInfo = builder.objectRef<CdrConnection>('PageInfo').implement({
  description: 'Where this page lies in the list. Give `endCursor` as `after` for the next page.',
  fields: (t) => ({
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
  }),
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
        "How many calls match the filter by the planner's statistics: immediate, commonly within a few per cent " +
        'for plain filters, and far off for rare numbers.',
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
    nullable: false,
    description:
      'Calls, newest first unless asked otherwise. Page forwards with `first` and `after`, backwards with `last` and ' +
      '`before`. A page of a million is answered as a stream: `viewer.maxPage` is the ceiling. The same query with ' +
      '`Accept: text/csv` or `application/x-ndjson` is a file.',
    extensions: { streams: true },
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
    resolve: (_root, args, context) => findCdrs(context, args),
  }),
}));
