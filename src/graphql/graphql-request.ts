import type { ExecutionResult, GraphQLSchema } from 'graphql';
import { NotAcceptableError } from '../errors.ts';
import type { RequestFacts } from '../http/request-facts.ts';
import type { Route } from '../http/routes.ts';
import { type Delivery, type JsonType, negotiateDelivery, OLDER_PARTS, partsFormatOf } from './accept.ts';
import { costKeyOf, costOf } from './cost.ts';
import { checkVariables } from './document-limits.ts';
import { Documents } from './documents.ts';
import { type ErrorMask, showFailure, withHttpStatus, withStatusOfFile } from './errors.ts';
import { executeOperation } from './execution.ts';
import { isInParts, type ResultInParts } from './incremental.ts';
import type { Operation } from './operation.ts';
import { type OperationPlan, planOperation } from './operation-plan.ts';
import { writePaced } from './paced-json.ts';
import { checkParams, isJsonPost, readJson } from './params.ts';
import { answerRequest, GatewayRequest, type Phase } from './request.ts';
import { isSent, respondWhole } from './streamed-result.ts';
import { createYogaErrands, type Yoga } from './yoga.ts';

export interface GraphQLDeps {
  readonly schema: GraphQLSchema;
  readonly phases: readonly Phase[];
  readonly mask: ErrorMask;
  readonly documents?: Documents;
}

export interface GraphQLEntry {
  /** `/graphql`, by GET and POST. */
  readonly route: Route;
  /** The class of requests that is read fastest; the web's own will do. */
  readonly Request: typeof Request;
}

/** GraphQL over HTTP: one request is one operation. */
export function createGraphQLEntry(deps: GraphQLDeps): GraphQLEntry {
  const { schema, phases, mask, documents = new Documents({ schema }) } = deps;
  const yoga = createYogaErrands();
  const shared = { schema, mask, documents, yoga };
  return {
    Request: yoga.fetchAPI.Request,
    route: (request, { pathname }, facts) =>
      pathname === '/graphql' ? answerRequest(new GraphQLRequest(request, facts, shared), phases) : undefined,
  };
}

interface Shared {
  readonly schema: GraphQLSchema;
  readonly mask: ErrorMask;
  readonly documents: Documents;
  readonly yoga: Yoga;
}

/** A request to `/graphql`. */
export class GraphQLRequest extends GatewayRequest {
  readonly #shared: Shared;
  /** Undefined: nothing that we write is accepted. */
  readonly #delivery: Delivery | undefined;
  #operation: Operation | undefined = undefined;
  #variables: Readonly<Record<string, unknown>> = {};
  #inParts = false;
  #plan: OperationPlan | undefined = undefined;
  #result: ExecutionResult | ResultInParts | undefined = undefined;
  /** The result as the client is shown it. */
  #shown: ExecutionResult | AsyncIterable<ExecutionResult> | undefined = undefined;

  constructor(http: Request, facts: RequestFacts, shared: Shared) {
    super(http, facts);
    this.#shared = shared;
    this.#delivery = negotiateDelivery(http.headers.get('accept'));
  }

  /** The operation that is executed; known after the document phase. */
  get operation(): Operation {
    if (!this.#operation) throw new Error('A phase before "document" reads the operation.');
    return this.#operation;
  }

  async read(): Promise<void> {
    const { documents, yoga } = this.#shared;
    const { query, variables, operationName } = checkParams(
      await (isJsonPost(this.http) ? readJson(this.http) : yoga.read(this.http)),
    );
    if (!this.#delivery) throw new NotAcceptableError(ACCEPTABLE);
    checkVariables(variables);
    this.#variables = variables;
    this.#operation = documents.find(query, operationName, this.facts);
  }

  cost(): number {
    const { schema } = this.#shared;
    const { definition, fragments, costs } = this.operation;
    const variables = this.#variables;
    return costs.get(costKeyOf(definition, variables), () =>
      costOf({ schema, operation: definition, fragments, variables }),
    );
  }

  plan(): void {
    const delivery = this.#delivery;
    const acceptsParts = delivery?.kind === 'parts' || (delivery?.kind === 'json' && delivery.acceptsParts);
    this.#inParts = acceptsParts && this.operation.isIncremental;
    // A streamed body is one JSON document; clients that take nothing but parts or events get none.
    if (this.#inParts || delivery?.kind === 'parts') return;
    this.#plan = planOperation(this.#shared.schema, this.operation.whole, this.#variables);
  }

  async execute(): Promise<void> {
    const { schema } = this.#shared;
    const delivery = this.#delivery;
    const operation = this.#inParts ? this.operation : this.operation.whole;
    this.#result = await executeOperation({
      args: {
        schema,
        document: operation.document,
        operationName: operation.definition.name?.value,
        variableValues: this.#variables,
        contextValue: this.context,
        abortSignal: this.http.signal,
      },
      operation,
      plan: this.#plan,
      delivery: this.#inParts ? 'parts' : delivery?.kind === 'file' ? delivery.format : 'whole',
      session: this.session,
      facts: this.facts,
      partsFormat: partsFormatOf(this.http.headers.get('accept')),
      headers: this.http.headers,
      mask: this.#mask,
    });
  }

  report(): void {
    if (this.failure) this.#discardResult();
    const result = this.failure ? this.#resultOfFailure(this.failure.error) : this.#result!;
    if (isInParts(result)) {
      this.facts.finished = result.finished;
      this.#shown = result.parts;
    } else {
      this.#shown = this.#show(result);
    }
  }

  async respond(): Promise<Response> {
    const { yoga } = this.#shared;
    const shown = this.#shown!;
    const isWhole = !(Symbol.asyncIterator in shown);
    if (isWhole && this.#delivery?.kind !== 'parts') {
      return respondWhole(await writePaced(shown), jsonTypeOf(this.#delivery), yoga.fetchAPI);
    }
    try {
      return namedFormat(await yoga.write(this.http, shown), this.http);
    } catch (error) {
      // The client has left, and nobody takes the parts.
      this.#discardResult();
      throw error;
    }
  }

  #discardResult(): void {
    const result = this.#result;
    if (!result) return;
    if (isInParts(result)) result.parts.return(undefined).catch(() => {});
    else if (isSent(result)) result.discard();
  }

  /** Every error that a client is shown is noted. */
  readonly #mask: ErrorMask = (error) => {
    const shown = this.#shared.mask(error);
    this.facts.noteError(shown.extensions);
    return shown;
  };

  #resultOfFailure(error: unknown): ExecutionResult {
    return { errors: showFailure(error, this.#mask) };
  }

  #show(result: ExecutionResult): ExecutionResult {
    if (!result.errors) return result;
    const masked = this.failure ? result : { ...result, errors: result.errors.map(this.#mask) };
    return this.#delivery?.kind === 'file' ? withStatusOfFile(masked) : withHttpStatus(masked);
  }
}

/** Parts in the older format say so, as clients ask for it. */
function namedFormat(response: Response, { headers }: Request): Response {
  const type = response.headers.get('content-type') ?? '';
  if (type.startsWith('multipart/') && partsFormatOf(headers.get('accept')) === 'older') {
    response.headers.set('content-type', `${type}; ${OLDER_PARTS}`);
  }
  return response;
}

const ACCEPTABLE =
  'Accept application/graphql-response+json or application/json; lists also as text/csv or application/x-ndjson.';

/** Errors in place of a file are sent as JSON. */
function jsonTypeOf(delivery: Delivery | undefined): JsonType {
  return delivery?.kind === 'json' ? delivery.mediaType : 'application/json';
}
