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

/** What people write between digits, in any script's spaces and dashes, and the marks of direction that copying brings. */
const SEPARATORS = /[\s()./\p{Pd}\p{Cf}]/gu;
/** `ext. 12`, `x12`, `poste 12`, `#12`, and what is dialled after a pause (`,,12`), behind a number. */
const EXTENSION = /(?<=\d)\s*(?:[,;]*\s*(?:ext(?:ension)?\.?|x|poste|#)|,+)\s*\d+#?\s*$/i;
/** Hides or shows the caller's number, before the one that is called. */
const CALLER_ID_PREFIX = /^[*#]31#/;

/** With the digits of every script as ours, and without marks that cannot be seen. */
export function cleanText(text: string): string {
  return text
    .normalize('NFKC')
    .replaceAll(/\p{Cf}/gu, '')
    .replaceAll(/\p{Nd}/gu, (digit) => String(valueOfDigit(digit)))
    .trim();
}

/** Ten digits of a script follow one another. */
function valueOfDigit(digit: string): number {
  const code = digit.codePointAt(0)!;
  let value = 0;
  while (value < 9 && /\p{Nd}/u.test(String.fromCodePoint(code - value - 1))) value++;
  return value;
}

/** The number alone: of a link (`tel:`, `sip:`), or of one with an extension, and without the `(0)` of `+33 (0)6`. */
function numberIn(text: string): string {
  const plain = cleanText(text)
    .replace(/^(?:tel|sips?):/i, '')
    .replace(CALLER_ID_PREFIX, '')
    .replace(/[@;].*$/, '');
  const isAbroad = /^\*?\s*(?:\+|00)/.test(plain);
  return plain.replace(EXTENSION, '').replace(isAbroad ? /\(0\)/ : /(?!)/, '');
}
