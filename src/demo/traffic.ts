import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { callsTable } from './calls.ts';
import { copyIn } from './copy-in.ts';
import type { TrafficModel } from './traffic-model.ts';

/** A switch at work: it writes calls as they end. */
export interface Traffic {
  /** Calls written so far. */
  readonly written: number;
  /** Resolves when nothing is being written any more. */
  stop(): Promise<void>;
}

export interface TrafficOptions {
  readonly primaryUrl: string;
  readonly model: TrafficModel;
  /** Calls per second. */
  readonly rate: number;
}

const TICK_MS = 100;
/** After a pause of the process itself (a laptop's sleep) there is nothing to make up for. */
const MAX_TICK_MS = 1_000;
const RECONNECT_MS = 200;
/** A frozen server does not answer: after this its connection is broken. */
const STOP_TIMEOUT_MS = 1_000;

/** Writes until stopped, through every outage of the primary: no calls end while it is down. */
export function startTraffic({ primaryUrl, model, rate }: TrafficOptions): Traffic {
  const stopping = new AbortController();
  const { signal } = stopping;
  let client: Client | undefined;
  let written = 0;

  async function writeUntilFailure(): Promise<void> {
    client = await connect(primaryUrl);
    try {
      let owed = 0;
      for (let last = performance.now(); ; ) {
        await delay(TICK_MS, undefined, { signal });
        const now = performance.now();
        owed += (rate * Math.min(now - last, MAX_TICK_MS)) / 1000;
        last = now;
        const due = Math.floor(owed);
        if (due === 0) continue;
        owed -= due;
        await copyIn(client, `copy ${callsTable.target} from stdin`, endedJustNow(model, due));
        written += due;
      }
    } finally {
      void client.end().catch(() => {});
      client = undefined;
    }
  }

  async function work(): Promise<void> {
    while (!signal.aborted) {
      // A batch whose fate is unknown is not sent again: a call written twice would be billed twice.
      await writeUntilFailure().catch(() => {});
      await delay(RECONNECT_MS, undefined, { signal }).catch(() => {});
    }
  }

  const working = rate > 0 ? work() : Promise.resolve();
  return {
    get written() {
      return written;
    },
    async stop() {
      stopping.abort();
      const isDone = await Promise.race([
        working.then(() => true),
        delay(STOP_TIMEOUT_MS, false, { ref: false }),
      ]);
      if (isDone) return;
      destroySocket(client);
      await working;
    },
  };
}

async function connect(connectionString: string): Promise<Client> {
  const client = new Client({
    connectionString,
    connectionTimeoutMillis: 2_000,
    application_name: 'demo switch',
  });
  client.on('error', () => {}); // The next batch meets it.
  await client.connect();
  return client;
}

function destroySocket(client: Client | undefined): void {
  (client as unknown as { connection: { stream: Socket } } | undefined)?.connection.stream.destroy();
}

/** Several share a second, as on a busy switch, which writes whole seconds. */
function endedJustNow(model: TrafficModel, count: number): string[] {
  const second = Math.floor(Date.now() / 1000);
  return Array.from({ length: count }, () => callsTable.line(model.callEndingIn(second)));
}
