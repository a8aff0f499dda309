import { RowShapeError } from './data-row.ts';

/** A table as the stream describes it, before the first change of it and again when it was altered. */
export interface ChangedRelation {
  readonly id: number;
  readonly schema: string;
  readonly name: string;
  /** d: the primary key, n: nothing, f: the whole row, i: an index. */
  readonly identity: string;
  readonly columns: readonly { readonly name: string; readonly isIdentity: boolean }[];
}

/** A value as PostgreSQL's text; undefined where the stream does not have it: no such column, or not in the old image. */
export type ChangedValue = string | null | undefined;

/** One row of a committed transaction. Values are of the columns that the reader wants, in its order. */
export interface RowChange {
  readonly kind: 'insert' | 'update' | 'delete';
  readonly relation: ChangedRelation;
  /** Where the commit begins: changes of a transaction are sent when it has committed, and after all that committed before. */
  readonly commitLsn: bigint;
  /** The row as it is now; of a deletion undefined. */
  readonly row: readonly ChangedValue[] | undefined;
  /** The old image, as far as the WAL has it: undefined where nothing of the identity has changed. */
  readonly old: readonly ChangedValue[] | undefined;
}

export interface PgOutputReader {
  /** Which columns are wanted of a table; undefined: nothing of it is. */
  wants(relation: ChangedRelation): readonly string[] | undefined;
  change(change: RowChange): void;
  /** Everything before `lsn` has been told. */
  commit(lsn: bigint): void;
  truncate(relation: ChangedRelation): void;
}

interface KnownRelation {
  readonly relation: ChangedRelation;
  /** For each column the place of its value among the wanted ones, or -1; null: nothing is wanted. */
  readonly places: Int16Array | null;
  readonly wanted: number;
  /** Behind the last wanted column nothing is read. */
  readonly columnsRead: number;
}

const BEGIN = 0x42;
const COMMIT = 0x43;
const RELATION = 0x52;
const INSERT = 0x49;
const UPDATE = 0x55;
const DELETE = 0x44;
const TRUNCATE = 0x54;
const OLD_KEY = 0x4b;
const OLD_ROW = 0x4f;
const NEW_ROW = 0x4e;
const VALUE_NULL = 0x6e;
const VALUE_UNCHANGED = 0x75;
const VALUE_TEXT = 0x74;

/** Reads the messages of PostgreSQL's plugin `pgoutput`, protocol 1: whole transactions, in the order of their commits. */
export class PgOutputDecoder {
  readonly #reader: PgOutputReader;
  readonly #relations = new Map<number, KnownRelation>();
  #commitLsn: bigint | undefined;

  constructor(reader: PgOutputReader) {
    this.#reader = reader;
  }

  /** Whether the commit of what was told last is still to come. */
  get isInTransaction(): boolean {
    return this.#commitLsn !== undefined;
  }

  /** One message, from `start` to the end of the bytes. Throws a RowShapeError on what is none. */
  decode(bytes: Buffer, start: number): void {
    try {
      this.#decode(bytes, start);
    } catch (error) {
      if (error instanceof RangeError) throw new RowShapeError('A message of pgoutput ends too early.');
      throw error;
    }
  }

  #decode(bytes: Buffer, start: number): void {
    const at = start + 1;
    switch (bytes[start]) {
      case BEGIN:
        this.#commitLsn = bytes.readBigUInt64BE(at);
        return;
      case COMMIT:
        this.#commitLsn = undefined;
        // Behind the flags and the beginning of the commit stands its end.
        this.#reader.commit(bytes.readBigUInt64BE(at + 9));
        return;
      case RELATION:
        this.#noteRelation(bytes, at);
        return;
      case INSERT:
        this.#insert(bytes, at);
        return;
      case UPDATE:
        this.#update(bytes, at);
        return;
      case DELETE:
        this.#delete(bytes, at);
        return;
      case TRUNCATE:
        this.#truncate(bytes, at);
        return;
      default:
      // Types, origins and messages of extensions.
    }
  }

  #noteRelation(bytes: Buffer, start: number): void {
    const id = bytes.readUInt32BE(start);
    const schema = readName(bytes, start + 4);
    const name = readName(bytes, schema.end);
    const identity = String.fromCharCode(bytes.readUInt8(name.end));
    const columns: { name: string; isIdentity: boolean }[] = [];
    let at = name.end + 3;
    for (let left = bytes.readInt16BE(name.end + 1); left > 0; left--) {
      const column = readName(bytes, at + 1);
      columns.push({ name: column.text, isIdentity: (bytes.readUInt8(at) & 1) !== 0 });
      // Behind the name: the type and its modifier.
      at = column.end + 8;
    }
    // PostgreSQL's own schema is written without its name.
    const relation = { id, schema: schema.text || 'pg_catalog', name: name.text, identity, columns };
    this.#relations.set(id, knownRelation(relation, this.#reader.wants(relation)));
  }

  #insert(bytes: Buffer, at: number): void {
    const known = this.#relationAt(bytes, at);
    if (!known.places) return;
    const { values: row } = readTuple(bytes, at + 5, known);
    this.#tell({ kind: 'insert', known, row, old: undefined });
  }

  #update(bytes: Buffer, at: number): void {
    const known = this.#relationAt(bytes, at);
    if (!known.places) return;
    const mark = bytes.readUInt8(at + 4);
    const hasOld = mark === OLD_KEY || mark === OLD_ROW;
    const old = hasOld ? readTuple(bytes, at + 5, known, mark === OLD_KEY, true) : undefined;
    const newAt = old ? old.end : at + 4;
    if (bytes.readUInt8(newAt) !== NEW_ROW) throw new RowShapeError('An update of pgoutput has no row.');
    const { values: row } = readTuple(bytes, newAt + 1, known);
    this.#tell({ kind: 'update', known, row, old: old?.values });
  }

  #delete(bytes: Buffer, at: number): void {
    const known = this.#relationAt(bytes, at);
    if (!known.places) return;
    const isKey = bytes.readUInt8(at + 4) === OLD_KEY;
    const { values: old } = readTuple(bytes, at + 5, known, isKey);
    this.#tell({ kind: 'delete', known, row: undefined, old });
  }

  #truncate(bytes: Buffer, at: number): void {
    const count = bytes.readInt32BE(at);
    for (let index = 0; index < count; index++) {
      const { relation, places } = this.#relationAt(bytes, at + 5 + 4 * index);
      if (places) this.#reader.truncate(relation);
    }
  }

  #relationAt(bytes: Buffer, at: number): KnownRelation {
    const known = this.#relations.get(bytes.readUInt32BE(at));
    if (!known) throw new RowShapeError('A change of pgoutput is of a table that was not described.');
    return known;
  }

  #tell({ kind, known, row, old }: Pick<RowChange, 'kind' | 'row' | 'old'> & { known: KnownRelation }): void {
    if (this.#commitLsn === undefined) throw new RowShapeError('A change of pgoutput is in no transaction.');
    this.#reader.change({ kind, relation: known.relation, commitLsn: this.#commitLsn, row, old });
  }
}

function knownRelation(relation: ChangedRelation, wanted: readonly string[] | undefined): KnownRelation {
  if (!wanted) return { relation, places: null, wanted: 0, columnsRead: 0 };
  const places = Int16Array.from(relation.columns, ({ name }) => wanted.indexOf(name));
  const columnsRead = places.findLastIndex((place) => place >= 0) + 1;
  return { relation, places, wanted: wanted.length, columnsRead };
}

function readName(bytes: Buffer, at: number): { readonly text: string; readonly end: number } {
  const end = bytes.indexOf(0, at);
  if (end < 0) throw new RowShapeError('A name in pgoutput does not end.');
  return { text: bytes.toString('utf8', at, end), end: end + 1 };
}

/**
 * The wanted values of a row. Of an old image that is a key alone, columns beyond the identity are sent as nulls that mean
 * nothing. `isSkipped`: what lies behind the row is read too, so that its end must be known.
 */
function readTuple(
  bytes: Buffer,
  start: number,
  { places, wanted, columnsRead, relation }: KnownRelation,
  isKey = false,
  isSkipped = false,
): { readonly values: readonly ChangedValue[]; readonly end: number } {
  const values: ChangedValue[] = new Array(wanted).fill(undefined);
  const columns = bytes.readInt16BE(start);
  const last = isSkipped ? columns : Math.min(columns, columnsRead);
  let at = start + 2;
  for (let column = 0; column < last; column++) {
    const place = places![column]!;
    const isKnown = place >= 0 && !(isKey && !relation.columns[column]!.isIdentity);
    const kind = bytes.readUInt8(at);
    if (kind === VALUE_NULL || kind === VALUE_UNCHANGED) {
      if (isKnown && kind === VALUE_NULL) values[place] = null;
      at += 1;
      continue;
    }
    if (kind !== VALUE_TEXT) throw new RowShapeError('A value of pgoutput is no text.');
    const end = at + 5 + bytes.readInt32BE(at + 1);
    if (end > bytes.length) throw new RowShapeError('A value of pgoutput is longer than its message.');
    if (isKnown) values[place] = bytes.toString('latin1', at + 5, end);
    at = end;
  }
  return { values, end: at };
}
