import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Carrier } from '../src/carriers/ask-carriers.ts';
import { LookupBook } from '../src/lookups/lookup-book.ts';
import { until } from './browser/child.ts';

const carrierOf = (number: string): Carrier => ({
  blockHolder: `holder of ${number}`,
  blockHolderCode: null,
  territory: null,
  country: 'FR',
  lineKind: 'MOBILE',
});

function makeBook(ask?: (numbers: readonly string[]) => Promise<readonly (Carrier | null)[]>) {
  const asked: string[][] = [];
  const book = new LookupBook<Carrier>({
    perRequest: 1000,
    restMillis: 5,
    pauseMillis: 100,
    most: 3,
    ask: async (numbers) => {
      asked.push([...numbers]);
      return ask ? ask(numbers) : numbers.map(carrierOf);
    },
  });
  return { book, asked };
}

test('numbers on the screen are asked for together, each once', async () => {
  const { book, asked } = makeBook();
  for (const number of ['331', '332', '331']) book.want(number);
  assert.equal(book.get('331'), undefined);
  await until('they are known', () => book.get('332'));
  assert.deepEqual(asked, [['331', '332']]);
  assert.equal(book.get('331')?.blockHolder, 'holder of 331');
  book.want('331');
  book.want('333');
  await until('the third is known', () => book.get('333'));
  assert.deepEqual(asked.at(-1), ['333']);
});

test('a number that leaves the screen before the reader rests is not asked for', async () => {
  const { book, asked } = makeBook();
  const gone = book.want('331');
  book.want('332');
  gone();
  await until('the other is known', () => book.get('332'));
  assert.deepEqual(asked, [['332']]);
});

test('whoever watches is told', async () => {
  const { book } = makeBook();
  let told = 0;
  const leave = book.subscribe(() => told++);
  book.want('331');
  await until('told', () => told === 1);
  leave();
  book.want('332');
  await until('known', () => book.get('332'));
  assert.equal(told, 1);
});

test('what nothing is known about is not asked for again', async () => {
  const { book, asked } = makeBook(async (numbers) => numbers.map(() => null));
  book.want('331');
  await until('it is known that nothing is known', () => book.get('331') === null);
  book.want('331');
  book.want('332');
  await until('the other too', () => book.get('332') === null);
  assert.deepEqual(asked, [['331'], ['332']]);
});

test('a look-up that fails leaves numbers without, throws nothing, and is tried again after a while', async () => {
  let isDown = true;
  const { book, asked } = makeBook(async (numbers) => {
    if (isDown) throw new Error('down');
    return numbers.map(carrierOf);
  });
  const began = performance.now();
  book.want('331');
  await until('it was asked for', () => asked.length === 1);
  book.want('332');
  assert.equal(book.get('331'), undefined);
  isDown = false;
  await until('both are known', () => book.get('331') && book.get('332'));
  assert.ok(performance.now() - began >= 100, 'not at once');
  assert.deepEqual(asked, [['331'], ['331', '332']]);
});

test('only so many are remembered: the oldest go', async () => {
  const { book } = makeBook();
  for (const number of ['1', '2', '3', '4']) {
    const leave = book.want(number);
    await until('it is known', () => book.get(number));
    leave();
  }
  assert.deepEqual(
    ['1', '2', '3', '4'].map((number) => book.get(number) !== undefined),
    [false, true, true, true],
  );
});

test('no more are asked for at once than are taken, and the others after them', async () => {
  const asked: string[][] = [];
  const book = new LookupBook<string>({
    restMillis: 1,
    perRequest: 2,
    ask: async (keys) => {
      asked.push([...keys]);
      return keys.map((key) => `name of ${key}`);
    },
  });
  for (const key of ['1', '2', '3']) book.want(key);
  await until('all are known', () => book.get('3'));
  assert.deepEqual(asked, [['1', '2'], ['3']]);
  assert.equal(
    book.find((name) => name.endsWith('2')),
    'name of 2',
  );
  assert.equal(
    book.find(() => false),
    undefined,
  );
});
