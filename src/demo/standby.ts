import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { takeBaseBackup } from './base-backup.ts';
import { DemoError } from './demo-error.ts';
import { PostgresNode } from './postgres-node.ts';
import { giveTo, type ServerAccount } from './server-account.ts';

const STREAMING_TIMEOUT_MS = 30_000;
const POLL_MS = 10;

/** Where a standby gets its WAL. */
export type Upstream = PostgresNode | { readonly host: string; readonly port: number };

export interface StartStandbyOptions {
  /** The new node: its data directory does not exist yet. */
  readonly node: PostgresNode;
  readonly primary: PostgresNode;
  readonly upstream: Upstream;
  /** A libpq password file with the replication role's password. */
  readonly passFile: string;
  readonly account: ServerAccount;
  readonly signal?: AbortSignal;
}

/** The role every standby streams as. */
export const REPLICATION_ROLE = 'replicator';

/** Clones the primary while it works and starts the clone as a hot standby. Resolves when it streams. */
export async function startStandby({
  node,
  primary,
  upstream,
  passFile,
  account,
  signal,
}: StartStandbyOptions): Promise<void> {
  const slot = node.name.toLowerCase().replace(/[^a-z0-9_]/g, '_');
  const isNode = upstream instanceof PostgresNode;
  // Before the backup begins: the slot must hold the WAL that the clone needs first.
  await createSlot(isNode ? upstream : primary, slot);
  const isCascade = isNode && (await isStandby(upstream));
  const source = isNode && !isCascade ? upstream : primary;
  await takeBaseBackup(source, node.dataDir, account, signal);

  const signalFile = join(node.dataDir, 'standby.signal');
  await writeFile(signalFile, '');
  await giveTo(account, signalFile);
  const { host, port } = isNode ? { host: '127.0.0.1', port: upstream.port } : upstream;
  node.setting('primary_slot_name', slot);
  node.setting(
    'primary_conninfo',
    conninfo({
      host,
      port: String(port),
      user: REPLICATION_ROLE,
      passfile: passFile,
      application_name: node.name,
      connect_timeout: '5',
      // So that whoever watches this standby knows that a primary tells it how far the WAL goes.
      ...(!isCascade && { target_session_attrs: 'primary' }),
    }),
  );
  await node.start();
  await streaming(node);
}

function conninfo(parts: Readonly<Record<string, string>>): string {
  const quote = (value: string) => `'${value.replace(/['\\]/g, '\\$&')}'`;
  return Object.entries(parts)
    .map(([key, value]) => `${key}=${quote(value)}`)
    .join(' ');
}

async function createSlot(upstream: PostgresNode, slot: string): Promise<void> {
  await withClient(upstream, (client) =>
    client.query('select pg_create_physical_replication_slot($1, true)', [slot]),
  );
}

async function isStandby(node: PostgresNode): Promise<boolean> {
  const { rows } = await withClient(node, (client) => client.query('select pg_is_in_recovery() as standby'));
  return rows[0].standby;
}

async function streaming(node: PostgresNode): Promise<void> {
  await withClient(node, async (client) => {
    const deadline = Date.now() + STREAMING_TIMEOUT_MS;
    for (;;) {
      const { rows } = await client.query('select status from pg_stat_wal_receiver');
      if (rows[0]?.status === 'streaming') return;
      if (Date.now() > deadline)
        throw new DemoError(`${node.name} did not begin to stream; its log: ${node.logFile}`);
      await delay(POLL_MS);
    }
  });
}

async function withClient<T>(node: PostgresNode, use: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: node.url() });
  client.on('error', () => {});
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}
