import type { Bar } from '../charts/use-histogram.ts';
import type { TimeRange } from '../filter/time-range.ts';
import type { RecentCallFragment } from '../generated/graphql.ts';

export type RecentCall = RecentCallFragment;

/** Calls of one account, or to one destination. */
export interface Group {
  /** Null where it is unknown. */
  readonly key: string | null;
  readonly attempts: number;
  readonly answered: number;
}

/** What the calls of a time amount to, counted as `cdrStats` counts them. */
export interface Figures {
  readonly range: TimeRange;
  readonly attempts: number;
  readonly answered: number;
  /** By the minute. */
  readonly bars: readonly Bar[];
  /** Those with most calls first. */
  readonly accounts: readonly Group[];
  readonly destinations: readonly Group[];
  /** The latest first. */
  readonly failures: readonly RecentCall[];
}

export const WINDOW_MILLIS = 15 * 60_000;
/** More the page does not hold: the window is shorter then. */
export const MAX_CALLS = 100_000;
/** Of which so many go at once. */
const MAX_EXCESS = MAX_CALLS / 10;
const MINUTE = 60_000;
/** Groups, and failures, that are shown. */
const MAX_GROUPS = 10;
const MAX_FAILURES = 12;

interface Kept {
  readonly call: RecentCall;
  readonly at: number;
}

/** The calls of the last minutes, each once, however often it is told. */
export class CallWindow {
  readonly #calls = new Map<string, Kept>();
  /** From then on every call is here. */
  #since = Number.POSITIVE_INFINITY;

  /** `calls` are all since then. */
  replace(calls: readonly RecentCall[], since: number): void {
    this.#calls.clear();
    this.#since = since;
    this.put(calls);
  }

  put(calls: readonly RecentCall[]): void {
    for (const call of calls) this.#calls.set(call.id, { call, at: Date.parse(call.connectTime) });
  }

  remove(ids: readonly string[]): void {
    for (const id of ids) this.#calls.delete(id);
  }

  /** Of the calls until then; those of before the window are forgotten. */
  figures(to: number): Figures {
    this.#forgetBefore(to - WINDOW_MILLIS);
    if (this.#calls.size > MAX_CALLS + MAX_EXCESS) {
      const times = [...this.#calls.values()].map(({ at }) => at).sort((one, other) => other - one);
      // Of a millisecond that is not here in whole nothing is.
      this.#forgetBefore(times[MAX_CALLS]! + 1);
    }
    const range = { from: Math.min(this.#since, to), to };
    return figuresOf(
      [...this.#calls.values()].filter(({ at }) => at >= range.from && at < to),
      range,
    );
  }

  #forgetBefore(from: number): void {
    if (from <= this.#since) return;
    this.#since = from;
    for (const [id, { at }] of this.#calls) if (at < from) this.#calls.delete(id);
  }
}

function figuresOf(kept: readonly Kept[], range: TimeRange): Figures {
  const accounts = new Groups();
  const destinations = new Groups();
  const minutes = new Map<number, Bar>();
  const failed: Kept[] = [];
  let answered = 0;
  for (const each of kept) {
    const { call, at } = each;
    const isAnswered = call.outcome === 'ANSWERED';
    if (isAnswered) answered += 1;
    else failed.push(each);
    accounts.count(call.accountId, isAnswered);
    destinations.count(call.country, isAnswered);
    const minute = Math.floor(at / MINUTE) * MINUTE;
    const bar = minutes.get(minute) ?? { ...minuteOf(minute, range), answered: 0, failed: 0 };
    const part = isAnswered ? 'answered' : 'failed';
    minutes.set(minute, { ...bar, [part]: bar[part] + 1 });
  }
  return {
    range,
    attempts: kept.length,
    answered,
    bars: [...minutes.values()].sort((one, other) => one.from - other.from),
    accounts: accounts.top(),
    destinations: destinations.top(),
    failures: failed
      .sort((one, other) => other.at - one.at)
      .slice(0, MAX_FAILURES)
      .map(({ call }) => call),
  };
}

function minuteOf(minute: number, { from, to }: TimeRange): TimeRange {
  return { from: Math.max(minute, from), to: Math.min(minute + MINUTE, to) };
}

class Groups {
  readonly #byKey = new Map<string | null, { attempts: number; answered: number }>();

  count(key: string | null, isAnswered: boolean): void {
    const group = this.#byKey.get(key) ?? { attempts: 0, answered: 0 };
    group.attempts += 1;
    if (isAnswered) group.answered += 1;
    this.#byKey.set(key, group);
  }

  top(): readonly Group[] {
    return [...this.#byKey]
      .map(([key, group]) => ({ key, ...group }))
      .sort((one, other) => other.attempts - one.attempts || String(one.key).localeCompare(String(other.key)))
      .slice(0, MAX_GROUPS);
  }
}
