/** `2026-11-20T10:57:03`, as a clock in the zone shows the instant: what a datetime-local field holds. */
export function localTextOf(at: number, zone: string): string {
  const parts = new Intl.DateTimeFormat('en-CA', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  }).formatToParts(at);
  const part = (type: string) => parts.find((found) => found.type === type)?.value ?? '00';
  return `${part('year')}-${part('month')}-${part('day')}T${part('hour')}:${part('minute')}:${part('second')}`;
}

/**
 * The instant at which a clock in the zone shows the text; undefined for no time at all. Of an hour that comes twice the
 * first, and of one that is skipped the instant after the gap.
 */
export function timeOfLocalText(text: string, zone: string): number | undefined {
  const asUtc = Date.parse(`${text.length === 16 ? `${text}:00` : text}Z`);
  if (Number.isNaN(asUtc)) return undefined;
  const offsetAt = (at: number) => Date.parse(`${localTextOf(at, zone)}Z`) - Math.floor(at / 1000) * 1000;
  // No zone is further than a day from UTC, and none changes its clock twice in two days.
  const offsets = [offsetAt(asUtc - 86_400_000), offsetAt(asUtc + 86_400_000)];
  const fitting = offsets.map((offset) => asUtc - offset).filter((at) => at + offsetAt(at) === asUtc);
  return fitting.length > 0 ? Math.min(...fitting) : asUtc - Math.min(...offsets);
}
