import type { LoadJob, WireRequest } from './client/jobs.ts';
import type { Gateway } from './gateway.ts';
import type { Side } from './interleave.ts';
import { type Cpu, withCpu } from './measured-run.ts';
import type { Stage } from './stage.ts';
import { median } from './statistics.ts';
import { type Endpoint, fetchWire } from './wire.ts';

/** A gateway does not answer a request that a row consists of; an older one may not know it. */
export class UnansweredError extends Error {}

/** One run: milliseconds, or requests per second, and milliseconds of processor per run or per request. */
export interface WorkloadRun extends Cpu {
  readonly value: number;
}

/** What a row gives a gateway to do, so that it can be given to several in turns. */
export interface Workload {
  readonly title: string;
  readonly unit: 'ms' | 'requests/s';
  /** Throws UnansweredError. */
  prepare(gateway: Gateway): Promise<Omit<Side<WorkloadRun>, 'name'>>;
}

type MakeRequest = (endpoint: Endpoint) => WireRequest | Promise<WireRequest>;

/** One request, from its first byte to the last of its answer. */
export function readWorkload(
  stage: Stage,
  title: string,
  makeRequest: MakeRequest,
  part: 'total' | 'firstByte' = 'total',
): Workload {
  return {
    title,
    unit: 'ms',
    async prepare({ endpoint, process }) {
      const request = await makeRequest(endpoint);
      await verifyAnswered(request);
      return {
        async run() {
          const { result, ...cpu } = await withCpu(stage, process.pid, () => stage.client.read(request));
          return { value: result[part], ...cpu };
        },
      };
    },
  };
}

/** Of pages, before each of the runs that do not count: below some thousands a compiler that optimises while it runs is measured. */
const WARM_UP_ROUNDS = 1000;

/** A request that takes a millisecond or few: so many, one after the other, are one run. */
export function pageWorkload(
  stage: Stage,
  title: string,
  makeRequest: MakeRequest,
  {
    rounds = Math.ceil(stage.settings.pageRounds / 5),
    warmUpRounds = WARM_UP_ROUNDS,
  }: { readonly rounds?: number; readonly warmUpRounds?: number } = {},
): Workload {
  return {
    title,
    unit: 'ms',
    async prepare({ endpoint, process }) {
      const request = await makeRequest(endpoint);
      await verifyAnswered(request);
      return {
        warmUp: () => stage.client.alternate([request], Math.max(rounds, warmUpRounds)),
        async run() {
          const alternate = () => stage.client.alternate([request], rounds);
          const { result, ...cpu } = await withCpu(stage, process.pid, alternate);
          return { value: median(result[0]!), ...perRequest(cpu, rounds) };
        },
      };
    },
  };
}

export const CONNECTIONS = 10;
export const MAX_WARM_UP_MILLIS = 30_000;

/** As many requests as several connections get answered. */
export function loadWorkload(
  stage: Stage,
  title: string,
  makeRequests: (endpoint: Endpoint) => readonly WireRequest[],
): Workload {
  const { client, settings } = stage;
  return {
    title,
    unit: 'requests/s',
    async prepare({ endpoint, process }) {
      const requests = makeRequests(endpoint);
      await verifyAnswered(requests[0]!);
      const load = (job: Pick<LoadJob, 'milliseconds' | 'pages'>) =>
        client.load(requests, { connections: CONNECTIONS, ...job });
      return {
        warmUp: () => load({ milliseconds: MAX_WARM_UP_MILLIS, pages: settings.warmUpPages }),
        async run() {
          const { result, ...cpu } = await withCpu(stage, process.pid, () =>
            load({ milliseconds: settings.loadMilliseconds }),
          );
          return { value: result.perSecond, ...perRequest(cpu, result.requests) };
        },
      };
    },
  };
}

export function perRequest({ ownCpu, databaseCpu }: Cpu, requests: number): Cpu {
  return { ownCpu: ownCpu / requests, databaseCpu: databaseCpu / requests };
}

const ERRORS = /"errors":\[(.{0,300})/s;
const END_CHARACTERS = 1000;

/** Reads the answer once: errors stand at its beginning, or behind a list. Throws UnansweredError. */
async function verifyAnswered(request: WireRequest): Promise<void> {
  const response = await fetchWire(request);
  let begin = '';
  let end = '';
  for await (const piece of response.body!) {
    const text = Buffer.from(piece).toString('latin1');
    if (begin.length < END_CHARACTERS) begin += text.slice(0, END_CHARACTERS);
    end = `${end}${text}`.slice(-END_CHARACTERS);
  }
  if (!response.ok) throw new UnansweredError(`status ${response.status}: ${begin.slice(0, 300)}`);
  const found = ERRORS.exec(begin) ?? ERRORS.exec(end);
  if (!found) return;
  const message = /"message":("(?:[^"\\]|\\.)*")/.exec(found[1]!)?.[1];
  throw new UnansweredError(message === undefined ? found[1] : JSON.parse(message));
}
