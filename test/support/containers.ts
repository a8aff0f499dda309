import { randomBytes } from 'node:crypto';
import { GenericContainer, Network, type StartedTestContainer, Wait } from 'testcontainers';
import type { PostgresServers } from './servers.ts';

const STANDBYS = ['replica1', 'replica2'];
const READY = Wait.forListeningPorts();

/** Run once by the image while it makes the primary's data. */
const PRIMARY_SCRIPT = `
set -e
psql -v ON_ERROR_STOP=1 -U postgres -c "create role replicator login replication password '$REPLICATION_PASSWORD'"
for slot in ${STANDBYS.join(' ')}; do
  psql -v ON_ERROR_STOP=1 -U postgres -c "select pg_create_physical_replication_slot('$slot', true)"
done
echo 'host replication replicator all scram-sha-256' >>"$PGDATA/pg_hba.conf"
`;

/** Instead of the image's own start: clone the primary, then follow it. */
const STANDBY_SCRIPT = `
set -e
export PGDATA=/var/lib/postgresql/standby PGPASSWORD="$REPLICATION_PASSWORD"
install -d -o postgres -g postgres -m 700 "$PGDATA"
gosu=$(command -v gosu || command -v su-exec)
"$gosu" postgres pg_basebackup -D "$PGDATA" -R -X stream -c fast -S "$STANDBY_NAME" \\
  -d "host=primary user=replicator application_name=$STANDBY_NAME"
exec "$gosu" postgres postgres "$@"
`;

const SETTINGS = [
  'fsync=off',
  'max_connections=200',
  'wal_receiver_status_interval=1s',
  'wal_retrieve_retry_interval=200ms',
  'wal_receiver_timeout=10s',
  'timezone=UTC',
].flatMap((setting) => ['-c', setting]);

/** The same servers from an image, where Docker is present. */
export async function startContainers(image: string): Promise<PostgresServers> {
  // The library's watchdog is one more image, and only tidies up after a run that was killed.
  process.env.TESTCONTAINERS_RYUK_DISABLED ??= 'true';
  const password = randomBytes(12).toString('hex');
  const environment = { POSTGRES_PASSWORD: password, REPLICATION_PASSWORD: randomBytes(12).toString('hex') };
  const network = await new Network().start();
  const started: StartedTestContainer[] = [];
  const stop = async () => {
    await Promise.all(started.reverse().map((container) => container.stop()));
    await network.stop();
  };
  try {
    const primary = await new GenericContainer(image)
      .withNetwork(network)
      .withNetworkAliases('primary')
      .withEnvironment(environment)
      .withCopyContentToContainer([
        { content: PRIMARY_SCRIPT, target: '/docker-entrypoint-initdb.d/replication.sh' },
      ])
      .withCommand(['postgres', ...SETTINGS])
      .withExposedPorts(5432)
      // The image starts the server twice; the first one listens on no address.
      .withWaitStrategy(Wait.forAll([READY, Wait.forLogMessage(/ready to accept connections/, 2)]))
      .start();
    started.push(primary);

    const standbys: StartedTestContainer[] = [];
    for (const name of STANDBYS) {
      const standby = await new GenericContainer(image)
        .withNetwork(network)
        .withEnvironment({ ...environment, STANDBY_NAME: name })
        .withEntrypoint(['bash', '-c', STANDBY_SCRIPT, 'standby'])
        .withCommand([...SETTINGS, '-c', `cluster_name=${name}`])
        .withExposedPorts(5432)
        .withWaitStrategy(Wait.forAll([READY, Wait.forLogMessage(/ready to accept read-only connections/)]))
        .start();
      started.push(standby);
      standbys.push(standby);
    }
    const urlOf = (container: StartedTestContainer) =>
      `postgresql://postgres:${password}@${container.getHost()}:${container.getMappedPort(5432)}/postgres`;
    return { primaryUrl: urlOf(primary), standbyUrls: standbys.map(urlOf), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
