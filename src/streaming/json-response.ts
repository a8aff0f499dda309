import type { Readable } from 'node:stream';
import { Body, type Summary } from './body.ts';
import type { ConnectionPlan } from './connection-plan.ts';
import { type ListOutcome, type ResponseFailure, writeConnection } from './json-connection.ts';
import type { OpenList } from './open-list.ts';
import type { RelatedExecution } from './related-selection.ts';

/** A field at the root of the operation: one whose list streams, or one that is already answered. */
export type Root =
  | { readonly kind: 'connection'; readonly plan: ConnectionPlan; open(): Promise<OpenList> }
  | { readonly kind: 'value'; readonly key: string; readonly value: unknown };

export interface StreamedOperation {
  /** In response order. */
  readonly roots: readonly Root[];
  /** Of the fields that are already answered, as GraphQL's result has them. */
  readonly errors: readonly unknown[];
  /** A failure as an entry of `errors`. */
  formatError(failure: ResponseFailure): unknown;
  /** What related objects are executed with. */
  relatedExecution(): RelatedExecution;
  /** The response's `extensions`, called for when all lists have ended. */
  extensions(): Promise<Record<string, unknown>>;
  /** Called once, when the response has ended. */
  onEnd(summary: Summary): void;
}

/**
 * Writes a GraphQL response whose lists come straight from PostgreSQL. Resolves with a buffer when it is short, with
 * a stream as soon as the first calls are there. Throws a ResponseFailure while nothing was sent, so that the caller
 * may still answer otherwise.
 */
export function streamOperation(operation: StreamedOperation): Promise<Buffer | Readable> {
  const body = new Body();
  return Promise.race([body.started, writeOperation(body, operation)]);
}

async function writeOperation(body: Body, operation: StreamedOperation): Promise<Buffer | Readable> {
  const { writer } = body;
  const errors = [...operation.errors];
  const outcomes: ListOutcome[] = [];
  const lists = await openLists(operation.roots);
  writer.text('{"data":{');
  for (const [index, root] of operation.roots.entries()) {
    writer.text(
      `${index === 0 ? '' : ','}${JSON.stringify(root.kind === 'value' ? root.key : root.plan.key)}:`,
    );
    if (root.kind === 'value') {
      writer.text(JSON.stringify(root.value));
      continue;
    }
    const outcome = await writeRoot(body, root.plan, lists.get(root)!, operation);
    outcomes.push(outcome);
    errors.push(...outcome.failures.map((failure) => operation.formatError(failure)));
  }
  writer.text('}');
  if (errors.length > 0) writer.text(`,"errors":${JSON.stringify(errors)}`);
  writer.text(
    `,"extensions":${JSON.stringify({ ...(await operation.extensions()), ...completeness(outcomes) })}}`,
  );
  operation.onEnd({
    rows: outcomes.reduce((sum, { rows }) => sum + rows, 0),
    bytes: body.bytes,
    failed: outcomes.some(({ isComplete }) => !isComplete),
  });
  return body.end();
}

/** All of them before the first byte: a bad argument of any fails the whole answer, as no list may be null. */
async function openLists(roots: readonly Root[]): Promise<ReadonlyMap<Root, OpenList>> {
  const lists = new Map<Root, OpenList>();
  for (const root of roots) {
    if (root.kind === 'value') continue;
    try {
      lists.set(root, await root.open());
    } catch (error) {
      throw { error, path: [root.plan.key] } satisfies ResponseFailure;
    }
  }
  return lists;
}

/** A list that fails before anything was sent fails the whole answer; after that it is null, beside its error. */
async function writeRoot(
  body: Body,
  plan: ConnectionPlan,
  list: OpenList,
  { relatedExecution }: StreamedOperation,
): Promise<ListOutcome> {
  try {
    return await writeConnection(body, plan, list, relatedExecution);
  } catch (error) {
    const failure: ResponseFailure = { error, path: [plan.key] };
    if (!body.hasSent) throw failure;
    body.writer.text('null');
    return { rows: 0, failures: [failure], isComplete: false, endCursor: null };
  }
}

/** Said only when something is missing: an answer without it is whole. */
function completeness(outcomes: readonly ListOutcome[]): Record<string, unknown> {
  const broken = outcomes.find(({ isComplete }) => !isComplete);
  return broken ? { complete: false, resumeAfter: broken.endCursor } : {};
}
