import { type Call, type CallList, compareNewestFirst, mergeNewest } from './call-list.ts';

/** What became of the calls of a list since it was read. */
export interface CallChanges {
  /** Those that belong into it now, at their places, by their ids. */
  readonly appeared: ReadonlyMap<string, Call>;
  /** Those that stand in it, as they are now. */
  readonly corrected: ReadonlyMap<string, Call>;
  /** Ids of those that are there no more. */
  readonly gone: ReadonlySet<string>;
}

/** What happens to a list at once. */
export interface CallStep {
  readonly appeared: readonly Call[];
  readonly corrected: readonly Call[];
  readonly gone: readonly string[];
}

export const noChanges: CallChanges = { appeared: new Map(), corrected: new Map(), gone: new Set() };

/** What a step adds to what was known. */
export function withStep(changes: CallChanges, step: CallStep): CallChanges {
  const appeared = new Map(changes.appeared);
  const corrected = new Map(changes.corrected);
  const gone = new Set(changes.gone);
  for (const call of step.appeared) {
    appeared.set(call.id, call);
    corrected.delete(call.id);
    gone.delete(call.id);
  }
  for (const call of step.corrected) (appeared.has(call.id) ? appeared : corrected).set(call.id, call);
  for (const id of step.gone) {
    appeared.delete(id);
    corrected.delete(id);
    gone.add(id);
  }
  return { appeared, corrected, gone };
}

/**
 * The loaded pages as their calls are now. `hasMore`: what lies behind the last call that was read comes with the next page,
 * as it is then.
 */
export function changePages(calls: readonly Call[], changes: CallChanges, hasMore: boolean): readonly Call[] {
  if (changes === noChanges) return calls;
  const { appeared, corrected, gone } = changes;
  const last = hasMore ? calls.at(-1) : undefined;
  const kept = calls
    .filter(({ id }) => !gone.has(id) && !appeared.has(id))
    .map((call) => corrected.get(call.id) ?? call);
  const added = [...appeared.values()].filter((call) => !last || compareNewestFirst(call, last) <= 0);
  return mergeNewest(kept, added);
}

/** The streamed calls as they are now. They keep their places: one that is gone, or stands elsewhere now, is undefined. */
export function changeStreamed(streamed: CallList, changes: CallChanges): CallList {
  if (changes === noChanges) return streamed;
  const { appeared, corrected, gone } = changes;
  return {
    length: streamed.length,
    at(index) {
      const call = streamed.at(index);
      if (!call || gone.has(call.id) || appeared.has(call.id)) return undefined;
      return corrected.get(call.id) ?? call;
    },
  };
}

/** Whether the call stands in the list, newest first, with the time that it has. */
export function isListed(list: CallList, call: Call): boolean {
  let low = 0;
  let high = list.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const other = lastBetween(list, low, middle);
    const order = other ? compareNewestFirst(other, call) : -1;
    if (order === 0) return true;
    if (order < 0) low = middle + 1;
    else high = middle - 1;
  }
  return false;
}

/** The last call between two places that can be read. */
function lastBetween(list: CallList, first: number, last: number): Call | undefined {
  for (let index = last; index >= first; index--) {
    const call = list.at(index);
    if (call) return call;
  }
  return undefined;
}
