import { InvalidArgumentError } from '../errors.ts';
import { isObject } from './json-object.ts';

/**
 * Grafana puts the values of a variable into a text before the plugin sends it, in a format of the dashboard's choice.
 * Most formats cannot be read back: in `a,b` a comma may be part of a name. So the texts are compared with those that
 * the variables of the dashboard become, which the request has with their values; what is none of them is read by its
 * form.
 */
export interface Interpolation {
  /** The values that a text stands for. Of variables that become the same text the one called as the field is meant. */
  valuesOfText(text: string, field: string): readonly string[];
  /** The same for a list, whose elements are values, but for those that a variable was put into. */
  valuesOfList(texts: readonly string[], field: string, editor: EditorMode): readonly string[];
}

/** A variable of the dashboard. */
interface Variable {
  readonly name: string;
  readonly values: readonly string[];
  /** What it may have become. */
  readonly texts: ReadonlySet<string>;
}

/** A value that is empty. An empty text means that nothing was chosen. */
export const EMPTY_VALUE = '""';
export const unquoteEmpty = (text: string) => (text === EMPTY_VALUE ? '' : text);

/** Which editor of the plugin a query was made in. The builder escapes variables in lists too. */
export type EditorMode = 'builder' | 'code';

/** A dashboard has some dozens, and Grafana adds a few. */
const MAX_VARIABLES = 500;

/** `scopedVars` of a request: `{ "country": { "text": ["France"], "value": ["France"] } }`. Its other shapes say nothing. */
export function createInterpolation(scopedVars: unknown): Interpolation {
  let known: KnownVariables | undefined;
  const variables = () => (known ??= knowVariables(parseVariables(scopedVars)));
  const valuesOf = (text: string, field: string) => calledAs(field, variables().byText.get(text))?.values;
  return {
    valuesOfText: (text, field) => valuesOf(text, field) ?? splitText(text),
    valuesOfList(texts, field, editor) {
      if (variables().all.some(({ values }) => isSameList(values, texts))) return texts;
      const read = editor === 'builder' ? splitRegex : (text: string) => [text];
      return texts.flatMap((text) => valuesOf(text, field) ?? read(text));
    },
  };
}

interface KnownVariables {
  readonly all: readonly Variable[];
  /** A request may hold as many texts as variables: each is looked up, not compared with all. */
  readonly byText: ReadonlyMap<string, readonly Variable[]>;
}

function knowVariables(all: readonly Variable[]): KnownVariables {
  const byText = new Map<string, Variable[]>();
  for (const variable of all) {
    for (const text of variable.texts) {
      const same = byText.get(text);
      if (same) same.push(variable);
      else byText.set(text, [variable]);
    }
  }
  return { all, byText };
}

function calledAs(field: string, found: readonly Variable[] = []): Variable | undefined {
  return found.find(({ name }) => name === field) ?? found[0];
}

export const withoutVariables = createInterpolation(undefined);

function parseVariables(scopedVars: unknown): readonly Variable[] {
  const entries = isObject(scopedVars) ? Object.entries(scopedVars) : [];
  if (entries.length > MAX_VARIABLES) {
    throw new InvalidArgumentError(`"scopedVars" may hold at most ${MAX_VARIABLES} variables.`);
  }
  return entries.flatMap(([name, variable]) => {
    // Those of Grafana itself are times and the like.
    if (name.startsWith('__') || !isObject(variable)) return [];
    const values = textsOf(variable.value);
    return values ? [{ name, values, texts: textsOfVariable(values, variable) }] : [];
  });
}

function textsOf(value: unknown): readonly string[] | undefined {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.every((one) => typeof one === 'string' || typeof one === 'number')
    ? list.map(String)
    : undefined;
}

const isSameList = (one: readonly string[], other: readonly string[]) =>
  one.length === other.length && one.every((text, index) => text === other[index]);

type Format = (values: readonly string[]) => string;

/** Grafana's formats, by which `${name:format}` writes several values, or one. */
const formats: Readonly<Record<string, Format>> = {
  regex: (values) => inBrackets(values.map(escapeRegex), '()', '|'),
  pipe: (values) => values.join('|'),
  csv: (values) => values.join(','),
  glob: (values) => inBrackets(values, '{}', ','),
  json: (values) => JSON.stringify(values),
  singlequote: (values) => values.map((value) => `'${value.replaceAll("'", "\\'")}'`).join(),
  doublequote: (values) => values.map((value) => `"${value.replaceAll('"', '\\"')}"`).join(),
  sqlstring: (values) =>
    values.map((value) => `'${value.replaceAll("'", "''").replaceAll('"', '\\"')}'`).join(),
};

function inBrackets(texts: readonly string[], [open, close]: string, separator: string): string {
  return texts.length === 1 ? texts[0]! : `${open}${texts.join(separator)}${close}`;
}

function textsOfVariable(values: readonly string[], { text }: { readonly text?: unknown }): Set<string> {
  const texts = Object.values(formats).map((format) => format(values));
  const shown = textsOf(text);
  if (shown && shown.length === values.length) texts.push(shown.join(' + '));
  // Typed payloads are JSON, in which a backslash of the text has a meaning of its own.
  return new Set([...texts, ...texts.flatMap(readAsJson)]);
}

function readAsJson(text: string): readonly string[] {
  if (!text.includes('\\')) return [];
  try {
    return [JSON.parse(`"${text}"`)];
  } catch {
    return [];
  }
}

const escapeRegex = (text: string) => text.replaceAll(/[\\^$*+?.()|[\]{}/]/g, '\\$&');
const unescapeRegex = (text: string) => text.replaceAll(/\\([\\^$*+?.()|[\]{}/-])/g, '$1');

/** What a text of no known variable stands for. */
function splitText(text: string): readonly string[] {
  const list = splitRegex(text);
  if (list.length > 1 || list[0] !== text || text === EMPTY_VALUE) return list;
  return splitJson(text) ?? splitQuoted(text) ?? splitPlain(text);
}

/** From the beginning on: where a part has no end, its end is not looked for from each character of it. */
const PARTS = /(?:[^\\|]|\\.)*\|/gsy;

/** `(a|b)`, or one name whose characters are escaped as in a regular expression. Any other text is itself. */
function splitRegex(text: string): readonly string[] {
  const inside = /^\((.*)\)$/s.exec(text)?.[1];
  const parts = inside === undefined ? [] : (`${inside}|`.match(PARTS) ?? []);
  if (parts.length > 1) return parts.map((part) => unescapeRegex(part.slice(0, -1)));
  const name = unescapeRegex(text);
  const escaped = escapeRegex(name);
  // Some versions of Grafana escape hyphens too.
  return [[escaped, escaped.replaceAll('-', '\\-')].includes(text) ? name : text];
}

function splitJson(text: string): readonly string[] | undefined {
  if (!text.startsWith('[')) return undefined;
  try {
    return textsOf(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** `"a","b"`, or with single quotes. */
function splitQuoted(text: string): readonly string[] | undefined {
  const double = /^"(?:[^"\\]|\\.)*"(?:,"(?:[^"\\]|\\.)*")*$/s.test(text);
  if (double)
    return text.match(/"(?:[^"\\]|\\.)*"/gs)!.map((part) => part.slice(1, -1).replaceAll('\\"', '"'));
  const single = /^'(?:[^'\\]|\\.|'')*'(?:,'(?:[^'\\]|\\.|'')*')*$/s.test(text);
  if (!single) return undefined;
  return text
    .match(/'(?:[^'\\]|\\.|'')*'/gs)!
    .map((part) => part.slice(1, -1).replaceAll(/\\(['"])|'(')/g, '$1$2'));
}

/** `a|b`, `{a,b}`, `a,b` or `a + b`. A comma before a space is part of a name: no format of Grafana writes one. */
function splitPlain(text: string): readonly string[] {
  if (text.includes('|')) return text.split('|');
  const inBraces = /^\{(.*)\}$/s.exec(text)?.[1];
  if (inBraces === undefined && text.includes(' + ')) return text.split(' + ');
  return (inBraces ?? text).split(/,(?! )/);
}
