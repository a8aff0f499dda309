import { expect, test } from 'vitest';
import { withDatabase } from '../support/database-urls.ts';
import { startTestCluster } from '../support/postgres.ts';
import { soak } from './soak-run.ts';

/** `npm run soak` is the same for as long as one likes. */
test('every call is told once, and no other, whatever commits late and whatever fails', {
  timeout: 120_000,
}, async () => {
  await using database = await startTestCluster({ replicas: 2 });
  const gatewayPassword = new URL(database.replicaUrls[0]!).password;
  expect(withDatabase(database.cluster.primary.url(), database.name)).toBe(database.primaryUrl);
  const report = await soak({
    cluster: database.cluster,
    database: database.name,
    gatewayPassword,
    seed: 7,
    seconds: 8,
    calmSeconds: 0,
    callsPerSecond: 150,
    promotes: false,
    level: 'INSERTS',
    log: () => {},
  });
  expect(report.committed).toBeGreaterThan(100);
  expect(report.faults.length).toBeGreaterThan(1);
  for (const client of report.clients) {
    expect(client).toMatchObject({ missed: [], duplicates: [], foreign: [], gaps: [], repeated: 0 });
    expect(client.expected).toBeGreaterThan(20);
  }
});
