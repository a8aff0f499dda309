import type { PageQuery } from '../filter/page-query.ts';
import type { TimeRange } from '../filter/time-range.ts';
import { rangesOfWeekHour, type WeekHour, weekdays } from '../filter/week-hours.ts';

/**
 * What a click on an hour of the week means: that hour alone where the range has it once, else that hour of every week.
 * Undefined where the range never has it.
 */
export function chooseWeekHour(
  { weekday, hour }: { readonly weekday: number; readonly hour: number },
  range: TimeRange,
  zone: string,
  onChange: (change: Partial<PageQuery>) => void,
): (() => void) | undefined {
  const weekHour: WeekHour = `${weekdays[weekday]!}-${hour}`;
  return () => {
    const [only, ...others] = rangesOfWeekHour(weekHour, range, zone);
    if (only && others.length === 0) onChange({ from: new Date(only.from), to: new Date(only.to) });
    else if (only) onChange({ weekHour });
  };
}
