import type { CdrColumn } from '../db/sources/cdr-columns.ts';
import { UNREADABLE_TEXT } from '../db/wire/transcoding.ts';
import { UnreadableValueError } from '../errors.ts';
import { timestampOf } from './timestamps.ts';

/**
 * A stored value as the API shows it. Throws UnreadableValueError for one that its type cannot say, and for a null where
 * there must be a value: the field becomes an error, as it does where the list is streamed.
 */
export function shownValue(
  { wire, nullable }: Pick<CdrColumn, 'wire' | 'nullable'>,
  value: string | number | null,
): string | number | null {
  if (value === null) {
    if (nullable) return null;
    throw new UnreadableValueError();
  }
  if (wire === 'timestamp') return timestampOf(String(value));
  const text = String(value);
  if (wire === 'text') return shownText(text);
  if (wire === 'decimal' ? !/^-?\d/.test(text) : !isWhole(text, wire === 'id' ? 64 : 32)) {
    throw new UnreadableValueError();
  }
  return wire === 'integer' ? Number(text) : text;
}

/** The same for text alone: bytes of the database that are no text in its encoding are unreadable. */
export function shownText<Text extends string | null>(text: Text): Text {
  if (text === UNREADABLE_TEXT) throw new UnreadableValueError();
  return text;
}

function isWhole(text: string, bits: number): boolean {
  return /^-?\d{1,19}$/.test(text) && BigInt.asIntN(bits, BigInt(text)) === BigInt(text);
}
