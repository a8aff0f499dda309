import type { Leaf } from './leaves.ts';

/** How the last record of a file begins that could not hold everything. It is not quoted, and every text is. */
export const INCOMPLETE = '# INCOMPLETE';

/** The end of a record. */
export const CR_LF = '\r\n';

/**
 * What spreadsheets run rather than show, also behind spaces and in the wide letters of East Asia; control characters,
 * which some drop before they look. A sign followed by nothing but digits is a phone number.
 */
const FORMULA =
  /^(?:\p{Cc}|[\s\u200b-\u200d\u2060\ufeff]*(?:[=@\uff1d\uff20\ufe66\ufe6b]|[+\-\uff0b\uff0d\ufe62\ufe63](?!\d*$)))/u;

/** Whether a text needs an apostrophe before it: a formula, or what looks like the last record of an incomplete file. */
export function isTakenForMore(text: string): boolean {
  return FORMULA.test(text) || text.startsWith(INCOMPLETE);
}

/** The names of the cells: response keys, so that an alias names a column. */
export function csvNames(names: readonly (readonly string[])[]): string {
  return names.map((path) => path.join('.')).join(',');
}

/** The cells of an object as GraphQL answers it: empty where a value is null or there is no object. */
export function csvCells(object: unknown, leaves: readonly Leaf[]): string {
  return leaves.map((leaf) => cellOf(valueAt(object, leaf), leaf)).join(',');
}

function cellOf(value: unknown, { form, items }: Leaf): string {
  if (value == null) return '';
  const text = items ? listText(value as readonly unknown[], items) : String(value);
  if (form === 'bare') return text;
  const quoted = text.replaceAll('"', '""');
  return `"${form === 'text' && text !== '' && isTakenForMore(text) ? `'${quoted}` : quoted}"`;
}

function valueAt(object: unknown, { path }: Leaf): unknown {
  return path.reduce<unknown>((value, key) => (value as Record<string, unknown> | null)?.[key], object);
}

/** What a text of a list must not hold, nor be, to be told from what lies around it. */
const NEEDS_QUOTES = /[\s";\p{Cc}]|^\??$/u;

/**
 * A list of objects in one cell: `EUR 12.50; USD 3; ? 0.25`. Objects are parted by semicolons, their values by spaces. `?`
 * is null; a text with spaces, semicolons or quotes in it, an empty one and `?` are JSON strings.
 */
function listText(objects: readonly unknown[], leaves: readonly Leaf[]): string {
  return objects.map((object) => leaves.map((leaf) => itemText(valueAt(object, leaf))).join(' ')).join('; ');
}

function itemText(value: unknown): string {
  if (value == null) return '?';
  const text = String(value);
  return NEEDS_QUOTES.test(text) ? JSON.stringify(text) : text;
}
