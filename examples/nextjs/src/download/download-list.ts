import { GatewayError, GatewayUnreachableError } from 'cdr-gateway-client';
import type { FileFormat, RecordsEnd, Unreadable } from './file-records.ts';
import type { FileSink } from './file-sink.ts';

/** A part of a list: so many records, behind the cursor. */
export interface Page {
  readonly first: number;
  readonly after: string | null;
}

export interface DownloadOptions {
  /** How many records at most; undefined of a list that is there at once, and cannot be continued. */
  readonly first: number | undefined;
  readonly format: FileFormat;
  /** Asks for the list, or for a part of it. */
  request(page: Page | undefined): Promise<{ readonly body: ReadableStream<Uint8Array> }>;
  readonly sink: FileSink;
  /** Told of the records so far, some ten times a second. */
  onProgress(rows: number): void;
}

export interface Downloaded {
  readonly rows: number;
  readonly unreadable: Unreadable;
}

const PROGRESS_MILLIS = 100;
/** A list that breaks off is continued so often before it counts as failed. */
const MAX_PARTS = 5;

/**
 * Writes a list as a file and resolves with what is in it. A list that breaks off is continued where it ended, in the same
 * file. Calls and values that cannot be shown are counted in its last line. Throws when it breaks off for good, or
 * was cancelled: then nothing of the file stays.
 */
export async function downloadList(options: DownloadOptions): Promise<Downloaded> {
  const { sink } = options;
  try {
    const downloaded = await writeParts(options);
    await sink.finish();
    return downloaded;
  } catch (error) {
    await sink.discard();
    throw error;
  }
}

async function writeParts(options: DownloadOptions): Promise<Downloaded> {
  const { first, format, sink } = options;
  let rows = 0;
  const unreadable = { calls: 0, values: 0 };
  let after: string | null = null;
  for (let part = 1; ; part++) {
    const page = first === undefined ? undefined : { first: first - rows - unreadable.calls, after };
    const end = await writePart(options, page, { isContinued: part > 1, before: rows });
    rows += end.rows;
    unreadable.calls += end.unreadable.calls;
    unreadable.values += end.unreadable.values;
    if (!end.brokenOff) break;
    after = end.brokenOff.resumeAfter;
    if (after === null || part === MAX_PARTS) {
      throw new GatewayError('The list broke off.', { code: end.brokenOff.code, retryable: true });
    }
  }
  if (unreadable.calls + unreadable.values > 0) {
    await sink.write(new TextEncoder().encode(format.notice(rows, unreadable)));
  }
  return { rows, unreadable };
}

async function writePart(
  { request, format, sink, onProgress }: DownloadOptions,
  page: Page | undefined,
  { isContinued, before }: { readonly isContinued: boolean; readonly before: number },
): Promise<{ rows: number } & Pick<RecordsEnd, 'brokenOff' | 'unreadable'>> {
  const { body } = await request(page);
  const records = format.read({ isContinued });
  let told = 0;
  for await (const chunk of chunksOf(body)) {
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

function brokenConnection(): GatewayUnreachableError {
  return new GatewayUnreachableError('The connection broke.');
}
