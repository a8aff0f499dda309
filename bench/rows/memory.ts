import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startGateway } from '../gateway.ts';
import { count, judge, type Line, type Row } from '../line.ts';
import { drawMemory, type Span } from '../memory-picture.ts';
import type { MemorySample } from '../memory-probe.ts';
import { gatewayList } from '../requests.ts';
import { type MemoryFigures, type MemoryRecording, readMemory, recordMemory } from '../resident-memory.ts';
import { SideMissingError } from '../stage.ts';
import { median } from '../statistics.ts';
import { verifyCount } from '../verify.ts';
import { type Endpoint, fetchWire } from '../wire.ts';
import { PAGE } from './pages.ts';

export const MAX_MB = 48;
/** Answered before anything counts. */
const PAGES = 20;
const QUIET_MILLIS = 2000;
const SETTLED_WITHIN_MB = 1;
const SETTLED_WITHIN_MILLIS = 30_000;
export const MEGABYTE = 1024 * 1024;

/**
 * A gateway of its own, which has answered a few pages and then rests: that is idle. Then each list, read to its end
 * by an ordinary client; the most that was resident until a moment after it counts.
 */
export const memoryRow: Row = {
  name: 'memory',
  title: 'memory of a list',
  async measure(stage) {
    if (!existsSync('/proc/self/statm'))
      throw new SideMissingError('memory is read from /proc, which only Linux has');
    const { list, longList, calls } = stage.settings.sizes;
    const memoryFile = join(stage.scratchDir, 'memory.jsonl');
    await using gateway = await startGateway({
      databaseUrl: stage.database.url,
      scratchDir: stage.scratchDir,
      memoryFile,
    });
    const fresh = readMemory(gateway.process.pid);
    await answerPages(gateway.endpoint);
    using recording = recordMemory(gateway.process.pid);
    const idle = await settledMemory(recording);
    const idleFigures = readMemory(gateway.process.pid);

    const spans: Span[] = [];
    for (const first of [list, longList, calls]) {
      const from = Date.now();
      await readList(gateway.endpoint, first);
      spans.push({ title: `${count(first)} calls`, from, to: Date.now() });
      await delay(QUIET_MILLIS);
    }
    const picture = drawMemory({
      resident: recording.samples,
      probe: probeSamples(memoryFile),
      spans,
      idle,
      max: idle + MAX_MB * MEGABYTE,
    });
    return spans.map((span, index) => {
      const within = recording.samples.filter(
        ({ at }) => at >= span.from && at <= span.to + QUIET_MILLIS / 2,
      );
      const peak = Math.max(...within.map(({ resident }) => resident));
      const proportional = Math.max(...within.map((sample) => sample.proportional ?? 0));
      const over = (peak - idle) / MEGABYTE;
      return {
        title: `memory while ${span.title} are answered`,
        target: `≤ ${MAX_MB} MB over idle`,
        measured: `${over.toFixed(1)} MB`,
        verdict: judge(over <= MAX_MB),
        notes: [
          `idle ${megabytes(idle)}, at most ${megabytes(peak)} resident; proportional set size at most ${megabytes(proportional)}`,
          ...(index === 0 ? [describe(fresh, idleFigures)] : []),
        ],
        ...(index === 0 && { picture }),
      } satisfies Line;
    });
  },
};

function describe(fresh: MemoryFigures, idle: MemoryFigures): string {
  return (
    `started and never asked: ${megabytes(fresh.resident)}; idle after a few pages: ${megabytes(idle.resident)}, of which ` +
    `${megabytes(idle.anonymous)} are not mapped from files`
  );
}

/** Not more: a young generation that grew under load would hide what a list needs. */
export async function answerPages(endpoint: Endpoint): Promise<void> {
  for (let page = 0; page < PAGES; page++) {
    await (await fetchWire(gatewayList(endpoint, { first: PAGE }))).arrayBuffer();
  }
}

/** Work that goes on after the start has ended when the memory no longer moves; the last of it is what idle means. */
export async function settledMemory({ samples }: MemoryRecording): Promise<number> {
  const deadline = Date.now() + SETTLED_WITHIN_MILLIS;
  for (;;) {
    await delay(QUIET_MILLIS);
    const last = samples.filter(({ at }) => at > Date.now() - QUIET_MILLIS).map(({ resident }) => resident);
    const isSettled = Math.max(...last) - Math.min(...last) < SETTLED_WITHIN_MB * MEGABYTE;
    if (isSettled || Date.now() > deadline) return median(last);
  }
}

function readList(endpoint: Endpoint, first: number): Promise<void> {
  return verifyCount('The gateway', gatewayList(endpoint, { first }), { mark: '{"id":"', expected: first });
}

export function probeSamples(file: string): MemorySample[] {
  return readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

const megabytes = (bytes: number): string => `${(bytes / MEGABYTE).toFixed(1)} MB`;
