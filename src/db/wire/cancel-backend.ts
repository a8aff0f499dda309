import type { Socket } from 'node:net';
import pg, { type PoolClient } from 'pg';
import type { WireClient } from './row-tap.ts';

/** A server that does not answer has nothing left that a cancellation could hit. */
const CANCEL_TIMEOUT_MS = 2000;

/**
 * Asks PostgreSQL to stop what the client runs, over a connection of its own, as the protocol has it: so it works
 * through a pooler too. Resolves when PostgreSQL has done so: it says nothing, and closes.
 */
export function cancelBackend(client: PoolClient): Promise<void> {
  const { host, port, processID, secretKey } = client as unknown as WireClient;
  const connection = new pg.Connection() as unknown as CancelConnection;
  const { promise, resolve } = Promise.withResolvers<void>();
  // The statement may have ended, or the server be gone: then there is nothing left to cancel.
  connection.on('error', () => {});
  connection.on('connect', () => {
    connection.cancel(processID, secretKey);
    connection.stream.end();
  });
  connection.stream.once('close', () => resolve());
  connection.stream.setTimeout(CANCEL_TIMEOUT_MS, () => connection.stream.destroy());
  if (host.startsWith('/')) connection.connect(`${host}/.s.PGSQL.${port}`);
  else connection.connect(port, host);
  return promise;
}

interface CancelConnection {
  readonly stream: Socket;
  on(event: 'connect' | 'error', listener: () => void): void;
  connect(port: number | string, host?: string): void;
  cancel(processID: number, secretKey: number): void;
}
