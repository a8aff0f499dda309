import { hash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TrustedDocuments } from '../../src/graphql/trusted-documents.ts';
import { ACCOUNT_TOKEN, ADMIN_TOKEN, createTestGateway, type TestGateway } from '../support/gateway.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

const LET_IN = 'query Me($no: Boolean = false) { viewer { name role @skip(if: $no) } }';
const ID = hash('sha256', LET_IN);
const UNKNOWN_ID = '0'.repeat(64);
const EXPLORER = 'examples/nextjs/src/generated/persisted-documents.json';

const directory = mkdtempSync(join(tmpdir(), 'trusted-documents-'));
const manifest = (name: string, content: unknown) => {
  const file = join(directory, name);
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
};

let database: TestDatabase;
let required: TestGateway;
let preferred: TestGateway;

beforeAll(async () => {
  database = await createTestDatabase();
  const file = manifest('good.json', { [`sha256:${ID}`]: LET_IN });
  const gatewayOf = (policy: string) =>
    createTestGateway(database, {
      settings: { TRUSTED_DOCUMENTS: `${file},${EXPLORER}`, DOCUMENT_POLICY: `ACCOUNT=${policy}` },
    });
  required = await gatewayOf('required');
  preferred = await gatewayOf('preferred');
});
afterAll(async () => {
  rmSync(directory, { recursive: true });
  await required?.[Symbol.asyncDispose]();
  await preferred?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
});

async function send(gateway: TestGateway, body: object, token = ACCOUNT_TOKEN) {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
  const request = new Request('http://gateway/graphql', {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  });
  return outcomeOf(await gateway.fetch(request));
}

async function get(gateway: TestGateway, parameters: Record<string, string>) {
  const url = `http://gateway/graphql?${new URLSearchParams(parameters)}`;
  return outcomeOf(
    await gateway.fetch(new Request(url, { headers: { authorization: `Bearer ${ACCOUNT_TOKEN}` } })),
  );
}

async function outcomeOf(response: Response) {
  const { data, errors } = (await response.json()) as {
    data?: { viewer: object };
    errors?: { message: string; extensions: { code: string } }[];
  };
  return errors ? errors[0]!.extensions.code : data?.viewer;
}

const me = { name: expect.any(String), role: 'ACCOUNT' };
const persistedQuery = { version: 1, sha256Hash: ID };

describe('a document that was let in is sent by its hash', () => {
  test.each([
    ['documentId', { documentId: `sha256:${ID}` }],
    ['the hash alone', { documentId: ID.toUpperCase() }],
    ['extensions', { extensions: { persistedQuery } }],
    ['hash and text', { query: LET_IN, extensions: { persistedQuery } }],
    ['text', { query: LET_IN }],
    ['null beside it', { query: null, documentId: ID, extensions: null }],
  ])('as %s', async (_, body) => {
    expect(await send(required, body)).toEqual(me);
  });

  test('in the URL of a GET', async () => {
    expect(await get(required, { documentId: `sha256:${ID}` })).toEqual(me);
    expect(await get(required, { extensions: JSON.stringify({ persistedQuery }) })).toEqual(me);
    const variables = JSON.stringify({ no: true });
    expect(await get(required, { documentId: ID, variables })).toEqual({ name: expect.any(String) });
  });
});

describe('nothing else is', () => {
  test.each([
    ['an unknown hash', { documentId: UNKNOWN_ID }, 'PERSISTED_QUERY_NOT_FOUND'],
    ['no hash', { documentId: 'sha256:12' }, 'BAD_REQUEST'],
    ['a number', { documentId: 12 }, 'BAD_REQUEST'],
    ['the hash of another text', { query: '{ viewer { name } }', documentId: ID }, 'BAD_REQUEST'],
    ['a name of the prototype', { documentId: '__proto__' }, 'BAD_REQUEST'],
    ['nothing', {}, 'BAD_REQUEST'],
    ['another text', { query: '{ viewer { name } }' }, 'FORBIDDEN'],
    ['almost the same text', { query: `${LET_IN} ` }, 'FORBIDDEN'],
    ['no GraphQL', { query: '{' }, 'FORBIDDEN'],
  ])('%s', async (_, body, code) => {
    expect(await send(required, body)).toBe(code);
  });

  test('of a role whose policy says so; others may send anything', async () => {
    expect(await send(required, { query: '{ viewer { role } }' }, ADMIN_TOKEN)).toEqual({ role: 'ADMIN' });
    expect(await send(required, { documentId: ID }, ADMIN_TOKEN)).toMatchObject({ role: 'ADMIN' });
  });
});

test('where they are preferred, others tell nothing of the schema', async () => {
  expect(await send(preferred, { query: '{ viewer { role } }' })).toEqual({ role: 'ACCOUNT' });
  for (const query of [
    '{ __schema { types { name } } }',
    '{ viewer { role } x: __type(name: "Cdr") { name } }',
  ]) {
    expect(await send(preferred, { query })).toBe('FORBIDDEN');
    expect(await send(preferred, { query }, ADMIN_TOKEN)).not.toBe('FORBIDDEN');
  }
  const messages = async (token: string) =>
    (await preferred.query('{ viewer { nam } }', {}, { token })).errors?.map(({ message }) => message).join();
  expect(await messages(ADMIN_TOKEN)).toContain('Did you mean');
  expect(await messages(ACCOUNT_TOKEN)).toContain('nam');
  expect(await messages(ACCOUNT_TOKEN)).not.toContain('Did you mean');
});

test.each([
  ['is not there', join(directory, 'absent.json'), 'cannot be read'],
  ['is no JSON', manifest('text.json', '{'), 'JSON'],
  ['is a list', manifest('list.json', [LET_IN]), 'object'],
  ['has a wrong hash', manifest('wrong.json', { [ID]: '{ viewer { name } }' }), 'SHA-256'],
])('a manifest that %s stops the start', (_, file, problem) => {
  expect(() => new TrustedDocuments({ files: [file], policies: {} })).toThrow(problem);
});

test("the explorer's manifest is good", () => {
  expect(new TrustedDocuments({ files: [EXPLORER], policies: {} }).size).toBeGreaterThan(10);
});
