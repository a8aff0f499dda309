'use client';

import { useAnswer } from '../asking/use-answer.ts';
import type { Listed } from '../calls/ask-page.ts';
import { useView } from '../chrome/view.tsx';
import { filtersByColumn } from '../filter/cdr-filter.ts';
import { rangeWithin } from '../filter/gateway-limits.ts';
import { MIN_TIME, type TimeRange } from '../filter/time-range.ts';
import type { CdrFilter } from '../generated/graphql.ts';
import * as operations from '../generated/operations.ts';
import { fill } from '../words/fill.ts';

/** What has no calls at the time that is listed. */
export interface SoughtElsewhere extends Pick<Listed, 'maxStaleness'> {
  /** Without any time. */
  readonly filter: CdrFilter;
  /** Where the range ends that has none; null where it goes on. */
  readonly to: string | null;
}

export interface FoundElsewhereProps {
  readonly sought: SoughtElsewhere;
  onRange(range: TimeRange): void;
}

/** On each side of the call that was found. */
const AROUND_MILLIS = 12 * 3_600_000;

/** A Call-ID is looked for so far before the range: most switches have no index on them. */
const LOOKED_BACK_MILLIS = 30 * 24 * 3_600_000;
const HOUR_MILLIS = 3_600_000;

/** The latest of the calls that are looked for, at any time, where there is one: a click leads to it. */
export default function FoundElsewhere({ sought, onRange }: FoundElsewhereProps) {
  const { words, formats } = useView();
  const { filter, to, maxStaleness } = sought;
  // Of a list that grows, by the hour: it is looked for once, not with every drawing.
  const end = to ? Date.parse(to) : Math.floor(Date.now() / HOUR_MILLIS) * HOUR_MILLIS;
  const since = new Date(Math.max(MIN_TIME, end - LOOKED_BACK_MILLIS)).toISOString();
  const filters = filtersByColumn(filter).map((each) => (isByCallId(each) ? { ...each, from: since } : each));
  const [filter0, filter1, filter2, filter3, filter4] = filters;
  const asked = useAnswer(
    operations.callsElsewhere,
    {
      filter0,
      filter1,
      filter2,
      filter3,
      filter4,
      has1: filter1 !== undefined,
      has2: filter2 !== undefined,
      has3: filter3 !== undefined,
      has4: filter4 !== undefined,
    },
    { maxStaleness },
  );
  const found = asked.isOld ? undefined : asked.answer?.data;
  const [call] = [found?.latest0, found?.latest1, found?.latest2, found?.latest3, found?.latest4]
    .flatMap((list) => list?.nodes[0] ?? [])
    .sort((one, other) => Date.parse(other.connectTime) - Date.parse(one.connectTime));
  if (!found) return null;
  if (!call) {
    const hasFailed = (asked.answer?.errors.length ?? 0) > 0;
    const isWhole = !filters.some(isByCallId);
    return hasFailed ? null : (
      <p className="aside">{isWhole ? words.end.nowhere : words.end.nowhereLately}</p>
    );
  }
  const at = Date.parse(call.connectTime);
  const around = rangeWithin({ from: at - AROUND_MILLIS, to: at + AROUND_MILLIS });
  if (!around) return null;
  return (
    <p className="found" data-found={call.id}>
      {fill(words.end.elsewhere, { time: formats.minute(at) })}{' '}
      <button type="button" className="button button-main" onClick={() => onRange(around)}>
        {words.end.goThere}
      </button>
    </p>
  );
}

function isByCallId({ callIds, anyOf }: CdrFilter): boolean {
  return callIds != null || [anyOf ?? []].flat().some((filter) => filter.callIds != null);
}
