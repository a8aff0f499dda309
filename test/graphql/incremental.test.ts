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
async function* partsOf(
  document: string,
  accept = 'multipart/mixed, application/json',
  contentType = 'multipart/mixed; boundary="-"',
): AsyncGenerator<Part> {
  const response = await gateway.ask(document, {}, { headers: { accept } });
  expect(response.headers.get('content-type')).toBe(contentType);
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

/** As Apollo Client sends it. */
const APOLLO = 'multipart/mixed;deferSpec=20220824,application/graphql-response+json,application/json;q=0.9';
const olderPartsOf = (document: string) =>
  partsOf(document, APOLLO, 'multipart/mixed; boundary="-"; deferSpec=20220824');

test('@defer is answered in the older format when that is accepted', async () => {
  const parts: Part[] = [];
  const document = '{ cdr(id: 1) { id ... @defer(label: "who") { account { username } } } }';
  for await (const part of olderPartsOf(document)) parts.push(part);
  expect(parts[0]).toMatchObject({ data: { cdr: { id: '1' } }, hasNext: true });
  expect(parts[0].extensions.replica.name).toEqual(expect.any(String));
  expect(parts.slice(1).flatMap((part) => part.incremental ?? [])).toEqual([
    { data: { account: { username: 'acme-dialler' } }, path: ['cdr'], label: 'who' },
  ]);
  expect(parts.at(-1).hasNext).toBe(false);
  expect(JSON.stringify(parts)).not.toMatch(/"pending"|"completed"|"id":"0"/);
});

test('@stream is answered in the older format when that is accepted, with the place of each call', async () => {
  const parts: Part[] = [];
  for await (const part of olderPartsOf(STREAM)) parts.push(part);
  const later = parts.slice(1).flatMap((part) => part.incremental ?? []);
  expect(later[0].path).toEqual(['cdrs', 'nodes', 2]);
  const ids = [...parts[0].data.cdrs.nodes, ...later.flatMap(({ items }: Part) => items)].map(({ id }) => id);
  expect(ids).toEqual(Array.from({ length: CALLS }, (_, index) => String(CALLS - index)));
});

test('a failure in a later part of the older format is told by its code', async () => {
  const broken = '{ cdrs(first: 2) { nodes { id } } ... @defer { late: cdrs(first: -1) { nodes { id } } } }';
  const parts: Part[] = [];
  for await (const part of olderPartsOf(broken)) parts.push(part);
  expect(JSON.stringify(parts)).toContain('INVALID_ARGUMENT');
});

test('parts in a format that nobody knows are not sent', async () => {
  const ask = (accept: string) =>
    gateway.ask('{ cdr(id: 1) { id ... @defer { cld } } }', {}, { headers: { accept } });
  const whole = await ask('multipart/mixed;deferSpec=20991231, application/json');
  expect(whole.headers.get('content-type')).toContain('application/json');
  expect((await whole.json()).data.cdr.cld).toEqual(expect.any(String));
  expect((await ask('multipart/mixed;deferSpec=20991231')).status).toBe(406);
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
