/** Loaded into a gateway with `--import`: writes its memory into a file, one line of JSON per sample. */
import { appendFileSync } from 'node:fs';

export interface MemorySample {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Bytes, as process.memoryUsage() has them. */
  readonly rss: number;
  readonly heapUsed: number;
  readonly heapTotal: number;
  readonly external: number;
  readonly arrayBuffers: number;
}

const EVERY_MILLIS = 50;

const file = process.env.MEMORY_PROBE_FILE;
if (file !== undefined) {
  const sample = () =>
    appendFileSync(file, `${JSON.stringify({ at: Date.now(), ...process.memoryUsage() })}\n`);
  setInterval(sample, EVERY_MILLIS).unref();
}
