/**
 * Exact decimals in whole numbers, which SQLite adds up: what is before the point, nine digits behind it and nine more, all
 * of one sign; and how many digits behind the point PostgreSQL shows, which of a sum is the most that any of its parts has.
 */
export interface DecimalParts {
  readonly whole: bigint;
  readonly nanos: bigint;
  /** Of a nano. */
  readonly rest: bigint;
  /** Null: of a sum of nothing. */
  readonly digits: bigint | null;
}

const PART_DIGITS = 9;
const PARTS_DIGITS = 2 * PART_DIGITS;
const PART = 10n ** BigInt(PART_DIGITS);
const MAX_WHOLE = 2n ** 62n;
const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?$/;

const NOTHING: DecimalParts = { whole: 0n, nanos: 0n, rest: 0n, digits: null };

/** Of PostgreSQL's text of a numeric; undefined where it has more digits than are kept. */
export function splitDecimal(text: string | null): DecimalParts | undefined {
  if (text === null) return NOTHING;
  const found = DECIMAL.exec(text);
  if (!found) return undefined;
  const [, sign, integer, fraction = ''] = found;
  const whole = BigInt(integer!);
  if (fraction.length > PARTS_DIGITS || whole > MAX_WHOLE) return undefined;
  const digits = fraction.padEnd(PARTS_DIGITS, '0');
  const signed = (value: bigint) => (sign === '-' ? -value : value);
  return {
    whole: signed(whole),
    nanos: signed(BigInt(digits.slice(0, PART_DIGITS))),
    rest: signed(BigInt(digits.slice(PART_DIGITS))),
    digits: BigInt(fraction.length),
  };
}

/** PostgreSQL's text of parts that were added up; null of a sum of nothing. */
export function joinDecimal({ whole, nanos, rest, digits }: DecimalParts): string | null {
  if (digits === null) return null;
  const value = (whole * PART + nanos) * PART + rest;
  const text = (value < 0n ? -value : value).toString().padStart(PARTS_DIGITS + 1, '0');
  const point = text.length - PARTS_DIGITS;
  const fraction = text.slice(point, point + Number(digits));
  return `${value < 0n ? '-' : ''}${text.slice(0, point)}${fraction && `.${fraction}`}`;
}
