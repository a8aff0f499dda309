const clocks = new Map<string, Intl.DateTimeFormat>();

/** `2026-11-20T10:57:03`, as a clock in the zone shows the instant: what a datetime-local field holds. */
export function localTextOf(at: number, zone: string): string {
  let clock = clocks.get(zone);
  if (!clock) {
    clock = new Intl.DateTimeFormat('en-CA', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    });
    clocks.set(zone, clock);
  }
  const parts = clock.formatToParts(at);
  const part = (type: string) => parts.find((found) => found.type === type)?.value ?? '00';
  return `${part('year')}-${part('month')}-${part('day')}T${part('hour')}:${part('minute')}:${part('second')}`;
}

/** What the clock shows, in milliseconds as if it were UTC's: their differences are lengths by the clock. */
export function clockMillisOf(at: number, zone: string): number {
  return Date.parse(`${localTextOf(at, zone)}Z`) + (at - Math.floor(at / 1000) * 1000);
}

/**
 * The instant at which a clock in the zone shows the text; undefined for no time at all. Of an hour that comes twice the
 * first, and of one that is skipped the instant after the gap.
 */
export function timeOfLocalText(text: string, zone: string): number | undefined {
  const asUtc = Date.parse(`${text.length === 16 ? `${text}:00` : text}Z`);
  if (Number.isNaN(asUtc)) return undefined;
  const offsetAt = (at: number) => clockMillisOf(at, zone) - at;
  // No zone is further than a day from UTC, and none changes its clock twice in two days.
  const offsets = [offsetAt(asUtc - 86_400_000), offsetAt(asUtc + 86_400_000)];
  const fitting = offsets.map((offset) => asUtc - offset).filter((at) => at + offsetAt(at) === asUtc);
  return fitting.length > 0 ? Math.min(...fitting) : asUtc - Math.min(...offsets);
}

/** `2026-11-20` */
export function localDateOf(at: number, zone: string): string {
  return localTextOf(at, zone).slice(0, 10);
}

/** When a date begins: at midnight, or where clocks skip it, right after. */
export function startOfDate(date: string, zone: string): number {
  return timeOfLocalText(`${date}T00:00:00`, zone) as number;
}

/** A date some days and months on, or back. Of a month without that day, the first day after it. */
export function moveDate(date: string, { days = 0, months = 0 }: { days?: number; months?: number }): string {
  const [year, month, day] = date.split('-').map(Number) as [number, number, number];
  const moved = Math.min(
    Date.UTC(year, month - 1 + months, day + days),
    afterMonth(year, month - 1 + months, days),
  );
  return new Date(moved).toISOString().slice(0, 10);
}

function afterMonth(year: number, month: number, days: number): number {
  return days === 0 ? Date.UTC(year, month + 1, 1) : Number.POSITIVE_INFINITY;
}

/** The Monday of its week. */
export function mondayOf(date: string): string {
  return moveDate(date, { days: -((new Date(`${date}T00:00:00Z`).getUTCDay() + 6) % 7) });
}

/** The first of its month. */
export function firstOf(date: string): string {
  return `${date.slice(0, 8)}01`;
}
