import { afterAll, beforeAll, expect, test } from 'vitest';
import { anAccount, anXdr } from '../support/builders.ts';
import { createTestGateway, type TestGateway } from '../support/gateway.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

const CALLS = 3500;

let database: TestDatabase;
let gateway: TestGateway;

beforeAll(async () => {
  database = await createTestDatabase();
  await database.insertAccounts([anAccount()]);
  await database.insertXdrs(Array.from({ length: CALLS }, (_, index) => anXdr({ i_xdr: String(index + 1) })));
  gateway = await createTestGateway(database);
});

afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

// biome-ignore lint/suspicious/noExplicitAny: parts have the shapes that the tests look at
type Part = any;

/** The parts of a multipart/mixed answer, each as it was when it came. */
async function* partsOf(document: string): AsyncGenerator<Part> {
  const response = await gateway.ask(
    document,
    {},
    { headers: { accept: 'multipart/mixed, application/json' } },
  );
  let text = '';
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const pieces = text.split(/\r?\n---(?:--)?\r?\n?/);
    text = pieces.pop()!;
    for (const piece of pieces) {
      if (piece.includes('{')) yield JSON.parse(piece.slice(piece.indexOf('{'), piece.lastIndexOf('}') + 1));
    }
  }
}

const STREAM = `{ cdrs(first: ${CALLS}) { nodes @stream(initialCount: 2) { id } pageInfo { hasNextPage } } }`;

test('@stream gives the first calls first and all of them in the end, in order', async () => {
  const parts: Part[] = [];
  for await (const part of partsOf(STREAM)) parts.push(part);
  const [initial, ...later] = parts;
  const items = later.flatMap((part) => (part.incremental ?? []).flatMap((each: Part) => each.items ?? []));
  const ids = [...initial.data.cdrs.nodes, ...items].map(({ id }: { id: string }) => Number(id));
  expect(initial.data.cdrs.nodes).toHaveLength(2);
  expect(initial.pending).toMatchObject([{ path: ['cdrs', 'nodes'] }]);
  expect(ids).toEqual(Array.from({ length: CALLS }, (_, index) => CALLS - index));
  expect(later.length).toBeGreaterThan(3);
  expect(parts.at(-1)).toMatchObject({ hasNext: false });
});

test('a client that leaves after the first part leaves nothing running', async () => {
  for await (const part of partsOf(STREAM)) {
    expect(part.hasNext).toBe(true);
    break;
  }
  await expect
    .poll(() => gateway.replicas.snapshot().replicas.map(({ routing }) => routing.requestsInFlight))
    .toEqual([0, 0]);
});

test('@defer gives the rest of a call later', async () => {
  const parts: Part[] = [];
  for await (const part of partsOf('{ cdr(id: 1) { id ... @defer { account { username } } } }'))
    parts.push(part);
  expect(parts[0].data.cdr).toEqual({ id: '1' });
  const later = parts.slice(1).flatMap((part) => part.incremental ?? []);
  expect(later).toMatchObject([{ data: { account: { username: 'acme-dialler' } } }]);
});

test('a client that accepts no parts is given the whole answer', async () => {
  const { data } = await gateway.query(STREAM);
  expect(data.cdrs.nodes).toHaveLength(CALLS);
  expect(data.cdrs.pageInfo).toEqual({ hasNextPage: false });
});

test('a failure in a later part is told by its code', async () => {
  const broken = '{ cdrs(first: 2) { nodes { id } } ... @defer { late: cdrs(first: -1) { nodes { id } } } }';
  const parts: Part[] = [];
  for await (const part of partsOf(broken)) parts.push(part);
  expect(JSON.stringify(parts)).toContain('INVALID_ARGUMENT');
});
