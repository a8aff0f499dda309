/** A number as it can be looked up: international, French, or both. Digits only. */
export interface DialledNumber {
  /** Country code and what follows, without "+" or "00". */
  readonly international: string | undefined;
  /** As French numbers are written at home and in the plan: `0612345678`, `3620`, `07000012345678`. */
  readonly national: string | undefined;
  readonly isShort: boolean;
}

const PUNCTUATION = /[\s.\-()/]/g;
const SHORT_CODE = /^(?:1\d{1,2}|[13]\d{3}|11[68]\d{3})$/;
/** With the 0: ten digits, or thirteen and fourteen for machines. */
const NATIONAL = /^0[1-9](?:\d{8}|\d{11}|\d{12})$/;
/** Longer texts are no numbers. */
export const MAX_TEXT_LENGTH = 64;

/** France and its overseas territories: the calling codes that share one national plan. */
export const frenchCodes = ['33', '262', '590', '594', '596', '508'] as const;

/**
 * Reads a number as a switch writes it. Undefined when it is none: a name, a feature code (`*31#…`), too short or too
 * long. `stripPrefixes` are put before numbers by switches and trunks; the longest that fits is taken off.
 */
export function readNumber(text: string, stripPrefixes: readonly string[] = []): DialledNumber | undefined {
  if (text.length > MAX_TEXT_LENGTH) return undefined;
  const digits = withoutPrefix(text.trim(), stripPrefixes).replaceAll(PUNCTUATION, '');
  if (SHORT_CODE.test(digits)) return { international: undefined, national: digits, isShort: true };
  if (NATIONAL.test(digits)) return { international: undefined, national: digits, isShort: false };
  const international = /^(?:\+|00)?([1-9]\d{4,18})$/.exec(digits)?.[1];
  return international ? { international, national: toNational(international), isShort: false } : undefined;
}

/** The French number as it is written at home; undefined for a number of another country. */
function toNational(international: string): string | undefined {
  const code = frenchCodes.find((each) => international.startsWith(each));
  if (!code) return undefined;
  // Many write +33 (0)6…
  const rest = international.slice(code.length).replace(/^0/, '');
  // The numbers of Saint-Pierre-et-Miquelon have six digits there, and its code is part of them elsewhere in France.
  const national = code === '508' && rest.length === 6 ? `0508${rest}` : `0${rest}`;
  return NATIONAL.test(national) ? national : undefined;
}

function withoutPrefix(text: string, prefixes: readonly string[]): string {
  const fitting = prefixes.filter((prefix) => text.startsWith(prefix));
  const longest = fitting.reduce((one, other) => (other.length > one.length ? other : one), '');
  return text.slice(longest.length);
}
