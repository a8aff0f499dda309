import { type DiallingPlan, diallingPlanOf, keepsZero } from './dialling-plans.ts';
import type { NumberPattern } from './number-pattern.ts';

/** Digits that are taken for a whole number, whatever its country: national, with the trunk prefix. */
const MIN_WHOLE_DIGITS = 9;

/**
 * A number that somebody typed, as calls have it: with its country in front, and nothing before that. `0608…` is of the
 * country with `countryCode`; without one (empty) it stays. A part of a number may be any digits: only what is long enough
 * to be a whole number is taken for one.
 */
export function storedPattern({ kind, digits: typed }: NumberPattern, countryCode: string): NumberPattern {
  const plan = diallingPlanOf(countryCode);
  const digits = spelledOut(typed, countryCode);
  const isBeginning = kind === 'is' || kind === 'startsWith';
  const isWhole = digits.length >= MIN_WHOLE_DIGITS;
  if (/^\+\d/.test(digits)) return { kind, digits: digits.slice(1) };
  if (isBeginning || isWhole) {
    const abroad = withoutInternationalPrefix(digits, plan);
    if (abroad !== null) return { kind, digits: abroad };
  }
  if (countryCode === '') return { kind, digits };
  const national = nationalOf(digits, countryCode);
  if (national === null) return { kind, digits };
  if (isBeginning) return { kind, digits: `${countryCode}${national}` };
  return { kind, digits: isWhole ? national : digits };
}

/**
 * The same number as it may have been dialled, beside how it is stored: `0608…`, as it was typed. And a number that could
 * be of the own country or have another's in front, such as `608470636` in France, is both.
 */
export function otherSpellings({ kind, digits: typed }: NumberPattern, countryCode: string): NumberPattern[] {
  if (kind !== 'is' && kind !== 'startsWith') return [];
  const digits = spelledOut(typed, countryCode);
  const stored = storedPattern({ kind, digits: typed }, countryCode).digits;
  if (/^\+/.test(digits)) return [];
  if (stored !== digits) {
    const isDialledAtHome = stored.startsWith(countryCode) && nationalOf(digits, countryCode) !== null;
    return isDialledAtHome ? [{ kind, digits }] : [];
  }
  const mayBeNational = countryCode !== '' && hasLength(digits, diallingPlanOf(countryCode).lengths);
  return mayBeNational && /^[1-9]\d*$/.test(digits) ? [{ kind, digits: `${countryCode}${digits}` }] : [];
}

function withoutInternationalPrefix(digits: string, { international }: DiallingPlan): string | null {
  const prefix = international.find(
    (each) => digits.startsWith(each) && /^[1-9]\d*$/.test(digits.slice(each.length)),
  );
  return prefix === undefined ? null : digits.slice(prefix.length);
}

/** Without the trunk prefix; null for what is not surely a number of the own country. */
function nationalOf(digits: string, countryCode: string): string | null {
  const { trunk, lengths } = diallingPlanOf(countryCode);
  if (!/^\d+$/.test(digits)) return null;
  if (trunk === '') {
    const isOurs = keepsZero(countryCode) ? /^0[1-9]/.test(digits) : isTenDigits(digits, lengths);
    return isOurs ? digits : null;
  }
  if (!digits.startsWith(trunk)) return null;
  const national = digits.slice(trunk.length);
  // `8` is also how numbers of other countries begin: only with the whole number behind it is it a trunk prefix.
  const isSure = trunk.startsWith('0') || hasLength(national, lengths);
  return isSure && /^[1-9]/.test(national) ? national : null;
}

/** Where all numbers have ten digits, ten digits are one: of the countries that begin so, none has as few. */
function isTenDigits(digits: string, [min, max]: DiallingPlan['lengths']): boolean {
  return min === 10 && max === 10 && /^[2-9]\d{9}$/.test(digits);
}

function hasLength(digits: string, [min, max]: DiallingPlan['lengths']): boolean {
  return digits.length >= min && digits.length <= max;
}

const KEYPAD = ['', '', 'ABC', 'DEF', 'GHI', 'JKL', 'MNO', 'PQRS', 'TUV', 'WXYZ'];
/** With its `1`; what is spelled beyond that is not dialled. */
const NORTH_AMERICAN_DIGITS = 11;

/** `1-800-FLOWERS`: digits first, then a word, whose letters are those on the keys of a telephone. */
export function isSpelled(text: string): boolean {
  return /^\+?\d{3,}[A-Z]{3,}[A-Z\d]*$/i.test(text) && text.length >= 7 && text.length <= 18;
}

function spelledOut(text: string, countryCode: string): string {
  if (!isSpelled(text)) return text;
  const digits = [...text.toUpperCase()]
    .map((character) => {
      const key = KEYPAD.findIndex((letters) => letters.includes(character));
      return /[A-Z]/.test(character) ? String(key) : character;
    })
    .join('');
  const plus = digits.startsWith('+') ? 1 : 0;
  const isWithOne = digits[plus] === '1';
  if (!isWithOne && countryCode !== '1') return digits;
  return digits.slice(0, plus + NORTH_AMERICAN_DIGITS - (isWithOne ? 0 : 1));
}
