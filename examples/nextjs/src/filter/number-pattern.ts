import type { NumberMatch } from '../generated/graphql.ts';

/** How a number is compared. In links and in the field a `*` stands for the digits left open. */
export type MatchKind = 'startsWith' | 'is' | 'endsWith' | 'contains';

export interface NumberPattern {
  readonly kind: MatchKind;
  readonly digits: string;
}

/** `336*` starts with, `*78` ends with, `*34*` contains, `112` is. Null for nothing. */
export function parsePattern(text: string): NumberPattern | null {
  const trimmed = numberIn(text);
  const open = { before: trimmed.startsWith('*'), after: trimmed.length > 1 && trimmed.endsWith('*') };
  const digits = trimmed.replaceAll('*', '').replaceAll(SEPARATORS, '');
  if (digits === '') return null;
  if (open.before) return { kind: open.after ? 'contains' : 'endsWith', digits };
  return { kind: open.after ? 'startsWith' : 'is', digits };
}

export function printPattern({ kind, digits }: NumberPattern): string {
  const before = kind === 'endsWith' || kind === 'contains' ? '*' : '';
  const after = kind === 'startsWith' || kind === 'contains' ? '*' : '';
  return `${before}${digits}${after}`;
}

/** Numbers are stored without the plus. */
export function matchOf(pattern: NumberPattern | null): NumberMatch | null {
  return pattern && { [pattern.kind]: pattern.digits.replace(/^\+(?=\d)/, '') };
}

/** What people write between digits, in any script's spaces and dashes. */
const SEPARATORS = /[\s()./\p{Pd}]/gu;
/** `ext. 12`, `x12`, `poste 12`, `#12` behind a number. */
const EXTENSION = /(?<=\d)[\s,;]*(?:ext(?:ension)?\.?|x|poste|#)\s*\d+\s*$/i;

/** The number alone: of a link (`tel:`, `sip:`), or of one with an extension, and without the `(0)` of `+33 (0)6`. */
function numberIn(text: string): string {
  const plain = text
    .trim()
    .replace(/^(?:tel|sips?):/i, '')
    .replace(/[@;].*$/, '');
  const isAbroad = /^\*?\s*(?:\+|00)/.test(plain);
  return plain.replace(EXTENSION, '').replace(isAbroad ? /\(0\)/ : /(?!)/, '');
}

/**
 * A number that somebody typed, as calls have it: with its country in front, and nothing before that. `0608…` is of the
 * site's own country; without one (an empty `countryCode`) it stays. A part of a number may be any digits: only what is
 * long enough to be a whole number is taken for one.
 */
export function storedPattern({ kind, digits }: NumberPattern, countryCode: string): NumberPattern {
  const isBeginning = kind === 'is' || kind === 'startsWith';
  const isWhole = digits.length >= WHOLE_NUMBER;
  const abroad = /^(?:\+|00)(\d.*)$/.exec(digits)?.[1];
  if (abroad !== undefined && (isBeginning || isWhole || digits.startsWith('+')))
    return { kind, digits: abroad };
  const national = /^0([1-9]\d*)$/.exec(digits)?.[1];
  if (national === undefined || countryCode === '') return { kind, digits };
  if (isBeginning) return { kind, digits: `${countryCode}${national}` };
  return { kind, digits: isWhole ? national : digits };
}

/** Digits of a national number at least, its trunk prefix included. */
const WHOLE_NUMBER = 9;
