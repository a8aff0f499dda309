import { type Call, type CallList, compareNewestFirst } from '../calls/call-list.ts';

/** What one list knows of the calls that appeared since. It belongs to that list, and ends with it. */
export interface LiveRows {
  /** Appeared, and not in the list yet: the reader is further down. */
  readonly waiting: readonly Call[];
  /** More came than one look can see: the list has a gap. */
  readonly hasGap: boolean;
  /** Appeared in the list a moment ago. */
  readonly fresh: ReadonlySet<string>;
  /** Of the last look: what was there then has not appeared now. */
  readonly seen: ReadonlySet<string>;
}

export const noLiveRows: LiveRows = { waiting: [], hasGap: false, fresh: new Set(), seen: new Set() };

export interface Look {
  /** The newest calls, `size` of them where there are so many. */
  readonly found: readonly Call[];
  readonly size: number;
  readonly list: CallList;
  /** The list ends where it does because no more was read yet. */
  readonly hasMore: boolean;
  readonly isAtTop: boolean;
}

/** What follows from a look, and the calls that go into the list now. */
export function afterLook(rows: LiveRows, look: Look): { readonly rows: LiveRows; readonly shown: Call[] } {
  const { found, list, isAtTop } = look;
  const known = new Set([...rows.seen, ...firstIds(list, found.length + look.size)]);
  const last = look.hasMore ? list.at(list.length - 1) : undefined;
  // What lies behind the last call that was read comes with the next page: it was there all the time.
  const isAhead = (call: Call) => last === undefined || compareNewestFirst(call, last) < 0;
  const appeared = found.filter((call) => !known.has(call.id) && isAhead(call));
  const waiting = [...rows.waiting, ...appeared];
  const shown = isAtTop && appeared.length > 0 ? waiting : [];
  return {
    rows: {
      waiting: shown.length > 0 ? [] : waiting,
      hasGap: rows.hasGap || (appeared.length === look.size && list.length > 0),
      fresh: shown.length > 0 ? idsOf(shown) : rows.fresh,
      seen: idsOf([...found, ...(shown.length > 0 ? [] : waiting)]),
    },
    shown,
  };
}

/** Those that wait go into the list. */
export function afterTake(rows: LiveRows): LiveRows {
  return { ...rows, waiting: [], fresh: idsOf(rows.waiting) };
}

function idsOf(calls: readonly Call[]): Set<string> {
  return new Set(calls.map(({ id }) => id));
}

function firstIds(list: CallList, count: number): string[] {
  const ids: string[] = [];
  for (let index = 0; index < Math.min(count, list.length); index++) {
    const call = list.at(index);
    if (call) ids.push(call.id);
  }
  return ids;
}
