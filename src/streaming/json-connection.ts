import { UnreadableValueError } from '../errors.ts';
import type { Body } from './body.ts';
import type { ConnectionPlan, OtherPlan, PageInfoField } from './connection-plan.ts';
import { ListReader } from './list-reader.ts';
import type { OpenList } from './open-list.ts';
import type { RelatedExecution } from './related-selection.ts';
import { createRelatedSource } from './related-source.ts';
import { createRowEncoder, type RowFailure } from './row-encoder.ts';
import { createRowTarget, type RowTarget } from './waiting-rows.ts';

/** A failure, and the path in the response that is null, or short, because of it. */
export interface ResponseFailure {
  readonly error: unknown;
  readonly path: readonly (string | number)[];
}

/** How a list ended. */
export interface ListOutcome {
  readonly rows: number;
  readonly failures: readonly ResponseFailure[];
  /** False when the list broke off after calls were sent. */
  readonly isComplete: boolean;
  /** The cursor of the last call sent. */
  readonly endCursor: string | null;
}

/** Values that cannot be shown are reported one by one up to here. */
const MAX_FAILURES = 100;
/** Lists up to here go out in one piece. */
const SHORT_LIST = 1000;

/**
 * Writes a connection: the list first, as its calls come from PostgreSQL, then what is only known at its end.
 * Throws only while nothing of it was sent; a later failure ends the JSON well-formed and is part of the outcome.
 */
export async function writeConnection(
  body: Body,
  plan: ConnectionPlan,
  list: OpenList,
  relatedExecution: () => RelatedExecution,
): Promise<ListOutcome> {
  const { writer } = body;
  const start = body.bytes;
  const counts = startCounts(plan.others, list);
  const failures: ResponseFailure[] = [];
  const listPath = [plan.key, plan.list.key];
  const encoder = createRowEncoder(plan.list.members);
  const hasRelated = encoder.related.length > 0;
  let written = 0;
  const note = ({ path, error = new UnreadableValueError() }: RowFailure) => {
    if (failures.length < MAX_FAILURES) failures.push({ error, path: [...listPath, written, ...path] });
  };
  const target = createRowTarget({
    encoder,
    createSource: () => createRelatedSource(list.relatedFinder, relatedExecution),
    flow: body,
    writeRow(row, start, end) {
      const failed = encoder.encode(writer, row, start, end, written > 0);
      if (hasRelated && encoder.isLacking()) return;
      if (failed) for (const failure of failed) note(failure);
      written++;
      body.rows++;
    },
    writeUnreadableRow() {
      writer.text(written > 0 ? ',null' : 'null');
      note({ path: [] });
      written++;
      body.rows++;
    },
    onWritten() {
      // The first calls of a long list go out at once, later ones in full blocks.
      if (!body.hasSent && list.size > SHORT_LIST) writer.flush();
    },
  });
  const reading = new ListReader(list.reader, {
    page: list.page,
    size: list.size,
    columns: encoder.columns,
    target,
    // For a long list without cursors one statement afterwards says how far the standby was, which saves a column per call.
    onReplayed:
      list.size <= SHORT_LIST || plan.list.hasCursors
        ? (lsn) => encoder.beginCursorsWith(list.cursorPrefixAt(lsn))
        : undefined,
    replace: list.replace,
  });

  writer.text(`{${JSON.stringify(plan.list.key)}:[`);
  const end = await endOf(reading, target, () => body.hasSentBehind(start));
  if (end.failure) failures.push({ error: end.failure.error, path: listPath });
  writer.text(']');
  const page = await pageOf(plan, list, reading, end.goesOn);
  for (const other of plan.others) {
    writer.text(`,${JSON.stringify(other.key)}:`);
    writer.text(await otherJson(other, page, counts, [plan.key, other.key], failures));
  }
  writer.text('}');
  // What was read and could not be written must be read again.
  const endCursor = written === reading.rows ? page.endCursor : null;
  return { rows: written, failures, isComplete: end.failure === undefined, endCursor };
}

/** Reads the list to its end. One that breaks off goes on, by its very nature. Throws while nothing of it was sent. */
async function endOf(
  reading: ListReader,
  target: RowTarget,
  hasSent: () => boolean,
): Promise<{ goesOn: boolean; failure?: { readonly error: unknown } }> {
  try {
    const goesOn = await reading.run();
    await target.settled();
    return { goesOn };
  } catch (error) {
    // What was read before the failure; unless it is itself what failed. Nothing is written after this.
    await target.settled().catch(() => {});
    if (!hasSent()) throw error;
    return { goesOn: true, failure: { error } };
  }
}

type Page = Record<PageInfoField, boolean | string | null>;

async function pageOf(
  { others }: ConnectionPlan,
  list: OpenList,
  { firstKey, lastKey }: ListReader,
  goesOn: boolean,
): Promise<Page & { endCursor: string | null }> {
  const { fromEnd = false } = list.page;
  const ends = { first: firstKey, last: lastKey };
  const isWanted = (name: PageInfoField) =>
    others.some(
      (other) =>
        other.kind === 'pageInfo' && other.members.some((each) => 'name' in each && each.name === name),
    );
  // The list is written. Where nothing can be read any more, the call of the cursor counts, which was in it.
  const lies = (side: 'previous' | 'next') => list.liesBeyond(side, ends).catch(() => true);
  return {
    hasNextPage: (!fromEnd && goesOn) || (isWanted('hasNextPage') && (await lies('next'))),
    hasPreviousPage: (fromEnd && goesOn) || (isWanted('hasPreviousPage') && (await lies('previous'))),
    startCursor: firstKey ? await list.cursorOf(firstKey) : null,
    endCursor: lastKey ? await list.cursorOf(lastKey) : null,
  };
}

/** Counts run beside the list. Their failure is theirs alone: the field is nullable. */
function startCounts(others: readonly OtherPlan[], list: OpenList): ReadonlyMap<string, Promise<string>> {
  const kinds = new Set(
    others.map(({ kind }) => kind).filter((kind) => kind === 'totalCount' || kind === 'estimatedCount'),
  );
  const counts = new Map([...kinds].map((kind) => [kind as string, list.count(kind)]));
  for (const count of counts.values()) count.catch(() => {});
  return counts;
}

async function otherJson(
  other: OtherPlan,
  page: Page,
  counts: ReadonlyMap<string, Promise<string>>,
  path: readonly string[],
  failures: ResponseFailure[],
): Promise<string> {
  if (other.kind === 'constant') return JSON.stringify(other.value);
  if (other.kind === 'pageInfo') {
    const members = other.members.map((member) => [
      member.key,
      'constant' in member ? member.constant : page[member.name],
    ]);
    return JSON.stringify(Object.fromEntries(members));
  }
  try {
    const digits = await counts.get(other.kind)!;
    return Number.isSafeInteger(Number(digits)) ? digits : JSON.stringify(digits);
  } catch (error) {
    failures.push({ error, path });
    return 'null';
  }
}
