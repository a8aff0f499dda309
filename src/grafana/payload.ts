import { InvalidArgumentError } from '../errors.ts';
import { type EditorMode, type Interpolation, unquoteEmpty, withoutVariables } from './interpolation.ts';
import { isObject, type JsonObject } from './json-object.ts';
import { suggestName } from './suggestions.ts';

/** A field of a metric's payload, as the query builder of the plugin shows it. */
export interface PayloadField {
  readonly name: string;
  readonly label: string;
  readonly type: 'select' | 'multi-select' | 'input';
  readonly placeholder: string;
  /** Without them the plugin fetches `/metric-payload-options` when the field is opened. */
  readonly options?: readonly PayloadOption[];
}

export interface PayloadOption {
  readonly label: string;
  readonly value: string;
}

/** What was chosen in each field that the client sent: one text or several, with no variable left in them. */
export type Payload = Readonly<Record<string, readonly string[]>>;

/** What Grafana's "All" may arrive as, and a variable of which nothing is chosen. */
const everything = new Set(['$__all', 'All', '*', '.*', '()']);
const MAX_VALUES = 1000;
/** More than any metric has. */
const MAX_FIELDS = 100;

/** What was put into a payload before it was sent. */
interface PayloadOrigin {
  readonly interpolation: Interpolation;
  readonly editor: EditorMode;
}

/** Missing and empty mean no payload. Throws InvalidArgumentError on what is no object, and on fields of other shapes. */
export function parsePayload(
  payload: unknown,
  where: string,
  { interpolation = withoutVariables, editor = 'code' }: Partial<PayloadOrigin> = {},
): Payload {
  if (payload === undefined || payload === null || payload === '') return {};
  if (!isObject(payload)) {
    throw new InvalidArgumentError(`${where}: the payload must be a JSON object, such as {"replica": "…"}.`);
  }
  return readFields(payload, where, { interpolation, editor });
}

function readFields(payload: JsonObject, where: string, { interpolation, editor }: PayloadOrigin): Payload {
  const given = Object.entries(payload);
  if (given.length > MAX_FIELDS) {
    throw new InvalidArgumentError(`${where}: the payload may hold at most ${MAX_FIELDS} fields.`);
  }
  const fields = given.map(([name, value]): [string, readonly string[]] => {
    if (value === undefined || value === null) return [name, []];
    if (typeof value === 'string') return [name, interpolation.valuesOfText(value, name)];
    const list = (Array.isArray(value) ? value : [value]).filter((one) => one !== undefined && one !== null);
    if (!list.every((one) => typeof one === 'string' || typeof one === 'number')) {
      throw new InvalidArgumentError(`${where}: ${describeShape(name, value)}`);
    }
    if (list.length > MAX_VALUES) throw tooManyValues(name);
    return [name, interpolation.valuesOfList(list.map(String), name, editor)];
  });
  return Object.fromEntries(fields);
}

function describeShape(name: string, value: unknown): string {
  const place = `payload.${shorten(name)}`;
  const [key] = isObject(value) ? Object.keys(value) : [];
  const wrong = key === undefined ? '' : `; there is no "${place.slice(8)}.${shorten(key)}"`;
  return `${place} must be a text or a list of texts${wrong}.`;
}

function tooManyValues(name: string): InvalidArgumentError {
  return new InvalidArgumentError(`payload.${shorten(name)} may hold at most ${MAX_VALUES} values.`);
}

const shorten = (name: string) => name.slice(0, 80);

/** Throws InvalidArgumentError for a field that is none of these: it would be passed over, and nobody told. */
export function checkFields(payload: Payload, known: readonly string[], where: string): void {
  const unknown = Object.keys(payload).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw new InvalidArgumentError(
    `${where} has no payload field "${shorten(unknown)}".${suggestName(unknown, known)} ` +
      (known.length === 0 ? 'It takes none.' : `There are: ${known.join(', ')}.`),
  );
}

/** The values of a field that takes several. Undefined when nothing is chosen, or everything. */
export function parseTexts(payload: Payload, name: string): readonly string[] | undefined {
  const texts = payload[name] ?? [];
  if (texts.length > MAX_VALUES) throw tooManyValues(name);
  const isEverything = texts.every((text) => text === '') || texts.some((text) => everything.has(text));
  return isEverything ? undefined : texts.map(unquoteEmpty);
}

/** The value of a field that takes one text; undefined when it is missing or empty. Throws InvalidArgumentError. */
export function parseText(payload: Payload, name: string): string | undefined {
  const texts = payload[name] ?? [];
  if (texts.length > 1) {
    throw new InvalidArgumentError(
      `payload.${name} must be a text: it takes one value, not ${texts.length}.`,
    );
  }
  return texts[0] || undefined;
}

/** One of some words, in either case; `fallback` when it is missing. */
export function parseChoice<Word extends string>(
  payload: Payload,
  name: string,
  words: readonly Word[],
  fallback: Word,
): Word {
  const text = parseText(payload, name);
  if (text === undefined) return fallback;
  const found = words.find((word) => word.toLowerCase() === text.toLowerCase());
  if (found !== undefined) return found;
  throw new InvalidArgumentError(
    `payload.${name} must be one of ${words.join(', ')}; it is "${text.slice(0, 60)}".`,
  );
}

/** A whole number from 1 to `max`; the builder sends it as a text. */
export function parseCount(
  payload: Payload,
  name: string,
  { max, fallback }: { max: number; fallback: number },
) {
  const text = parseText(payload, name);
  if (text === undefined) return fallback;
  const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (number >= 1 && number <= max) return number;
  throw new InvalidArgumentError(`payload.${name} must be a whole number from 1 to ${max}.`);
}
