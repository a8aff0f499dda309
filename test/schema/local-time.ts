/** The calendar of a zone, by JavaScript's own time zone database: what buckets of time are checked against. */
export interface LocalTime {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** What a clock on the wall shows there and then. */
export function localTimeOf(millis: number, timeZone: string): LocalTime {
  const format =
    formats.get(timeZone) ??
    new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  formats.set(timeZone, format);
  const parts = format.formatToParts(millis).map(({ type, value }) => [type, Number(value)]);
  return Object.fromEntries(parts);
}

/** Names the day, `2026-10-25`; days of a zone sort by it. */
export function dayOf(millis: number, timeZone: string): string {
  const { year, month, day } = localTimeOf(millis, timeZone);
  return [year, String(month).padStart(2, '0'), String(day).padStart(2, '0')].join('-');
}

/** The first day of the bucket that the day is in. */
const firstDayOf: Readonly<Record<'DAY' | 'WEEK' | 'MONTH', (day: string) => string>> = {
  DAY: (day) => day,
  WEEK: (day) => {
    const monday = new Date(`${day}T12:00:00Z`);
    monday.setUTCDate(monday.getUTCDate() - ((monday.getUTCDay() + 6) % 7));
    return monday.toISOString().slice(0, 10);
  },
  MONTH: (day) => `${day.slice(0, 7)}-01`,
};

export type Unit = 'MINUTE' | 'QUARTER_HOUR' | 'HOUR' | 'DAY' | 'WEEK' | 'MONTH';

/** Minutes of the units that are parts of an hour, or the hour. */
const minutesOf: Partial<Record<Unit, number>> = { MINUTE: 1, QUARTER_HOUR: 15, HOUR: 60 };

/**
 * When the bucket of this instant begins. An hour, or a part of one: as far back as the clock on the wall says, but not
 * before it was changed to say so. A day, a week or a
 * month: at the first instant of its first day, which need not be midnight, and may be midnight twice.
 */
export function bucketOf(millis: number, unit: Unit, timeZone: string): number {
  const minutes = minutesOf[unit];
  if (minutes !== undefined) {
    const wanted = roundDown(millis, minutes, timeZone);
    // Where clocks were changed meanwhile it is not that long: it begins with the change.
    let start = wanted;
    while (roundDown(start, minutes, timeZone) !== wanted) start += 60_000;
    return start;
  }
  return startOfDay(firstDayOf[unit as keyof typeof firstDayOf](dayOf(millis, timeZone)), timeZone);
}

/** So many minutes of an hour at a time, as far back as the clock on the wall says. */
function roundDown(millis: number, minutes: number, timeZone: string): number {
  const { minute, second } = localTimeOf(millis, timeZone);
  return Math.floor(millis / 1000) * 1000 - ((minute % minutes) * 60 + second) * 1000;
}

const starts = new Map<string, number>();

/** The first instant of the day, found by halving. */
function startOfDay(day: string, timeZone: string): number {
  const key = `${day} ${timeZone}`;
  const known = starts.get(key);
  if (known !== undefined) return known;
  const noon = Date.parse(`${day}T12:00:00Z`);
  let [before, within] = [noon - 36 * 3_600_000, noon + 24 * 3_600_000];
  while (within - before > 1000) {
    const middle = Math.floor((before + within) / 2000) * 1000;
    if (dayOf(middle, timeZone) < day) before = middle;
    else within = middle;
  }
  starts.set(key, within);
  return within;
}
