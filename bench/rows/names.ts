import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fields } from '../calls.ts';
import { type Gateway, PROJECT, startGateway } from '../gateway.ts';
import { interleave } from '../interleave.ts';
import { computeRatio, count, judge, type Line, type Row, shortMillis, times } from '../line.ts';
import { type MeasuredRun, runRequest } from '../measured-run.ts';
import { gatewayList } from '../requests.ts';
import { recordMemory } from '../resident-memory.ts';
import type { Stage } from '../stage.ts';
import { median } from '../statistics.ts';
import { verifyCount } from '../verify.ts';
import type { Endpoint } from '../wire.ts';
import { readWorkload } from '../workload.ts';
import { describeRuns, totals } from './lists.ts';
import { answerPages, MAX_MB, MEGABYTE, probeSamples, settledMemory } from './memory.ts';

const TARGET = 1.3;
const MAX_BLOCK_MILLIS = 50;
/** Of which the median counts: whatever else the machine does makes a timer late too. */
const BLOCK_ROUNDS = 5;

const objects = {
  account: 'account { username }',
  customer: 'customer { name }',
  carrier: 'carrier { blockHolder country lineKind }',
} as const;

/** What is in the answer once for each call, and what else. */
const formats = {
  JSON: { accept: undefined, mark: '{"id":"', headers: 0 },
  CSV: { accept: 'text/csv', mark: '\r\n', headers: 1 },
  NDJSON: { accept: 'application/x-ndjson', mark: '{"id":"', headers: 0 },
} as const;
type Format = keyof typeof formats;

const WITHOUT = 'without';
const ALL = 'account, customer and carrier';
const selections: Readonly<Record<string, string>> = {
  [WITHOUT]: '',
  [ALL]: Object.values(objects).join(' '),
  ...Object.fromEntries(Object.entries(objects).map(([name, selection]) => [`${name} alone`, selection])),
};

/** What the names that a list refers to cost: all of them together, and each. */
export const namesRow: Row = {
  name: 'names',
  title: 'a list with names in it',
  workloads(stage) {
    // Earlier gateways do not stream it, and take ten seconds for the whole list.
    const first = Math.ceil(stage.settings.sizes.list / 10);
    return [
      readWorkload(stage, `${count(first)} calls with ${ALL}`, (endpoint) => namesList(endpoint, first, ALL)),
    ];
  },
  async measure(stage) {
    const memoryFile = join(stage.scratchDir, 'names.jsonl');
    await using gateway = await startGateway({
      databaseUrl: stage.database.url,
      scratchDir: stage.scratchDir,
      memoryFile,
      // The demo's blocks, so that carriers have holders.
      settings: {
        NUMBERING_PLAN: join(PROJECT, 'src/demo/numbering-plan.sample.csv'),
        NUMBERING_OPERATORS: join(PROJECT, 'src/demo/numbering-operators.sample.csv'),
      },
    });
    await answerPages(gateway.endpoint);
    const lines = existsSync('/proc/self/statm') ? [await measureMemory(stage, gateway)] : [];
    for (const format of Object.keys(formats) as Format[]) {
      lines.push(...(await measureTime(stage, gateway, format)));
    }
    return [...lines, await measureBlocks(stage, gateway, memoryFile)];
  },
};

function namesList(endpoint: Endpoint, first: number, which: string, format: Format = 'JSON') {
  const { accept } = formats[format];
  return gatewayList(endpoint, {
    first,
    ...(accept !== undefined && { accept }),
    selection: `nodes { ${Object.keys(fields).join(' ')} ${selections[which]} }`,
  });
}

async function measureTime(stage: Stage, gateway: Gateway, format: Format): Promise<Line[]> {
  const { list } = stage.settings.sizes;
  const { mark, headers } = formats[format];
  const names = Object.keys(selections);
  const sides = [];
  for (const name of names) {
    const request = namesList(gateway.endpoint, list, name, format);
    await verifyCount('The gateway', request, { mark, expected: list + headers });
    sides.push({ name, run: () => runRequest(stage, gateway.process.pid, request) });
  }
  const runs = await interleave(sides, { repeats: stage.settings.repeats, warmups: 2 });
  return names.slice(1).map((name) => buildLine(name, `${count(list)} calls as ${format}`, runs));
}

function buildLine(name: string, list: string, runs: ReadonlyMap<string, readonly MeasuredRun[]>): Line {
  const { ratio, spread } = computeRatio(totals(runs, name), totals(runs, WITHOUT));
  const processor = computeRatio(ownCpus(runs, name), ownCpus(runs, WITHOUT)).ratio;
  const target = name === ALL ? `≤ ${TARGET}× the time of the same without` : '';
  const both = new Map([...runs].filter(([each]) => each === name || each === WITHOUT));
  return {
    title: `${list} with ${name}`,
    target,
    measured: `${times(ratio)} the time, ${times(processor)} the gateway's own processor time`,
    verdict: target === '' ? '' : judge(ratio <= TARGET),
    notes: [...describeRuns(both), spread],
  };
}

const ownCpus = (runs: ReadonlyMap<string, readonly MeasuredRun[]>, name: string): number[] =>
  runs.get(name)!.map(({ ownCpu }) => ownCpu);

async function measureMemory(stage: Stage, { endpoint, process }: Gateway): Promise<Line> {
  const { longList } = stage.settings.sizes;
  using recording = recordMemory(process.pid);
  const idle = await settledMemory(recording);
  const from = Date.now();
  await verifyCount('The gateway', namesList(endpoint, longList, ALL), {
    mark: '{"id":"',
    expected: longList,
  });
  const within = recording.samples.filter(({ at }) => at >= from);
  const peak = Math.max(...within.map(({ resident }) => resident));
  const over = (peak - idle) / MEGABYTE;
  return {
    title: `memory while ${count(longList)} calls with ${ALL} are answered`,
    target: `≤ ${MAX_MB} MB over idle`,
    measured: `${over.toFixed(1)} MB`,
    verdict: judge(over <= MAX_MB),
    notes: [`idle ${Math.round(idle / MEGABYTE)} MB, at most ${Math.round(peak / MEGABYTE)} MB resident`],
  };
}

async function measureBlocks(stage: Stage, { endpoint }: Gateway, memoryFile: string): Promise<Line> {
  const { list } = stage.settings.sizes;
  const longest: number[] = [];
  for (let round = 0; round < BLOCK_ROUNDS; round++) {
    const from = Date.now();
    await stage.client.read(namesList(endpoint, list, ALL));
    const within = probeSamples(memoryFile).filter(({ at }) => at >= from);
    longest.push(Math.max(...within.map(({ longestBlock }) => longestBlock)));
  }
  const usual = median(longest);
  return {
    title: 'the event loop meanwhile, blocked at most',
    target: `≤ ${MAX_BLOCK_MILLIS} ms`,
    measured: `${shortMillis(usual)} ms`,
    verdict: judge(usual <= MAX_BLOCK_MILLIS),
    notes: [`of ${BLOCK_ROUNDS} lists ${longest.map(shortMillis).join(', ')} ms; the median counts`],
  };
}
