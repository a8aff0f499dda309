'use client';

import { type FormEvent, useState } from 'react';
import { useView } from '../chrome/view.tsx';
import { fill } from '../words/fill.ts';
import type { Words } from '../words/words.ts';
import { CalendarRanges } from './calendar-ranges.tsx';
import { type CalendarRange, MAX_TIME, MIN_TIME, type TimeRange } from './time-range.ts';
import { localTextOf, timeOfLocalText } from './zoned-time.ts';

function problemOf(start: number | undefined, end: number | undefined, words: Words['range']): string {
  if (start === undefined || end === undefined) return words.noTime;
  if (start >= end) return words.inverted;
  return start < MIN_TIME || end > MAX_TIME ? words.outside : '';
}

/** A range of the calendar, or any two times, typed in the reader's zone. */
export default function CustomRange({
  range,
  calendar,
  onCalendar,
  onApply,
}: {
  readonly range: TimeRange;
  /** The range of the calendar that is shown. */
  readonly calendar: CalendarRange | null;
  onCalendar(range: CalendarRange): void;
  onApply(range: TimeRange): void;
}) {
  const { words, formats } = useView();
  const [from, setFrom] = useState(localTextOf(range.from, formats.zone));
  const [to, setTo] = useState(localTextOf(range.to, formats.zone));
  const [start, end] = [timeOfLocalText(from, formats.zone), timeOfLocalText(to, formats.zone)];
  const problem = problemOf(start, end, words.range);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!problem) onApply({ from: start!, to: end! });
  };
  return (
    <form className="custom-range" onSubmit={submit}>
      <CalendarRanges chosen={calendar} onChoose={onCalendar} />
      <label className="field">
        <span>{words.range.from}</span>
        <input
          type="datetime-local"
          step={1}
          value={from}
          onChange={(event) => setFrom(event.target.value)}
        />
      </label>
      <label className="field">
        <span>{words.range.to}</span>
        <input type="datetime-local" step={1} value={to} onChange={(event) => setTo(event.target.value)} />
      </label>
      <p className="aside">{fill(words.range.inZone, { zone: formats.zoneLabel(range.to) })}</p>
      {problem && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
      <button type="submit" className="button button-main" disabled={problem !== ''}>
        {words.range.apply}
      </button>
    </form>
  );
}
