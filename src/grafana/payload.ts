import { InvalidArgumentError } from '../errors.ts';
import { isObject, type JsonObject, unescapeText } from './body.ts';

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

/** What Grafana's "All" may arrive as. */
const everything = new Set(['', '$__all', 'All', '*', '.*']);
const MAX_VALUES = 1000;

/**
 * The values of a field that takes several: a text, a number, a list of them, or the text that a variable with several
 * values becomes: `(a|b)` in the builder, `{a,b}` or `14,15` in typed payloads. Undefined when nothing is chosen, or
 * everything. Throws InvalidArgumentError on other shapes.
 */
export function parseTexts(payload: JsonObject, name: string): readonly string[] | undefined {
  const value = payload[name];
  const values = (Array.isArray(value) ? value : [value]).filter((one) => one !== undefined && one !== null);
  if (!values.every((one) => typeof one === 'string' || typeof one === 'number')) {
    throw new InvalidArgumentError(`payload.${name} must be a text or a list of texts.`);
  }
  const texts = values.flatMap((one) => splitVariable(String(one)));
  if (texts.length > MAX_VALUES) {
    throw new InvalidArgumentError(`payload.${name} may hold at most ${MAX_VALUES} values.`);
  }
  return texts.length === 0 || texts.some((text) => everything.has(text)) ? undefined : texts;
}

/** The value of a field that takes one text; undefined when it is missing or empty. */
export function parseText(payload: JsonObject, name: string): string | undefined {
  const value = payload[name];
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value === 'string' || typeof value === 'number') return unescapeText(String(value));
  throw new InvalidArgumentError(`payload.${name} must be a text.`);
}

/** One of some words, in either case; `fallback` when it is missing. */
export function parseChoice<Word extends string>(
  payload: JsonObject,
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
  payload: JsonObject,
  name: string,
  { max, fallback }: { max: number; fallback: number },
) {
  const text = parseText(payload, name);
  if (text === undefined) return fallback;
  const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (number >= 1 && number <= max) return number;
  throw new InvalidArgumentError(`payload.${name} must be a whole number from 1 to ${max}.`);
}

/** The metric's own payload of a request that names both; each may be missing. */
export function payloadOf(body: JsonObject): JsonObject {
  return isObject(body.payload) ? body.payload : {};
}

function splitVariable(text: string): string[] {
  const several = /^\((.*)\)$/s.exec(text)?.[1]?.split('|') ?? /^\{(.*)\}$/s.exec(text)?.[1]?.split(',');
  const numbers = /^-?\d+(,-?\d+)+$/.test(text) ? text.split(',') : undefined;
  return (several ?? numbers ?? [text]).map(unescapeText);
}
