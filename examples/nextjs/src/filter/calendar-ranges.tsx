'use client';

import { useView } from '../chrome/view.tsx';
import { type CalendarRange, calendarRangeNames } from './time-range.ts';

/** Days, weeks and months of the zone that is shown. */
export function CalendarRanges({
  chosen,
  onChoose,
}: {
  readonly chosen: string | null;
  onChoose(range: CalendarRange): void;
}) {
  const { words } = useView();
  return (
    <fieldset className="calendar-ranges">
      <legend className="for-ears">{words.range.calendarTitle}</legend>
      {calendarRangeNames.map((name) => (
        <button
          key={name}
          type="button"
          className={`button button-small${chosen === name ? ' button-on' : ''}`}
          aria-pressed={chosen === name}
          onClick={() => onChoose(name)}
        >
          {words.range.calendar[name]}
        </button>
      ))}
    </fieldset>
  );
}
