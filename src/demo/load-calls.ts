import { Client } from 'pg';
import { copyIn } from './copy-in.ts';
import { ACCOUNTS, accountLine, CUSTOMERS, copyLine, customerLine, XDRS } from './copy-lines.ts';
import type { TrafficModel } from './traffic-model.ts';

export interface LoadOptions {
  readonly count: number;
  readonly now: Date;
  /** Told now and then how many calls have been sent. */
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
    await copyIn(client, `copy ${CUSTOMERS} from stdin (freeze)`, model.customers.map(customerLine));
    await copyIn(client, `copy ${ACCOUNTS} from stdin (freeze)`, model.accounts.map(accountLine));
    await copyIn(client, `copy ${XDRS} from stdin (freeze)`, callLines(model, options));
    await client.query('commit');
  } finally {
    await client.end();
  }
}

function* callLines(model: TrafficModel, { count, now, onProgress, signal }: LoadOptions): Generator<string> {
  let sent = 0;
  for (const call of model.history({ count, now })) {
    yield copyLine(call);
    if (++sent % PROGRESS_EVERY === 0) {
      signal?.throwIfAborted();
      onProgress?.(sent);
    }
  }
  onProgress?.(sent);
}
