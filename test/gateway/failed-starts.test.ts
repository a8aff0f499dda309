import { afterAll, beforeAll, expect, test } from 'vitest';
import { startGateway } from '../../src/serve.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { backendsOf } from './served-gateway.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database?.[Symbol.asyncDispose]());

test('a gateway that fails once it listens leaves neither a port nor a connection', async () => {
  const settings = {
    REPLICA_URLS: database.replicaUrls.join(','),
    API_PORT: '0',
    ADMIN_TOKEN: 'of-the-administrator-of-the-tests',
    GRAPHIQL: 'false',
  };
  let port: number | undefined;
  const log = {
    write(line: string) {
      const { msg, port: bound } = JSON.parse(line);
      if (msg !== 'ready') return;
      port = bound;
      throw new Error('no space left for the log');
    },
  };
  await expect(startGateway(settings, { log })).rejects.toThrow('no space left for the log');
  expect(port).toBeGreaterThan(0);
  await expect(fetch(`http://127.0.0.1:${port}/livez`)).rejects.toThrow('fetch failed');
  await expect.poll(() => backendsOf(database.standbyUrls[0]!), { timeout: 30_000 }).toEqual([]);
});
