import { afterAll, beforeAll, expect, test } from 'vitest';
import { anXdr } from '../support/builders.ts';
import { createTestGateway, type TestGateway } from '../support/gateway.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

let database: TestDatabase;
let gateway: TestGateway;
const lines: Record<string, unknown>[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  await database.insertXdrs([anXdr({ setup_time: 'infinity' }), anXdr()]);
  gateway = await createTestGateway(database, { onLog: (line) => lines.push(line) });
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

/** Two lists of one connection are more than the streaming path takes. */
const ordinary = 'edges { cursor }';

test.each([
  ['an argument', (more: string) => `{\n  viewer { name }\n  cdrs(first: -1) {\n nodes { id } ${more} }\n}`],
  ['a value', (more: string) => `{\n  a: cdrs {\n    nodes { id\n b: setupTime }\n ${more} } }`],
  [
    'a value in a fragment',
    (more: string) =>
      `query Q { cdrs { ...C ${more} } } fragment C on CdrConnection { nodes { ...N } }\nfragment N on Cdr { id setupTime }`,
  ],
])('an error about %s has the path and the places that graphql-js gives it', async (_, textOf) => {
  const [streamed, executed] = await Promise.all([
    gateway.query(textOf('')),
    gateway.query(textOf(ordinary)),
  ]);
  expect(streamed.errors).toHaveLength(1);
  expect(streamed.errors![0]).toHaveProperty('locations');
  expect(streamed.errors).toEqual(executed.errors);
});

test('what goes wrong within a response that is sent as it is read is in its line of the log', async () => {
  lines.length = 0;
  await gateway.query('{ cdrs { nodes { setupTime } } }');
  expect(lines.find(({ msg }) => msg === 'request')).toMatchObject({
    outcome: 'ok',
    codes: ['UNREADABLE_VALUE'],
  });
});
