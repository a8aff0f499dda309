import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { audit } from '../../../src/cli/audit.ts';
import { serveGateway } from '../../gateway/served-gateway.ts';
import { anXdr } from '../../support/builders.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.ts';

let database: TestDatabase;
let folder: string;
beforeAll(async () => {
  database = await createTestDatabase();
  await database.insertXdrs([anXdr(), anXdr(), anXdr()]);
  folder = await mkdtemp(join(tmpdir(), 'cdr-audit-'));
});
afterAll(async () => {
  await database?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const QUERY = '{ cdrs { nodes { id } } }';

test('a gateway that runs writes who has read how much, from where, and it holds over a restart', async () => {
  const settings = {
    AUDIT_FILE: join(folder, 'new', 'audit.ndjson'),
    AUDIT_KEY: 'a-key-of-the-audit-of-the-tests',
  };
  const verify = async () => {
    const printed: string[] = [];
    const code = await audit(['verify'], settings, (line) => void printed.push(line));
    return { code, text: printed.join('\n') };
  };
  for (let round = 0; round < 2; round++) {
    await using gateway = await serveGateway(database, settings);
    await gateway.query(QUERY);
    const byGet = await fetch(`${gateway.url}?${new URLSearchParams({ query: QUERY })}`, {
      headers: { authorization: gateway.headers.authorization! },
    });
    await byGet.text();
    const file = await gateway.ask(QUERY, {}, { headers: { accept: 'text/csv' } });
    expect((await file.text()).split('\n')).toHaveLength(5);
    await gateway.query('{ viewer { role } }');
    const leaving = new AbortController();
    const events = await fetch(gateway.url, {
      method: 'POST',
      headers: { ...gateway.headers, accept: 'text/event-stream' },
      body: JSON.stringify({ query: 'subscription { cdrs { cursor } }' }),
      signal: leaving.signal,
    });
    await events.body!.getReader().read();
    leaving.abort();
  }
  const lines = (await readFile(settings.AUDIT_FILE, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const written = lines.filter(({ event }) => event === undefined);
  const told = written.flatMap(({ subscription }) => subscription ?? []);
  expect(told).toEqual(['begun', 'ended', 'begun', 'ended']);
  const requests = written.filter(({ subscription }) => subscription === undefined);
  expect(requests).toHaveLength(6);
  for (const line of requests) {
    expect(line).toMatchObject({ role: 'ADMIN', accounts: 'all', rows: 3, status: 200, result: 'ok' });
    expect(line.client).toMatch(/127\.0\.0\.1$/);
    expect(line.bytes).toBeGreaterThan(10);
  }
  expect(await verify()).toMatchObject({ code: 0 });
  await writeFile(
    settings.AUDIT_FILE,
    (await readFile(settings.AUDIT_FILE, 'utf8')).replace('"rows":3', '"rows":2'),
  );
  expect(await verify()).toMatchObject({ code: 1, text: expect.stringContaining('was altered') });
});

test('a gateway whose audit cannot be opened does not start', async () => {
  const file = join(folder, 'no-folder');
  await writeFile(file, '');
  await expect(serveGateway(database, { AUDIT_FILE: join(file, 'audit.ndjson') })).rejects.toThrow(
    /ENOTDIR|EEXIST/,
  );
});

test('a gateway goes on only with an audit that is one', async () => {
  const file = join(folder, 'other.ndjson');
  await writeFile(file, 'a log of something else\n');
  await expect(serveGateway(database, { AUDIT_FILE: file })).rejects.toThrow('is no line of an audit');
  expect(await readFile(file, 'utf8')).toBe('a log of something else\n');
});
