import { chmod, copyFile, cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Binaries } from '../../src/demo/binaries.ts';
import { CatalogueWatch } from '../../src/replicas/catalogue-watch.ts';
import { createReplicas } from '../../src/replicas/replicas.ts';
import { doctor } from '../support/doctor.ts';
import { startTestCluster, type TestCluster } from '../support/postgres.ts';

/** Of three standbys the last has an older tzdata: Casablanca knows no summer time there, and Amman none of its own. */

let cluster: TestCluster;
let directory: string;

beforeAll(async () => {
  cluster = await startTestCluster({ replicas: 2 });
  directory = await mkdtemp(join(tmpdir(), 'cdr-test-zones-'));
  await chmod(directory, 0o755);
  const binaries = await copyWithOtherZones(cluster.cluster.binaries);
  await cluster.cluster.addReplica({ binaries });
  await cluster.replayed();
});

afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

async function copyWithOtherZones(binaries: Binaries): Promise<Binaries> {
  const native = dirname(dirname(binaries.postgres));
  await cp(native, directory, { recursive: true, verbatimSymlinks: true });
  const zones = join(directory, 'share', 'postgresql', 'timezone');
  for (const zone of ['Africa/Casablanca', 'Asia/Amman']) {
    await rm(join(zones, zone));
    await copyFile(join(zones, 'Africa/Lagos'), join(zones, zone));
  }
  const there = (program: string) => join(directory, relative(native, program));
  return { ...binaries, initdb: there(binaries.initdb), postgres: there(binaries.postgres) };
}

test('doctor names the standbys and the zones', async () => {
  const lines: string[] = [];
  await doctor(cluster.replicaUrls, 'xdrs', (line) => lines.push(line));
  const about = lines.filter((line) => line.includes('time zone data'));
  expect(about).toHaveLength(1);
  expect(about[0]).toMatch(/^warning: .+ and .+ have .+ of Africa\/Casablanca, Asia\/Amman begin/);
  const [first, , third] = cluster.replicaUrls.map((url) => new URL(url).host);
  expect(about[0]).toContain(first);
  expect(about[0]).toContain(third);
});

test('standbys with the same data are no matter', async () => {
  const lines: string[] = [];
  await doctor(cluster.replicaUrls.slice(0, 2), 'xdrs', (line) => lines.push(line));
  expect(lines.join('\n')).not.toContain('time zone data');
});

test('the gateway logs it once, while it serves', async () => {
  const warnings: unknown[] = [];
  const replicas = createReplicas({
    replicaUrls: cluster.replicaUrls,
    poolSize: 2,
    pollIntervalSeconds: 0.1,
  });
  const stopping = new AbortController();
  try {
    const watch = new CatalogueWatch({
      replicas,
      sourceName: 'xdrs',
      logger: { info() {}, warn: (facts) => warnings.push(facts) },
      intervalSeconds: 0.01,
    });
    await watch.findFirst(stopping.signal);
    const watching = watch.watch(stopping.signal);
    const about = () => warnings.filter((each) => String(each).includes('time zone data'));
    await expect.poll(about, { timeout: 20_000 }).toHaveLength(1);
    expect(about()[0]).toContain('Africa/Casablanca, Asia/Amman begin');
    stopping.abort();
    await watching;
    expect(about()).toHaveLength(1);
  } finally {
    stopping.abort();
    await replicas.close();
  }
});
