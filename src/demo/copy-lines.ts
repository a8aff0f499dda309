/**
 * A table as COPY fills it, in PostgreSQL's text format: fields between tabs. The columns are named in the statement,
 * so that one which the table has and nothing here fills gets its default.
 */
export interface CopyTable<Row> {
  /** To be put into "copy … from stdin". */
  readonly target: string;
  /** One row, with its line end. */
  readonly line: (row: Row) => string;
}

/** Of a row's value in a column: its text, with `\N` for null. */
export type FieldText<Row> = (row: Row) => string;

export function copyTable<Row>(
  table: string,
  columns: Readonly<Record<string, FieldText<Row>>>,
): CopyTable<Row> {
  const [first, ...others] = Object.values(columns);
  return {
    target: `${table} (${Object.keys(columns).join(', ')})`,
    line(row) {
      let line = first!(row);
      for (const field of others) line += `\t${field(row)}`;
      return `${line}\n`;
    },
  };
}

const DAY = 86_400;

export const NULL = '\\N';

/** A backslash, a tab or a line end inside would break the row. */
export function text(value: string | null): string {
  if (value === null) return NULL;
  return SPECIAL.test(value) ? value.replace(/[\\\t\n\r]/g, (character) => ESCAPES[character]!) : value;
}

const SPECIAL = /[\\\t\n\r]/;
const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };

/** Millionths, as a decimal with six places; nothing as a plain 0. */
export function money(millionths: number): string {
  if (millionths === 0) return '0';
  const whole = Math.floor(millionths / 1_000_000);
  return `${whole}.${String(1_000_000 + (millionths - whole * 1_000_000)).slice(1)}`;
}

/** Thousandths, as a decimal with three places; nothing as a plain 0. */
export function millis(thousandths: number): string {
  if (thousandths === 0) return '0';
  const whole = Math.floor(thousandths / 1000);
  return `${whole}.${THOUSANDTHS[thousandths - whole * 1000]}`;
}

const THOUSANDTHS = Array.from({ length: 1000 }, (_, value) => String(1000 + value).slice(1));

export function second(epochSeconds: number): string {
  const day = Math.floor(epochSeconds / DAY);
  return `${dateOf(day)}${TIMES[epochSeconds - day * DAY]}+00`;
}

export function micros(epochMicros: number): string {
  const epochSeconds = Math.floor(epochMicros / 1_000_000);
  const day = Math.floor(epochSeconds / DAY);
  const fraction = String(1_000_000 + (epochMicros - epochSeconds * 1_000_000)).slice(1);
  return `${dateOf(day)}${TIMES[epochSeconds - day * DAY]}.${fraction}+00`;
}

/** "09:05:07" for every second of a day. */
const TIMES = Array.from({ length: DAY }, (_, value) => {
  const two = (number: number) => String(100 + number).slice(1);
  return `${two(Math.floor(value / 3600))}:${two(Math.floor(value / 60) % 60)}:${two(value % 60)}`;
});

const dates = new Map<number, string>();

/** "2026-01-05 "; a load meets a month of days, again and again. */
function dateOf(day: number): string {
  let date = dates.get(day);
  if (date === undefined) {
    date = `${new Date(day * DAY * 1000).toISOString().slice(0, 10)} `;
    dates.set(day, date);
  }
  return date;
}
