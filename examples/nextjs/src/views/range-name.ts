import { isCalendarRange, type MovingRange } from '../filter/time-range.ts';
import type { Words } from '../words/words.ts';

export function rangeNameOf(name: MovingRange, words: Words): string {
  return isCalendarRange(name) ? words.range.calendar[name] : words.range.quick[name];
}
