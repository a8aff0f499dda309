import { randomBytes } from 'node:crypto';
import { migrateToLatest } from '../../src/db/migrate/migrate.ts';
import { startCluster } from '../../src/demo/cluster.ts';
import { connect } from '../support/database-urls.ts';
import type { FuzzServers } from './fuzz-database.ts';

/** A primary and two standbys with the roles that the migrations make. */
export async function startServers(major: number): Promise<FuzzServers & AsyncDisposable> {
  const cluster = await startCluster({ major, settings: { shared_buffers: '64MB' } });
  const gatewayPassword = randomBytes(12).toString('hex');
  const admin = await connect(cluster.primary.url());
  await admin.query('create database roles');
  await admin.end();
  await migrateToLatest(cluster.primary.url({ database: 'roles' }), { gatewayPassword });
  return {
    major,
    primaryUrl: cluster.primary.url(),
    standbyUrls: cluster.replicas.map((replica) => replica.url()),
    gatewayPassword,
    [Symbol.asyncDispose]: () => cluster.stop(),
  };
}
