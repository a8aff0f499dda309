import {
  BREAK,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  experimentalExecuteIncrementally,
  GraphQLDeferDirective,
  type GraphQLError,
  GraphQLStreamDirective,
  legacyExecuteIncrementally,
  visit,
} from 'graphql';
import type { ReplicaSession } from '../replicas/session.ts';
import type { PartsFormat } from './accept.ts';
import { type ErrorMask, shown } from './errors.ts';
import { extensionsOf } from './response-extensions.ts';

/**
 * `@defer` and `@stream`: the response in parts, in the format of the incremental delivery specification (`pending`,
 * `incremental`, `completed`), or in that of the draft before it, in which each part has its `path`. Clients that accept no parts get the whole response: the directives only permit parts.
 */

const directives = new Set([GraphQLDeferDirective.name, GraphQLStreamDirective.name]);

/** Whether the document uses either directive. */
export function isIncremental(document: DocumentNode): boolean {
  let found = false;
  visit(document, {
    Directive({ name }) {
      found ||= directives.has(name.value);
      return found ? BREAK : undefined;
    },
  });
  return found;
}

/** The same document without them. */
export function withoutIncremental(document: DocumentNode): DocumentNode {
  return visit(document, {
    Directive: ({ name }) => (directives.has(name.value) ? null : undefined),
  });
}

/** Executes a document without the directives. graphql-js' plain `execute` refuses schemas that know them. */
export async function executeWhole(args: ExecutionArgs): Promise<ExecutionResult> {
  return (await experimentalExecuteIncrementally(args)) as ExecutionResult;
}

/** What comes in parts; `finished` settles when the last one was taken, or the client has left. */
export interface ResultInParts {
  readonly parts: AsyncGenerator<ExecutionResult>;
  readonly finished: Promise<void>;
}

export interface PartsOptions {
  readonly session: ReplicaSession;
  /** For `extensions.cost`. */
  readonly points: number;
  readonly mask: ErrorMask;
}

const executions = { current: experimentalExecuteIncrementally, older: legacyExecuteIncrementally };

type InParts = Exclude<Awaited<ReturnType<(typeof executions)[PartsFormat]>>, ExecutionResult>;

/** Executes a document with them: one result when nothing was put off after all, or the first part and those to come. */
export async function executeInParts(
  args: ExecutionArgs,
  format: PartsFormat,
): Promise<ExecutionResult | InParts> {
  return executions[format](args);
}

export function isInParts(result: ExecutionResult | ResultInParts): result is ResultInParts {
  return 'parts' in result;
}

/** Each part as it is there. */
export function deliver(result: InParts, options: PartsOptions): ResultInParts {
  const { promise: finished, resolve: finish } = Promise.withResolvers<void>();
  const end = () => {
    options.session.end();
    finish();
  };
  const generator = partsOf(result, options, end);
  const parts: AsyncGenerator<ExecutionResult> = Object.assign(generator, {
    // A generator that was never begun would not run its `finally`.
    async return(value: unknown) {
      end();
      await result.subsequentResults.return(undefined);
      return { done: true as const, value };
    },
  });
  return { parts, finished };
}

async function* partsOf(
  { initialResult, subsequentResults }: InParts,
  { session, points, mask }: PartsOptions,
  end: () => void,
): AsyncGenerator<ExecutionResult> {
  try {
    const extensions = { ...initialResult.extensions, ...(await extensionsOf({ session, points })) };
    yield withMasked({ ...initialResult, extensions } as ExecutionResult, mask) as ExecutionResult;
    for await (const part of subsequentResults) yield masked(part, mask) as ExecutionResult;
  } finally {
    end();
  }
}

type Part = InParts['subsequentResults'] extends AsyncGenerator<infer Each> ? Each : never;

function masked(part: Part, mask: ErrorMask): unknown {
  return {
    ...part,
    ...(part.incremental && { incremental: part.incremental.map((each) => withMasked(each, mask)) }),
    ...('completed' in part &&
      part.completed && { completed: part.completed.map((each) => withMasked(each, mask)) }),
  };
}

function withMasked<Each extends { readonly errors?: readonly GraphQLError[] }>(
  each: Each,
  mask: ErrorMask,
): object {
  return each.errors ? { ...each, errors: each.errors.map((error) => shown(mask(error))) } : each;
}
