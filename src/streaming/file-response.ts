import type { Readable } from 'node:stream';
import { UnreadableValueError } from '../errors.ts';
import { Body, type Summary } from './body.ts';
import type { ConnectionPlan } from './connection-plan.ts';
import { createCsvEncoder, csvHeader, INCOMPLETE } from './csv-encoder.ts';
import { ListReader } from './list-reader.ts';
import type { OpenList } from './open-list.ts';
import type { RelatedExecution } from './related-selection.ts';
import { createRelatedSource } from './related-source.ts';
import { createRowEncoder, type Member, type RowEncoder } from './row-encoder.ts';
import { createRowTarget } from './waiting-rows.ts';

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

export interface FileOptions {
  readonly format: FileFormat;
  readonly plan: ConnectionPlan;
  readonly list: OpenList;
  /** What related objects are executed with. */
  relatedExecution(): RelatedExecution;
  describe(error: unknown): { readonly code: string; readonly message: string };
  onEnd(summary: Summary): void;
}

/** Why the list cannot be a file of this format; undefined when it can. */
export function obstacleTo(format: FileFormat, { list, others }: ConnectionPlan): string | undefined {
  if (format === 'ndjson' && list.members.some(({ key }) => key === LAST_LINE_KEY)) {
    return `"${LAST_LINE_KEY}" is the key of the last line of a file that is not whole: give the field another alias.`;
  }
  if (others.length > 0) return 'A file has rows only: ask for "nodes" alone, without counts and pageInfo.';
  if (format === 'csv' && list.members.some((member) => !isFlat(member))) {
    return 'A CSV file is flat: ask for "nodes" instead of "edges { node }", or accept application/x-ndjson.';
  }
  return undefined;
}

/** Whether it has its places in one line. */
function isFlat(member: Member): boolean {
  return member.kind === 'related' ? member.object.leaves !== undefined : member.kind !== 'object';
}

/** A file that is there, or coming. */
export interface FileBody {
  readonly content: Buffer | Readable;
  /** What the file does not hold, when it has ended; undefined when it is whole. */
  gap(): FileGap | undefined;
}

/** Writes the list as a file. Resolves as `streamOperation` does; throws only while nothing was sent. */
export async function streamFile(options: FileOptions): Promise<FileBody> {
  const body = new Body();
  let gap: FileGap | undefined;
  const note = (found: FileGap) => {
    gap = found;
  };
  const content = await Promise.race([body.started, writeFile(body, options, note)]);
  return { content, gap: () => gap };
}

/** The facts about what is missing, as one line: its reason, its counts, and where to go on. */
export function describeGap({ message: _, ...facts }: FileGap): string {
  return Object.entries(facts)
    .map(([name, value]) => `${name}=${value ?? ''}`)
    .join(' ');
}

async function writeFile(
  body: Body,
  { format, plan, list, relatedExecution, describe, onEnd }: FileOptions,
  noteGap: (gap: FileGap) => void,
): Promise<Buffer | Readable> {
  const { writer } = body;
  const encoder = encoderOf(format, plan.list.members);
  const hasRelated = encoder.related.length > 0;
  const counts = { rows: 0, unreadableCalls: 0, unreadableValues: 0 };
  /** Why a value is missing: the first reason stands for all. */
  let gapError: unknown;
  const target = createRowTarget({
    encoder,
    createSource: () => createRelatedSource(list.relatedFinder, relatedExecution),
    flow: body,
    writeRow(row, start, end) {
      const failures = encoder.encode(writer, row, start, end, false);
      if (hasRelated && encoder.isLacking()) return;
      counts.rows++;
      if (!failures) return;
      counts.unreadableValues += failures.length;
      gapError ??= failures[0]!.error;
    },
    writeUnreadableRow() {
      counts.unreadableCalls++;
    },
    onWritten: () => !body.hasSent && writer.flush(),
  });
  const reading = new ListReader(list.reader, {
    page: list.page,
    size: list.size,
    columns: encoder.columns,
    target,
    onReplayed: plan.list.hasCursors
      ? (lsn) => encoder.beginCursorsWith(list.cursorPrefixAt(lsn))
      : undefined,
    replace: list.replace,
  });
  if (format === 'csv') writer.text(csvHeader(plan.list.members as never));
  let failure: { error: unknown; resumeAfter: string | null } | undefined;
  try {
    await reading.run();
    await target.settled();
  } catch (error) {
    if (!body.hasSent) throw error;
    // What was read before the failure; unless it is itself what failed, and must be read again.
    await target.settled().catch(() => {});
    const isWritten = counts.rows + counts.unreadableCalls === reading.rows;
    const resumeAfter = reading.lastKey && isWritten ? await list.cursorOf(reading.lastKey) : null;
    failure = { error, resumeAfter };
  }
  if (failure || counts.unreadableCalls + counts.unreadableValues > 0) {
    const { error, resumeAfter } = failure ?? {
      error: gapError ?? new UnreadableValueError(),
      resumeAfter: null,
    };
    const { code, message } = describe(error);
    const gap = { code, message, ...counts, resumeAfter };
    noteGap(gap);
    writer.text(lastLine(format, gap));
  }
  onEnd({ rows: reading.rows, bytes: body.bytes, failed: failure !== undefined });
  return body.end();
}

function encoderOf(format: FileFormat, members: readonly Member[]): RowEncoder {
  if (format === 'csv') return createCsvEncoder(members as never);
  return createRowEncoder(members, { keepsObjects: true, endsLines: true });
}

/**
 * The last line of a file that could not hold everything; one without it is whole. It cannot be taken for a call: in CSV
 * it is not quoted and begins as no cell does, in NDJSON `error` is no key of a call.
 */
function lastLine(format: FileFormat, gap: FileGap): string {
  if (format === 'ndjson') return `${JSON.stringify({ [LAST_LINE_KEY]: gap })}\n`;
  return `${INCOMPLETE} ${describeGap(gap)}\r\n`;
}
