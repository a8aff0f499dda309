import type { TimeRange, TimeUnit } from '../filter/time-range.ts';
import { type Bucket, bucketAt, bucketsOf } from './buckets.ts';

/** A group of calls that a heat map adds up. */
export interface AsrGroup {
  readonly bucket: string | null;
  readonly country?: string | null;
  readonly attempts: number | string;
  readonly answered: number | string;
}

/** Calls of a cell, added up before anything is divided. */
export interface AsrCell {
  readonly attempts: number;
  readonly answered: number;
}

const none: AsrCell = { attempts: 0, answered: 0 };

/** Null without calls. */
export function asrOf({ attempts, answered }: AsrCell): number | null {
  return attempts > 0 ? (100 * answered) / attempts : null;
}

function add(cell: AsrCell | undefined, group: AsrGroup): AsrCell {
  const { attempts, answered } = cell ?? none;
  return { attempts: attempts + Number(group.attempts), answered: answered + Number(group.answered) };
}

/** Seven days from Monday by 24 hours, as clocks in the zone show them, from groups by hour. */
export function asrByWeekHour(
  groups: readonly AsrGroup[],
  weekHourOf: (at: number) => { readonly weekday: number; readonly hour: number },
): AsrCell[][] {
  const week = Array.from({ length: 7 }, () => new Array<AsrCell>(24).fill(none));
  for (const group of groups) {
    const { weekday, hour } = weekHourOf(Date.parse(group.bucket ?? ''));
    week[weekday]![hour] = add(week[weekday]![hour], group);
  }
  return week;
}

export interface DestinationMap {
  readonly buckets: readonly Bucket[];
  readonly rows: readonly { readonly country: string | null; readonly cells: readonly AsrCell[] }[];
}

/** The destinations of most calls by time, from groups by country and bucket. */
export function asrByDestination(
  groups: readonly AsrGroup[],
  {
    range,
    unit,
    zone,
    most,
  }: { readonly range: TimeRange; readonly unit: TimeUnit; readonly zone: string; readonly most: number },
): DestinationMap {
  const buckets = bucketsOf(range, unit, zone);
  const whole = buckets.map(({ start, end }) => ({ from: start, to: end }));
  const byCountry = Map.groupBy(groups, ({ country }) => country ?? null);
  const attemptsOf = (members: readonly AsrGroup[]) =>
    members.reduce((sum, { attempts }) => sum + Number(attempts), 0);
  const rows = [...byCountry]
    .sort(([, one], [, other]) => attemptsOf(other) - attemptsOf(one))
    .slice(0, most)
    .map(([country, members]) => {
      const cells = new Array<AsrCell>(buckets.length).fill(none);
      for (const group of members) {
        const place = bucketAt(whole, Date.parse(group.bucket ?? ''));
        if (place >= 0) cells[place] = add(cells[place], group);
      }
      return { country, cells };
    });
  return { buckets, rows };
}

/** Fewer calls than this say little, and colour nothing. */
export const FEW_CALLS = 10;

/** What the colours are spread between: the lowest and the highest ASR of the cells that say something. */
export function asrSpread(cells: readonly AsrCell[]): { readonly low: number; readonly high: number } {
  const some = cells.filter(({ attempts }) => attempts >= FEW_CALLS);
  const values = (some.length > 0 ? some : cells).map(asrOf).filter((asr) => asr !== null);
  if (values.length === 0) return { low: 0, high: 100 };
  return { low: Math.min(...values), high: Math.max(...values) };
}

/** 0 to 1 between the ends of the spread. */
export function placeInSpread(
  asr: number,
  { low, high }: { readonly low: number; readonly high: number },
): number {
  return high > low ? Math.min(1, Math.max(0, (asr - low) / (high - low))) : 0.5;
}
