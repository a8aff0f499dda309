/**
 * Loaded into a gateway with `--import`: writes its memory, and how long its event loop was blocked, into a file, one line
 * of JSON per sample.
 */
import { appendFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

export interface MemorySample {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Bytes, as process.memoryUsage() has them. */
  readonly rss: number;
  readonly heapUsed: number;
  readonly heapTotal: number;
  readonly external: number;
  readonly arrayBuffers: number;
  /** Milliseconds that a timer was late at most, since the sample before. */
  readonly longestBlock: number;
}

const EVERY_MILLIS = 50;
/** Of the timer. */
const RESOLUTION_MILLIS = 2;

const file = process.env.MEMORY_PROBE_FILE;
if (file !== undefined) {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MILLIS });
  delays.enable();
  const sample = () => {
    const longestBlock = Math.max(0, delays.max / 1e6 - RESOLUTION_MILLIS);
    delays.reset();
    appendFileSync(file, `${JSON.stringify({ at: Date.now(), ...process.memoryUsage(), longestBlock })}\n`);
  };
  setInterval(sample, EVERY_MILLIS).unref();
}
