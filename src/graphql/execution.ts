import { Readable } from 'node:stream';
import { type ExecutionArgs, type ExecutionResult, GraphQLError } from 'graphql';
import type { Context } from '../context.ts';
import {
  NotAcceptableError,
  PositionLostError,
  ReplicaFailureError,
  ReplicaTooStaleError,
} from '../errors.ts';
import type { FileFormat } from '../streaming/file-format.ts';
import { type FileOptions, obstacleTo, streamFile } from '../streaming/file-response.ts';
import type { ResponseFailure } from '../streaming/json-connection.ts';
import { streamOperation } from '../streaming/json-response.ts';
import { writeRecordsFile } from '../streaming/records-file.ts';
import { obstacleToRecords, type RecordsPlan } from '../streaming/records-plan.ts';
import type { RelatedExecution } from '../streaming/related-selection.ts';
import type { PartsFormat } from './accept.ts';
import { type ErrorMask, shown } from './errors.ts';
import { deliver, executeInParts, executeWhole, isInParts, type ResultInParts } from './incremental.ts';
import { executeIntrospection, isIntrospection } from './introspection.ts';
import type { Operation } from './operation.ts';
import {
  fieldNodesAt,
  isPlannedList,
  type OperationPlan,
  type PlannedList,
  planRecordsOf,
} from './operation-plan.ts';
import { extensionsOf } from './response-extensions.ts';
import { createFileResult, createStreamedResult, isSent, type Sending } from './streamed-result.ts';

/** An operation that is ready to be executed, for one request. */
export interface Execution extends Sending {
  readonly args: ExecutionArgs & { readonly contextValue: Context };
  readonly operation: Operation;
  /** Lists that go from PostgreSQL's wire to the socket; without it graphql-js executes everything. */
  readonly plan: OperationPlan | undefined;
  /** What it was charged at most, for `extensions.cost`. */
  readonly points: number;
  readonly delivery: 'whole' | 'parts' | FileFormat;
  /** Of parts. */
  readonly partsFormat: PartsFormat;
  readonly mask: ErrorMask;
}

/**
 * Executes an operation. While nothing is sent, a standby that fails is replaced and the whole operation executed
 * again. The session has ended with the result, or ends with the last byte of what is sent as it is read.
 */
export async function executeOperation(execution: Execution): Promise<ExecutionResult | ResultInParts> {
  const { session } = execution;
  for (;;) {
    const result = await attempt(execution).catch(refuseUnmet);
    if (!result) continue;
    if (isInParts(result) || isSent(result)) return result;
    const extensions = { ...result.extensions, ...(await extensionsOf(execution)) };
    session.end();
    return { ...result, extensions };
  }
}

/** All that was read is older than the request allows, or what it demands went with the standby that failed. */
function refuseUnmet(error: unknown): ExecutionResult {
  if (!(error instanceof ReplicaTooStaleError || error instanceof PositionLostError)) throw error;
  return { data: null, errors: [new GraphQLError(error.message, { originalError: error })] };
}

/** Undefined: a standby failed or was held up, and the session has another one. */
async function attempt(execution: Execution): Promise<ExecutionResult | ResultInParts | undefined> {
  const { args, plan, delivery } = execution;
  if (delivery === 'whole' && plan) return streamLists(execution, plan);
  if (delivery === 'parts') {
    const result = await executeInParts(args, execution.partsFormat);
    if (!('initialResult' in result)) {
      return (await leavesFailed(execution, result.errors)) ? undefined : result;
    }
    const { initialResult, subsequentResults } = result;
    const goesElsewhere =
      (await leavesFailed(execution, initialResult.errors)) ||
      (await leavesStale(execution, subsequentResults));
    if (!goesElsewhere) return deliver(result, execution);
    await subsequentResults.return(undefined);
    return undefined;
  }
  if (delivery !== 'whole') return writeFile(execution, delivery);
  const { operation } = execution;
  const result = await (isIntrospection(operation)
    ? executeIntrospection(operation, args)
    : executeWhole(args));
  if (await leavesFailed(execution, result.errors)) return undefined;
  return (await execution.session.leavesStaleReplica()) ? undefined : result;
}

/** Ends what is not to be sent, when the session leaves its standby or throws. */
async function leavesStale(
  { session }: Execution,
  unsent: Buffer | Readable | AsyncGenerator<unknown>,
): Promise<boolean> {
  let isKept = false;
  try {
    isKept = !(await session.leavesStaleReplica());
    return !isKept;
  } finally {
    if (!isKept && unsent instanceof Readable) unsent.destroy();
    else if (!isKept && 'return' in unsent) await unsent.return(undefined);
  }
}

/** Whether one of these errors is that of a standby, in whose place the session now has another one. */
async function leavesFailed(
  { session }: Execution,
  errors: readonly GraphQLError[] | undefined,
): Promise<boolean> {
  const failure = errors
    ?.map(({ originalError }) => originalError)
    .find((error) => error instanceof ReplicaFailureError);
  return failure !== undefined && session.tryAnotherReplica(failure);
}

/** Ends an attempt of which nothing was sent. */
class StartAgain extends Error {}

/** Undefined: see `attempt`. */
async function streamLists(execution: Execution, plan: OperationPlan): Promise<ExecutionResult | undefined> {
  const { args, facts, mask } = execution;
  const { roots, rest } = plan;
  const answered = rest ? await executeWhole({ ...args, document: rest }) : { data: {} };
  if (await leavesFailed(execution, answered.errors)) return undefined;
  // A field that must not be null failed: so did the whole response.
  if (answered.data == null) return answered;
  const data = answered.data as Record<string, unknown>;
  const failed: GraphQLError[] = [];
  try {
    const body = await streamOperation({
      roots: roots.map((root) =>
        isPlannedList(root)
          ? {
              kind: 'connection',
              plan: root.plan,
              open: () => root.plan.open(root.arguments, args.contextValue),
            }
          : { kind: 'value', key: root.key, value: data[root.key] },
      ),
      errors: (answered.errors ?? []).map((error) => shown(mask(error))),
      formatError: (failure) => shown(mask(locateFailure(failure, execution))),
      async onFailedList(failure, hasSent) {
        const error = locateFailure(failure, execution);
        // Where no other standby could be found once, none is looked for again.
        if (!hasSent && failed.length === 0 && (await leavesFailed(execution, [error])))
          throw new StartAgain();
        failed.push(error);
      },
      relatedExecution: () => relatedExecution(args),
      extensions: () => extensionsOf(execution),
      onSent(progress) {
        facts.progress = progress;
      },
    });
    if (body && (await leavesStale(execution, body))) return undefined;
    if (body) return createStreamedResult(execution, body);
    const nothing = roots.map((root) => [isPlannedList(root) ? root.plan.key : root.key, null]);
    return { data: Object.fromEntries(nothing), errors: [...(answered.errors ?? []), ...failed] };
  } catch (error) {
    if (error instanceof StartAgain) return undefined;
    throw error;
  }
}

/** Undefined: see `attempt`. */
async function writeFile(execution: Execution, format: FileFormat): Promise<ExecutionResult | undefined> {
  const { args, operation, plan } = execution;
  const [list] = plan?.roots ?? [];
  const isList = list && isPlannedList(list) && plan?.roots.length === 1;
  const records = isList
    ? undefined
    : planRecordsOf(args.schema, operation, args.variableValues as Readonly<Record<string, unknown>>);
  if (records) return writeRecords(execution, format, records);
  const result = await (isList
    ? downloadList(execution, format, list)
    : failedFile(execution, new NotAcceptableError(ONE_LIST), []));
  return !result || (await leavesFailed(execution, result.errors)) ? undefined : result;
}

const ONE_LIST =
  'A file is one list: ask for a single "cdrs { nodes { … } }", or a single "cdrStats { rows { … } }".';

/** Undefined: see `attempt`. */
async function downloadList(
  execution: Execution,
  format: FileFormat,
  list: PlannedList,
): Promise<ExecutionResult | undefined> {
  const { args } = execution;
  try {
    const obstacle = obstacleTo(format, list.plan);
    if (obstacle) throw new NotAcceptableError(obstacle);
    const body = await streamFile({
      format,
      plan: list.plan,
      list: await list.plan.open(list.arguments, args.contextValue),
      relatedExecution: () => relatedExecution(args),
      ...reportOf(execution),
    });
    if (await leavesStale(execution, body.content)) return undefined;
    return createFileResult(execution, format, list.plan.key, body);
  } catch (error) {
    return failedFile(execution, error, [list.plan.key]);
  }
}

/** Executes the operation as for JSON, and writes what it lists. Undefined: see `attempt`. */
async function writeRecords(
  execution: Execution,
  format: FileFormat,
  plan: RecordsPlan,
): Promise<ExecutionResult | undefined> {
  const obstacle = obstacleToRecords(format, plan);
  if (obstacle) return failedFile(execution, new NotAcceptableError(obstacle), [plan.key]);
  const result = await executeWhole(execution.args);
  if (await leavesFailed(execution, result.errors)) return undefined;
  if (await execution.session.leavesStaleReplica()) return undefined;
  const { [plan.key]: field } = result.data ?? {};
  if (field == null) return { data: null, errors: result.errors ?? [] };
  const records = (field as Record<string, readonly unknown[]>)[plan.listKey]!;
  // What the standby had replayed is told in headers.
  await execution.session.answeredBy();
  const body = await writeRecordsFile({
    format,
    plan,
    records,
    failures: result.errors ?? [],
    ...reportOf(execution),
  });
  return createFileResult(execution, format, plan.key, body);
}

/** How a file says what it could not hold, and what is noted of it. */
function reportOf({ facts, mask }: Execution): Pick<FileOptions, 'describe' | 'onSent'> {
  return {
    describe(error) {
      const { message, extensions } = mask(error);
      return { message, code: String(extensions.code) };
    },
    onSent(progress) {
      facts.progress = progress;
    },
  };
}

function failedFile(execution: Execution, error: unknown, path: ResponseFailure['path']): ExecutionResult {
  return { data: null, errors: [locateFailure({ error, path }, execution)] };
}

/** What is below an object that calls refer to is loaded while the list itself holds its connection. */
function relatedExecution({ contextValue, variableValues }: Execution['args']): RelatedExecution {
  const context: Context = { ...contextValue, loaders: contextValue.nestedLoaders };
  return { contextValue: context, variableValues: variableValues ?? undefined };
}

/** The failure as graphql-js would report it of a field: with its path, and the places that select it. */
function locateFailure({ error, path }: ResponseFailure, { args, operation, plan }: Execution): GraphQLError {
  const message = error instanceof Error ? error.message : 'Unknown failure';
  const nodes =
    plan && path.length > 0 ? fieldNodesAt(args.schema, operation, plan.variables, path) : undefined;
  return new GraphQLError(message, { nodes, path, originalError: error as Error });
}
