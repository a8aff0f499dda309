/** Half-open, in epoch milliseconds. */
export interface TimeRange {
  readonly from: number;
  readonly to: number;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Ranges that end now. Their names are in links, so they never change their meaning. */
export const quickRanges = {
  '15m': 15 * MINUTE,
  '1h': HOUR,
  '6h': 6 * HOUR,
  '24h': DAY,
  '7d': 7 * DAY,
  '30d': 30 * DAY,
} as const satisfies Readonly<Record<string, number>>;

export type QuickRange = keyof typeof quickRanges;
export const quickRangeNames = Object.keys(quickRanges) as QuickRange[];

/** The range as instants. `now` is fixed for as long as a list is read, so that its pages belong together. */
export function resolveRange(
  {
    range,
    from,
    to,
  }: { readonly range: QuickRange; readonly from: number | null; readonly to: number | null },
  now: number,
): TimeRange {
  if (from !== null && to !== null && from < to) return { from, to };
  return { from: now - quickRanges[range], to: now };
}

/** The window of the same length before (-1) or after (1). */
export function shiftRange({ from, to }: TimeRange, windows: -1 | 1): TimeRange {
  const length = to - from;
  return { from: from + windows * length, to: to + windows * length };
}

/** How the range is cut into bars: by a unit of the gateway, or into slices that are asked for one by one. */
export type Cut =
  | { readonly unit: 'HOUR' | 'DAY' | 'WEEK' | 'MONTH' }
  | { readonly slices: readonly TimeRange[] };

/** The histogram operation has so many. */
export const MAX_SLICES = 18;

const sliceLengths = [1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE);

/** Between ten and some hundred bars, each a length that people count in. */
export function cutRange({ from, to }: TimeRange): Cut {
  const length = to - from;
  const slice = sliceLengths.find((candidate) => length / candidate <= MAX_SLICES - 1);
  if (slice) return { slices: slicesOf({ from, to }, slice) };
  if (length <= 8 * DAY) return { unit: 'HOUR' };
  if (length <= 120 * DAY) return { unit: 'DAY' };
  return { unit: length <= 800 * DAY ? 'WEEK' : 'MONTH' };
}

/** Cut at round times; the first and the last may be shorter. */
function slicesOf({ from, to }: TimeRange, length: number): TimeRange[] {
  const slices: TimeRange[] = [];
  for (let start = Math.floor(from / length) * length; start < to; start += length) {
    slices.push({ from: Math.max(start, from), to: Math.min(start + length, to) });
  }
  return slices;
}

/** What a number of milliseconds is called in the fewest words: `{ value: 5, unit: 'minute' }`. */
export function lengthOf({ from, to }: TimeRange): {
  readonly value: number;
  readonly unit: 'second' | 'minute' | 'hour' | 'day';
} {
  const length = to - from;
  if (length >= 2 * DAY) return { value: Math.round(length / DAY), unit: 'day' };
  if (length >= 2 * HOUR) return { value: Math.round(length / HOUR), unit: 'hour' };
  if (length >= MINUTE) return { value: Math.round(length / MINUTE), unit: 'minute' };
  return { value: Math.max(1, Math.round(length / 1000)), unit: 'second' };
}
