import { afterAll, beforeAll, expect, test } from 'vitest';
import { ADMIN_TOKEN, createTestGateway, type TestGateway } from '../support/gateway.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

/** Bad input of every kind gets a small answer with a code: no stack, no hint. How quickly, is in `document-limits.test.ts`. */
const MAX_ANSWER_CHARACTERS = 2000;

let database: TestDatabase;
let gateway: TestGateway;
beforeAll(async () => {
  database = await createTestDatabase();
  gateway = await createTestGateway(database);
});
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
});

interface Input {
  readonly path?: string;
  readonly token?: string;
  readonly type?: string;
  readonly body?: string;
}

const documentOf = (query: string): Input => ({ body: JSON.stringify({ query }) });
const batchOf = (count: number): Input => ({
  body: JSON.stringify(Array.from({ length: count }, () => ({ query: '{ cdrs { nodes { id } } }' }))),
});
const byGet = (query: string): Input => ({ path: `/graphql?${new URLSearchParams({ query })}` });

const inputs: Readonly<Record<string, readonly [Input, status: number, code: string]>> = {
  'a batch': [batchOf(2), 400, 'BAD_REQUEST'],
  'a batch of thousands': [batchOf(10_000), 400, 'BAD_REQUEST'],
  'a batch of none': [batchOf(0), 400, 'BAD_REQUEST'],
  'a document of a megabyte': [
    documentOf(`{ a(b: "${'x'.repeat(1_000_000)}") }`),
    400,
    'GRAPHQL_VALIDATION_FAILED',
  ],
  'ten thousand aliases': [
    documentOf(`{ ${Array.from({ length: 10_000 }, (_, index) => `a${index}: __typename`).join(' ')} }`),
    400,
    'QUERY_TOO_LARGE',
  ],
  'fragments in a circle': [
    documentOf('{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }'),
    400,
    'GRAPHQL_VALIDATION_FAILED',
  ],
  'a mutation by GET': [byGet('mutation { deleteCdr(id: 1) }'), 400, 'GRAPHQL_VALIDATION_FAILED'],
  'a mutation by POST': [documentOf('mutation { deleteCdr(id: 1) }'), 400, 'GRAPHQL_VALIDATION_FAILED'],
  'a form of another site': [
    { type: 'application/x-www-form-urlencoded', body: 'query={cdrs{nodes{id}}}', token: '' },
    401,
    'UNAUTHENTICATED',
  ],
  'a text of another site': [
    { type: 'text/plain', body: '{"query":"{ cdrs { nodes { id } } }"}', token: '' },
    401,
    'UNAUTHENTICATED',
  ],
  'a text in the place of JSON': [
    { type: 'text/plain', body: '{"query":"{ __typename }"}' },
    415,
    'BAD_REQUEST',
  ],
  'JSON that is cut': [{ body: '{"query":"{ __typen' }, 400, 'BAD_REQUEST'],
  'a token of a megabyte': [
    { ...documentOf('{ __typename }'), token: 'x'.repeat(1_000_000) },
    401,
    'UNAUTHENTICATED',
  ],
  'a token of bytes': [
    { ...documentOf('{ __typename }'), token: '\u00ff\u00fe\u0080' },
    401,
    'UNAUTHENTICATED',
  ],
  'a token that signs nothing': [
    { ...documentOf('{ __typename }'), token: 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4ifQ.' },
    401,
    'UNAUTHENTICATED',
  ],
  'a path above': [{ ...documentOf('{ __typename }'), path: '/graphql/../metrics' }, 404, 'BAD_REQUEST'],
};

test.each(Object.entries(inputs))(
  '%s is refused shortly, with a code and without a hint',
  async (_, given) => {
    const [{ path = '/graphql', token = ADMIN_TOKEN, type = 'application/json', body }, status, code] = given;
    const response = await gateway.fetch(
      new gateway.Request(`http://gateway${path}`, {
        method: body === undefined ? 'GET' : 'POST',
        headers: {
          ...(token && { authorization: `Bearer ${token}` }),
          'content-type': type,
          accept: 'application/graphql-response+json',
        },
        ...(body !== undefined && { body }),
      }),
    );
    const text = await response.text();
    const { errors, data } = JSON.parse(text);
    expect([response.status, errors[0].extensions.code]).toEqual([status, code]);
    expect(data ?? null).toBe(null);
    expect(text.length).toBeLessThan(MAX_ANSWER_CHARACTERS);
    expect(text).not.toMatch(/node_modules|\.[tj]s:\d+|\bat \w+ \(|deleteCdr.*did you mean/i);
  },
);
