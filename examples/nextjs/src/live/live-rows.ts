import { type CallStep, isListed } from '../calls/call-changes.ts';
import { type Call, type CallList, compareNewestFirst } from '../calls/call-list.ts';

/** What one list knows of what happened since. It belongs to that list, and ends with it. */
export interface LiveRows {
  /** Appeared, and not in the list yet: the reader is further down. */
  readonly waiting: readonly Call[];
  /** Ids of those that are to leave the list then. */
  readonly leaving: readonly string[];
  /** Something happened that is not known: the list has a gap. */
  readonly hasGap: boolean;
  /** Appeared in the list, or were corrected there, a moment ago. */
  readonly fresh: ReadonlySet<string>;
  /** Of the last look: what was there then has not appeared now. */
  readonly seen: ReadonlySet<string>;
}

export const noLiveRows: LiveRows = {
  waiting: [],
  leaving: [],
  hasGap: false,
  fresh: new Set(),
  seen: new Set(),
};

/** The list, and where its reader is. */
export interface Reading {
  readonly list: CallList;
  /** The list ends where it does because no more was read yet. */
  readonly hasMore: boolean;
  readonly isAtTop: boolean;
}

export interface Look extends Reading {
  /** The newest calls, `size` of them where there are so many. */
  readonly found: readonly Call[];
  readonly size: number;
}

/** What follows for the rows, and what happens to the list now. */
interface After {
  readonly rows: LiveRows;
  readonly step: CallStep;
}

/** What follows from a look. */
export function afterLook(rows: LiveRows, look: Look): After {
  const { found, list, isAtTop } = look;
  const known = new Set([...rows.seen, ...firstIds(list, found.length + look.size)]);
  const appeared = found.filter((call) => !known.has(call.id) && isAhead(call, look));
  const waiting = [...rows.waiting, ...appeared];
  const shown = isAtTop && appeared.length > 0 ? waiting : [];
  return {
    rows: {
      ...rows,
      waiting: shown.length > 0 ? [] : waiting,
      hasGap: rows.hasGap || (appeared.length === look.size && list.length > 0),
      fresh: union(rows.fresh, shown),
      seen: idsOf([...found, ...(shown.length > 0 ? [] : waiting)]),
    },
    step: { appeared: shown, corrected: [], gone: [] },
  };
}

/** What the gateway told. */
export interface Message extends Reading {
  readonly inserted: readonly Call[];
  readonly corrected: readonly Call[];
  readonly deletedIds: readonly string[];
  /** Something could not be told. */
  readonly hasGap: boolean;
}

/** What follows from a message. A call is known by its id, however often it is told. */
export function afterMessage(rows: LiveRows, message: Message): After {
  const { list, isAtTop, deletedIds } = message;
  const told = [...message.inserted, ...message.corrected];
  // Those move nothing: what is read can be corrected under a reader's eyes.
  const corrected = told.filter((call) => isListed(list, call));
  const others = told.filter((call) => !isListed(list, call));
  // Their times were corrected to those of later pages.
  const away = message.corrected.filter((call) => others.includes(call) && !isAhead(call, message));
  const toldIds = new Set([...idsOf(told), ...deletedIds]);
  const waiting = [
    ...rows.waiting.filter(({ id }) => !toldIds.has(id)),
    ...others.filter((call) => isAhead(call, message)),
  ];
  const leaving = [...rows.leaving.filter((id) => !toldIds.has(id)), ...deletedIds];
  const shown = isAtTop ? waiting : [];
  return {
    rows: {
      ...rows,
      waiting: isAtTop ? [] : waiting,
      leaving: isAtTop ? [] : leaving,
      hasGap: rows.hasGap || message.hasGap,
      fresh: union(rows.fresh, [...shown, ...corrected]),
    },
    step: { appeared: [...shown, ...away], corrected, gone: isAtTop ? leaving : [] },
  };
}

/** What waits goes into the list. */
export function afterTake(rows: LiveRows): After {
  const { waiting, leaving } = rows;
  return {
    rows: { ...rows, waiting: [], leaving: [], fresh: union(rows.fresh, waiting) },
    step: { appeared: waiting, corrected: [], gone: leaving },
  };
}

/** They appeared longer ago now. */
export function afterAWhile(rows: LiveRows, ids: ReadonlySet<string>): LiveRows {
  return { ...rows, fresh: new Set([...rows.fresh].filter((id) => !ids.has(id))) };
}

/** What lies behind the last call that was read comes with the next page: it was there all the time. */
function isAhead(call: Call, { list, hasMore }: Reading): boolean {
  const last = hasMore ? list.at(list.length - 1) : undefined;
  return last === undefined || compareNewestFirst(call, last) < 0;
}

function idsOf(calls: readonly Call[]): Set<string> {
  return new Set(calls.map(({ id }) => id));
}

function union(ids: ReadonlySet<string>, calls: readonly Call[]): ReadonlySet<string> {
  return calls.length > 0 ? new Set([...ids, ...idsOf(calls)]) : ids;
}

function firstIds(list: CallList, count: number): string[] {
  const ids: string[] = [];
  for (let index = 0; index < Math.min(count, list.length); index++) {
    const call = list.at(index);
    if (call) ids.push(call.id);
  }
  return ids;
}
