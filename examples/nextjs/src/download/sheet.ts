/** A file for spreadsheets: CSV as Excel opens it, or an Excel workbook. */
export type SheetKind = 'csv' | 'xlsx';

/** A column of it. Goes to the worker, so it is data and nothing else. */
export interface SheetColumn {
  readonly header: string;
  /** Response keys from the record to the value. */
  readonly path: readonly string[];
  readonly kind: 'text' | 'number' | 'time' | 'amounts';
  /** What values are called: of a choice. */
  readonly words?: Readonly<Record<string, string>>;
  /** Characters. */
  readonly width: number;
}

export interface SheetOptions {
  readonly kind: SheetKind;
  readonly columns: readonly SheetColumn[];
  /** Of the times. */
  readonly zone: string;
  /** Of CSV: its separator and its decimals. */
  readonly locale: string;
  /** Of the sheet in the workbook. */
  readonly name: string;
  /** Of each sheet of a workbook, its head included; as many as Excel takes unless told otherwise. */
  readonly maxRows?: number;
  /** What the last row says of a file that is not whole: `{calls}` and `{values}` are missing. */
  readonly incomplete: string;
}

/** An instant on the clock of a zone. */
export interface LocalTime {
  /** Milliseconds since 1970 on that clock, as if it were that of UTC. */
  readonly millis: number;
  /** `2026-11-20 10:57:03` */
  readonly text: string;
}
