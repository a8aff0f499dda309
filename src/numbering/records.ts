import type { Line } from './text-lines.ts';

export type Separator = ';' | ',' | '\t';

/** A line that cannot be used, and why. */
export interface BadLine {
  readonly line: number;
  readonly reason: string;
}

/** The fields of a record, and the line it begins on. */
export interface Row {
  readonly line: number;
  readonly fields: readonly string[];
}

/** A quoted field may go on over so many lines; beyond, the quote was never closed. */
const MAX_LINES = 20;

/**
 * Rows of separated values, quotes as RFC 4180 has them, for lines that come one by one. A quote that is never closed
 * costs its own line and not those after it.
 */
export function createRowReader(separator: Separator): {
  push(line: Line): (Row | BadLine)[];
  end(): (Row | BadLine)[];
} {
  let open: { readonly number: number; readonly text: string }[] = [];

  /** Gives up the first of the open lines, and reads the others anew. */
  function giveUp(): (Row | BadLine)[] {
    const [first, ...others] = open;
    open = [];
    if (!first) return [];
    return [{ line: first.number, reason: 'a quote that is not closed' }, ...others.flatMap(push)];
  }

  function push(line: Line): (Row | BadLine)[] {
    if (line.text === undefined) return [...end(), { line: line.number, reason: line.reason }];
    if (open.length === 0 && line.text.trim() === '') return [];
    open.push(line);
    const fields = splitFields(open.map(({ text }) => text).join('\n'), separator);
    if (!fields) return open.length < MAX_LINES ? [] : giveUp();
    const [first] = open;
    open = [];
    return [{ line: first!.number, fields }];
  }

  function end(): (Row | BadLine)[] {
    const rows: (Row | BadLine)[] = [];
    while (open.length > 0) rows.push(...giveUp());
    return rows;
  }

  return { push, end };
}

/** Undefined while a quote is open. */
export function splitFields(text: string, separator: Separator): string[] | undefined {
  if (!text.includes('"')) return text.split(separator);
  const fields: string[] = [];
  let start = 0;
  while (start <= text.length) {
    if (text[start] !== '"') {
      const end = findEndOfField(text, start, separator);
      fields.push(text.slice(start, end));
      start = end + 1;
      continue;
    }
    const close = closingQuote(text, start + 1);
    if (close < 0) return undefined;
    const end = findEndOfField(text, close + 1, separator);
    fields.push(text.slice(start + 1, close).replaceAll('""', '"') + text.slice(close + 1, end));
    start = end + 1;
  }
  return fields;
}

function findEndOfField(text: string, from: number, separator: Separator): number {
  const end = text.indexOf(separator, from);
  return end < 0 ? text.length : end;
}

/** The quote that ends the field; a doubled one stands for itself. */
function closingQuote(text: string, from: number): number {
  let at = text.indexOf('"', from);
  while (at >= 0 && text[at + 1] === '"') at = text.indexOf('"', at + 2);
  return at;
}
