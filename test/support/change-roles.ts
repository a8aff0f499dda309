import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import type { PostgresNode } from '../../src/demo/postgres-node.ts';
import { findServerAccount, giveTo } from '../../src/demo/server-account.ts';

/** What a standby of the test's clusters follows another by. Its slot there is made where it is missing. */
const conninfoOf = new WeakMap<PostgresNode, string>();

async function on<T>(node: PostgresNode, statement: string): Promise<T[]> {
  const client = new Client({ connectionString: node.url() });
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query(statement)).rows;
  } finally {
    await client.end();
  }
}

/** As planned: the old primary is stopped first, and sends its standbys all it has. Resolves when it takes writes. */
export async function promote(
  node: PostgresNode,
  { stopping }: { stopping?: PostgresNode } = {},
): Promise<void> {
  const [{ primary_conninfo: conninfo } = { primary_conninfo: '' }] = await on<{ primary_conninfo: string }>(
    node,
    'show primary_conninfo',
  );
  conninfoOf.set(node, conninfo);
  await stopping?.stop('fast');
  await on(node, 'select pg_promote()');
  if (stopping) conninfoOf.set(stopping, conninfo);
}

/** A standby follows another primary at once; a stopped primary, whose WAL the new one has whole, becomes a standby. */
export async function makeStandbyOf(primary: PostgresNode, node: PostgresNode): Promise<void> {
  const slot = node.name.toLowerCase();
  await on(
    primary,
    `select pg_create_physical_replication_slot('${slot}', true)
      where not exists (select from pg_replication_slots where slot_name = '${slot}')`,
  );
  const conninfo = conninfoOf.get(primary) ?? conninfoOf.get(node)!;
  node.setting('primary_conninfo', conninfo.replace(/port='\d+'/, `port='${primary.port}'`));
  node.setting('primary_slot_name', slot);
  if (node.isRunning) return node.reload();
  const signalFile = join(node.dataDir, 'standby.signal');
  await writeFile(signalFile, '');
  await giveTo(findServerAccount(), signalFile);
  await node.start();
}
