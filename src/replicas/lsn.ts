const LSN_TEXT = /^([0-9A-F]{1,8})\/([0-9A-F]{1,8})$/i;

/** A position in the WAL, from PostgreSQL's text such as `0/3029AC8`. Throws a plain Error on anything else. */
export function parseLsn(text: string): bigint {
  const found = LSN_TEXT.exec(text);
  if (!found) throw new Error(`Not a WAL position: "${text.slice(0, 40)}"`);
  return (BigInt(`0x${found[1]}`) << 32n) | BigInt(`0x${found[2]}`);
}

/** PostgreSQL's text of a position: no leading zeros, upper case. */
export function formatLsn(lsn: bigint): string {
  const half = (value: bigint) => value.toString(16).toUpperCase();
  return `${half(lsn >> 32n)}/${half(lsn & 0xffff_ffffn)}`;
}

/** The furthest of some positions; 0 of none. */
export function furthest(positions: readonly bigint[]): bigint {
  let most = 0n;
  for (const lsn of positions) if (lsn > most) most = lsn;
  return most;
}

/** Bytes of the header of a page of WAL, and of the first one of a segment. */
const PAGE_HEADER = 24n;
const SEGMENT_HEADER = 40n;

export interface WalSizes {
  readonly block: bigint;
  readonly segment: bigint;
}

/** Where the next record begins is behind a page's header; the record before it ended in front of that. */
export function endOfRecordBefore(insert: bigint, { block, segment }: WalSizes): bigint {
  if (insert % segment === SEGMENT_HEADER) return insert - SEGMENT_HEADER;
  return insert % block === PAGE_HEADER ? insert - PAGE_HEADER : insert;
}
