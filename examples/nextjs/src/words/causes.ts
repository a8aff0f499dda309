import { fill } from './fill.ts';
import type { Words } from './words.ts';

/**
 * What a disconnect cause means. The ranges do not overlap: Q.850 is 1 to 127, a SIP status 200 to 699, and what a Sippy
 * switch ends calls for itself is below zero, with 0 for success.
 */
export function meaningOf(cause: number, words: Pick<Words, 'causes'>): string {
  const { known, q850, sip, sippy } = words.causes;
  const meaning = known[String(cause) as keyof typeof known];
  const family = cause >= 200 ? sip : cause > 0 ? q850 : sippy;
  return fill(family, { cause: String(cause), meaning: meaning ?? words.causes.unknown });
}
