import type { Account } from './accounts.ts';
import { presets } from './presets.ts';
import { createPicker, type Picker, type Random } from './random.ts';

export interface Period {
  /** Epoch seconds, inclusive. */
  readonly from: number;
  /** Epoch seconds, exclusive. */
  readonly to: number;
}

/** Who ends a call when: epoch seconds never fall from one to the next. */
export interface Ending {
  readonly accountIndex: number;
  readonly second: number;
}

const HOUR = 3600;
/** Some seconds are crowded: diallers send calls in bursts, and a switch writes them in one go. */
const BURST_SHARE = 0.12;
const BURSTS_PER_HOUR = 20;
const FRIDAY_SHIFT = 5;

/**
 * `count` endings over the period. Each account has its share of all of them, spread over the hours
 * by its own daily and weekly curve in its own time zone (a Poisson process whose rate follows the curve).
 */
export function* scheduleEndings(
  accounts: readonly Account[],
  count: number,
  { from, to }: Period,
  random: Random,
): Generator<Ending> {
  const hours = splitHours({ from, to });
  const weights = weightsByHour(accounts, hours);
  const totals = weights.map((ofHour) => ofHour.reduce((sum, weight) => sum + weight, 0));
  const all = totals.reduce((sum, total) => sum + total, 0);
  let passed = 0;
  let done = 0;
  for (const [index, hour] of hours.entries()) {
    passed += totals[index]!;
    // Rounded on the running total, so that the last hour ends with exactly `count`.
    const due = index === hours.length - 1 ? count : Math.round((count * passed) / all);
    if (due === done) continue;
    yield* endingsWithin(hour, due - done, createPicker(weights[index]!), random);
    done = due;
  }
}

function* endingsWithin(
  { from, to }: Period,
  count: number,
  pick: Picker,
  random: Random,
): Generator<Ending> {
  const length = to - from;
  const bursts = Array.from({ length: BURSTS_PER_HOUR }, () => random.below(length));
  const perSecond = new Uint32Array(length);
  for (let made = 0; made < count; made++) {
    const second = random.chance(BURST_SHARE) ? bursts[random.below(BURSTS_PER_HOUR)]! : random.below(length);
    perSecond[second]! += 1;
  }
  for (let second = 0; second < length; second++) {
    for (let made = perSecond[second]!; made > 0; made--) {
      yield { accountIndex: pick(random), second: from + second };
    }
  }
}

/** Clock hours; the first and the last may be cut. */
function splitHours({ from, to }: Period): Period[] {
  const hours: Period[] = [];
  for (let start = from; start < to; ) {
    const end = Math.min(to, (Math.floor(start / HOUR) + 1) * HOUR);
    hours.push({ from: start, to: end });
    start = end;
  }
  return hours;
}

/** By hour, then by account. Each account's weights add up to its share. */
function weightsByHour(accounts: readonly Account[], hours: readonly Period[]): number[][] {
  const zones = new Map<string, LocalHour[]>();
  for (const { timeZone } of accounts) {
    if (!zones.has(timeZone)) zones.set(timeZone, localHours(timeZone, hours));
  }
  const byAccount = accounts.map((account) => {
    const activity = zones.get(account.timeZone)!.map((local, index) => {
      const { from, to } = hours[index]!;
      return (estimateActivity(account, local) * (to - from)) / HOUR;
    });
    const total = activity.reduce((sum, value) => sum + value, 0);
    // A period in which it never works (a Sunday, tried alone): then evenly.
    return activity.map((value) => account.share * (total > 0 ? value / total : 1 / hours.length));
  });
  return hours.map((_, hour) => byAccount.map((weights) => weights[hour]!));
}

interface LocalHour {
  /** 0 to 23. */
  readonly hour: number;
  /** Sunday is 0. */
  readonly weekday: number;
}

function localHours(timeZone: string, hours: readonly Period[]): LocalHour[] {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    weekday: 'short',
    hour: '2-digit',
    hourCycle: 'h23',
  });
  const weekdays = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
  return hours.map(({ from, to }) => {
    const parts = format.formatToParts(new Date(((from + to) / 2) * 1000));
    const part = (type: string) => parts.find((found) => found.type === type)!.value;
    return { hour: Number(part('hour')), weekday: weekdays.indexOf(part('weekday')) };
  });
}

function estimateActivity({ kind, corridor }: Account, { hour, weekday }: LocalHour): number {
  const { hours, weekdays } = presets[kind];
  // Where the week rests on Friday, Friday is as quiet as Sunday is elsewhere.
  const day = corridor?.restsOnFriday ? (weekday + 7 - FRIDAY_SHIFT) % 7 : weekday;
  return hours[hour]! * weekdays[day]!;
}
