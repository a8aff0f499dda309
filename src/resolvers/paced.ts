import { setImmediate as nextTurn } from 'node:timers/promises';

/** Items of a list that the executor completes at once: some milliseconds. */
const MAX_AT_ONCE = 250;

/** A list as the executor takes it: a long one lets others have the event loop between its portions. */
export function paced<Item>(items: readonly Item[]): readonly Item[] | AsyncIterable<Item> {
  return items.length <= MAX_AT_ONCE ? items : inPortions(items);
}

async function* inPortions<Item>(items: readonly Item[]): AsyncGenerator<Item> {
  for (const [index, item] of items.entries()) {
    if (index % MAX_AT_ONCE === 0 && index > 0) await nextTurn();
    yield item;
  }
}
