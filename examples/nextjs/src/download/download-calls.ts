import { AskError } from '../asking/ask-error.ts';
import { askForLines } from '../asking/execute.ts';
import type { CallExportQueryVariables } from '../generated/graphql.ts';
import * as operations from '../generated/operations.ts';
import { type CsvEnd, CsvRecords, noticeOf } from './csv-records.ts';
import type { FileSink } from './file-sink.ts';

export interface DownloadOptions {
  readonly variables: CallExportQueryVariables;
  readonly sink: FileSink;
  readonly signal: AbortSignal;
  /** Told of the calls so far, some ten times a second. */
  onProgress(rows: number): void;
}

const PROGRESS_MILLIS = 100;
/** A list that breaks off is continued so often before it counts as failed. */
const MAX_PARTS = 5;

/**
 * Writes the calls as CSV and resolves with their number. A list that breaks off is continued where it ended, in the
 * same file. Calls and values that cannot be shown are counted in its last line. Throws when it breaks off for good, or
 * was cancelled: then nothing of the file stays.
 */
export async function downloadCalls(options: DownloadOptions): Promise<number> {
  const { sink } = options;
  try {
    const rows = await writeParts(options);
    await sink.finish();
    return rows;
  } catch (error) {
    await sink.discard();
    throw error;
  }
}

async function writeParts(options: DownloadOptions): Promise<number> {
  let rows = 0;
  const unreadable = { calls: 0, values: 0 };
  let after: string | null = null;
  for (let part = 1; ; part++) {
    const first = options.variables.first - rows - unreadable.calls;
    const end = await writePart(
      { ...options, variables: { ...options.variables, first, after } },
      part > 1,
      rows,
    );
    rows += end.rows;
    unreadable.calls += end.unreadable.calls;
    unreadable.values += end.unreadable.values;
    if (!end.brokenOff) break;
    after = end.brokenOff.resumeAfter;
    if (after === null || part === MAX_PARTS) {
      throw new AskError('The list broke off.', { code: end.brokenOff.code, retryable: true });
    }
  }
  if (unreadable.calls + unreadable.values > 0) {
    await options.sink.write(new TextEncoder().encode(noticeOf(rows, unreadable)));
  }
  return rows;
}

async function writePart(
  { variables, sink, signal, onProgress }: DownloadOptions,
  skipsHeader: boolean,
  before: number,
): Promise<{ rows: number } & Pick<CsvEnd, 'brokenOff' | 'unreadable'>> {
  const response = await askForLines(operations.callExport, variables, { accept: 'text/csv', signal });
  const records = new CsvRecords({ skipsHeader });
  let told = 0;
  for await (const chunk of chunksOf(response.body)) {
    const bytes = records.take(chunk);
    if (bytes.length > 0) await sink.write(bytes);
    if (performance.now() - told < PROGRESS_MILLIS) continue;
    told = performance.now();
    onProgress(before + records.rows);
  }
  const { bytes, brokenOff, unreadable, isCut } = records.end();
  if (isCut) throw brokenConnection();
  if (bytes.length > 0) await sink.write(bytes);
  onProgress(before + records.rows);
  return { rows: records.rows, brokenOff, unreadable };
}

/** Not every browser iterates a stream by itself. */
async function* chunksOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read().catch((error: Error) => {
        throw error.name === 'AbortError' ? error : brokenConnection();
      });
      if (done) return;
      yield value;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

function brokenConnection(): AskError {
  return new AskError('The connection broke.', { code: 'GATEWAY_UNREACHABLE', retryable: true });
}
