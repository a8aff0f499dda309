import type { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Body, type Progress } from './body.ts';
import { CR_LF, csvCells, csvNames } from './csv-text.ts';
import { type FileBody, type FileFormat, type FileGap, lastLine } from './file-format.ts';
import type { RecordsPlan } from './records-plan.ts';

/** A failure below a record, as an executor reports it. */
export interface RecordFailure {
  readonly path?: readonly (string | number)[] | undefined;
}

export interface RecordsFileOptions<Failure extends RecordFailure> {
  readonly format: FileFormat;
  readonly plan: RecordsPlan;
  /** As the executor answers them. */
  readonly records: readonly unknown[];
  /** Of values that are null in the records. */
  readonly failures: readonly Failure[];
  describe(failure: Failure): { readonly code: string; readonly message: string };
  /** Told, once the file is certain, how much of it is written; it goes on while that is sent. */
  onSent(progress: Progress): void;
}

/** Records written at once: about a millisecond. */
const MAX_AT_ONCE = 250;

/** Writes records that are there as a file: in portions, as the client takes them. */
export async function writeRecordsFile<Failure extends RecordFailure>(
  options: RecordsFileOptions<Failure>,
): Promise<FileBody> {
  const { failures, records, describe } = options;
  const [first] = failures;
  const gap: FileGap | undefined = first && {
    ...describe(first),
    rows: records.length,
    unreadableCalls: 0,
    unreadableValues: failures.length,
    resumeAfter: null,
  };
  const body = new Body();
  const content = await Promise.race([body.started, writeRecords(body, options, gap)]);
  options.onSent(body.progressOf(content));
  return { content, gap: () => gap };
}

async function writeRecords<Failure extends RecordFailure>(
  body: Body,
  { format, plan, records }: RecordsFileOptions<Failure>,
  gap: FileGap | undefined,
): Promise<Buffer | Readable> {
  const { writer } = body;
  const leaves = plan.leaves ?? [];
  if (format === 'csv') writer.text(`${csvNames(leaves.map(({ path }) => path))}${CR_LF}`);
  // A line that is empty is skipped by many readers.
  const lineOf = (record: unknown) =>
    format === 'csv' ? `${csvCells(record, leaves) || '""'}${CR_LF}` : `${JSON.stringify(record)}\n`;
  try {
    for (let from = 0; from < records.length; from += MAX_AT_ONCE) {
      if (from > 0) await nextTurn();
      const portion = records.slice(from, from + MAX_AT_ONCE);
      for (const record of portion) writer.text(lineOf(record));
      body.rows += portion.length;
      if (body.isFull()) await body.drained();
    }
    if (gap) writer.text(lastLine(format, gap));
  } catch (error) {
    if (!body.hasSent) throw error;
    // The client has left.
    return body.end();
  }
  return body.end();
}
