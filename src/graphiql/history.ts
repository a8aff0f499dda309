/**
 * Where GraphiQL keeps its tabs and the history of queries. This file runs in the browser. The history would keep the
 * headers of a query too, and they may hold a token.
 */

/** Keys of the history: GraphiQL writes `{ "queries": [ … ] }`. */
const histories: readonly string[] = ['graphiql:queries', 'graphiql:favorites'];

/** The storage, without the headers of what is kept. */
export function withoutHeaders(storage: Storage): Storage {
  return {
    get length() {
      return storage.length;
    },
    key: (index) => storage.key(index),
    getItem: (key) => storage.getItem(key),
    setItem: (key, value) => storage.setItem(key, histories.includes(key) ? dropHeaders(value) : value),
    removeItem: (key) => storage.removeItem(key),
    clear: () => storage.clear(),
  };
}

function dropHeaders(value: string): string {
  return JSON.stringify(JSON.parse(value), (name, inside) => (name === 'headers' ? '' : inside));
}
