import {
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  GraphQLError,
  getOperationAST,
  getVariableValues,
  Kind,
  type OperationDefinitionNode,
  type VariableValues,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { type Context, isReplicaFailure } from '../context.ts';
import { NotAcceptableError } from '../errors.ts';
import type { CdrsArguments } from '../resolvers/cdrs.ts';
import { openCdrs } from '../resolvers/streamed-cdrs.ts';
import { type ConnectionPlan, isStreamable, planConnection } from '../streaming/connection-plan.ts';
import { type FileFormat, obstacleTo, streamFile } from '../streaming/file-response.ts';
import type { ResponseFailure } from '../streaming/json-connection.ts';
import { streamOperation } from '../streaming/json-response.ts';
import { collectFields, fragmentsOf, type SelectedField } from '../streaming/selection.ts';
import {
  type ErrorMask,
  executeInParts,
  executeWhole,
  isIncremental,
  isInParts,
  shown,
  withoutIncremental,
} from './incremental.ts';
import { createFileResult, createStreamedResult, fileFormatOf, isStreamed } from './streamed-result.ts';

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
      setExecuteFn((args) => executeOperation(args as Execution, mask) as never);
    },
  };
}

async function executeOperation(
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
  for (;;) {
    const result = inParts ? await executeInParts(args, mask) : await attempt(args, plan, format, mask);
    if (isInParts(result)) return result;
    const failure = result.errors?.map(({ originalError }) => originalError).find(isReplicaFailure);
    if (failure && (await context.tryAnotherReplica(failure))) continue;
    if (isStreamed(result)) return result;
    const answered = { ...result, extensions: { ...result.extensions, replica: await context.answeredBy() } };
    context.end();
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

/** Undefined when the ordinary executor must answer it all, bad arguments included: its errors are the spec's. */
function planOperation(
  args: ExecutionArgs,
): OperationPlan | { readonly errors: readonly GraphQLError[] } | undefined {
  const operation = getOperationAST(args.document, args.operationName);
  if (operation?.operation !== 'query') return undefined;
  const coerced = getVariableValues(
    args.schema,
    operation.variableDefinitions ?? [],
    args.variableValues ?? {},
  );
  if (!coerced.variableValues) return { errors: coerced.errors };
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
        isConnection(root)
          ? { kind: 'connection', plan: root, open: () => openCdrs(context, argumentsOf(root)) }
          : { kind: 'value', key: root.key, value: data[root.key] },
      ),
      errors: (answered.errors ?? []).map((error) => shown(mask(error))),
      formatError: (failure) => shown(mask(locate(failure))),
      extensions: async () => ({ replica: await context.answeredBy() }),
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
    if (!list || !isConnection(list) || plan?.roots.length !== 1) throw new NotAcceptableError(ONE_LIST);
    const obstacle = obstacleTo(format, list);
    if (obstacle) throw new NotAcceptableError(obstacle);
    const body = await streamFile({
      format,
      plan: list,
      list: await openCdrs(context, argumentsOf(list)),
      describe: (error) => {
        const { message, extensions } = mask(error);
        return { message, code: String(extensions.code) };
      },
      onEnd: ({ rows, bytes }) => context.note({ rows, bytes }),
    });
    return createFileResult(context, format, list.key, body);
  } catch (error) {
    return { data: null, errors: [locate({ error, path: list && isConnection(list) ? [list.key] : [] })] };
  }
}

const ONE_LIST =
  'A file is one list: ask for a single "cdrs { nodes { … } }" whose fields are columns (no "account", no "customer").';

function argumentsOf(plan: ConnectionPlan): CdrsArguments {
  return plan.arguments as unknown as CdrsArguments;
}

function locate({ error, path }: ResponseFailure): GraphQLError {
  const message = error instanceof Error ? error.message : 'Unknown failure';
  return new GraphQLError(message, { path, originalError: error as Error });
}
