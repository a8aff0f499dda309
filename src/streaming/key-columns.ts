import type { CdrKeyset } from '../db/calls/cdr-page.ts';
import type { CdrColumnName } from '../db/sources/cdr-columns.ts';
import { POSTGRES_EPOCH_MICROS } from '../db/timestamps.ts';
import { NULL_LENGTH, RowShapeError, valuesOf } from '../db/wire/data-row.ts';
import { int32At } from './wire-text.ts';

/**
 * The two columns that every row of a list begins with, connect time and id: eight bytes each, at places that are the
 * same in every row which has both. A row that lacks one is never read at these places.
 */

/** Where they lie in a DataRow, behind `D`, its length, the number of columns and their own lengths. */
export const CONNECT_TIME_AT = 11;
export const ID_AT = 23;
/** Where the first value behind them has its length. */
export const MEMBERS_AT = 31;

const COLUMNS_AT = 5;
const CONNECT_TIME_LENGTH_AT = 7;
const ID_LENGTH_AT = 19;
const KEY_BYTES = 8;

/** Where a column lies that every row begins with; 0 for the others. */
export function keyAtOf(column: CdrColumnName): number {
  if (column === 'connect_time') return CONNECT_TIME_AT;
  return column === 'i_xdr' ? ID_AT : 0;
}

/**
 * Whether the row has both, so that the places above hold. Throws a RowShapeError for a row that its statement cannot
 * have: another number of columns, or keys of another size.
 */
export function hasKey(row: Buffer, start: number, end: number, columns: number): boolean {
  if (
    end - start >= MEMBERS_AT &&
    ((row[start + COLUMNS_AT]! << 8) | row[start + COLUMNS_AT + 1]!) === columns &&
    hasKeyLengths(row, start)
  ) {
    return true;
  }
  const values = valuesOf(row, start, end);
  if (values.length !== columns) {
    throw new RowShapeError(`A row has ${values.length} columns instead of ${columns}.`);
  }
  for (const { length } of values.slice(0, 2)) {
    if (length !== KEY_BYTES && length !== NULL_LENGTH) {
      throw new RowShapeError(`A key column has ${length} bytes instead of ${KEY_BYTES}.`);
    }
  }
  return false;
}

/** In a row that is long enough for both. */
function hasKeyLengths(row: Buffer, start: number): boolean {
  return (
    int32At(row, start + CONNECT_TIME_LENGTH_AT) === KEY_BYTES &&
    int32At(row, start + ID_LENGTH_AT) === KEY_BYTES
  );
}

/** The place of a call in its list, from its DataRow message. */
export function keysetAt(row: Buffer, start: number, end: number): CdrKeyset {
  if (end - start >= MEMBERS_AT && hasKeyLengths(row, start)) {
    return {
      micros: row.readBigInt64BE(start + CONNECT_TIME_AT) + POSTGRES_EPOCH_MICROS,
      id: row.readBigInt64BE(start + ID_AT),
    };
  }
  const [time, id] = valuesOf(row, start, end);
  if (!time || !id) throw new RowShapeError('A row lacks its key columns.');
  return {
    micros: time.length === NULL_LENGTH ? null : row.readBigInt64BE(time.at) + POSTGRES_EPOCH_MICROS,
    id: id.length === NULL_LENGTH ? null : row.readBigInt64BE(id.at),
  };
}

/** Where a column behind the keys has its value, in a row whose values up to there are known to lie in it. */
export function placeOf(row: Buffer, start: number, column: number): number {
  let at = start + MEMBERS_AT;
  for (let left = column; left > 0; left--) {
    const length = int32At(row, at);
    at += length > 0 ? 4 + length : 4;
  }
  return at + 4;
}
