import type { Client } from 'pg';

/**
 * What stands between a connection and its server: nothing that keeps sessions apart from connections, a pooler that
 * lends a session for as long as the connection lives, or one that lends it for a transaction.
 */
export type Pooling = 'none' | 'session' | 'transaction';

/** Settings and prepared statements are a session's. Where it changes with each transaction, none can be relied on. */
export const TRANSACTION_POOLING =
  'It is reached through a pooler that lends a session for one transaction, where neither read-only mode nor time ' +
  'limits hold: set pool_mode = session there, or connect to the server itself.';

/** A watched server is behind a pooler of transactions. */
export class TransactionPoolingError extends Error {
  readonly code = 'TRANSACTION_POOLING';
  constructor() {
    super(TRANSACTION_POOLING);
  }
}

/** Rounds in which two connections are compared: others take sessions in between, which may hide that ours are shared. */
const ROUNDS = 5;

/** The process that serves the connection now. */
export async function backendPidOf(client: Client): Promise<number> {
  const { rows } = await client.query<{ pid: number | string }>(
    'select /* backendPid */ pg_backend_pid() as pid',
  );
  return Number(rows[0]!.pid);
}

/** Whether this process is the one that the connection was told of when it was made. A pooler tells of none of its own. */
export function isServedDirectly(client: Client, backendPid: number): boolean {
  return (client as unknown as { readonly processID: number }).processID === backendPid;
}

/**
 * Whether two connections that are both open are served by one session, or one of them by two: only a pooler of
 * transactions does that. False is no proof of the contrary where others use the pooler.
 */
export async function shareSessions(one: Client, other: Client): Promise<boolean> {
  const first = [await backendPidOf(one), await backendPidOf(other)] as const;
  if (first[0] === first[1]) return true;
  for (let round = 1; round < ROUNDS; round++) {
    if ((await backendPidOf(one)) !== first[0] || (await backendPidOf(other)) !== first[1]) return true;
  }
  return false;
}

/** See Pooling. The second connection is made only behind a pooler, and is left open. */
export async function findPooling(client: Client, connect: () => Promise<Client>): Promise<Pooling> {
  if (isServedDirectly(client, await backendPidOf(client))) return 'none';
  return (await shareSessions(client, await connect())) ? 'transaction' : 'session';
}
