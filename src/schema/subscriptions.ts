import type { CdrRow } from '../db/calls/cdrs.ts';
import { type CallDeparture, type FeedGap, type FeedMessage, feedGapReasons } from '../feed/message.ts';
import type { ReplicationStatus } from '../replicas/status.ts';
import { builder } from './builder.ts';
import { CdrFilterInput } from './cdr-filter.ts';
import { Cdr } from './cdrs.ts';
import { described } from './described.ts';
import { Replication } from './replication.ts';

builder.subscriptionType({
  description:
    'What changes, as it changes: as `text/event-stream`, each message one event. At least one message comes each second, so ' +
    'that quiet is proven and not assumed.',
});

const FeedGapReasonEnum = builder.enumType('FeedGapReason', {
  description: 'Why something could not be told.',
  values: described(feedGapReasons),
});

const FeedGapType = builder.objectRef<FeedGap>('FeedGap').implement({
  description: 'What could not be told, and why. Read what is missing by a query.',
  fields: (t) => ({
    reason: t.expose('reason', {
      type: FeedGapReasonEnum,
      nullable: false,
      description: 'Why it could not be told.',
    }),
    message: t.exposeString('message', { nullable: false, description: 'The same for people.' }),
  }),
});

const CdrDeparture = builder.objectRef<CallDeparture>('CdrDeparture').implement({
  description: "That an account has a call no more: it was deleted, or is another account's.",
  fields: (t) => ({
    cdrId: t.exposeID('cdrId', { nullable: false, description: 'The call, by its `id`.' }),
    accountId: t.exposeID('accountId', { nullable: false, description: 'The account that had it.' }),
  }),
});

const CdrFeed = builder.objectRef<FeedMessage>('CdrFeed').implement({
  description:
    'What arrived since the message before. What is told depends on the level: `replicationStatus.feed`. Calls come in the order ' +
    'in which the gateway learns of them, which is not that of their times.',
  fields: (t) => ({
    cursor: t.exposeString('cursor', {
      nullable: false,
      description:
        'Give it as `after`, or as Last-Event-ID, to go on behind this message, on any gateway and any standby. Opaque, and bound to ' +
        'the filter and to whom it was sent.',
    }),
    position: t.exposeString('position', {
      nullable: false,
      description:
        'A token as in `extensions.replica.token`: as `X-Read-After` of a query it makes the answer hold at least what was told until ' +
        'here, such as the calls of before the first message.',
    }),
    asOf: t.field({
      type: 'DateTime',
      description:
        'Every call that was committed until then has been told. Null when unknown, and while older calls are still being told.',
      resolve: ({ asOf }) => asOf,
    }),
    stalenessSeconds: t.exposeFloat('stalenessSeconds', {
      description: 'The age of `asOf` at most; null, never 0, when unknown.',
    }),
    mayRepeat: t.exposeBoolean('mayRepeat', {
      nullable: false,
      description: 'Whether some of this message may have been told before. Nothing is missing then either.',
    }),
    inserted: t.field({
      type: [Cdr],
      nullable: { list: false, items: true },
      description:
        'Calls that have arrived. Null in the place of one that cannot be shown, beside its error.',
      resolve: ({ inserted }) => inserted as CdrRow[],
    }),
    corrected: t.field({
      type: [Cdr],
      nullable: { list: false, items: true },
      description: 'Calls that were changed, as they are now. Always empty at level INSERTS.',
      resolve: ({ corrected }) => corrected as CdrRow[],
    }),
    deletedIds: t.field({
      type: ['ID'],
      nullable: { list: false, items: false },
      description:
        'Calls that are gone, or match the filter no more after a correction. Always empty at level INSERTS.',
      resolve: ({ deletedIds }) => deletedIds as string[],
    }),
    departures: t.field({
      type: [CdrDeparture],
      nullable: { list: false, items: false },
      description:
        'Accounts that have calls no more, as far as it is known whose the calls were: for those who keep calls by account. ' +
        'Always empty at level INSERTS.',
      resolve: ({ departures }) => departures as CallDeparture[],
    }),
    gap: t.field({
      type: FeedGapType,
      description: 'What could not be told; null: nothing is missing.',
      resolve: ({ gap }) => gap,
    }),
  }),
});

/** The gateway runs subscriptions itself (src/graphql/subscriptions.ts); the executor only executes what a message selects. */
const subscribe = (): never => {
  throw new Error('Subscriptions are not run by the executor.');
};

/** What a message is executed with. */
interface RootValue {
  readonly cdrs?: FeedMessage;
  readonly replicationStatus?: ReplicationStatus;
}

builder.subscriptionFields((t) => ({
  cdrs: t.field({
    type: CdrFeed,
    nullable: false,
    description: 'Calls as they arrive in the databases, those that match the filter.',
    args: {
      filter: t.arg({ type: CdrFilterInput, description: 'Which calls; all when missing.' }),
      after: t.arg.string({
        description:
          '`cursor` of an earlier message: everything behind it comes first, read from the table. Without it, what arrives from now on.',
      }),
    },
    subscribe,
    resolve: (root) => (root as RootValue).cdrs!,
  }),
  replicationStatus: t.field({
    type: Replication,
    nullable: false,
    description: 'How old the data is, each second.',
    subscribe,
    resolve: (root) => (root as RootValue).replicationStatus!,
  }),
}));
