import { type ExecutionArgs, type ExecutionResult, GraphQLError } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Context } from '../context.ts';
import { NotAcceptableError, ReplicaFailureError } from '../errors.ts';
import { openCdrs } from '../resolvers/streamed-cdrs.ts';
import { type FileFormat, obstacleTo, streamFile } from '../streaming/file-response.ts';
import type { ResponseFailure } from '../streaming/json-connection.ts';
import { streamOperation } from '../streaming/json-response.ts';
import {
  type ErrorMask,
  executeInParts,
  executeWhole,
  isIncremental,
  isInParts,
  shown,
  withoutIncremental,
} from './incremental.ts';
import { isPlannedList, type OperationPlan, planOperation } from './operation-plan.ts';
import { createFileResult, createStreamedResult, fileFormatOf, isStreamed } from './streamed-result.ts';

export type Execution = ExecutionArgs & { readonly contextValue: Context };

/**
 * Executes operations: lists of columns go from PostgreSQL's wire to the socket, everything else through graphql-js.
 * While nothing is sent, a standby that fails is replaced and the whole operation done again.
 */
export function useExecution(mask: ErrorMask): Plugin<Context> {
  return {
    onExecute({ setExecuteFn }) {
      setExecuteFn((args) => executeOperation(args as Execution, mask) as never);
    },
  };
}

/** See `useExecution`. */
export async function executeOperation(
  given: Execution,
  mask: ErrorMask,
): Promise<ExecutionResult | AsyncGenerator<ExecutionResult>> {
  const { contextValue: context } = given;
  const accept = context.headers.get('accept');
  const format = fileFormatOf(accept);
  const inParts = !format && isIncremental(given.document) && acceptsParts(accept);
  const args = inParts ? given : { ...given, document: withoutIncremental(given.document) };
  const plan = !inParts && (format || acceptsPlainJson(accept)) ? planOperation(args) : undefined;
  if (plan && 'errors' in plan) return plan;
  try {
    return await executeOnStandby(args, plan, { format, inParts, mask });
  } catch (error) {
    context.session.end();
    throw error;
  }
}

interface Manner {
  readonly format: FileFormat | undefined;
  readonly inParts: boolean;
  readonly mask: ErrorMask;
}

/** On one standby after the other, while they fail and nothing is sent. */
async function executeOnStandby(
  args: Execution,
  plan: OperationPlan | undefined,
  { format, inParts, mask }: Manner,
): Promise<ExecutionResult | AsyncGenerator<ExecutionResult>> {
  const { session } = args.contextValue;
  for (;;) {
    const result = inParts ? await executeInParts(args, mask) : await attempt(args, plan, format, mask);
    if (isInParts(result)) return result;
    const failure = result.errors?.map(({ originalError }) => originalError).find(isReplicaFailure);
    if (failure && (await session.tryAnotherReplica(failure))) continue;
    if (isStreamed(result)) return result;
    const answered = { ...result, extensions: { ...result.extensions, replica: await session.answeredBy() } };
    session.end();
    return answered;
  }
}

function attempt(
  args: Execution,
  plan: OperationPlan | undefined,
  format: FileFormat | undefined,
  mask: ErrorMask,
): Promise<ExecutionResult> | ExecutionResult {
  if (format) return downloadList(args.contextValue, plan, format, mask);
  return plan ? stream(args, plan, mask) : executeWhole(args);
}

/** A streamed body is one JSON document; clients that take nothing but parts or events get them from Yoga. */
function acceptsParts(accept: string | null): boolean {
  return /multipart\/mixed|text\/event-stream/i.test(accept ?? '');
}

function acceptsPlainJson(accept: string | null): boolean {
  return accept === null || /json|\*/.test(accept);
}

async function stream(
  args: Execution,
  { roots, rest }: OperationPlan,
  mask: ErrorMask,
): Promise<ExecutionResult> {
  const { contextValue: context } = args;
  const answered = rest ? await executeWhole({ ...args, document: rest }) : { data: {} };
  // A field that must not be null failed: so did the whole answer.
  if (answered.data == null) return answered;
  const data = answered.data as Record<string, unknown>;
  try {
    const body = await streamOperation({
      roots: roots.map((root) =>
        isPlannedList(root)
          ? { kind: 'connection', plan: root.plan, open: () => openCdrs(context, root.arguments) }
          : { kind: 'value', key: root.key, value: data[root.key] },
      ),
      errors: (answered.errors ?? []).map((error) => shown(mask(error))),
      formatError: (failure) => shown(mask(locate(failure))),
      extensions: async () => ({ replica: await context.session.answeredBy() }),
      onEnd: ({ rows, bytes }) => context.note({ rows, bytes }),
    });
    return createStreamedResult(context, body);
  } catch (failure) {
    return { data: null, errors: [...(answered.errors ?? []), locate(failure as ResponseFailure)] };
  }
}

async function downloadList(
  context: Context,
  plan: OperationPlan | undefined,
  format: FileFormat,
  mask: ErrorMask,
): Promise<ExecutionResult> {
  const [list] = plan?.roots ?? [];
  try {
    if (!list || !isPlannedList(list) || plan?.roots.length !== 1) throw new NotAcceptableError(ONE_LIST);
    const obstacle = obstacleTo(format, list.plan);
    if (obstacle) throw new NotAcceptableError(obstacle);
    const body = await streamFile({
      format,
      plan: list.plan,
      list: await openCdrs(context, list.arguments),
      describe: (error) => {
        const { message, extensions } = mask(error);
        return { message, code: String(extensions.code) };
      },
      onEnd: ({ rows, bytes }) => context.note({ rows, bytes }),
    });
    return createFileResult(context, format, list.plan.key, body);
  } catch (error) {
    return {
      data: null,
      errors: [locate({ error, path: list && isPlannedList(list) ? [list.plan.key] : [] })],
    };
  }
}

function isReplicaFailure(error: Error | undefined): error is ReplicaFailureError {
  return error instanceof ReplicaFailureError;
}

const ONE_LIST =
  'A file is one list: ask for a single "cdrs { nodes { … } }" whose fields are columns (no "account", no "customer").';

function locate({ error, path }: ResponseFailure): GraphQLError {
  const message = error instanceof Error ? error.message : 'Unknown failure';
  return new GraphQLError(message, { path, originalError: error as Error });
}
