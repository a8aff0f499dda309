import type { Readable } from 'node:stream';
import { CR_LF, INCOMPLETE } from './csv-text.ts';

/** The formats a list can be downloaded in, with their media types. */
export const fileTypes = { csv: 'text/csv', ndjson: 'application/x-ndjson' } as const;
export type FileFormat = keyof typeof fileTypes;

/** What a file does not hold, and why. */
export interface FileGap {
  readonly code: string;
  readonly message: string;
  /** Calls, or groups of calls, that are in the file. */
  readonly rows: number;
  /** Calls that are not: without a time or a key they cannot be shown. */
  readonly unreadableCalls: number;
  /** Values that are not: of their rows everything else is there. */
  readonly unreadableValues: number;
  /** Where the list broke off, to go on after; null when it did not, or before its first call. */
  readonly resumeAfter: string | null;
}

/** A file that is there, or coming. */
export interface FileBody {
  readonly content: Buffer | Readable;
  /** What the file does not hold, when it has ended; undefined when it is whole. */
  gap(): FileGap | undefined;
}

const LAST_LINE_KEY = 'error';

/** Why a list whose rows have these keys cannot be NDJSON; undefined when it can. */
export function obstacleToLines(keys: readonly string[]): string | undefined {
  if (!keys.includes(LAST_LINE_KEY)) return undefined;
  return `"${LAST_LINE_KEY}" is the key of the last line of a file that is not whole: give the field another alias.`;
}

/** The facts about what is missing, as one line: its reason, its counts, and where to go on. */
export function describeGap({ message: _, ...facts }: FileGap): string {
  return Object.entries(facts)
    .map(([name, value]) => `${name}=${value ?? ''}`)
    .join(' ');
}

/**
 * The last line of a file that could not hold everything; one without it is whole. It cannot be taken for a row: in CSV
 * it is not quoted and begins as no cell does, in NDJSON `error` is no key of a row.
 */
export function lastLine(format: FileFormat, gap: FileGap): string {
  if (format === 'ndjson') return `${JSON.stringify({ [LAST_LINE_KEY]: gap })}\n`;
  return `${INCOMPLETE} ${describeGap(gap)}${CR_LF}`;
}
