import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { type BadLine, createRowReader, type Row, type Separator, splitFields } from './records.ts';
import { type Line, readLines, UnusableFileError } from './text-lines.ts';

/** What became of the lines of a file. */
export interface TableReading {
  readonly badLines: number;
  /** The first few of them. */
  readonly firstBad: readonly BadLine[];
}

/** How a column's name begins to be recognised: lower case, without accents and signs. */
export type Columns<Name extends string> = Readonly<Record<Name, RegExp>>;

const SEPARATORS: readonly Separator[] = [';', ',', '\t'];
const BAD_LINES_NAMED = 5;
/** Many times the size of the regulator's files: what is larger is another file. */
const MAX_FILE = 64 * 1024 * 1024;

/**
 * Reads a file of separated values with a header, row by row, and hands each to `take`, which answers with the reason
 * when the row is a bad one. Throws UnusableFileError, or what the file system throws.
 */
export async function readTable<Name extends string>(
  path: string,
  columns: Columns<Name>,
  take: (row: Readonly<Record<Name, string>>, line: number) => string | undefined,
): Promise<TableReading> {
  const about = await stat(path);
  if (!about.isFile()) throw new UnusableFileError('It is not a file.');
  if (about.size > MAX_FILE) throw new UnusableFileError('It is larger than 64 MB.');
  const firstBad: BadLine[] = [];
  let badLines = 0;
  const note = (bad: BadLine) => {
    badLines++;
    if (firstBad.length < BAD_LINES_NAMED) firstBad.push(bad);
  };

  let header: Header<Name> | undefined;
  let rows: ReturnType<typeof createRowReader> | undefined;
  const takeAll = (read: readonly (Row | BadLine)[]) => {
    for (const row of read) {
      const reason = 'fields' in row ? takeRow(row, header!, take) : row.reason;
      if (reason !== undefined) note({ line: row.line, reason });
    }
  };
  for await (const lines of readLines(createReadStream(path))) {
    for (const line of lines) {
      if (rows) takeAll(rows.push(line));
      else if (line.text?.trim() !== '') {
        header = readHeader(line, columns);
        rows = createRowReader(header.separator);
      }
    }
  }
  if (!rows) throw new UnusableFileError('It is empty.');
  takeAll(rows.end());
  return { badLines, firstBad };
}

interface Header<Name extends string> {
  readonly separator: Separator;
  /** Where each column stands. */
  readonly places: Readonly<Record<Name, number>>;
  /** Fields that a row must have at least. */
  readonly width: number;
}

/** The separator is the one that makes the columns appear. */
function readHeader<Name extends string>(line: Line, columns: Columns<Name>): Header<Name> {
  const wanted = Object.keys(columns) as Name[];
  const tries = SEPARATORS.map((separator) => {
    const names = (splitFields(line.text ?? '', separator) ?? []).map(fold);
    const places = wanted.map((name) => names.findIndex((found) => columns[name].test(found)));
    return { separator, places, missing: wanted.filter((_, index) => places[index]! < 0) };
  });
  const best = tries.reduce((one, other) => (other.missing.length < one.missing.length ? other : one));
  if (best.missing.length > 0) {
    throw new UnusableFileError(`Line ${line.number} names no column ${best.missing.join(', ')}.`);
  }
  return {
    separator: best.separator,
    places: Object.fromEntries(wanted.map((name, index) => [name, best.places[index]])) as Record<
      Name,
      number
    >,
    width: 1 + Math.max(...best.places),
  };
}

function takeRow<Name extends string>(
  { line, fields }: Row,
  { places, width }: Header<Name>,
  take: (row: Readonly<Record<Name, string>>, line: number) => string | undefined,
): string | undefined {
  if (fields.length < width) return `has ${fields.length} fields, expected at least ${width}`;
  const row: Record<string, string> = {};
  for (const name in places) row[name] = fields[places[name]]!.trim();
  return take(row as Record<Name, string>, line);
}

/** Lower case, without accents, blanks and signs: `Mnémo` is `mnemo`, however it was encoded. */
export function fold(text: string): string {
  return text
    .normalize('NFD')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, '');
}
