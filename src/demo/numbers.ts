import type { Home } from './homes.ts';
import type { Random } from './random.ts';
import { findRate } from './rates.ts';

/** A number twice: as the switch understood it (E.164 without "+", or null) and as it came in. */
export interface NumberPair {
  readonly translated: string | null;
  readonly received: string | null;
}

/** How an account's equipment writes numbers. */
export type Notation = 'national' | 'plus' | 'e164' | `tech ${string}`;

/** Any of the numbers behind a prefix of the price list. */
export function numberBehind(prefix: string, random: Random): string {
  return prefix + digits(findRate(prefix).digits - prefix.length, random);
}

/** Text of exactly `count` digits, at most 14. */
export function digits(count: number, random: Random): string {
  const half = Math.min(count, 7);
  const first = String(10 ** half + random.below(10 ** half)).slice(1);
  return count > half ? first + digits(count - half, random) : first;
}

/** The number as it is dialled within its own country. */
export function write(number: string, notation: Notation, home: Home): string {
  if (notation === 'e164') return number;
  if (notation === 'plus') return `+${number}`;
  if (notation !== 'national') return notation.slice('tech '.length) + number;
  return number.startsWith(home.countryCode)
    ? home.trunkPrefix + number.slice(home.countryCode.length)
    : home.internationalPrefix + number;
}

/** What callers really send now and then instead of a number. */
export function malformedCaller(random: Random): NumberPair {
  switch (random.below(6)) {
    case 0:
      return { translated: null, received: 'anonymous' };
    case 1:
      return { translated: '', received: '' };
    case 2:
      return { translated: '+', received: '+' };
    case 3: {
      const long = `9${digits(14, random)}`;
      return { translated: long, received: long };
    }
    case 4: {
      const prefixed = `0099#${digits(9, random)}`;
      return { translated: prefixed, received: prefixed };
    }
    default:
      return { translated: null, received: null };
  }
}

/** Called numbers no price list knows. */
export function malformedCalled(random: Random): NumberPair {
  const received = ['112', '0', `*31#0${digits(9, random)}`, `000${digits(12, random)}`, 'conference%20room'];
  const text = received[random.below(received.length)]!;
  return { translated: text, received: text };
}
