'use client';

import { useAnswer } from '../asking/use-answer.ts';
import type { Listed } from '../calls/ask-page.ts';
import { useView } from '../chrome/view.tsx';
import type { TimeRange } from '../filter/time-range.ts';
import * as operations from '../generated/operations.ts';
import { fill } from '../words/fill.ts';

export interface FoundElsewhereProps {
  /** What has no calls in its range. */
  readonly listed: Listed;
  onRange(range: TimeRange): void;
}

/** On each side of the call that was found. */
const AROUND_MILLIS = 12 * 3_600_000;

/** The latest call of the same number at any time, where there is one: a click leads to it. */
export default function FoundElsewhere({ listed, onRange }: FoundElsewhereProps) {
  const { words, formats } = useView();
  const { from: _, to: __, ...filter } = listed.filter;
  const asked = useAnswer(
    operations.callPage,
    { filter, orderBy: 'NEWEST_FIRST', first: 1, after: null, counted: false },
    { maxStaleness: listed.maxStaleness },
  );
  const call = asked.isOld ? undefined : asked.answer?.data.cdrs.nodes[0];
  if (!call) return null;
  const at = Date.parse(call.connectTime);
  return (
    <p className="found" data-found={call.id}>
      {fill(words.end.elsewhere, { time: formats.minute(at) })}{' '}
      <button
        type="button"
        className="button button-main"
        onClick={() => onRange({ from: at - AROUND_MILLIS, to: at + AROUND_MILLIS })}
      >
        {words.end.goThere}
      </button>
    </p>
  );
}
