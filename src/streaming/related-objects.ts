import { type CdrColumnName, cdrColumns } from '../db/sources/cdr-columns.ts';
import { RowShapeError } from '../db/wire/data-row.ts';
import { UnreadableValueError } from '../errors.ts';
import { MEMBERS_AT } from './key-columns.ts';
import type { Leaf } from './leaves.ts';
import type { RelatedFailure, RelatedSelection, RelatedValue } from './related-selection.ts';
import { GLUE_SLACK, Glue, int32At, isInt8 } from './wire-text.ts';

/** The fields of a call that lead to another object. */
export type RelatedName = 'account' | 'customer' | 'carrier';

/** An object that calls refer to by the value of a column, and what is selected of it. */
export interface RelatedPlan {
  readonly name: RelatedName;
  readonly column: CdrColumnName;
  readonly selection: RelatedSelection;
  /** The one field of the object that is shown in its place: the currency of a call is that of its account. */
  readonly leaf?: RelatedField | undefined;
  /** Its leaves in the order of the selection, for formats without objects; undefined when it has lists. */
  readonly leaves: readonly Leaf[] | undefined;
}

/** A field of an object type of the schema. */
export interface RelatedField {
  readonly type: string;
  readonly field: string;
}

/** An object as the answer has it, ready to be copied into each row. */
export interface RelatedText {
  readonly glue: Glue;
  readonly failures: readonly RelatedFailure[];
}

/** How an object is written in a format, one function for each. Null is an object that there is not. */
export type RelatedWriter = (value: unknown, plan: RelatedPlan) => string;

/** An object that a call refers to; null: there is none, or nothing is known of it. */
export type Found = object | null;

/**
 * The object whose key, not an empty one, lies from `at` to `end` of the row; undefined when it must be looked up. Such
 * objects never change, and what GraphQL answers for one depends on nothing else.
 */
export type FindNow = (row: Buffer, at: number, end: number) => Found | undefined;

export interface RelatedFinder {
  /** By keys: at each key's place the object, or why it cannot be had. Never rejects. */
  find(name: RelatedName, keys: readonly string[]): Promise<readonly (Found | Error)[]>;
  /** Keys that calls of this list will likely refer to. */
  foresee(name: RelatedName): readonly string[];
  /** Undefined for objects that are found in no other way. Never throws, and gives the same object for equal ones. */
  findNow(name: RelatedName): FindNow | undefined;
}

/** Obtains objects as GraphQL answers them: the same value for the same object. */
export interface RelatedSource {
  obtain(plan: RelatedPlan, keys: readonly string[]): Promise<readonly RelatedValue[]>;
  /** Of objects that are found. */
  answer(plan: RelatedPlan, objects: readonly object[]): Promise<readonly RelatedValue[]>;
  /** The same where it is known already, as from a list before. */
  answerNow(plan: RelatedPlan, object: object): RelatedValue | undefined;
  foresee(name: RelatedName): readonly string[];
  findNow(name: RelatedName): FindNow | undefined;
}

/** Texts that are kept; the calls of a list may refer to as many objects as there are calls. */
const MAX_TEXTS = 20_000;
/** The same for texts that are long. */
const MAX_TEXT_BYTES = 4 * 1024 * 1024;
/** Digits of an id that is surely exact as a number. */
const MAX_EXACT_DIGITS = 15;
/** Of an id that is an int4. */
const MAX_INTEGER_DIGITS = 9;
const EXACT_ID = new RegExp(`^\\d{1,${MAX_EXACT_DIGITS}}$`);

/** Texts of values, which lists after this one find here when they find the value itself: see `createRelatedSource`. */
type KeptTexts = WeakMap<RelatedValue, RelatedText>;
const keptTexts = new WeakMap<RelatedPlan, Map<RelatedWriter, KeptTexts>>();

function textsOf(plan: RelatedPlan, write: RelatedWriter): KeptTexts {
  const ofPlan = keptTexts.get(plan) ?? new Map<RelatedWriter, KeptTexts>();
  keptTexts.set(plan, ofPlan);
  const texts = ofPlan.get(write) ?? new WeakMap<RelatedValue, RelatedText>();
  ofPlan.set(write, texts);
  return texts;
}

/** The objects of one field of a list: each is obtained and written once, however many rows refer to it. */
export class RelatedObjects {
  readonly plan: RelatedPlan;
  /** Of the longest text so far. */
  maxBytes = 0;
  readonly #write: RelatedWriter;
  readonly #isId: boolean;
  /** By the numbers of ids: quicker than by their text, which would have to be made for each row. */
  readonly #byNumber = new Map<number, RelatedText>();
  readonly #byKey = new Map<string, RelatedText>();
  /** Of objects that are found at once, and need no key. */
  readonly #byObject = new Map<object, RelatedText>();
  /** Many keys may lead to the same object: numbers of one block do. */
  readonly #byValue: WeakMap<RelatedValue, RelatedText>;
  readonly #wanted = new Set<string>();
  readonly #wantedObjects = new Set<object>();
  /** Of the texts that were made since some were forgotten, and of their keys. */
  #textBytes = 0;
  #source: RelatedSource | undefined;
  #hasObtained = false;
  #findNow: FindNow | undefined;
  readonly #null: RelatedText;
  readonly #unreadable: RelatedText;

  constructor(plan: RelatedPlan, write: RelatedWriter) {
    this.plan = plan;
    this.#write = write;
    this.#byValue = textsOf(plan, write);
    this.#isId = cdrColumns[plan.column].wire === 'id';
    this.#null = this.#textOf({ value: null, failures: [] });
    this.#unreadable = this.#textOf({
      value: null,
      failures: [{ path: [], error: new UnreadableValueError() }],
    });
  }

  /** Before the first row. */
  useSource(source: RelatedSource): void {
    this.#source = source;
    this.#findNow = source.findNow(this.plan.name);
  }

  /** Of the key from `at` to `end` of the row; undefined when it must be looked up first. */
  find(row: Buffer, at: number, end: number): RelatedText | undefined {
    if (at === end) return this.#null;
    if (this.#findNow) {
      const found = this.#findNow(row, at, end);
      if (found === null) return this.#null;
      if (found !== undefined) return this.#byObject.get(found) ?? this.#answerNow(found);
    }
    if (!this.#isId) return this.#byKey.get(row.toString('utf8', at, end));
    const id = exactId(row, at, end);
    if (id !== undefined) return this.#byNumber.get(id);
    return isInt8(row, at, end) ? this.#byKey.get(row.toString('latin1', at, end)) : this.#unreadable;
  }

  #answerNow(object: object): RelatedText | undefined {
    const value = this.#source?.answerNow(this.plan, object);
    if (!value) return undefined;
    const room = this.maxBytes;
    this.#makeRoom();
    const text = this.#knownText(value);
    this.#byObject.set(object, text);
    // The row that is being written has no room for a longer text than there was before.
    return text.glue.length <= room ? text : undefined;
  }

  /** Of a key that is null, or that no type can show. */
  ofMissingKey(isUnreadable: boolean): RelatedText {
    return isUnreadable ? this.#unreadable : this.#null;
  }

  /** Notes the key, to be looked up by `obtain`, and returns true; false when it is known. */
  want(row: Buffer, at: number, end: number): boolean {
    if (this.find(row, at, end) !== undefined) return false;
    const found = this.#findNow?.(row, at, end);
    if (found) this.#wantedObjects.add(found);
    else this.#wanted.add(row.toString('utf8', at, end));
    return true;
  }

  /** Looks up what is wanted. Never rejects: what cannot be had is null, with its failure. */
  async obtain(): Promise<void> {
    if (!this.#hasObtained && this.#wanted.size > 0) {
      this.#hasObtained = true;
      for (const key of this.#source!.foresee(this.plan.name)) this.#wanted.add(key);
    }
    const [keys, objects] = [[...this.#wanted], [...this.#wantedObjects]];
    this.#wanted.clear();
    this.#wantedObjects.clear();
    const { plan } = this;
    this.#makeRoom();
    const [ofKeys, ofObjects] = await Promise.all([
      obtainAll(keys, () => this.#source!.obtain(plan, keys)),
      obtainAll(objects, () => this.#source!.answer(plan, objects)),
    ]);
    for (const [index, key] of keys.entries()) this.#learn(key, ofKeys[index]!);
    for (const [index, object] of objects.entries()) {
      this.#byObject.set(object, this.#knownText(ofObjects[index]!));
    }
  }

  #learn(key: string, value: RelatedValue): void {
    const text = this.#knownText(value);
    if (this.#isId && EXACT_ID.test(key)) this.#byNumber.set(Number(key), text);
    else {
      this.#byKey.set(key, text);
      this.#textBytes += key.length;
    }
  }

  #knownText(value: RelatedValue): RelatedText {
    const known = this.#byValue.get(value);
    if (known) return this.#note(known);
    const text = this.#textOf(value);
    this.#byValue.set(value, text);
    return text;
  }

  #textOf(found: RelatedValue): RelatedText {
    const { value, failures } = this.plan.leaf ? leafOf(found, this.plan.leaf) : found;
    return this.#note({ glue: new Glue(this.#write(value, this.plan)), failures });
  }

  #note(text: RelatedText): RelatedText {
    this.maxBytes = Math.max(this.maxBytes, text.glue.length);
    this.#textBytes += text.glue.length;
    return text;
  }

  /** Forgets all texts where there are too many. */
  #makeRoom(): void {
    const texts = this.#byNumber.size + this.#byKey.size + this.#byObject.size;
    if (texts <= MAX_TEXTS && this.#textBytes <= MAX_TEXT_BYTES) return;
    this.#byNumber.clear();
    this.#byKey.clear();
    this.#byObject.clear();
    this.#textBytes = 0;
  }
}

/** Notes what the row refers to and is not known, and returns whether there is something: see RowEncoder. */
export function wantRelated(
  related: readonly RelatedObjects[],
  relatedOf: readonly (readonly number[])[],
  row: Buffer,
  start: number,
  end: number,
): boolean {
  let isWanted = false;
  let at = start + MEMBERS_AT;
  for (let column = 0; column < relatedOf.length; column++) {
    const length = int32At(row, at);
    at += 4;
    const valueEnd = length > 0 ? at + length : at;
    if (valueEnd > end) throw new RowShapeError('A value ends behind its row.');
    if (length >= 0) {
      for (const index of relatedOf[column]!) isWanted = related[index]!.want(row, at, valueEnd) || isWanted;
    }
    at = valueEnd;
  }
  return isWanted;
}

/** Bytes that the texts of related objects need at most in one row. */
export function roomForRelated(related: readonly RelatedObjects[]): number {
  let bytes = 0;
  for (let index = 0; index < related.length; index++) bytes += related[index]!.maxBytes + GLUE_SLACK;
  return bytes;
}

function leafOf({ value, failures }: RelatedValue, { field }: RelatedField): RelatedValue {
  return {
    value: (value as Record<string, unknown> | null)?.[field] ?? null,
    failures: failures.map(({ error }) => ({ path: [], error })),
  };
}

/** Never rejects: then each value is null, with the failure. */
async function obtainAll(
  { length }: readonly unknown[],
  obtain: () => Promise<readonly RelatedValue[]>,
): Promise<readonly RelatedValue[]> {
  if (length === 0) return [];
  try {
    return await obtain();
  } catch (error) {
    return Array<RelatedValue>(length).fill({ value: null, failures: [{ path: [], error }] });
  }
}

/** The decimal digits as a number; undefined when there are too many, or something else. */
function exactId(row: Buffer, at: number, end: number): number | undefined {
  if (end - at > MAX_EXACT_DIGITS) return undefined;
  let small = 0;
  let from = at;
  // Most are integers to the processor too, which finds them quicker.
  for (const last = Math.min(end, at + MAX_INTEGER_DIGITS); from < last; from++) {
    const digit = row[from]! - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    small = (small * 10 + digit) | 0;
  }
  return from === end ? small : exactBigId(row, from, end, small);
}

function exactBigId(row: Buffer, at: number, end: number, begin: number): number | undefined {
  let id = begin;
  for (let from = at; from < end; from++) {
    const digit = row[from]! - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    id = id * 10 + digit;
  }
  return id;
}
