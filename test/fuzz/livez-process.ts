import { fork } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { Agent, createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * The process that asks a gateway whether it lives, by the clock, every few milliseconds. At the same moments it asks a
 * process that does nothing but answer: so long the machine takes for it just then. And the kernel says how long the
 * gateway's threads, and this one, were ready to run and had to wait for a processor.
 */

export interface ToLivez {
  readonly url: string;
  readonly pid: number;
}

export interface LivezReport {
  readonly probes: number;
  /** The longest answer by the clock, in milliseconds. */
  readonly longestMillis: number;
  /** The longest without what the machine took. */
  readonly longestOwnMillis: number;
}

const PROBE_MS = 20;
const MAX_PROBE_MS = 20_000;

if (process.argv[2] === 'answer') answer();
else probeUntilTold();

function answer(): void {
  const server = createServer((_, response) => response.end('{"status":"pass"}'));
  server.listen(0, '127.0.0.1', () => process.send!((server.address() as AddressInfo).port));
  process.on('disconnect', () => process.exit());
}

function probeUntilTold(): void {
  const other = fork(import.meta.filename, ['answer'], { stdio: 'ignore' });
  const otherUrl = new Promise<string>((resolve) => {
    other.on('message', (port) => resolve(`http://127.0.0.1:${port}/livez`));
  });
  let running: { readonly stop: AbortController; readonly report: Promise<LivezReport> } | undefined;
  process.on('message', (message: ToLivez | 'stop') => {
    if (message === 'stop') {
      running?.stop.abort();
      running?.report.then(
        (report) => process.send!(report),
        (error: unknown) => process.send!({ error: String(error) }),
      );
    } else {
      const stop = new AbortController();
      running = { stop, report: otherUrl.then((url) => probe(message, url, stop.signal)) };
      running.report.catch(() => {}); // It is told when it is stopped.
    }
  });
  process.on('disconnect', () => {
    other.kill();
    process.exit();
  });
}

async function probe({ url, pid }: ToLivez, otherUrl: string, stop: AbortSignal): Promise<LivezReport> {
  const agents = [url, otherUrl].map(() => new Agent({ keepAlive: true, maxSockets: 1 }));
  const livez = new URL('/livez', url).href;
  let [probes, longestMillis, longestOwnMillis] = [0, 0, 0];
  try {
    for (; !stop.aborted; probes++) {
      const waitedBefore = waited(pid) + waited('self');
      const [millis, otherMillis] = await Promise.all([
        timed(livez, agents[0]!),
        timed(otherUrl, agents[1]!),
      ]);
      const own = millis - otherMillis - (waited(pid) + waited('self') - waitedBefore);
      longestMillis = Math.max(longestMillis, millis);
      longestOwnMillis = Math.max(longestOwnMillis, own);
      await delay(PROBE_MS, undefined, { signal: stop }).catch(() => {});
    }
  } finally {
    for (const agent of agents) agent.destroy();
  }
  return { probes, longestMillis, longestOwnMillis };
}

function timed(url: string, agent: Agent): Promise<number> {
  const since = performance.now();
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const request = get(url, { agent, signal: AbortSignal.timeout(MAX_PROBE_MS) }, (response) => {
    response.resume();
    response.on('end', () => resolve(performance.now() - since));
    response.on('error', reject);
  });
  request.on('error', (cause) => reject(new Error(`${url} does not answer`, { cause })));
  return promise;
}

/** How long the threads of a process have waited for a processor since they began, in milliseconds; 0 if nothing tells. */
function waited(pid: number | 'self'): number {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    const waits = threads.map(
      (thread) => readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ')[1],
    );
    return waits.reduce((sum, nanoseconds) => sum + Number(nanoseconds), 0) / 1e6;
  } catch {
    return 0;
  }
}
