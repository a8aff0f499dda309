import type { Readable } from 'node:stream';
import { Body, type Progress } from './body.ts';
import type { ConnectionPlan } from './connection-plan.ts';
import { type ListOutcome, type ResponseFailure, writeConnection } from './json-connection.ts';
import type { OpenList } from './open-list.ts';
import type { RelatedExecution } from './related-selection.ts';

/** A field at the root of the operation: one whose list streams, or one that is already answered. */
export type Root =
  | { readonly kind: 'connection'; readonly plan: ConnectionPlan; open(): Promise<OpenList> }
  | { readonly kind: 'value'; readonly key: string; readonly value: unknown };

type ConnectionRoot = Extract<Root, { kind: 'connection' }>;

export interface StreamedOperation {
  /** In response order. */
  readonly roots: readonly Root[];
  /** Of the fields that are already answered, as GraphQL's result has them. */
  readonly errors: readonly unknown[];
  /** A failure as an entry of `errors`. */
  formatError(failure: ResponseFailure): unknown;
  /**
   * Called with each list that has failed as a whole, before it becomes null. What it throws ends the operation, which
   * it may do only while nothing was sent.
   */
  onFailedList(failure: ResponseFailure, hasSent: boolean): Promise<void>;
  /** What related objects are executed with. */
  relatedExecution(): RelatedExecution;
  /** The response's `extensions`, called for when all lists have ended. */
  extensions(): Promise<Record<string, unknown>>;
  /** Told, once the response is certain, how much of it is written; it goes on while that is sent. */
  onSent(progress: Progress): void;
}

/**
 * Writes a GraphQL response whose lists come straight from PostgreSQL. Resolves with a buffer when it is short, with
 * a stream as soon as the first calls are there, and with undefined when every root is null and nothing was sent: the
 * caller then has the failures. Throws what `onFailedList` throws.
 */
export async function streamOperation(operation: StreamedOperation): Promise<Buffer | Readable | undefined> {
  const body = new Body();
  const content = await Promise.race([body.started, writeOperation(body, operation)]);
  if (content) operation.onSent(body.progressOf(content));
  return content;
}

async function writeOperation(
  body: Body,
  operation: StreamedOperation,
): Promise<Buffer | Readable | undefined> {
  const { writer } = body;
  const { roots } = operation;
  const errors = [...operation.errors];
  const outcomes: ListOutcome[] = [];
  // All of them before the first byte, so that the standby is one that all of them may be read from.
  const lists = await openLists(roots, operation);
  let hasValue = false;
  writer.text('{"data":{');
  for (const [index, root] of roots.entries()) {
    const key = root.kind === 'value' ? root.key : root.plan.key;
    writer.text(`${index === 0 ? '' : ','}${JSON.stringify(key)}:`);
    if (root.kind === 'value') {
      hasValue ||= root.value != null;
      writer.text(JSON.stringify(root.value));
      continue;
    }
    const outcome = await writeRoot(body, root, lists.get(root)!, operation);
    if ('path' in outcome) {
      errors.push(operation.formatError(outcome));
      continue;
    }
    hasValue = true;
    outcomes.push(outcome);
    errors.push(...outcome.failures.map((failure) => operation.formatError(failure)));
  }
  if (!hasValue && !body.hasSent) {
    body.discard();
    return undefined;
  }
  writer.text('}');
  if (errors.length > 0) writer.text(`,"errors":${JSON.stringify(errors)}`);
  writer.text(
    `,"extensions":${JSON.stringify({ ...(await operation.extensions()), ...completeness(outcomes) })}}`,
  );
  return body.end();
}

async function openLists(
  roots: readonly Root[],
  operation: StreamedOperation,
): Promise<ReadonlyMap<Root, OpenList | ResponseFailure>> {
  const lists = new Map<Root, OpenList | ResponseFailure>();
  for (const root of roots) {
    if (root.kind === 'value') continue;
    try {
      lists.set(root, await root.open());
    } catch (error) {
      const failure = { error, path: [root.plan.key] };
      await operation.onFailedList(failure, false);
      lists.set(root, failure);
    }
  }
  return lists;
}

/** A list that fails before anything of it was sent is null, beside its error. */
async function writeRoot(
  body: Body,
  { plan }: ConnectionRoot,
  list: OpenList | ResponseFailure,
  { relatedExecution, onFailedList }: StreamedOperation,
): Promise<ListOutcome | ResponseFailure> {
  const { bytes: start, rows: rowsBefore } = body;
  let failure: ResponseFailure;
  if ('path' in list) failure = list;
  else {
    try {
      return await writeConnection(body, plan, list, relatedExecution);
    } catch (error) {
      failure = { error, path: [plan.key] };
      await onFailedList(failure, body.hasSent);
    }
  }
  body.cutTo(start);
  body.rows = rowsBefore;
  body.writer.text('null');
  return failure;
}

/** Said only when something is missing: an answer without it is whole. */
function completeness(outcomes: readonly ListOutcome[]): Record<string, unknown> {
  const broken = outcomes.find(({ isComplete }) => !isComplete);
  return broken ? { complete: false, resumeAfter: broken.endCursor } : {};
}
