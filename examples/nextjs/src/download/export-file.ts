import { askForLines } from '../asking/execute.ts';
import { askCarriers, MAX_NUMBERS } from '../carriers/ask-carriers.ts';
import type { Formats } from '../formats.ts';
import type { CdrFilter, CdrOrder } from '../generated/graphql.ts';
import * as operations from '../generated/operations.ts';
import type { ColumnId } from '../table/columns.tsx';
import type { Words } from '../words/words.ts';
import { callColumns } from './call-sheet.ts';
import { withCarriers } from './carrier-columns.ts';
import { csvFormat } from './csv-records.ts';
import { type Downloaded, downloadList, type Page } from './download-list.ts';
import { exportName, exportVariables, sheetVariables } from './export-variables.ts';
import { type FileChoice, type FileSink, openFileSink } from './file-sink.ts';
import { lineFormat } from './line-records.ts';
import type { SheetColumn, SheetOptions } from './sheet.ts';
import { createSheetSink } from './sheet-sink.ts';
import { type StatsGroup, type StatsTime, statsColumns, statsVariables } from './stats-sheet.ts';

/** Plain CSV as the gateway writes it; CSV as Excel opens it; a workbook. */
export const exportKinds = ['plain', 'csv', 'xlsx'] as const;
export type ExportKind = (typeof exportKinds)[number];

/** What is exported: the calls of the list, or sums of them. */
export type ExportSubject =
  | { readonly of: 'calls'; readonly columns: readonly ColumnId[] | undefined }
  | { readonly of: 'stats'; readonly time: StatsTime; readonly group: StatsGroup };

export interface ExportChoice {
  readonly filter: CdrFilter;
  readonly order: CdrOrder;
  /** Ceiling of one answer. */
  readonly most: number;
  readonly kind: ExportKind;
  readonly subject: ExportSubject;
}

export interface Exported extends Downloaded {
  /** Calls whose carrier could not be looked up. */
  readonly missed: number;
  /** Texts that a cell is too short for. */
  readonly shortened: number;
}

export interface ExportTools {
  readonly words: Words;
  readonly formats: Formats;
  readonly signal: AbortSignal;
  onProgress(rows: number): void;
}

/** What is asked for a file, and what is made of the answer. */
export interface ExportOperation {
  readonly operation: string;
  readonly variables: object;
  /** Records at most; undefined of a list that is there at once. */
  readonly first: number | undefined;
  /** Of a spreadsheet. */
  columns(words: Words): readonly SheetColumn[];
  ask(
    page: Page | undefined,
    options: Parameters<typeof askForLines>[2],
  ): Promise<{ readonly body: ReadableStream<Uint8Array> }>;
}

const mediaTypes = {
  csv: { mediaType: 'text/csv', description: 'CSV' },
  xlsx: {
    mediaType: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
    description: 'Excel',
  },
} as const;

/** Where it goes. Must be called right after a click; undefined when the user closes the browser's dialog. */
export function openExport({ filter, kind, subject }: ExportChoice): Promise<FileSink | undefined> {
  const extension = kind === 'xlsx' ? 'xlsx' : 'csv';
  const name = exportName(filter, { subject: subject.of === 'calls' ? 'calls' : 'statistics', extension });
  return openFileSink({ name, ...mediaTypes[extension] } satisfies FileChoice);
}

/** The operation behind the file, and its variables. */
export function operationOf(choice: ExportChoice, zone: string): ExportOperation {
  const { filter, order, most, kind, subject } = choice;
  if (subject.of === 'stats') {
    const variables = statsVariables({ filter, zone, time: subject.time, group: subject.group });
    return {
      operation: operations.statsExport,
      variables,
      first: undefined,
      columns: (words) => statsColumns(variables, words, zone),
      ask: (_, options) => askForLines(operations.statsExport, variables, options),
    };
  }
  const wishes = { filter, order, most, columns: subject.columns };
  const variables = kind === 'plain' ? exportVariables(wishes) : sheetVariables(wishes);
  return {
    operation: operations.callExport,
    variables,
    first: most,
    columns: (words) => callColumns(variables, words, zone),
    ask: (page, options) => askForLines(operations.callExport, { ...variables, ...page }, options),
  };
}

/** Writes the file. Throws when it fails or is cancelled: then nothing of it stays. */
export async function writeExport(
  choice: ExportChoice,
  sink: FileSink,
  tools: ExportTools,
): Promise<Exported> {
  return choice.kind === 'plain'
    ? writePlain(choice, sink, tools)
    : writeSheet(choice, sink, tools, choice.kind);
}

async function writePlain(
  choice: ExportChoice,
  sink: FileSink,
  { signal, onProgress, formats }: ExportTools,
): Promise<Exported> {
  const { first, ask } = operationOf(choice, formats.zone);
  const carriers = hasCarriers(choice)
    ? withCarriers({ sink, ask: (numbers) => askCarriers(numbers, signal), batch: MAX_NUMBERS })
    : undefined;
  const downloaded = await downloadList({
    first,
    format: csvFormat,
    request: (page) => ask(page, { accept: csvFormat.accept, signal }),
    sink: carriers ?? sink,
    onProgress,
  });
  return { ...downloaded, missed: carriers?.missed ?? 0, shortened: 0 };
}

function hasCarriers({ subject }: ExportChoice): boolean {
  return subject.of === 'calls' && (subject.columns === undefined || subject.columns.includes('carrier'));
}

async function writeSheet(
  choice: ExportChoice,
  sink: FileSink,
  { words, formats, signal, onProgress }: ExportTools,
  kind: SheetOptions['kind'],
): Promise<Exported> {
  const { zone, locale } = formats;
  const { first, ask, columns } = operationOf(choice, zone);
  const { sheets, incompleteRow: incomplete } = words.export;
  const name = sheets[choice.subject.of];
  const sheet = createSheetSink(sink, { kind, columns: columns(words), zone, locale, name, incomplete });
  const downloaded = await downloadList({
    first,
    format: lineFormat,
    request: (page) => ask(page, { accept: lineFormat.accept, signal }),
    sink: sheet,
    onProgress,
  });
  return { ...downloaded, missed: 0, shortened: sheet.shortened };
}
