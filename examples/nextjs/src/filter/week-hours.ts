import type { TimeRange } from './time-range.ts';
import { localDateOf, mondayOf, moveDate, timeOfLocalText } from './zoned-time.ts';

export const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type WeekHour = `${(typeof weekdays)[number]}-${number}`;

/** `mon-0` to `sun-23` */
export const hoursOfWeek: readonly WeekHour[] = weekdays.flatMap((day) =>
  Array.from({ length: 24 }, (_, hour): WeekHour => `${day}-${hour}`),
);

/** Monday is 0. */
export function partsOfWeekHour(name: WeekHour): { readonly weekday: number; readonly hour: number } {
  const place = hoursOfWeek.indexOf(name);
  return { weekday: Math.floor(place / 24), hour: place % 24 };
}

/** More than can be filtered by: of a longer range there is no need to know all. */
const MAX_RANGES = 50;

/**
 * When clocks in the zone show that hour of the week, within the range. An hour that comes twice lasts two, one that is
 * skipped is not there.
 */
export function rangesOfWeekHour(name: WeekHour, { from, to }: TimeRange, zone: string): TimeRange[] {
  const { weekday, hour } = partsOfWeekHour(name);
  const ranges: TimeRange[] = [];
  for (
    let monday = mondayOf(localDateOf(from, zone));
    monday <= localDateOf(to, zone) && ranges.length < MAX_RANGES;
    monday = moveDate(monday, { days: 7 })
  ) {
    const date = moveDate(monday, { days: weekday });
    const next = hour === 23 ? `${moveDate(date, { days: 1 })}T00:00` : `${date}T${two(hour + 1)}:00`;
    const start = Math.max(from, timeOfLocalText(`${date}T${two(hour)}:00`, zone) as number);
    const end = Math.min(to, timeOfLocalText(next, zone) as number);
    if (start < end) ranges.push({ from: start, to: end });
  }
  return ranges;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
