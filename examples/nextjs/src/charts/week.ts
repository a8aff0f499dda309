/** An hour that had calls. */
export interface HourValue {
  readonly at: number;
  readonly value: number;
}

/**
 * Seven days from Monday by 24 hours, as clocks in a zone show them: the average over the weeks that the hours span. A day
 * on which clocks change has an hour twice, or not at all: what comes twice is added, as it is to a person.
 */
export function weekOf(
  hours: readonly HourValue[],
  weekHourOf: (at: number) => { readonly weekday: number; readonly hour: number },
): number[][] {
  const week = Array.from({ length: 7 }, () => new Array<number>(24).fill(0));
  for (const { at, value } of hours) {
    const { weekday, hour } = weekHourOf(at);
    week[weekday]![hour]! += value;
  }
  const weeks = weeksOf(hours);
  return week.map((day) => day.map((value) => value / weeks));
}

function weeksOf(hours: readonly HourValue[]): number {
  const times = hours.map(({ at }) => at);
  if (times.length === 0) return 1;
  const span = times.reduce((a, b) => Math.max(a, b)) - times.reduce((a, b) => Math.min(a, b));
  return Math.max(1, Math.ceil((span + 3_600_000) / (7 * 86_400_000)));
}
