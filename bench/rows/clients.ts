import { Chrome } from '../client/chrome.ts';
import type { Exchange } from '../client/connection.ts';
import type { WireRequest } from '../client/jobs.ts';
import { readWithCurl } from '../client/with-curl.ts';
import { type Gateway, startGateway } from '../gateway.ts';
import { interleave, type Side } from '../interleave.ts';
import { computeRatio, count, judge, type Line, type Row, shortMillis, times } from '../line.ts';
import { type MeasuredRun, withCpu } from '../measured-run.ts';
import { gatewayList } from '../requests.ts';
import { openSlowLine } from '../slow-line.ts';
import { SideMissingError, type Stage } from '../stage.ts';
import { median } from '../statistics.ts';
import type { Endpoint } from '../wire.ts';
import { COPY, copySide, missing, orMissing, withFilter } from './list-sides.ts';
import { describeRuns, listOfAccount, totals } from './lists.ts';

const COPY_TARGET = 1.15;

/** Each client asks as it does by itself, and its time ends with the last byte decoded. */
export const clientsRow: Row = {
  name: 'clients',
  title: 'a list as clients ask for it by themselves',
  async measure(stage) {
    const list = listOfAccount(stage);
    const gateway = await stage.gateway();
    const request = gatewayList(gateway.endpoint, withFilter(list));
    const chrome = await Chrome.open(gateway.endpoint.port);
    try {
      const clients: Readonly<Record<string, (() => Promise<Exchange>) | undefined>> = {
        fetch: () => stage.client.fetch(request),
        'curl --compressed': () => readWithCurl(request),
        Chrome: chrome && (() => chrome.read(request)),
      };
      const sides = [copySide(stage, list)];
      for (const [name, read] of Object.entries(clients)) {
        const side = read && (await orMissing(() => clientSide(stage, gateway, name, read)));
        if (side && !(side instanceof SideMissingError)) sides.push(side);
      }
      const runs = await interleave(sides, { repeats: stage.settings.repeats, warmups: 1 });
      return Object.keys(clients).map((name) => lineOf(name, list.first, runs));
    } finally {
      await chrome?.close();
    }
  },
};

const copyTarget = `≤ ${COPY_TARGET}× COPY of the same select`;

function lineOf(name: string, first: number, runs: ReadonlyMap<string, readonly MeasuredRun[]>): Line {
  const title = `${count(first)} calls of the busiest account, by ${name}`;
  if (!runs.has(name)) return missing(title, copyTarget, new SideMissingError(`${name} is not installed`));
  const { ratio, spread } = computeRatio(totals(runs, name), totals(runs, COPY));
  const both = new Map([...runs].filter(([each]) => each === name || each === COPY));
  return {
    title,
    target: copyTarget,
    measured: times(ratio),
    verdict: judge(ratio <= COPY_TARGET),
    notes: [...describeRuns(both), spread],
  };
}

/** Throws SideMissingError where the client cannot be run. */
async function clientSide(
  stage: Stage,
  { process }: Gateway,
  name: string,
  read: () => Promise<Exchange>,
): Promise<Side<MeasuredRun>> {
  try {
    await read();
  } catch (error) {
    throw new SideMissingError(`${name}: ${(error as Error).message}`);
  }
  return { name, run: () => measured(stage, process.pid, read) };
}

async function measured(stage: Stage, pid: number, read: () => Promise<Exchange>): Promise<MeasuredRun> {
  const { result, ...cpu } = await withCpu(stage, pid, read);
  return { ...cpu, total: result.total, firstByte: result.firstByte, bytes: result.bytes };
}

/** With everything compressed, as by gateways that do not look at the client. */
async function compressingGateway(stage: Stage): Promise<Gateway> {
  return startGateway({
    databaseUrl: stage.database.url,
    scratchDir: stage.scratchDir,
    settings: { COMPRESSION: 'always' },
  });
}

const listIn = (stage: Stage, endpoint: Endpoint, acceptEncoding: string): WireRequest =>
  gatewayList(endpoint, { ...withFilter(listOfAccount(stage)), acceptEncoding });

const LINE_BYTES_PER_SECOND = 20_000_000 / 8;
const LINE_TARGET = 1.1;
const MAX_LINE_REPEATS = 3;

/** What browsers and curl accept, and what `fetch` does. */
const accepted = { 'zstd and all': 'gzip, deflate, br, zstd', 'gzip alone': 'gzip, deflate' } as const;

/** The same list at 20 Mbit/s, beside a gateway that compresses for everybody. */
export const slowLineRow: Row = {
  name: 'slow-line',
  title: 'a list over a slow line',
  async measure(stage) {
    const gateway = await stage.gateway();
    await using always = await compressingGateway(stage);
    await using line = await openSlowLine(gateway.endpoint.port, LINE_BYTES_PER_SECOND);
    await using lineOfAlways = await openSlowLine(always.endpoint.port, LINE_BYTES_PER_SECOND);
    const lines: Line[] = [];
    for (const [name, acceptEncoding] of Object.entries(accepted)) {
      const sideOf = (side: string, { process, endpoint }: Gateway, port: number): Side<MeasuredRun> => {
        const request = listIn(stage, { ...endpoint, port }, acceptEncoding);
        return { name: side, run: () => measured(stage, process.pid, () => stage.client.read(request)) };
      };
      const sides = [
        sideOf('by the client', gateway, line.port),
        sideOf('COMPRESSION=always', always, lineOfAlways.port),
      ];
      const repeats = Math.min(stage.settings.repeats, MAX_LINE_REPEATS);
      const runs = await interleave(sides, { repeats, warmups: 1 });
      const [own, reference] = sides.map((side) => totals(runs, side.name)) as [number[], number[]];
      const { ratio, spread } = computeRatio(own, reference);
      lines.push({
        title: `${count(listOfAccount(stage).first)} calls at 20 Mbit/s, accepting ${name}`,
        target: `≤ ${LINE_TARGET}× all of it compressed`,
        measured: times(ratio),
        verdict: judge(ratio <= LINE_TARGET),
        notes: [...describeRuns(runs), spread],
      });
    }
    return lines;
  },
};

const MAX_ADDED_MILLIS = 60;
const PLAIN = 'plain';

/** What compressing costs the gateway. */
export const compressionRow: Row = {
  name: 'compression',
  title: 'processor of compression',
  async measure(stage) {
    await using gateway = await compressingGateway(stage);
    const { first } = listOfAccount(stage);
    const sides = [PLAIN, 'zstd', 'br', 'gzip'].map((name): Side<MeasuredRun> => {
      const request = listIn(stage, gateway.endpoint, name === PLAIN ? 'identity' : name);
      return { name, run: () => measured(stage, gateway.process.pid, () => stage.client.read(request)) };
    });
    const runs = await interleave(sides, { repeats: stage.settings.repeats, warmups: 2 });
    const cpuOf = (name: string) => median(runs.get(name)!.map(({ ownCpu }) => ownCpu));
    return sides.slice(1).map(({ name }) => {
      const added = ((cpuOf(name) - cpuOf(PLAIN)) * 100_000) / first;
      const both = new Map([...runs].filter(([each]) => each === name || each === PLAIN));
      return {
        title: `${count(first)} calls in ${name}, added processor per 100,000`,
        target: `≤ ${MAX_ADDED_MILLIS} ms`,
        measured: `${shortMillis(added)} ms`,
        verdict: judge(added <= MAX_ADDED_MILLIS),
        notes: describeRuns(both),
      };
    });
  },
};
