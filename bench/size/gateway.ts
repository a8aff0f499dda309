import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { readMemory } from '../resident-memory.ts';

/** Bytes. */
export interface GatewayFigures {
  readonly idleBytes: number;
  /** The most it had while pages, statistics and a list of 100,000 calls were read. */
  readonly peakBytes: number;
  /** Of one of its connections, in the standby: what it shares with no other process. */
  readonly connectionBytes: number;
}

const TOKEN = 'token-of-a-measurement';
const PAGES = 200;
const page =
  '{ cdrs(first: 50) { nodes { id connectTime cli cld durationSeconds } pageInfo { endCursor } } }';
const list = '{ cdrs(first: 100000) { nodes { id connectTime cli cld durationSeconds } } }';
const statistics = '{ cdrStats(groupBy: [HOUR]) { rows { bucket attempts asr minutes } } }';

/** Starts a gateway over the standby, reads from it, and ends it. */
export async function measureGateway(url: string): Promise<GatewayFigures> {
  const env = {
    PATH: process.env.PATH,
    REPLICA_URLS: url,
    ADMIN_TOKEN: TOKEN,
    API_PORT: '0',
    MAX_PAGE_SIZE: '100000',
  };
  const gateway = spawn(process.execPath, ['src/cli.ts', 'serve'], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ready = Promise.withResolvers<number>();
  createInterface({ input: gateway.stdout }).on('line', (line) => {
    const entry = JSON.parse(line) as { msg: string; port: number };
    if (entry.msg === 'ready') ready.resolve(entry.port);
  });
  gateway.once('close', () => ready.reject(new Error('The gateway ended.')));
  try {
    const port = await ready.promise;
    const idleBytes = readMemory(gateway.pid!).resident;
    const read = async (query: string) => {
      const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${TOKEN}` },
        body: JSON.stringify({ query }),
      });
      const text = await response.text();
      if (!response.ok || text.includes('"errors"'))
        throw new Error(`The gateway answered ${text.slice(0, 500)}`);
    };
    for (let each = 0; each < PAGES; each++) await read(page);
    for (const query of [statistics, list]) await read(query);
    return { idleBytes, peakBytes: readMemory(gateway.pid!).peak, connectionBytes: readConnections() };
  } finally {
    gateway.kill('SIGTERM');
    if (gateway.exitCode === null) await once(gateway, 'close');
  }
}

/** The mean of the backends of the role `gateway`. */
function readConnections(): number {
  const lines = execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' }).split('\n');
  const pids = lines.flatMap((line) => /^\s*(\d+) postgres: standby: gateway calls /.exec(line)?.[1] ?? []);
  const own = pids.map((pid) => {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
    const kilobytes = [...rollup.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+) kB/gm)].map((found) =>
      Number(found[1]),
    );
    return 1024 * kilobytes.reduce((sum, value) => sum + value, 0);
  });
  return own.reduce((sum, value) => sum + value, 0) / own.length;
}
