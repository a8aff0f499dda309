import { writeXlsxStream } from 'hucre/xlsx';
import type { SheetColumn, SheetOptions } from './sheet.ts';
import { amountsText, cleanText, createLocalTimes, isKept, shownOf } from './sheet-values.ts';

/** A cell holds no more. */
const MAX_CELL_TEXT = 32_767;
/** What a workbook would read as an escaped character. */
const ESCAPE_LIKE = /_(?=x[0-9a-f]{4}_)/gi;
/** Excel's calendar: before it takes 1900 for a leap year, and after its last day. */
const MIN_DATE = Date.UTC(1900, 2, 1);
const TIME_FORMAT = 'yyyy-mm-dd hh:mm:ss';

type Value = string | number | Date | null;

/** What a workbook could not hold as it is. */
export interface SheetLoss {
  /** Texts that are longer than a cell. */
  shortened: number;
}

/**
 * A workbook, written as its rows come: numbers as text cells, times as date cells on the clock of the zone, amounts as
 * numbers as far as 15 digits reach, and else as text. A sheet that is full is followed by another one.
 */
export function encodeXlsxSheet(
  { columns, zone, name, maxRows }: SheetOptions,
  batches: AsyncIterable<readonly (Readonly<Record<string, unknown>> | string)[]>,
  loss: SheetLoss,
): ReadableStream<Uint8Array> {
  const localTime = createLocalTimes(zone);
  const text = (value: unknown): string => {
    const whole = cleanText(value);
    if (whole.length > MAX_CELL_TEXT) loss.shortened += 1;
    return whole.slice(0, MAX_CELL_TEXT).toWellFormed().replaceAll(ESCAPE_LIKE, '_x005F_');
  };
  const cell = (record: Readonly<Record<string, unknown>>, column: SheetColumn): Value => {
    const value = shownOf(record, column);
    if (value === undefined) return null;
    if (column.kind === 'number') return isKept(value) ? Number(value) : text(value);
    if (column.kind === 'amounts') return text(amountsText(value, (amount) => amount));
    if (column.kind !== 'time') return text(value);
    const local = localTime(String(value));
    if (!local) return text(value);
    return local.millis < MIN_DATE ? local.text : new Date(local.millis);
  };
  async function* rows(): AsyncGenerator<Value[]> {
    for await (const batch of batches) {
      for (const record of batch) {
        yield typeof record === 'string' ? [text(record)] : columns.map((column) => cell(record, column));
      }
    }
  }
  return writeXlsxStream(rows(), {
    name,
    columns: columns.map(({ header, width, kind }) => ({
      header: text(header),
      width,
      ...(kind === 'time' && { numFmt: TIME_FORMAT }),
    })),
    freezePane: { rows: 1 },
    ...(maxRows !== undefined && { maxRowsPerSheet: maxRows }),
  });
}
