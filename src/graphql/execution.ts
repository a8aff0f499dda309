import { type ExecutionArgs, type ExecutionResult, GraphQLError } from 'graphql';
import type { Context } from '../context.ts';
import { NotAcceptableError, ReplicaFailureError } from '../errors.ts';
import { type FileFormat, obstacleTo, streamFile } from '../streaming/file-response.ts';
import type { ResponseFailure } from '../streaming/json-connection.ts';
import { streamOperation } from '../streaming/json-response.ts';
import type { RelatedExecution } from '../streaming/related-selection.ts';
import type { PartsFormat } from './accept.ts';
import { type ErrorMask, shown } from './errors.ts';
import { deliver, executeInParts, executeWhole, isInParts, type ResultInParts } from './incremental.ts';
import type { Operation } from './operation.ts';
import { fieldNodesAt, isPlannedList, type OperationPlan } from './operation-plan.ts';
import { createFileResult, createStreamedResult, isSent, type Sending } from './streamed-result.ts';

/** An operation that is ready to be executed, for one request. */
export interface Execution extends Sending {
  readonly args: ExecutionArgs & { readonly contextValue: Context };
  readonly operation: Operation;
  /** Lists that go from PostgreSQL's wire to the socket; without it graphql-js executes everything. */
  readonly plan: OperationPlan | undefined;
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
    const result = await attempt(execution);
    if (!result) continue;
    if (isInParts(result) || isSent(result)) return result;
    const extensions = { ...result.extensions, replica: await session.answeredBy() };
    session.end();
    return { ...result, extensions };
  }
}

/** Undefined: a standby failed, and the session has another one. */
async function attempt(execution: Execution): Promise<ExecutionResult | ResultInParts | undefined> {
  const { args, plan, delivery } = execution;
  if (delivery === 'whole' && plan) return streamLists(execution, plan);
  if (delivery === 'parts') {
    const result = await executeInParts(args, execution.partsFormat);
    if (!('initialResult' in result)) {
      return (await leavesFailed(execution, result.errors)) ? undefined : result;
    }
    if (!(await leavesFailed(execution, result.initialResult.errors))) return deliver(result, execution);
    await result.subsequentResults.return(undefined);
    return undefined;
  }
  const result = await (delivery === 'whole' ? executeWhole(args) : downloadList(execution, delivery));
  return (await leavesFailed(execution, result.errors)) ? undefined : result;
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
  const { args, session, facts, mask } = execution;
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
      extensions: async () => ({ replica: await session.answeredBy() }),
      onEnd({ rows, bytes }) {
        facts.rows = rows;
        facts.bytes = bytes;
      },
    });
    if (body) return createStreamedResult(execution, body);
    const nothing = roots.map((root) => [isPlannedList(root) ? root.plan.key : root.key, null]);
    return { data: Object.fromEntries(nothing), errors: [...(answered.errors ?? []), ...failed] };
  } catch (error) {
    if (error instanceof StartAgain) return undefined;
    throw error;
  }
}

async function downloadList(execution: Execution, format: FileFormat): Promise<ExecutionResult> {
  const { args, plan, facts, mask } = execution;
  const [list] = plan?.roots ?? [];
  try {
    if (!list || !isPlannedList(list) || plan?.roots.length !== 1) throw new NotAcceptableError(ONE_LIST);
    const obstacle = obstacleTo(format, list.plan);
    if (obstacle) throw new NotAcceptableError(obstacle);
    const body = await streamFile({
      format,
      plan: list.plan,
      list: await list.plan.open(list.arguments, args.contextValue),
      relatedExecution: () => relatedExecution(args),
      describe: (error) => {
        const { message, extensions } = mask(error);
        return { message, code: String(extensions.code) };
      },
      onEnd({ rows, bytes }) {
        facts.rows = rows;
        facts.bytes = bytes;
      },
    });
    return createFileResult(execution, format, list.plan.key, body);
  } catch (error) {
    return {
      data: null,
      errors: [locateFailure({ error, path: list && isPlannedList(list) ? [list.plan.key] : [] }, execution)],
    };
  }
}

const ONE_LIST = 'A file is one list: ask for a single "cdrs { nodes { … } }".';

/** What is below an object that calls refer to is loaded while the list itself holds its connection. */
function relatedExecution({ contextValue, variableValues }: Execution['args']): RelatedExecution {
  const context: Context = { ...contextValue, loaders: contextValue.nestedLoaders };
  return { contextValue: context, variableValues: variableValues ?? undefined };
}

/** The failure as graphql-js would report it of a field: with its path, and the places that select it. */
function locateFailure({ error, path }: ResponseFailure, { operation, plan }: Execution): GraphQLError {
  const message = error instanceof Error ? error.message : 'Unknown failure';
  const nodes = plan && path.length > 0 ? fieldNodesAt(operation, plan.variables, path) : undefined;
  return new GraphQLError(message, { nodes, path, originalError: error as Error });
}
