import { readFileSync } from 'node:fs';

/** Bytes. */
export interface MemoryFigures {
  readonly resident: number;
  /** The part of it that no file stands behind: heaps and buffers, not programs. */
  readonly anonymous: number;
  /** The most that was resident since the start. */
  readonly peak: number;
}

export interface ResidentSample {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly resident: number;
  /** Pages shared with other processes in proportion; looked at less often, because it costs more. */
  readonly proportional: number | undefined;
}

export interface MemoryRecording extends Disposable {
  /** Grows until disposed. */
  readonly samples: readonly ResidentSample[];
}

const EVERY_MILLIS = 25;
const PROPORTIONAL_EVERY = 20;

/** What the kernel says of another process, again and again. */
export function recordMemory(pid: number): MemoryRecording {
  const samples: ResidentSample[] = [];
  const sample = () => {
    const proportional = samples.length % PROPORTIONAL_EVERY === 0 ? readProportional(pid) : undefined;
    samples.push({ at: Date.now(), resident: readMemory(pid).resident, proportional });
  };
  sample();
  const timer = setInterval(sample, EVERY_MILLIS);
  return { samples, [Symbol.dispose]: () => clearInterval(timer) };
}

export function readMemory(pid: number): MemoryFigures {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const figure = (name: string) => 1024 * Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]);
  return { resident: figure('VmRSS'), anonymous: figure('RssAnon'), peak: figure('VmHWM') };
}

function readProportional(pid: number): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
  return 1024 * Number(/^Pss:\s+(\d+) kB/m.exec(rollup)?.[1]);
}
