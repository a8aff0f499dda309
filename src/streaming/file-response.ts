import type { Readable } from 'node:stream';
import { UnreadableValueError } from '../errors.ts';
import { Body, type Summary } from './body.ts';
import type { ConnectionPlan } from './connection-plan.ts';
import { createCsvEncoder, csvHeader, INCOMPLETE } from './csv-encoder.ts';
import { ListReader } from './list-reader.ts';
import type { OpenList } from './open-list.ts';
import { createRowEncoder, type Member, type RowEncoder } from './row-encoder.ts';

/** The formats a list can be downloaded in, with their media types. */
export const fileTypes = { csv: 'text/csv', ndjson: 'application/x-ndjson' } as const;
export type FileFormat = keyof typeof fileTypes;

/** What a file does not hold, and why. */
export interface FileGap {
  readonly code: string;
  readonly message: string;
  /** Calls that are in the file. */
  readonly rows: number;
  /** Calls that are not: without a time or a key they cannot be shown. */
  readonly unreadableCalls: number;
  /** Values that are not: of their calls everything else is there. */
  readonly unreadableValues: number;
  /** Where the list broke off, to go on after; null when it did not, or before its first call. */
  readonly resumeAfter: string | null;
}

const LAST_LINE_KEY = 'error';

export interface FileNeeds {
  readonly format: FileFormat;
  readonly plan: ConnectionPlan;
  readonly list: OpenList;
  describe(error: unknown): { readonly code: string; readonly message: string };
  onEnd(summary: Summary): void;
}

/** Why the list cannot be a file of this format; undefined when it can. */
export function obstacleTo(format: FileFormat, { list, others }: ConnectionPlan): string | undefined {
  if (format === 'ndjson' && list.members.some(({ key }) => key === LAST_LINE_KEY)) {
    return `"${LAST_LINE_KEY}" is the key of the last line of a file that is not whole: give the field another alias.`;
  }
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
  let unreadableCalls = 0;
  let unreadableValues = 0;
  const reading: ListReader = new ListReader(list.reader, {
    page: list.page,
    size: list.size,
    columns: encoder.columns,
    onRow(row, start, end) {
      unreadableValues += encoder.encode(writer, row, start, end, false)?.length ?? 0;
    },
    onUnreadableRow() {
      unreadableCalls++;
    },
    onBatch: () => !body.hasSent && writer.flush(),
    onReplayed: plan.list.hasCursors
      ? (lsn) => encoder.beginCursorsWith(list.cursorPrefixAt(lsn))
      : undefined,
    flow: body,
    replace: list.replace,
  });
  if (format === 'csv') writer.text(csvHeader(plan.list.members as never));
  let failure: { error: unknown; resumeAfter: string | null } | undefined;
  try {
    await reading.run();
  } catch (error) {
    if (!body.hasSent) throw error;
    failure = { error, resumeAfter: reading.lastKey ? await list.cursorOf(reading.lastKey) : null };
  }
  if (failure || unreadableCalls + unreadableValues > 0) {
    const { error, resumeAfter } = failure ?? { error: new UnreadableValueError(), resumeAfter: null };
    const rows = reading.rows - unreadableCalls;
    const gap = { ...describe(error), rows, unreadableCalls, unreadableValues, resumeAfter };
    writer.text(lastLine(format, gap));
  }
  onEnd({ rows: reading.rows, bytes: body.bytes, failed: failure !== undefined });
  return body.end();
}

function encoderOf(format: FileFormat, members: readonly Member[]): RowEncoder {
  if (format === 'csv') return createCsvEncoder(members as never);
  const encoder = createRowEncoder(members, { keepsObjects: true });
  return {
    ...encoder,
    encode(writer, row, start, end) {
      const failures = encoder.encode(writer, row, start, end, false);
      writer.block[writer.length++] = 0x0a;
      return failures;
    },
  };
}

/**
 * The last line of a file that could not hold everything; one without it is whole. It cannot be taken for a call: in CSV
 * it is not quoted and begins as no cell does, in NDJSON `error` is no key of a call.
 */
function lastLine(format: FileFormat, gap: FileGap): string {
  if (format === 'ndjson') return `${JSON.stringify({ [LAST_LINE_KEY]: gap })}\n`;
  const { message: _, ...facts } = gap;
  const words = Object.entries(facts).map(([name, value]) => `${name}=${value ?? ''}`);
  return `${INCOMPLETE} ${words.join(' ')}\r\n`;
}
