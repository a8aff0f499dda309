import type { LocalTime, SheetColumn } from './sheet.ts';

/** Digits that a spreadsheet keeps of a number. */
const MAX_DIGITS = 15;
const QUARTER_HOUR_MILLIS = 900_000;
/** Of offsets that are remembered: some five years of quarters of an hour. */
const MAX_KNOWN = 200_000;
/** Of local times: the first and the last that RFC 3339 has. */
const MIN_MILLIS = Date.parse('0000-01-01T00:00:00Z');
const MAX_MILLIS = Date.parse('9999-12-31T23:59:59.999Z');

type Values = Readonly<Record<string, unknown>>;

/** What the column shows of a record; undefined where there is nothing. */
export function shownOf(record: Values, { path, words }: SheetColumn): unknown {
  let value: unknown = record;
  for (const key of path) value = (value as Values | null | undefined)?.[key];
  if (value === null || value === undefined) return undefined;
  return words && typeof value === 'string' && Object.hasOwn(words, value) ? words[value] : value;
}

/** `EUR 12.50; USD 3`, in the notation of `decimal`. An unknown currency is `?`. */
export function amountsText(value: unknown, decimal: (text: string) => string): string {
  const amounts = value as readonly { readonly currency: string | null; readonly chargedAmount: string }[];
  return amounts
    .map(({ currency, chargedAmount }) => `${currency ?? '?'} ${decimal(chargedAmount)}`)
    .join('; ');
}

/**
 * Whether a spreadsheet keeps the number as it is: at most 15 digits that count, and within the range of a double. What
 * is a fraction in JSON is a double already, and shown as near as can be.
 */
export function isKept(value: unknown): boolean {
  if (typeof value === 'number' && !Number.isInteger(value)) return true;
  const [mantissa = '', exponent = '0'] = String(value).toLowerCase().split('e');
  const digits = mantissa.replace(/[-+.]/g, '').replace(/^0+/, '').replace(/0+$/, '');
  if (!/^\d*$/.test(digits) || digits.length > MAX_DIGITS) return false;
  const number = Number(value);
  const magnitude = Math.abs(number);
  return Number.isFinite(Number(exponent)) && (digits === '' || (magnitude >= 1e-300 && magnitude <= 1e300));
}

/** What no file shows is shown as what it is. */
export function cleanText(value: unknown): string {
  return String(value)
    .toWellFormed()
    .replaceAll(/[\0\ufffe\uffff]/g, '\ufffd');
}

/** Instants on the clock of the zone. Undefined for what is none, or has no year of four digits there. */
export function createLocalTimes(zone: string): (iso: string) => LocalTime | undefined {
  const offsets = new Map<number, number>();
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    era: 'short',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });

  /** Clocks are set at a quarter of an hour; before 1970 some were set at any second. */
  const offsetAt = (millis: number) => {
    if (millis < 0) return offsetOf(format, millis);
    const quarter = Math.floor(millis / QUARTER_HOUR_MILLIS);
    let offset = offsets.get(quarter);
    if (offset === undefined) {
      if (offsets.size >= MAX_KNOWN) offsets.clear();
      offset = offsetOf(format, millis);
      offsets.set(quarter, offset);
    }
    return offset;
  };
  return (iso) => {
    const instant = Date.parse(iso);
    if (Number.isNaN(instant)) return undefined;
    const millis = instant + offsetAt(instant);
    if (millis < MIN_MILLIS || millis > MAX_MILLIS) return undefined;
    return { millis, text: new Date(millis).toISOString().slice(0, 19).replace('T', ' ') };
  };
}

function offsetOf(format: Intl.DateTimeFormat, millis: number): number {
  const seconds = Math.floor(millis / 1000) * 1000;
  const parts: Record<string, string> = {};
  for (const { type, value } of format.formatToParts(seconds)) parts[type] = value;
  const part = (name: string) => Number(parts[name]);
  const year = parts.era?.startsWith('B') ? 1 - part('year') : part('year');
  const local = new Date(0);
  local.setUTCFullYear(year, part('month') - 1, part('day'));
  local.setUTCHours(part('hour'), part('minute'), part('second'));
  return local.getTime() - seconds;
}
