import { encodeCsvSheet } from './csv-sheet.ts';
import { noticeIn } from './line-records.ts';
import type { SheetOptions } from './sheet.ts';
import { encodeXlsxSheet, type SheetLoss } from './xlsx-sheet.ts';

type Batch = readonly (Readonly<Record<string, unknown>> | string)[];

/** Encodes NDJSON, which comes in pieces of whole lines, as a sheet. */
export async function* encodeSheet(
  options: SheetOptions,
  pieces: AsyncIterable<Uint8Array>,
  loss: SheetLoss,
): AsyncGenerator<Uint8Array> {
  const batches = batchesOf(pieces, options);
  if (options.kind === 'csv') {
    const encoder = new TextEncoder();
    for await (const text of encodeCsvSheet(options, batches)) yield encoder.encode(text);
    return;
  }
  const reader = encodeXlsxSheet(options, batches, loss).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}

/** The records of each piece; of a file that is not whole, what its last row says. */
async function* batchesOf(
  pieces: AsyncIterable<Uint8Array>,
  { incomplete }: SheetOptions,
): AsyncGenerator<Batch> {
  const decoder = new TextDecoder();
  for await (const piece of pieces) {
    const lines = decoder.decode(piece).split('\n');
    yield lines.flatMap((line): Batch => {
      if (line === '') return [];
      const notice = noticeIn(line);
      if (!notice) return [JSON.parse(line)];
      const { calls, values } = notice;
      return [incomplete.replace('{calls}', String(calls)).replace('{values}', String(values))];
    });
  }
}
