import { randomUUID } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ExecutionResult } from 'graphql';

/** Items of a list that are written at once: about a millisecond. */
const MAX_AT_ONCE = 500;

/** A result as Yoga's processor takes it: `stringify` writes what is left of it when its internals are taken out. */
type Writable = ExecutionResult & { stringify?(shown: unknown): unknown };

/**
 * The result with the JSON of its long lists written beforehand, in portions between which others have the event loop:
 * JSON.stringify would take it for as long as the whole result needs.
 */
export async function writePaced(result: Writable): Promise<ExecutionResult> {
  if (result.stringify || !result.data) return result;
  const longLists = findLongLists(result.data);
  if (longLists.length === 0) return result;
  const lists = new Map<unknown, string>();
  for (const list of longLists) lists.set(list, await stringifyList(list));
  const mark = randomUUID();
  const texts = [...lists.values()];
  const places = new Map([...lists.keys()].map((list, index) => [list, `${mark} ${index}`]));
  return {
    ...result,
    stringify: (shown: unknown) =>
      JSON.stringify(shown, (_key, value) => places.get(value) ?? value).replaceAll(
        new RegExp(`"${mark} (\\d+)"`, 'g'),
        (_, index) => texts[Number(index)]!,
      ),
  } as ExecutionResult;
}

/** Of the outermost ones. Not a generator, and no list of values: every result is walked through, the smallest too. */
function findLongLists(value: unknown, found: (readonly unknown[])[] = []): readonly (readonly unknown[])[] {
  if (typeof value !== 'object' || value === null) return found;
  if (!Array.isArray(value)) for (const key in value) findLongLists(value[key as never], found);
  else if (value.length > MAX_AT_ONCE) found.push(value);
  else for (const item of value) findLongLists(item, found);
  return found;
}

async function stringifyList(list: readonly unknown[]): Promise<string> {
  const portions: string[] = [];
  for (let from = 0; from < list.length; from += MAX_AT_ONCE) {
    if (from > 0) await nextTurn();
    portions.push(JSON.stringify(list.slice(from, from + MAX_AT_ONCE)).slice(1, -1));
  }
  return `[${portions.join(',')}]`;
}
