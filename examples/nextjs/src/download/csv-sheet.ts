import type { SheetColumn, SheetOptions } from './sheet.ts';
import { amountsText, cleanText, createLocalTimes, isKept, shownOf } from './sheet-values.ts';

/** Excel reads a file without it in the code page of the machine. */
const BYTE_ORDER_MARK = '\ufeff';
/** A formula holds no longer text. */
const MAX_FORMULA_TEXT = 255;

/** As the gateway guards a text (docs/files.md there): what a spreadsheet runs gets an apostrophe. */
export const FORMULA =
  /^(?:\p{Cc}|[\s\u200b-\u200d\u2060\ufeff]*(?:[=@\uff1d\uff20\ufe66\ufe6b]|[+\-\uff0b\uff0d\ufe62\ufe63](?!\d*$)))/u;

/** What Excel makes a number, a date, a share or a truth of: digits with signs between them, `1E5`, `SEPT2`, `3-MAR`. */
const NUMBER_LIKE = /^(?=.*\d)[\s\d.,:;/%()+\-$€£¥eE]+$/u;
const MONTH = '(?:jan|f[eé]v|feb|mar|a[pv]r|ma[iy]|ju[nil]|ao[uû]|aug|sep|oct|nov|d[eé]c)\\p{L}*';
const DATE_LIKE = new RegExp(
  `^(?:\\d{1,4}[\\s\\-/.]*)?${MONTH}[\\s\\-/.]*(?:\\d{1,4})?$|^\\d{1,2}\\s*[ap]m?$`,
  'iu',
);
const TRUTH = /^(?:true|false|vrai|faux)$/i;

/**
 * CSV as Excel opens it by a double click, by what it takes of a language: the separator of lists and the decimal point.
 * Times are of the zone. A text that Excel would make a number of is written as a formula whose value it is: the
 * one form in which it stays what it is, digit by digit.
 */
export async function* encodeCsvSheet(
  { columns, zone, locale }: SheetOptions,
  batches: AsyncIterable<readonly (Readonly<Record<string, unknown>> | string)[]>,
): AsyncGenerator<string> {
  const { separator, point } = notationOf(locale);
  const localTime = createLocalTimes(zone);
  const decimal = (text: string) => text.replace('.', point);
  const cell = (record: Readonly<Record<string, unknown>>, column: SheetColumn): string => {
    const value = shownOf(record, column);
    if (value === undefined) return '';
    if (column.kind === 'number') return isKept(value) ? decimal(String(value)) : textCell(value);
    if (column.kind === 'time') return localTime(String(value))?.text ?? textCell(value);
    return textCell(column.kind === 'amounts' ? amountsText(value, decimal) : value);
  };
  yield `${BYTE_ORDER_MARK}${columns.map(({ header }) => textCell(header)).join(separator)}\r\n`;
  for await (const batch of batches) {
    yield batch
      .map((record) =>
        typeof record === 'string'
          ? `${textCell(record)}\r\n`
          : `${columns.map((column) => cell(record, column)).join(separator)}\r\n`,
      )
      .join('');
  }
}

/** In quotes, guarded, and such that no spreadsheet makes a number of it. */
export function textCell(value: unknown): string {
  const text = cleanText(value);
  return `"${guarded(text).replaceAll('"', '""')}"`;
}

function guarded(text: string): string {
  if (text === '') return text;
  if (NUMBER_LIKE.test(text) || DATE_LIKE.test(text) || TRUTH.test(text)) {
    const isHarmless = /^[^"\p{Cc}]*$/u.test(text) && text.length <= MAX_FORMULA_TEXT;
    return isHarmless ? `="${text}"` : `'${text}`;
  }
  return FORMULA.test(text) ? `'${text}` : text;
}

export function notationOf(locale: string): { readonly separator: string; readonly point: string } {
  const parts = new Intl.NumberFormat(locale).formatToParts(1.5);
  const point = parts.find(({ type }) => type === 'decimal')?.value ?? '.';
  return { separator: point === ',' ? ';' : ',', point };
}
