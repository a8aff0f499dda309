import type { ReplicaState } from './states.ts';

/** Seconds for people: `0.4 s`, `12 s`, `3 min`, `5.2 h`. */
export function describeSeconds(seconds: number): string {
  if (seconds < 10) return `${Number(seconds.toFixed(1))} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return `${Number((seconds / 3600).toFixed(1))} h`;
}

/** Bytes for people: `812 bytes`, `1.4 MB`. */
export function describeBytes(bytes: bigint): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  let value = Number(bytes);
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : Number(value.toPrecision(3))} ${units[unit]}`;
}

/** A standby in one line for people. Names no host, since every client may see it. */
export function describeState(name: string, state: ReplicaState): string {
  return `${name}: ${state}`;
}
