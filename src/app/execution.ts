import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import {
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  GraphQLError,
  getOperationAST,
  getVariableValues,
  Kind,
  type OperationDefinitionNode,
  type VariableValues,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { type Context, isReplicaFailure } from '../context.ts';
import type { CdrsArguments } from '../resolvers/cdrs.ts';
import { openCdrs } from '../resolvers/streamed-cdrs.ts';
import { type ConnectionPlan, isStreamable, planConnection } from '../streaming/connection-plan.ts';
import type { ResponseFailure } from '../streaming/json-connection.ts';
import { streamOperation } from '../streaming/json-response.ts';
import { collectFields, fragmentsOf, type SelectedField } from '../streaming/selection.ts';

/** Turns whatever was thrown into the error a client may see. */
export type ErrorMask = (error: unknown) => GraphQLError;

/** An operation with lists that stream, and the rest of it for the ordinary executor. */
interface OperationPlan {
  readonly roots: readonly (ConnectionPlan | SelectedField)[];
  /** Undefined when nothing is left over. */
  readonly rest: DocumentNode | undefined;
}

type Execution = ExecutionArgs & { readonly contextValue: Context };

/**
 * Executes operations: lists of columns go from PostgreSQL's wire to the socket, everything else through graphql-js.
 * While nothing is sent, a standby that fails is replaced and the whole operation done again.
 */
export function useExecution(mask: ErrorMask): Plugin<Context> {
  return {
    onExecute({ setExecuteFn }) {
      setExecuteFn((args) => executeOperation(args as Execution, mask));
    },
  };
}

async function executeOperation(args: Execution, mask: ErrorMask): Promise<ExecutionResult> {
  const { contextValue: context } = args;
  const plan = acceptsPlainJson(context.accept) ? planOperation(args) : undefined;
  for (;;) {
    const result = plan ? await stream(args, plan, mask) : await execute(args);
    const failure = result.errors?.map(({ originalError }) => originalError).find(isReplicaFailure);
    if (failure && (await context.tryAnotherReplica(failure))) continue;
    if ('stringify' in result) return result;
    const answered = { ...result, extensions: { ...result.extensions, replica: context.answeredBy() } };
    context.end();
    return answered;
  }
}

/** Clients that want parts get them from Yoga; a streamed body is one JSON document. */
function acceptsPlainJson(accept: string | null): boolean {
  return !/multipart\/mixed|text\/event-stream/i.test(accept ?? '');
}

/** Undefined when the ordinary executor must answer it all, bad arguments included: its errors are the spec's. */
function planOperation(args: ExecutionArgs): OperationPlan | undefined {
  const operation = getOperationAST(args.document, args.operationName);
  if (operation?.operation !== 'query') return undefined;
  const coerced = getVariableValues(
    args.schema,
    operation.variableDefinitions ?? [],
    args.variableValues ?? {},
  );
  if (!coerced.variableValues) return undefined;
  try {
    return planRoots(args, operation, coerced.variableValues);
  } catch (error) {
    if (error instanceof GraphQLError) return undefined;
    throw error;
  }
}

function planRoots(
  { schema, document }: ExecutionArgs,
  operation: OperationDefinitionNode,
  variables: VariableValues,
): OperationPlan | undefined {
  const fragments = fragmentsOf(document);
  const fields = collectFields([operation.selectionSet], fragments, variables);
  const definitions = schema.getQueryType()!.getFields();
  const roots = fields?.map((field) => {
    const definition = definitions[field.name];
    const plan =
      isStreamable(definition) && planConnection(field, definition, { schema, fragments, variables });
    return plan || field;
  });
  if (!roots?.some(isConnection)) return undefined;
  const left = roots.filter((root) => !isConnection(root)) as SelectedField[];
  return { roots, rest: left.length > 0 ? documentOf(document, operation, left) : undefined };
}

function isConnection(root: ConnectionPlan | SelectedField): root is ConnectionPlan {
  return 'list' in root;
}

/** The same operation with only these fields. */
function documentOf(
  document: DocumentNode,
  operation: OperationDefinitionNode,
  fields: readonly SelectedField[],
): DocumentNode {
  const selections = fields.flatMap(({ nodes }) => nodes);
  const reduced = { ...operation, selectionSet: { kind: Kind.SELECTION_SET, selections } } as const;
  return {
    kind: Kind.DOCUMENT,
    definitions: document.definitions.map((definition) => (definition === operation ? reduced : definition)),
  };
}

/** A result that Yoga's processor writes as it is: it asks `stringify` for the body. */
interface StreamedResult extends ExecutionResult {
  stringify(): unknown;
}

async function stream(
  args: Execution,
  { roots, rest }: OperationPlan,
  mask: ErrorMask,
): Promise<ExecutionResult | StreamedResult> {
  const { contextValue: context } = args;
  const answered = rest ? await execute({ ...args, document: rest }) : { data: {} };
  // A field that must not be null failed: so did the whole answer.
  if (answered.data == null) return answered;
  const data = answered.data as Record<string, unknown>;
  try {
    const body = await streamOperation({
      roots: roots.map((root) =>
        isConnection(root)
          ? {
              kind: 'connection',
              plan: root,
              open: () => openCdrs(context, root.arguments as never as CdrsArguments),
            }
          : { kind: 'value', key: root.key, value: data[root.key] },
      ),
      errors: (answered.errors ?? []).map((error) => shown(mask(error))),
      formatError: (failure) => shown(mask(locate(failure))),
      extensions: () => ({ replica: context.answeredBy() }),
      onEnd: ({ rows }) => context.note({ rows }),
    });
    const ended = body instanceof Readable ? finished(body) : Promise.resolve();
    ended.catch(() => {}).finally(() => context.end());
    context.note({ finished: ended });
    return { stringify: () => body };
  } catch (failure) {
    return { data: null, errors: [...(answered.errors ?? []), locate(failure as ResponseFailure)] };
  }
}

function locate({ error, path }: ResponseFailure): GraphQLError {
  const message = error instanceof Error ? error.message : 'Unknown failure';
  return new GraphQLError(message, { path, originalError: error as Error });
}

/** The error as a response has it: what is meant for HTTP is not part of it. */
function shown(error: GraphQLError): object {
  const { http: _, ...extensions } = error.extensions;
  return { ...error.toJSON(), extensions };
}
