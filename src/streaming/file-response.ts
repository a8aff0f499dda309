import type { Readable } from 'node:stream';
import { UnreadableValueError } from '../errors.ts';
import { Body, type Progress } from './body.ts';
import type { ConnectionPlan } from './connection-plan.ts';
import { createCsvEncoder, csvHeader } from './csv-encoder.ts';
import { type FileBody, type FileFormat, type FileGap, lastLine, obstacleToLines } from './file-format.ts';
import { ListReader } from './list-reader.ts';
import type { OpenList } from './open-list.ts';
import type { RelatedExecution } from './related-selection.ts';
import { createRelatedSource } from './related-source.ts';
import { createRowEncoder, type Member, type RowEncoder } from './row-encoder.ts';
import { createRowTarget } from './waiting-rows.ts';

export interface FileOptions {
  readonly format: FileFormat;
  readonly plan: ConnectionPlan;
  readonly list: OpenList;
  /** What related objects are executed with. */
  relatedExecution(): RelatedExecution;
  describe(error: unknown): { readonly code: string; readonly message: string };
  /** Told, once the file is certain, how much of it is written; it goes on while that is sent. */
  onSent(progress: Progress): void;
}

/** Why the list cannot be a file of this format; undefined when it can. */
export function obstacleTo(format: FileFormat, { list, others }: ConnectionPlan): string | undefined {
  const ofLines = format === 'ndjson' ? obstacleToLines(list.members.map(({ key }) => key)) : undefined;
  if (ofLines) return ofLines;
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

/** Writes the list as a file. Resolves as `streamOperation` does; throws only while nothing was sent. */
export async function streamFile(options: FileOptions): Promise<FileBody> {
  const body = new Body();
  let gap: FileGap | undefined;
  const note = (found: FileGap) => {
    gap = found;
  };
  const content = await Promise.race([body.started, writeFile(body, options, note)]);
  options.onSent(body.progressOf(content));
  return { content, gap: () => gap };
}

async function writeFile(
  body: Body,
  { format, plan, list, relatedExecution, describe }: FileOptions,
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
      body.rows++;
      if (!failures) return;
      counts.unreadableValues += failures.length;
      gapError ??= failures[0]!.error;
    },
    writeUnreadableRow() {
      counts.unreadableCalls++;
      body.rows++;
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
    // What was read before the failure; unless it is itself what failed, and must be read again.
    await target.settled().catch(() => {});
    if (!body.hasSent) throw error;
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
  return body.end();
}

function encoderOf(format: FileFormat, members: readonly Member[]): RowEncoder {
  if (format === 'csv') return createCsvEncoder(members as never);
  return createRowEncoder(members, { keepsObjects: true, endsLines: true });
}
