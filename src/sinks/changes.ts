import type { CallDeparture, FeedGap } from '../feed/message.ts';

/** A call as it is selected. */
export interface PublishedCall {
  readonly id: string;
  readonly accountId: string;
  readonly [field: string]: unknown;
}

/** A message of the subscription `cdrs`, as far as it is published. Null in the place of a call that cannot be shown. */
export interface FeedUpdate {
  readonly cursor: string;
  readonly asOf: string | null;
  readonly stalenessSeconds: number | null;
  readonly mayRepeat: boolean;
  readonly inserted: readonly (PublishedCall | null)[];
  readonly corrected: readonly (PublishedCall | null)[];
  readonly deletedIds: readonly string[];
  readonly departures: readonly CallDeparture[];
  readonly gap: FeedGap | null;
}

interface ChangeBase {
  /** The account whose call it is, or was; null where that is unknown, and of what concerns no call. */
  readonly key: string | null;
  /** Everything up to there has been published before, or with this. Opaque. */
  readonly position: string;
  /** It may have been published before. */
  readonly mayRepeat: boolean;
}

type Body =
  | { readonly change: 'inserted' | 'corrected'; readonly call: PublishedCall }
  /** `moved`: the account has it no more, and another has. */
  | { readonly change: 'moved' | 'deleted'; readonly id: string }
  | { readonly change: 'gap'; readonly reason: string; readonly message: string }
  /** Nothing is missing up to there. */
  | { readonly change: 'mark'; readonly asOf: string | null };

/** One message of a sink. */
export type Change = ChangeBase & Body;

export const changeKinds = ['inserted', 'corrected', 'moved', 'deleted', 'gap', 'mark'] as const;

const UNREADABLE = { reason: 'UNREADABLE', message: 'A call that has come or changed cannot be shown.' };

/**
 * What an update is in a sink, one message for each call and account. Only the last of them stands for the whole update: what
 * was published in part is published again. `before` is the position of the update before.
 */
export function changesOf(update: FeedUpdate, before: string): readonly Change[] {
  const { cursor, mayRepeat, gap } = update;
  const bodies = [
    ...(gap ? [gapBody(gap)] : []),
    ...update.inserted.map((call) => callBody('inserted', call)),
    ...update.departures.map(({ cdrId: id, accountId: key }) => ({
      change: update.deletedIds.includes(id) ? ('deleted' as const) : ('moved' as const),
      key,
      id,
    })),
    ...update.corrected.map((call) => callBody('corrected', call)),
    ...deletedOfUnknown(update),
  ];
  return bodies.map((body, index) => ({
    ...body,
    position: index === bodies.length - 1 ? cursor : before,
    mayRepeat,
  }));
}

export function markOf({ cursor, asOf }: FeedUpdate): Change {
  return { change: 'mark', key: null, position: cursor, mayRepeat: false, asOf };
}

function gapBody({ reason, message }: FeedGap) {
  return { change: 'gap' as const, key: null, reason, message };
}

function callBody(change: 'inserted' | 'corrected', call: PublishedCall | null) {
  return call ? { change, key: call.accountId, call } : { change: 'gap' as const, key: null, ...UNREADABLE };
}

/** Calls that are gone, of which nothing says whose they were. */
function deletedOfUnknown({ deletedIds, departures }: FeedUpdate) {
  const known = new Set(departures.map(({ cdrId }) => cdrId));
  return deletedIds
    .filter((id) => !known.has(id))
    .map((id) => ({ change: 'deleted' as const, key: null, id }));
}
