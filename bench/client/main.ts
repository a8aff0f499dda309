/**
 * The measuring process: it does the jobs that its parent sends over IPC, and answers with numbers. A process of its own, so
 * that a garbage collection or a sampling timer of the harness never falls into a measurement.
 */
import { quantile } from '../statistics.ts';
import { Connection, type Exchange } from './connection.ts';
import type { AlternateJob, Job, LoadJob, LoadResult, WireRequest } from './jobs.ts';
import { readWithFetch } from './with-fetch.ts';

const connections = new Map<number, Connection>();
let isStopped = false;

process.on('message', async ({ id, order: job }: { id: number; order: Job }) => {
  if (job.kind === 'stop') {
    isStopped = true;
    return;
  }
  try {
    process.send!({ id, result: await run(job) });
  } catch (error) {
    process.send!({ id, error: (error as Error).message });
  }
});
process.on('disconnect', () => process.exit());

function run(job: Exclude<Job, { kind: 'stop' }>): Promise<unknown> {
  if (job.kind === 'read') return exchange(job.request, toBuffer(job.request));
  if (job.kind === 'fetch') return readWithFetch(job.request).then(answered);
  if (job.kind === 'alternate') return alternate(job);
  return load(job);
}

/** Over the kept-alive connection to that port, or a new one that is there before the time begins. */
async function exchange({ port }: WireRequest, request: Buffer): Promise<Exchange> {
  const known = connections.get(port);
  const connection = known?.isOpen ? known : await Connection.open(port);
  connections.set(port, connection);
  try {
    return answered(await connection.exchange(request));
  } catch (error) {
    connections.delete(port);
    connection.close();
    throw error;
  }
}

async function alternate({ requests, rounds }: AlternateJob): Promise<number[][]> {
  const buffers = requests.map(toBuffer);
  const latencies: number[][] = requests.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [index, request] of requests.entries()) {
      latencies[index]!.push((await exchange(request, buffers[index]!)).total);
    }
  }
  return latencies;
}

async function load({
  requests,
  connections: count,
  milliseconds,
  pages = Infinity,
}: LoadJob): Promise<LoadResult> {
  const buffers = requests.map(toBuffer);
  const { port } = requests[0]!;
  const opened = await Promise.all(Array.from({ length: count }, () => Connection.open(port)));
  const latencies: number[] = [];
  let next = 0;
  isStopped = false;
  const startedAt = performance.now();
  const deadline = startedAt + milliseconds;
  await Promise.all(
    opened.map(async (connection) => {
      while (!isStopped && next < pages && performance.now() < deadline) {
        const { total } = answered(await connection.exchange(buffers[next++ % buffers.length]!));
        latencies.push(total);
      }
    }),
  );
  const seconds = (performance.now() - startedAt) / 1000;
  for (const connection of opened) connection.close();
  return {
    requests: latencies.length,
    perSecond: latencies.length / seconds,
    median: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
  };
}

function answered(exchange: Exchange): Exchange {
  if (exchange.status !== 200 && exchange.status !== 304)
    throw new Error(`The server answered with status ${exchange.status}.`);
  return exchange;
}

function toBuffer({ text }: WireRequest): Buffer {
  return Buffer.from(text, 'latin1');
}
