import { executeSync, getIntrospectionQuery, parse } from 'graphql';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Documents } from '../../src/graphql/documents.ts';
import { RequestFacts } from '../../src/http/request-facts.ts';
import { schema } from '../../src/schema/index.ts';
import { ACCOUNT_TOKEN, ADMIN_TOKEN, createTestGateway, type TestGateway } from '../support/gateway.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

let database: TestDatabase;
let gateway: TestGateway;

beforeAll(async () => {
  database = await createTestDatabase();
  gateway = await createTestGateway(database);
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

async function introspect(query: string, token = ADMIN_TOKEN): Promise<string> {
  const response = await gateway.fetch(
    new Request('http://gateway/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ query }),
    }),
  );
  return response.text();
}

const query = getIntrospectionQuery({ inputValueDeprecation: true, oneOf: true });

test('the schema is told as GraphQL tells it, to everybody, the first time and again', async () => {
  const wanted = executeSync({ schema, document: parse(query) }).data;
  const answers = [await introspect(query), await introspect(query), await introspect(query, ACCOUNT_TOKEN)];
  for (const answer of answers) {
    const { data, extensions } = JSON.parse(answer);
    expect(data).toEqual(wanted);
    expect(extensions).toMatchObject({ cost: { points: expect.any(Number) } });
  }
});

test('fifty introspections cost little more processor time than one', async () => {
  const fresh = `${query} # fresh`;
  const timed = async (count: number) => {
    const before = process.threadCpuUsage();
    await Promise.all(Array.from({ length: count }, () => introspect(fresh)));
    const { user, system } = process.threadCpuUsage(before);
    return user + system;
  };
  const first = await timed(1);
  expect(await timed(50)).toBeLessThan(10 * first);
});

test('an introspection that fails is not kept', async () => {
  const failing = '{ __type { name } }';
  expect(await introspect(failing)).toBe(await introspect(failing));
});

test('what is kept of introspections counts as part of their documents', () => {
  const maxBytes = 4 * 1024 * 1024;
  const documents = new Documents({ schema, maxBytes });
  for (let index = 0; index < 20; index++) {
    const operation = documents.find(
      `${query} # ${index}`,
      null,
      new RequestFacts(new Request('http://gateway/graphql')),
    );
    operation.keepPrinted('{}', 500_000);
  }
  expect(documents.kept.bytes).toBeLessThanOrEqual(maxBytes);
  expect(documents.kept.documents).toBeLessThan(8);
});
