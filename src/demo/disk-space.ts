import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DemoError } from './demo-error.ts';

/** Measured: a call with its share of every index. */
const BYTES_PER_CALL = 480;
/** An empty server with the WAL it writes while it works. */
const BYTES_PER_SERVER = 250_000_000;

/** Throws a DemoError when the calls cannot fit: better now than in the middle of the load. */
export async function requireDiskSpace(place: string, servers: number, calls: number): Promise<void> {
  const needed = servers * (BYTES_PER_SERVER + calls * BYTES_PER_CALL);
  const { bavail, bsize } = await statfs(await nearestExisting(place));
  const free = bavail * bsize;
  if (free >= needed) return;
  throw new DemoError(
    `Not enough disk space in ${place}: ${calls} calls on ${servers} servers need about ${gigabytes(needed)}, and ${gigabytes(free)} is free.`,
  );
}

/** One sentence in place of an error that means, at any depth, a full disk. */
export function explainFullDisk(error: unknown, log = ''): unknown {
  const { code, message } = error as { code?: unknown; message?: unknown };
  const isFull = code === 'ENOSPC' || code === '53100' || /no space left/i.test(`${message} ${log}`);
  return isFull
    ? new DemoError('The disk is full: free some space, or choose another place with --data-dir.')
    : error;
}

async function nearestExisting(path: string): Promise<string> {
  const exists = await statfs(path).then(
    () => true,
    () => false,
  );
  return exists || dirname(path) === path ? path : nearestExisting(dirname(path));
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
