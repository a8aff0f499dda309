import {
  BREAK,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  experimentalExecuteIncrementally,
  GraphQLDeferDirective,
  type GraphQLError,
  GraphQLStreamDirective,
  visit,
} from 'graphql';
import type { Context } from '../context.ts';

/**
 * `@defer` and `@stream`: the answer in parts, in the format of the incremental delivery specification (`pending`,
 * `incremental`, `completed`). Clients that accept no parts get the whole answer: the directives only permit parts.
 */

/** Turns whatever was thrown into the error a client may see. */
export type ErrorMask = (error: unknown) => GraphQLError;

const directives = new Set([GraphQLDeferDirective.name, GraphQLStreamDirective.name]);
const incrementals = new WeakMap<DocumentNode, boolean>();
const wholes = new WeakMap<DocumentNode, DocumentNode>();

/** Whether the document uses either directive. */
export function isIncremental(document: DocumentNode): boolean {
  const known = incrementals.get(document);
  if (known !== undefined) return known;
  let found = false;
  visit(document, {
    Directive({ name }) {
      found ||= directives.has(name.value);
      return found ? BREAK : undefined;
    },
  });
  incrementals.set(document, found);
  return found;
}

/** The same document without them. */
export function withoutIncremental(document: DocumentNode): DocumentNode {
  if (!isIncremental(document)) return document;
  const known = wholes.get(document);
  if (known) return known;
  const whole: DocumentNode = visit(document, {
    Directive: ({ name }) => (directives.has(name.value) ? null : undefined),
  });
  wholes.set(document, whole);
  return whole;
}

/** Executes a document without the directives. graphql-js' plain `execute` refuses schemas that know them. */
export async function executeWhole(args: ExecutionArgs): Promise<ExecutionResult> {
  return (await experimentalExecuteIncrementally(args)) as ExecutionResult;
}

/** Executes a document with them: one result when nothing was put off after all, or each part as it is there. */
export async function executeInParts(
  args: ExecutionArgs & { readonly contextValue: Context },
  mask: ErrorMask,
): Promise<ExecutionResult | AsyncGenerator<ExecutionResult>> {
  const { contextValue: context } = args;
  const result = await experimentalExecuteIncrementally({ ...args, abortSignal: context.signal });
  return 'initialResult' in result ? partsOf(result, context, mask) : result;
}

export function isInParts(
  result: ExecutionResult | AsyncGenerator<ExecutionResult>,
): result is AsyncGenerator<ExecutionResult> {
  return Symbol.asyncIterator in result;
}

type InParts = Exclude<Awaited<ReturnType<typeof experimentalExecuteIncrementally>>, ExecutionResult>;

async function* partsOf(
  { initialResult, subsequentResults }: InParts,
  context: Context,
  mask: ErrorMask,
): AsyncGenerator<ExecutionResult> {
  try {
    const extensions = { ...initialResult.extensions, replica: await context.session.answeredBy() };
    yield { ...initialResult, extensions } as ExecutionResult;
    for await (const part of subsequentResults) yield masked(part, mask) as ExecutionResult;
  } finally {
    context.session.end();
  }
}

type Part = InParts['subsequentResults'] extends AsyncGenerator<infer Each> ? Each : never;

/** Yoga masks the errors of results, and knows nothing of those in parts. */
function masked(part: Part, mask: ErrorMask): unknown {
  const withMasked = <Each extends { readonly errors?: readonly GraphQLError[] }>(each: Each) =>
    each.errors ? { ...each, errors: each.errors.map((error) => shown(mask(error))) } : each;
  return {
    ...part,
    ...(part.incremental && { incremental: part.incremental.map(withMasked) }),
    ...(part.completed && { completed: part.completed.map(withMasked) }),
  };
}

/** The error as a response has it: what is meant for HTTP is not part of it. */
export function shown(error: GraphQLError): object {
  const { http: _, ...extensions } = error.extensions;
  return { ...error.toJSON(), extensions };
}
