import {
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  type GraphQLError,
  type GraphQLSchema,
  getOperationAST,
} from 'graphql';
import { type FetchAPI, type Plugin, processRegularResult } from 'graphql-yoga';
import type { Context } from '../context.ts';
import type { Route } from '../http/routes.ts';
import { isIncremental } from './incremental.ts';

export interface RepeatedQuestionsNeeds {
  readonly schema: GraphQLSchema;
  /** Yoga's own. */
  fetchAPI(): FetchAPI;
  /** What one request may use, and who asks. Throws when it is refused. */
  openContext(request: Request): Promise<Context>;
  /** Throws when the operation costs more than its principal may spend. */
  checkCost(args: ExecutionArgs): void;
  /** Told of each request that is answered here, before it is. */
  noteOperation(request: Request, document: DocumentNode, operationName: string | undefined): void;
  execute(args: Question): Promise<ExecutionResult | AsyncGenerator<ExecutionResult>>;
  /** Errors as clients may see them, and the HTTP status that they make. */
  finish(request: Request, result: ExecutionResult): ExecutionResult;
}

export interface RepeatedQuestions {
  /** Learns the documents that pass all of Yoga. */
  readonly plugin: Plugin;
  /** Answers the requests that repeat one; undefined for all others. */
  readonly route: Route;
}

/** Documents kept, and how long they may be. Yoga keeps their trees too, and more of them. */
const MAX_DOCUMENTS = 500;
const MAX_DOCUMENT = 10_000;

type Question = ExecutionArgs & { readonly contextValue: Context };

/** Of a POST body, as GraphQL over HTTP has it. */
interface Params {
  readonly query: string;
  readonly variables?: Record<string, unknown> | null;
  readonly operationName?: string | null;
}

/**
 * A frontend asks the same few documents over and over. One that was parsed, checked and validated needs none of that
 * again: who asks, how fresh, what it costs and its variables are looked at, and then it is executed. This halves what
 * a page of fifty calls costs. Whatever is not plainly such a request, or is refused, is left to Yoga, whose answer to
 * it is the one that counts.
 */
export function createRepeatedQuestions(needs: RepeatedQuestionsNeeds): RepeatedQuestions {
  const { schema, openContext, checkCost, noteOperation, finish } = needs;
  const documents = new Map<string, DocumentNode>();

  function learn(text: unknown, document: DocumentNode): void {
    if (typeof text !== 'string' || text.length > MAX_DOCUMENT || isIncremental(document)) return;
    if (documents.size >= MAX_DOCUMENTS) documents.delete(documents.keys().next().value!);
    documents.set(text, document);
  }

  /** What there is to execute; undefined when Yoga must say what is wrong with it. */
  async function prepare(
    request: Request,
    { query, variables, operationName }: Params,
  ): Promise<Question | undefined> {
    const document = documents.get(query);
    if (!document || !getOperationAST(document, operationName)) return undefined;
    try {
      const args = {
        schema,
        document,
        operationName,
        variableValues: variables ?? {},
        contextValue: await openContext(request),
      };
      checkCost(args);
      return args;
    } catch {
      return undefined;
    }
  }

  /** What Yoga makes of a resolver that throws is what it makes of an error. */
  async function execute(args: Question): Promise<ExecutionResult> {
    try {
      return (await needs.execute(args)) as ExecutionResult;
    } catch (error) {
      args.contextValue.signal.throwIfAborted();
      return { errors: [error as GraphQLError] };
    }
  }

  return {
    plugin: {
      onExecute({ args }) {
        const { params } = args.contextValue as { params?: { query?: unknown } };
        learn(params?.query, args.document);
      },
    },
    async route(request, { pathname }) {
      const fetchAPI = needs.fetchAPI();
      // Only a request of this class can be read twice, here and by Yoga.
      if (pathname !== '/graphql' || !isJsonPost(request) || !(request instanceof fetchAPI.Request))
        return undefined;
      const mediaType = mediaTypeOf(request.headers.get('accept'));
      const params = mediaType && paramsOf(await request.text());
      const args = params && (await prepare(request, params));
      if (!args) return undefined;
      noteOperation(request, args.document, args.operationName ?? undefined);
      const result = finish(request, await execute(args));
      return processRegularResult(result as never, fetchAPI, mediaType!) as Response;
    },
  };
}

function isJsonPost({ method, headers }: Request): boolean {
  return method === 'POST' && /^application\/json *(;|$)/i.test(headers.get('content-type') ?? '');
}

const mediaTypes = ['application/graphql-response+json', 'application/json'];

/** How Yoga would answer; undefined where something else is preferred to JSON, or it comes with parameters. */
function mediaTypeOf(accept: string | null): string | undefined {
  const [first = ''] = (accept ?? '*/*').toLowerCase().split(',');
  const type = first.trim();
  if (type === '*/*') return 'application/json';
  return mediaTypes.includes(type) ? type : undefined;
}

/** Undefined for what is no plain request: Yoga says what is wrong with it. */
function paramsOf(body: string): Params | undefined {
  let params: unknown;
  try {
    params = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (!isObject(params) || typeof params.query !== 'string') return undefined;
  const { query, variables, operationName, ...rest } = params;
  if (variables != null && !isObject(variables)) return undefined;
  if (operationName != null && typeof operationName !== 'string') return undefined;
  return Object.keys(rest).length === 0 ? { query, variables, operationName } : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
