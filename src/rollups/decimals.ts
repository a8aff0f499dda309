/**
 * Exact decimals in whole numbers, which SQLite adds up: what is before the point, nine digits behind it and nine more, all
 * of one sign; and how many digits behind the point PostgreSQL shows, which of a sum is the most that any of its parts has.
 */
export interface DecimalParts<Whole extends bigint | number = bigint> {
  readonly whole: Whole;
  readonly nanos: Whole;
  /** Of a nano. */
  readonly rest: Whole;
  /** Null: of a sum of nothing. */
  readonly digits: Whole | null;
}

const PART_DIGITS = 9;
const PARTS_DIGITS = 2 * PART_DIGITS;
const PART = 10n ** BigInt(PART_DIGITS);
const DECIMAL = /^-?\d{1,18}(?:\.\d{1,18})?$/;
/** A JavaScript number has them all. */
const SAFE_DIGITS = 15;

const NOTHING: DecimalParts<number> = { whole: 0, nanos: 0, rest: 0, digits: null };

/** Of PostgreSQL's text of a numeric; undefined where it has more digits than are kept. */
export function splitDecimal(text: string | null): DecimalParts<bigint | number> | undefined {
  if (text === null) return NOTHING;
  if (!DECIMAL.test(text)) return undefined;
  const sign = text[0] === '-' ? -1 : 1;
  const start = sign < 0 ? 1 : 0;
  const point = text.indexOf('.');
  const end = point < 0 ? text.length : point;
  const digits = point < 0 ? 0 : text.length - point - 1;
  return {
    whole: wholeOf(text.slice(0, end), end - start),
    nanos: sign * partOf(text, point, 0, digits),
    rest: sign * partOf(text, point, PART_DIGITS, digits),
    digits,
  };
}

/** Of decimal digits: a number where it has them all, which is quicker by far. */
export function wholeOf(text: string, length = text.length): bigint | number {
  return length <= SAFE_DIGITS ? Number(text) + 0 : BigInt(text);
}

/** Nine digits behind the point, from this one on. */
function partOf(text: string, point: number, first: number, digits: number): number {
  if (digits <= first) return 0;
  const from = point + 1 + first;
  const given = text.slice(from, from + PART_DIGITS);
  return Number(given) * 10 ** (PART_DIGITS - given.length);
}

/** PostgreSQL's text of parts that were added up; null of a sum of nothing. */
export function joinDecimal({ whole, nanos, rest, digits }: DecimalParts): string | null {
  if (digits === null) return null;
  if (rest === 0n) {
    const value = whole * PART + nanos;
    return textOf(value < 0n, (value < 0n ? -value : value).toString(), PART_DIGITS, Number(digits));
  }
  const value = (whole * PART + nanos) * PART + rest;
  return textOf(value < 0n, (value < 0n ? -value : value).toString(), PARTS_DIGITS, Number(digits));
}

/** Of a number without its sign, of whose digits so many are behind the point. */
function textOf(isNegative: boolean, units: string, scale: number, digits: number): string {
  const text = units.padStart(scale + 1, '0');
  const point = text.length - scale;
  const fraction = text.slice(point).padEnd(digits, '0').slice(0, digits);
  return `${isNegative ? '-' : ''}${text.slice(0, point)}${fraction && `.${fraction}`}`;
}
