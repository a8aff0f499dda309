/**
 * Instants, exact to the microsecond, without JavaScript's `Date` (which stops at milliseconds and would
 * lose rows between two pages).
 *
 * Three shapes: *micros*, a bigint of microseconds since 1970-01-01T00:00:00Z; PostgreSQL's *text* in UTC and
 * ISO style (`2026-01-05 09:00:00.5+00`); and the *RFC 3339* text of the API, always with six decimals
 * (`2026-01-05T09:00:00.500000Z`), so that it sorts as text. RFC 3339 knows the years 0000 to 9999: PostgreSQL's
 * `infinity` and what lies beyond those years has no text there.
 */

const MICROS_PER_SECOND = 1_000_000n;
const MICROS_PER_DAY = 86_400n * MICROS_PER_SECOND;
/** Microseconds from 1970-01-01 to 2000-01-01, where PostgreSQL counts from. */
export const POSTGRES_EPOCH_MICROS = 10_957n * MICROS_PER_DAY;

/** PostgreSQL's range: 4714-11-24 BC up to 294276-12-31. */
const MIN_MICROS = -210_866_803_200_000_000n;
const MAX_MICROS = 9_224_318_015_999_999_999n;

/** 0000-01-01T00:00:00Z and 9999-12-31T23:59:59.999999Z. */
const MIN_SAYABLE = -719_528n * MICROS_PER_DAY;
const MAX_SAYABLE = 2_932_897n * MICROS_PER_DAY - 1n;

/** How PostgreSQL's binary format says `infinity` and `-infinity`: places in an order, but on no calendar. */
const INFINITE_MICROS = 0x7fff_ffff_ffff_ffffn + POSTGRES_EPOCH_MICROS;
const MINUS_INFINITE_MICROS = -0x8000_0000_0000_0000n + POSTGRES_EPOCH_MICROS;

const RFC_3339 =
  /^([+-]\d{6}|\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?(?:([Zz])|([+-])(\d{2}):?(\d{2})?)$/;
const POSTGRES_TEXT = /^(\d{4,6})-(\d{2})-(\d{2}) (\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,6}))?\+00( BC)?$/;

/** Micros of an RFC 3339 text with a zone; undefined when it is not one. Digits beyond microseconds are cut. */
export function microsOfRfc3339(text: string): bigint | undefined {
  const found = RFC_3339.exec(text);
  if (!found) return undefined;
  const [, year, month, day, hour, minute, second = '0', fraction = '', , sign, zoneHour, zoneMinute = '0'] =
    found;
  const local = microsOfParts([year, month, day, hour, minute, second].map(Number) as Parts, fraction);
  if (local === undefined || Number(zoneHour ?? 0) > 23 || Number(zoneMinute) > 59) return undefined;
  if (sign === undefined) return inRange(local);
  const offset = BigInt(Number(zoneHour) * 60 + Number(zoneMinute)) * 60n * MICROS_PER_SECOND;
  return inRange(sign === '+' ? local - offset : local + offset);
}

/** Micros of PostgreSQL's text of a timestamptz in UTC; undefined for `infinity` and anything else. */
export function microsOfPostgres(text: string): bigint | undefined {
  const found = POSTGRES_TEXT.exec(text);
  if (!found) return undefined;
  const [, year, month, day, hour, minute, second, fraction = '', bc] = found;
  const astronomical = bc ? 1 - Number(year) : Number(year);
  return microsOfParts([astronomical, ...[month, day, hour, minute, second].map(Number)] as Parts, fraction);
}

/** Micros for ordering: as microsOfPostgres, with a place for infinite times too. */
export function orderedMicrosOfPostgres(text: string): bigint {
  return microsOfPostgres(text) ?? (text.startsWith('-') ? MINUS_INFINITE_MICROS : INFINITE_MICROS);
}

/** The API's text of an instant; undefined for years that RFC 3339 cannot say. */
export function rfc3339OfMicros(micros: bigint): string | undefined {
  return micros >= MIN_SAYABLE && micros <= MAX_SAYABLE ? iso8601OfMicros(micros) : undefined;
}

/** The same for every year: those outside 0000–9999 are written the ISO 8601 way, with a sign and six digits. */
export function iso8601OfMicros(micros: bigint): string {
  const days = floorDivide(micros, MICROS_PER_DAY);
  const rest = Number(micros - days * MICROS_PER_DAY);
  const { year, month, day } = civilOfDays(Number(days));
  const seconds = Math.floor(rest / 1e6);
  const time = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return `${yearText(year)}-${two(month)}-${two(day)}T${time}.${String(rest % 1e6).padStart(6, '0')}Z`;
}

/** The API's text of PostgreSQL's text; undefined for what RFC 3339 cannot say, `infinity` included. */
export function rfc3339OfPostgres(text: string): string | undefined {
  const micros = microsOfPostgres(text);
  return micros === undefined ? undefined : rfc3339OfMicros(micros);
}

/** What PostgreSQL reads back as this instant, whatever the session's zone; beyond its range, infinity. */
export function postgresOfMicros(micros: bigint): string {
  if (micros > MAX_MICROS) return 'infinity';
  if (micros < MIN_MICROS) return '-infinity';
  const text = iso8601OfMicros(micros);
  if (text.startsWith('0000')) return `0001${text.slice(4)} BC`;
  const signed = /^([+-])(\d{6})(.*)$/.exec(text);
  if (!signed) return text;
  const beforeChrist = signed[1] === '-';
  const year = Number(signed[2]) + (beforeChrist ? 1 : 0);
  return `${String(year).padStart(4, '0')}${signed[3]}${beforeChrist ? ' BC' : ''}`;
}

type Parts = [year: number, month: number, day: number, hour: number, minute: number, second: number];

function microsOfParts(
  [year, month, day, hour, minute, second]: Parts,
  fraction: string,
): bigint | undefined {
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return undefined;
  // 24:00:00 and a leap second are valid ISO 8601; both mean the start of what follows.
  if (hour > 24 || minute > 59 || second > 60 || (hour === 24 && minute + second > 0)) return undefined;
  const seconds =
    BigInt(daysOfCivil(year, month, day)) * 86_400n + BigInt(hour * 3600 + minute * 60 + second);
  return seconds * MICROS_PER_SECOND + BigInt(fraction.slice(0, 6).padEnd(6, '0'));
}

/** Whether PostgreSQL's timestamptz reaches so far. */
export function isTimestamp(micros: bigint): boolean {
  return micros >= MIN_MICROS && micros <= MAX_MICROS;
}

/** Whether it is a place in an order of times: a timestamp, or infinite. */
export function isOrdered(micros: bigint): boolean {
  return isTimestamp(micros) || micros === INFINITE_MICROS || micros === MINUS_INFINITE_MICROS;
}

function inRange(micros: bigint): bigint | undefined {
  return isTimestamp(micros) ? micros : undefined;
}

function daysInMonth(year: number, month: number): number {
  if (month !== 2) return [4, 6, 9, 11].includes(month) ? 30 : 31;
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
}

/** Days since 1970-01-01 of a proleptic Gregorian date; year 0 is 1 BC. Years start in March, so leap days come last. */
function daysOfCivil(year: number, month: number, day: number): number {
  const marchYear = month <= 2 ? year - 1 : year;
  const era = Math.floor(marchYear / 400);
  const yearOfEra = marchYear - era * 400;
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

/** The inverse of daysOfCivil. */
export function civilOfDays(days: number): { year: number; month: number; day: number } {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const leaps = Math.floor(dayOfEra / 1460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096);
  const yearOfEra = Math.floor((dayOfEra - leaps) / 365);
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthIndex = Math.floor((5 * dayOfYear + 2) / 153);
  const month = monthIndex < 10 ? monthIndex + 3 : monthIndex - 9;
  const day = dayOfYear - Math.floor((153 * monthIndex + 2) / 5) + 1;
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day };
}

function yearText(year: number): string {
  if (year >= 0 && year <= 9999) return String(year).padStart(4, '0');
  return `${year < 0 ? '-' : '+'}${String(Math.abs(year)).padStart(6, '0')}`;
}

const two = (number: number): string => (number < 10 ? `0${number}` : String(number));

function floorDivide(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor;
  return dividend % divisor < 0n ? quotient - 1n : quotient;
}
