import { hash } from 'node:crypto';
import type { Scope } from '../db/scope.ts';
import { CursorMismatchError, InvalidCursorError } from '../errors.ts';
import type { Positions } from '../replicas/positions.ts';
import { type KeyRange, ToldKeys, unite } from './told-keys.ts';

/** How far the feed was told to somebody: the same on every standby and every gateway. */
export interface FeedPosition {
  /** Of the moment: a standby that has replayed it has every call that was told. */
  readonly token: string;
  readonly told: ToldKeys;
  /** Of corrections and deletions; undefined: none are told. */
  readonly changes?: ToldChanges | undefined;
  /** Which entries of the ledger were told, by their numbers; undefined: there is none. */
  readonly ledger?: ToldKeys | undefined;
}

/** How far corrections and deletions were told, on the timeline of the token. */
export interface ToldChanges {
  /** Those of every transaction that committed before. */
  readonly lsn: bigint;
  /** And some of the next transaction. */
  readonly isPartial: boolean;
}

/** Whose feed a cursor is of. It serves nobody else, and no other filter. */
export interface FeedIdentity {
  readonly scope: Scope;
  /** The canonical text of the filter. */
  readonly filter: string;
}

export interface DecodedCursor extends FeedPosition {
  /** More holes were open than a cursor holds: some of what follows was told before. */
  readonly mayRepeat: boolean;
}

const VERSION = 0xf1;
const MAY_REPEAT = 1;
/** Behind the keys stands how far changes were told. */
const HAS_CHANGES = 2;
/** Behind that stands which entries of the ledger were told. */
const HAS_LEDGER = 4;
const DIGEST_BYTES = 6;
const CHECKSUM_BYTES = 4;
/** Holes in one cursor; transactions that are rolled back make some, and each is closed after seconds. */
const MAX_HOLES = 200;

/** The digests that cursors of this identity carry. */
export function digestOfIdentity({ scope, filter }: FeedIdentity): Buffer {
  const part = (text: string) => hash('sha256', text, 'buffer').subarray(0, DIGEST_BYTES);
  return Buffer.concat([part(`scope ${JSON.stringify(scope)}`), part(`filter ${filter}`)]);
}

/** Text that goes into a header, a URL and an `id:` line. */
export function encodeFeedCursor(
  { token, told, changes, ledger }: FeedPosition,
  digest: Buffer,
  positions: Pick<Positions, 'decode'>,
): string {
  const tokenBytes = Buffer.from(token, 'latin1');
  const numbers: number[] = [];
  let isCut = pushTold(numbers, told);
  // By its distance from the token, which is sealed: a cursor tells nobody where the WAL is.
  if (changes) {
    const isKnown = changes.lsn !== 0n;
    pushNumber(numbers, isKnown ? 1n + zigzag(changes.lsn - positions.decode(token).lsn) : 0n);
  }
  if (ledger) isCut = pushTold(numbers, ledger) || isCut;
  const mayRepeat = isCut || changes?.isPartial;
  const flags = (mayRepeat ? MAY_REPEAT : 0) | (changes ? HAS_CHANGES : 0) | (ledger ? HAS_LEDGER : 0);
  const body = Buffer.concat([
    Buffer.from([VERSION, flags]),
    digest,
    Buffer.from([tokenBytes.length]),
    tokenBytes,
    Buffer.from(numbers),
  ]);
  return Buffer.concat([body, checksumOf(body)]).toString('base64url');
}

/** Throws InvalidCursorError for what is none of ours, CursorMismatchError for one of another filter or principal. */
export function decodeFeedCursor(
  cursor: string,
  identity: FeedIdentity,
  positions: Pick<Positions, 'decodeOfCursor'>,
): DecodedCursor {
  const bytes = Buffer.from(cursor, 'base64url');
  const body = bytes.subarray(0, -CHECKSUM_BYTES);
  const isWhole =
    bytes.length > 2 * DIGEST_BYTES + CHECKSUM_BYTES + 3 &&
    bytes[0] === VERSION &&
    bytes.toString('base64url') === cursor &&
    checksumOf(body).equals(bytes.subarray(-CHECKSUM_BYTES));
  if (!isWhole) throw new InvalidCursorError();
  const digest = digestOfIdentity(identity);
  const given = body.subarray(2, 2 + 2 * DIGEST_BYTES);
  if (!given.subarray(0, DIGEST_BYTES).equals(digest.subarray(0, DIGEST_BYTES)))
    throw new CursorMismatchError('principal');
  if (!given.equals(digest)) throw new CursorMismatchError('filter');
  const tokenAt = 3 + 2 * DIGEST_BYTES;
  const tokenEnd = tokenAt + body[tokenAt - 1]!;
  const token = body.toString('latin1', tokenAt, tokenEnd);
  const { lsn: tokenLsn } = positions.decodeOfCursor(token);
  const [flags, numbers] = [body[1]!, new NumberReader(body, tokenEnd)];
  const told = readTold(numbers);
  const changes = (flags & HAS_CHANGES) === 0 ? undefined : readChanges(numbers, tokenLsn);
  const ledger = (flags & HAS_LEDGER) === 0 ? undefined : readTold(numbers);
  return { token, told, changes, ledger, mayRepeat: (flags & MAY_REPEAT) !== 0 };
}

function readChanges(numbers: NumberReader, tokenLsn: bigint): ToldChanges {
  const written = numbers.next();
  return { lsn: written === 0n ? 0n : tokenLsn + unzigzag(written - 1n), isPartial: false };
}

/** Whether more holes were open than fit. */
function pushTold(numbers: number[], told: ToldKeys): boolean {
  const { holes, isCut } = holesThatFit(told.holes);
  pushNumber(numbers, zigzag(told.upTo));
  pushNumber(numbers, BigInt(holes.length));
  // From the last to the first, each by its distance from the one before: holes are near the end.
  let at = told.upTo;
  for (const { from, to } of holes.toReversed()) {
    pushNumber(numbers, at - to);
    pushNumber(numbers, to - from);
    at = from;
  }
  return isCut;
}

function readTold(numbers: NumberReader): ToldKeys {
  const upTo = unzigzag(numbers.next());
  const holes: KeyRange[] = [];
  let at = upTo;
  for (let left = Number(numbers.next()); left > 0; left--) {
    const to = at - numbers.next();
    const from = to - numbers.next();
    holes.push({ from, to });
    at = from;
  }
  return new ToldKeys(upTo, holes.reverse());
}

/** Where there are too many, the oldest become one, and what was told between them is told again. */
function holesThatFit(holes: readonly KeyRange[]): {
  readonly holes: readonly KeyRange[];
  readonly isCut: boolean;
} {
  if (holes.length <= MAX_HOLES) return { holes, isCut: false };
  const behind = holes.slice(-MAX_HOLES + 1);
  const last = holes[holes.length - MAX_HOLES]!;
  return { holes: unite([{ from: holes[0]!.from, to: last.to }, ...behind]), isCut: true };
}

function checksumOf(body: Buffer): Buffer {
  return hash('sha256', body, 'buffer').subarray(0, CHECKSUM_BYTES);
}

function zigzag(value: bigint): bigint {
  return value < 0n ? -2n * value - 1n : 2n * value;
}

function unzigzag(value: bigint): bigint {
  return value % 2n === 0n ? value / 2n : -(value + 1n) / 2n;
}

/** Seven bits a byte, the lowest first. */
function pushNumber(bytes: number[], value: bigint): void {
  let left = value;
  for (; left >= 0x80n; left >>= 7n) bytes.push(Number(left & 0x7fn) | 0x80);
  bytes.push(Number(left));
}

class NumberReader {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  /** Throws InvalidCursorError where none is left. */
  next(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw new InvalidCursorError();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new InvalidCursorError();
  }
}
