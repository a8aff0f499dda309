import type { CallRowFragment } from '../generated/graphql.ts';

export type Call = CallRowFragment;

/** Calls by their place in the list, however they are stored. */
export interface CallList {
  readonly length: number;
  /** Undefined where there is none, or where it cannot be read. */
  at(index: number): Call | undefined;
}

export const noCalls: CallList = { length: 0, at: () => undefined };

/** The loaded pages, then what was streamed behind them. */
export function joinLists(pages: readonly Call[], streamed: CallList): CallList {
  return {
    length: pages.length + streamed.length,
    at: (index) => (index < pages.length ? pages[index] : streamed.at(index - pages.length)),
  };
}

/** Newest first, ties by id, as the gateway orders them; negative when `one` comes before `other`. */
export function compareNewestFirst(one: Call, other: Call): number {
  if (one.connectTime !== other.connectTime) return one.connectTime < other.connectTime ? 1 : -1;
  const [a, b] = [BigInt(one.id), BigInt(other.id)];
  return a === b ? 0 : a < b ? 1 : -1;
}

/** Adds calls that appeared meanwhile, each at its place: a long call ends late and belongs further down. */
export function mergeNewest(calls: readonly Call[], appeared: readonly Call[]): Call[] {
  const known = new Set(calls.map(({ id }) => id));
  return [...calls, ...appeared.filter(({ id }) => !known.has(id))].sort(compareNewestFirst);
}
