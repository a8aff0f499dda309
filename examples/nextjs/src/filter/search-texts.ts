import { cleanText, parsePattern, printPattern } from './number-pattern.ts';
import { isSpelled, otherSpellings, storedPattern } from './stored-number.ts';

/** More digits than any number has. */
const MAX_NUMBER_DIGITS = 20;

/**
 * What the search box looks for, given what somebody typed: a number as calls have it, with what it may have been dialled
 * as, or a Call-ID. Each is looked for by `searchFilters`. A number is a beginning, unless it is in quotes; an extension
 * behind it is not looked for, since no switch routes by it.
 */
export function searchTexts(typed: string, countryCode: string): string[] {
  const text = cleanText(typed);
  if (!/[\p{L}\p{N}]/u.test(text)) return [];
  const quoted = /^["«“](.*)["»”]$/.exec(text)?.[1];
  const isUri = /^(?:tel|sips?):/i.test(text);
  const pattern = parsePattern(quoted ?? text);
  const isNumber = pattern !== null && /^\+?\d+$/.test(pattern.digits) && (isUri || !text.includes('@'));
  const isWord = pattern !== null && isSpelled(pattern.digits);
  if (!isNumber && !isWord) return [text.replaceAll(/^["«“]|["»”]$/g, '').trim()].filter(Boolean);
  const hasStars = text.includes('*');
  const kind = hasStars || quoted !== undefined ? pattern.kind : 'startsWith';
  const wanted = { ...pattern, kind };
  const found = [storedPattern(wanted, countryCode), ...otherSpellings(wanted, countryCode)].map(
    printPattern,
  );
  // It may as well be a Call-ID, of those that are neither an address nor all letters.
  const mayBeCallId = isWord || (!hasStars && pattern.digits.length > MAX_NUMBER_DIGITS);
  return [...new Set(mayBeCallId ? [...found, text] : found)];
}
