import { hash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { callList, GatewayClient, typedDocument } from '../../packages/client/src/index.ts';
import { type ServedGateway, serveGateway } from '../gateway/served-gateway.ts';
import { anXdr } from '../support/builders.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

const COUNT = typedDocument<{ cdrStats: { totals: { attempts: number } } | null }>(
  '{ cdrStats { totals { attempts } } }',
);
const OTHER = typedDocument<{ viewer: { name: string } }>('{ viewer { name } }');
const CALLS = callList(['id']);

let database: TestDatabase;
let gateway: ServedGateway;
let folder: string;
const bodies: string[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  await database.insertXdrs([anXdr({ i_xdr: '1' }), anXdr({ i_xdr: '2' })]);
  folder = await mkdtemp(join(tmpdir(), 'cdr-documents-'));
  const manifest = join(folder, 'documents.json');
  const texts = [COUNT, CALLS].map(String);
  await writeFile(
    manifest,
    JSON.stringify(Object.fromEntries(texts.map((text) => [`sha256:${hash('sha256', text)}`, text]))),
  );
  gateway = await serveGateway(database, { TRUSTED_DOCUMENTS: manifest, DOCUMENT_POLICY: 'ADMIN=required' });
});
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const connect = (documents?: 'text' | 'id') =>
  new GatewayClient({
    url: gateway.url,
    token: gateway.headers.authorization!.replace('Bearer ', ''),
    documents,
    fetch(url, init) {
      bodies.push(String(init.body));
      return fetch(url, init);
    },
  });

test('a document that the gateway trusts is sent by its hash alone, operations and lists alike', async () => {
  bodies.length = 0;
  const client = connect('id');
  expect((await client.execute(COUNT)).data).toEqual({ cdrStats: { totals: { attempts: 2 } } });
  const ids: string[] = [];
  for await (const { id } of client.streamCalls(CALLS, { first: 10 })) ids.push(id);
  expect(ids.toSorted()).toEqual(['1', '2']);
  expect(bodies.map((body) => Object.keys(JSON.parse(body)))).toEqual([
    ['documentId', 'variables'],
    ['documentId', 'variables'],
  ]);
});

test('of one that it does not know it says so, and no text is sent after it', async () => {
  bodies.length = 0;
  await expect(connect('id').execute(OTHER)).rejects.toMatchObject({ code: 'PERSISTED_QUERY_NOT_FOUND' });
  expect(bodies).toHaveLength(1);
});

test('a text is sent as it is unless told otherwise', async () => {
  await expect(connect().execute(OTHER)).rejects.toMatchObject({ code: 'FORBIDDEN' });
});
