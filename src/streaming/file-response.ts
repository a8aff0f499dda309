import type { Readable } from 'node:stream';
import { Body, type Summary } from './body.ts';
import type { ConnectionPlan } from './connection-plan.ts';
import { createCsvEncoder, csvHeader } from './csv-encoder.ts';
import type { OpenList } from './json-connection.ts';
import { ListReader } from './list-reader.ts';
import { createRowEncoder, type Member, type RowEncoder } from './row-encoder.ts';

/** The formats a list can be downloaded in, with their media types. */
export const fileTypes = { csv: 'text/csv', ndjson: 'application/x-ndjson' } as const;
export type FileFormat = keyof typeof fileTypes;

/** How a file that breaks off says so in its last line. */
export interface FileFailure {
  readonly code: string;
  readonly message: string;
  readonly resumeAfter: string | null;
}

export interface FileNeeds {
  readonly format: FileFormat;
  readonly plan: ConnectionPlan;
  readonly list: OpenList;
  describe(error: unknown): { readonly code: string; readonly message: string };
  onEnd(summary: Summary): void;
}

/** Why the list cannot be a file of this format; undefined when it can. */
export function obstacleTo(format: FileFormat, { list, others }: ConnectionPlan): string | undefined {
  if (others.length > 0) return 'A file has rows only: ask for "nodes" alone, without counts and pageInfo.';
  if (format === 'csv' && list.members.some(({ kind }) => kind === 'object')) {
    return 'A CSV file is flat: ask for "nodes" instead of "edges { node }", or accept application/x-ndjson.';
  }
  return undefined;
}

/** Writes the list as a file. Resolves as `streamOperation` does; throws only while nothing was sent. */
export function streamFile(needs: FileNeeds): Promise<Buffer | Readable> {
  const body = new Body();
  return Promise.race([body.started, writeFile(body, needs)]);
}

async function writeFile(
  body: Body,
  { format, plan, list, describe, onEnd }: FileNeeds,
): Promise<Buffer | Readable> {
  const { writer } = body;
  const encoder = encoderOf(format, plan.list.members);
  const reading: ListReader = new ListReader(list.reader, {
    page: list.page,
    size: list.size,
    columns: encoder.columns,
    onRow: (row, start, end) => encoder.encode(writer, row, start, end, false),
    onBatch: () => !body.hasSent && writer.flush(),
    onReplayed: plan.list.hasCursors
      ? (lsn) => encoder.beginCursorsWith(list.cursorPrefixAt(lsn))
      : undefined,
    flow: body,
    replace: list.replace,
  });
  if (format === 'csv') writer.text(csvHeader(plan.list.members as never));
  let failed = false;
  try {
    await reading.run();
  } catch (error) {
    if (!body.hasSent) throw error;
    failed = true;
    const resumeAfter = reading.lastKey ? await list.cursorOf(reading.lastKey) : null;
    writer.text(lastLine(format, { ...describe(error), resumeAfter }));
  }
  onEnd({ rows: reading.rows, bytes: body.bytes, failed });
  return body.end();
}

function encoderOf(format: FileFormat, members: readonly Member[]): RowEncoder {
  if (format === 'csv') return createCsvEncoder(members as never);
  const encoder = createRowEncoder(members);
  return {
    ...encoder,
    encode(writer, row, start, end) {
      encoder.encode(writer, row, start, end, false);
      writer.block[writer.length++] = 0x0a;
      return undefined;
    },
  };
}

/** A line that no call can be: a single cell for CSV, `errors` for NDJSON. A file without it is whole. */
function lastLine(format: FileFormat, { code, message, resumeAfter }: FileFailure): string {
  if (format === 'csv') return `"INCOMPLETE: ${code}; resume after ${resumeAfter}"\r\n`;
  const extensions = { complete: false, resumeAfter };
  return `${JSON.stringify({ errors: [{ message, extensions: { code } }], extensions })}\n`;
}
