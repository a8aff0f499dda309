import { Client } from 'pg';
import { accountsTable, customersTable } from './accounts.ts';
import { callsTable } from './calls.ts';
import { copyIn } from './copy-in.ts';
import type { TrafficModel } from './traffic-model.ts';

export interface LoadOptions {
  readonly count: number;
  readonly now: Date;
  /** Called now and then with the number of calls sent so far. */
  readonly onProgress?: (sent: number) => void;
  readonly signal?: AbortSignal | undefined;
}

const PROGRESS_EVERY = 10_000;

/** Fills the empty tables of a migrated database, all in one transaction: customers, their accounts, their calls. */
export async function loadCalls(
  primaryUrl: string,
  model: TrafficModel,
  options: LoadOptions,
): Promise<void> {
  const client = new Client({ connectionString: primaryUrl });
  client.on('error', () => {}); // The statement under way reports it.
  await client.connect();
  try {
    await client.query('begin');
    await client.query('truncate xdrs, accounts, customers');
    // Frozen at once, which a table emptied in the same transaction allows: no later vacuum writes it all again.
    const fill = (target: string, lines: Iterable<string>) =>
      copyIn(client, `copy ${target} from stdin (freeze)`, lines);
    await fill(customersTable.target, model.customers.map(customersTable.line));
    await fill(accountsTable.target, model.accounts.map(accountsTable.line));
    await fill(callsTable.target, callLines(model, options));
    await client.query('commit');
  } finally {
    await client.end();
  }
}

function* callLines(model: TrafficModel, { count, now, onProgress, signal }: LoadOptions): Generator<string> {
  let sent = 0;
  for (const call of model.history({ count, now })) {
    yield callsTable.line(call);
    if (++sent % PROGRESS_EVERY === 0) {
      signal?.throwIfAborted();
      onProgress?.(sent);
    }
  }
  onProgress?.(sent);
}
