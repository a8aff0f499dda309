/**
 * The bytes of a connection are not what the protocol promises: a message that is shorter than its own length, a row
 * with other columns than its statement has, a value that does not fit into its row. Nothing of such a row is shown.
 */
export class RowShapeError extends Error {
  override readonly name = 'RowShapeError';
}

/** A connection was given up, because what came over it could not be understood. */
export class BrokenConnectionError extends Error {
  override readonly name = 'BrokenConnectionError';
  constructor(cause: unknown) {
    super('Connection terminated: what came over it could not be understood.', { cause });
  }
}

/** Where a DataRow message has its first value: behind `D`, the length of the message and the number of columns. */
const VALUES_AT = 7;

/** Lengths that are none: SQL's null, and a value that was found unreadable before the row was handed on. */
export const NULL_LENGTH = -1;
export const UNREADABLE_LENGTH = -2;

/** One value of a row: the bytes from `at` on, or one of the lengths above. */
export interface WireValue {
  readonly at: number;
  readonly length: number;
}

/** Each value of a row, in order. Throws a RowShapeError when they are not just what the message holds. */
export function valuesOf(row: Buffer, start: number, end: number): WireValue[] {
  const values: WireValue[] = [];
  let at = start + VALUES_AT;
  for (let left = columnsOf(row, start, end); left > 0; left--) {
    const length = lengthAt(row, at, end);
    values.push({ at: at + 4, length });
    at += 4 + Math.max(length, 0);
  }
  if (at !== end) throw new RowShapeError('A row goes on behind its last column.');
  return values;
}

/** The last of them, without the others. Throws likewise. */
export function lastValueOf(row: Buffer, start: number, end: number): WireValue {
  let at = start + VALUES_AT;
  for (let left = columnsOf(row, start, end); left > 1; left--) {
    at += 4 + Math.max(lengthAt(row, at, end), 0);
  }
  const length = lengthAt(row, at, end);
  if (at + 4 + Math.max(length, 0) !== end) throw new RowShapeError('A row goes on behind its last column.');
  return { at: at + 4, length };
}

function columnsOf(row: Buffer, start: number, end: number): number {
  if (end - start < VALUES_AT) throw new RowShapeError('A row has no room for the number of its columns.');
  return row.readInt16BE(start + 5);
}

/** The length of the value that it stands before. */
function lengthAt(row: Buffer, at: number, end: number): number {
  if (at + 4 > end) throw new RowShapeError('A row ends before its last column.');
  const length = row.readInt32BE(at);
  if (length < UNREADABLE_LENGTH || at + 4 + length > end) {
    throw new RowShapeError('A value is longer than its row.');
  }
  return length;
}
