import { startCluster } from '../../src/demo/cluster.ts';

/** A primary and its hot standbys, wherever they run. URLs are the superuser's. */
export interface PostgresServers {
  readonly primaryUrl: string;
  readonly standbyUrls: readonly string[];
  stop(): Promise<void>;
}

/** From the binaries that npm brings. */
export async function startEmbedded(major: number): Promise<PostgresServers> {
  const cluster = await startCluster({
    major,
    replicas: 2,
    // Small: a test database holds thousands of calls, and two cores serve three servers and the tests.
    settings: { shared_buffers: '32MB', log_min_duration_statement: '5s' },
  });
  return {
    primaryUrl: cluster.primary.url(),
    standbyUrls: cluster.replicas.map((replica) => replica.url()),
    stop: cluster.stop,
  };
}
