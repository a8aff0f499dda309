import { hash } from 'node:crypto';
import { type ExecutionResult, type GraphQLSchema, printSchema } from 'graphql';
import { BadRequestError, FeedUnavailableError, NotAcceptableError } from '../errors.ts';
import { parseAcceptEncoding } from '../http/encoding/accept-encoding.ts';
import type { RequestFacts } from '../http/request-facts.ts';
import type { Route } from '../http/routes.ts';
import type { EventStream } from '../streaming/event-stream.ts';
import {
  acceptedParts,
  acceptsEvents,
  type Delivery,
  isByWebSocket,
  type JsonType,
  negotiateDelivery,
} from './accept.ts';
import { type Cost, costKeyOf, costOf } from './cost.ts';
import { checkVariables } from './document-limits.ts';
import { Documents } from './documents.ts';
import { type ErrorMask, showFailure, withHttpStatus, withStatusOfFile } from './errors.ts';
import { executeOperation } from './execution.ts';
import { planSubscription, type SubscribedField } from './feed-plan.ts';
import { isInParts, type ResultInParts } from './incremental.ts';
import type { Operation } from './operation.ts';
import { isPlannedList, type OperationPlan, planOperation } from './operation-plan.ts';
import { writePaced } from './paced-json.ts';
import { checkParams, isJsonPost, parseJson, parseSearch } from './params.ts';
import { answerRequest, GatewayRequest, type Phase } from './request.ts';
import { parseConditions, type RequestConditions } from './request-conditions.ts';
import type { ResponseStore } from './response-store.ts';
import { isReusable } from './reusable.ts';
import { findReuse, type ReusedAnswer, type SharedExecution } from './reuse.ts';
import { digestOfKey, respondExecuted, respondReused } from './reused-response.ts';
import { isSent, respondEvents, respondWhole } from './streamed-result.ts';
import type { Subscriptions } from './subscriptions.ts';
import { TrustedDocuments } from './trusted-documents.ts';
import { createYogaErrands, type Yoga } from './yoga.ts';

export interface GraphQLDeps {
  readonly schema: GraphQLSchema;
  readonly phases: readonly Phase[];
  readonly mask: ErrorMask;
  readonly documents?: Documents;
  /** Without them any document may be sent. */
  readonly trusted?: TrustedDocuments | undefined;
  /** Without it every request is executed. */
  readonly responses?: ResponseStore | undefined;
  /** Of the code that answers. */
  readonly version?: string | undefined;
  /** Without them subscriptions are refused. */
  readonly subscriptions?: Subscriptions | undefined;
  /** Whether events are compressed for clients that ask for it. Default true. */
  readonly compressesEvents?: boolean | undefined;
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
  const trusted = deps.trusted ?? new TrustedDocuments({ files: [], policies: {} });
  const { subscriptions, compressesEvents = true, responses, version = '' } = deps;
  const yoga = createYogaErrands();
  const build = once(() => `${version} ${hash('sha256', printSchema(schema), 'base64url')}`);
  const shared = {
    schema,
    mask,
    documents,
    trusted,
    yoga,
    responses,
    build,
    subscriptions,
    compressesEvents,
  };
  return {
    Request: yoga.fetchAPI.Request,
    route: (http, { pathname }, facts) => {
      if (pathname !== '/graphql') return undefined;
      const request = new GraphQLRequest(http, facts, shared);
      const response = answerRequest(request, phases);
      return http.method === 'GET' ? response.finally(() => request.stopSharing()) : response;
    },
  };
}

function once(make: () => string): () => string {
  let made: string | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

interface Shared {
  readonly schema: GraphQLSchema;
  readonly mask: ErrorMask;
  readonly documents: Documents;
  readonly trusted: TrustedDocuments;
  readonly yoga: Yoga;
  readonly responses: ResponseStore | undefined;
  readonly build: () => string;
  readonly subscriptions: Subscriptions | undefined;
  readonly compressesEvents: boolean;
}

/** A request to `/graphql`. */
export class GraphQLRequest extends GatewayRequest {
  readonly #shared: Shared;
  /** Undefined: nothing that we write is accepted. */
  readonly #delivery: Delivery | undefined;
  #document = '';
  #operation: Operation | undefined = undefined;
  #operationName: string | null = null;
  #variables: Readonly<Record<string, unknown>> = {};
  #conditions: RequestConditions | undefined = undefined;
  #reused: ReusedAnswer | undefined = undefined;
  /** Of this request, when others may be given its answer. */
  #execution: SharedExecution | undefined = undefined;
  #inParts = false;
  #plan: OperationPlan | undefined = undefined;
  /** Of a subscription. */
  #subscribed: SubscribedField | undefined = undefined;
  #events: EventStream | undefined = undefined;
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
    const { documents, trusted, yoga } = this.#shared;
    const { variables, operationName, ...sent } = checkParams(await this.#readParams(yoga));
    if (!this.#delivery) throw new NotAcceptableError(ACCEPTABLE);
    checkVariables(variables);
    this.#variables = variables;
    const { role } = this.principal;
    const text = trusted.textOf(sent, role);
    this.#document = text;
    this.#operationName = operationName;
    this.facts.document = text;
    try {
      this.#operation = documents.find(text, operationName, this.facts);
    } catch (error) {
      throw trusted.withoutSuggestions(error, role);
    }
    this.#checkTransport();
  }

  #checkTransport(): void {
    const { headers } = this.http;
    if (this.#isSubscription && !acceptsEvents(headers.get('accept'))) {
      throw new NotAcceptableError('Subscriptions are answered as text/event-stream: accept that.');
    }
    if (!this.#isSubscription && isByWebSocket(headers)) {
      throw new NotAcceptableError('A WebSocket carries subscriptions alone: send queries by HTTP.');
    }
  }

  get #isSubscription(): boolean {
    return this.operation.definition.operation === 'subscription';
  }

  async #readParams(yoga: Yoga): Promise<unknown> {
    if (isJsonPost(this.http)) {
      const text = await this.http.text();
      this.textLength = text.length;
      return parseJson(text);
    }
    const { method, url, headers } = this.http;
    this.textLength = url.length + Number(headers.get('content-length') ?? 0);
    if (method === 'GET') return parseSearch(url);
    const given = await yoga.read(this.http);
    // Yoga knows nothing of it.
    const documentId = new URL(url).searchParams.get('documentId');
    return documentId === null || typeof given !== 'object' ? given : { ...given, documentId };
  }

  override reuse(): void | Promise<void> {
    const { responses, schema } = this.#shared;
    if (!responses || this.http.method !== 'GET' || this.#delivery?.kind !== 'json') return;
    if (this.#delivery.acceptsParts && this.operation.isIncremental) return;
    if (!isReusable(schema, this.operation, this.#variables)) return;
    return this.#findReuse(responses, this.#delivery.mediaType);
  }

  async #findReuse(responses: ResponseStore, mediaType: JsonType): Promise<void> {
    const conditions = parseConditions(this.http.headers);
    const key = digestOfKey({
      build: this.#shared.build(),
      document: this.#document,
      operationName: this.#operationName,
      variables: this.#variables,
      principal: this.principal,
      mediaType,
    });
    const { freshness, session, signal } = this;
    const found = await findReuse(responses, { key, conditions, freshness, session, signal });
    if (!found) return;
    this.facts.reuse = found.kind;
    this.#conditions = conditions;
    if (found.kind === 'executed') {
      this.#execution = found;
      return;
    }
    this.#reused = found;
    session.end();
  }

  override get isAnswered(): boolean {
    return this.#reused !== undefined;
  }

  /** Whoever still waits for this request is not left waiting, whatever has become of it. */
  stopSharing(): void {
    this.#execution?.flight?.settle('FAILED');
  }

  cost(): Cost {
    const { schema } = this.#shared;
    const { definition, fragments, costs } = this.operation;
    const variables = this.#variables;
    return costs.get(costKeyOf(definition, variables), () =>
      costOf({ schema, operation: definition, fragments, variables }),
    );
  }

  plan(): void {
    if (this.#isSubscription) {
      const { schema } = this.#shared;
      this.#subscribed = planSubscription(schema, this.operation.whole, this.#variables);
      if (!this.#subscribed) throw new BadRequestError('A subscription has one field.');
      return;
    }
    const delivery = this.#delivery;
    const acceptsParts = delivery?.kind === 'parts' || (delivery?.kind === 'json' && delivery.acceptsParts);
    this.#inParts = acceptsParts && this.operation.isIncremental;
    // A streamed body is one JSON document; clients that take nothing but parts or events get none.
    if (this.#inParts || delivery?.kind === 'parts') return;
    this.#plan = planOperation(this.#shared.schema, this.operation.whole, this.#variables);
  }

  get isLong(): boolean {
    if (this.#delivery?.kind === 'file') return true;
    return this.#plan?.roots.some((root) => isPlannedList(root) && isLong(root.arguments)) ?? false;
  }

  async execute(): Promise<void> {
    if (this.#subscribed) return this.#subscribe(this.#subscribed);
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
        abortSignal: this.signal,
      },
      operation,
      plan: this.#plan,
      delivery: this.#inParts ? 'parts' : delivery?.kind === 'file' ? delivery.format : 'whole',
      session: this.session,
      points: this.points,
      facts: this.facts,
      partsFormat: acceptedParts(this.http.headers.get('accept')).format,
      mask: this.#mask,
    });
  }

  /** What it reads later is read in sessions of its own. */
  async #subscribe(subscribed: SubscribedField): Promise<void> {
    const { subscriptions, compressesEvents } = this.#shared;
    if (!subscriptions) throw new FeedUnavailableError('This gateway reads no feed.');
    const { headers, signal } = this.http;
    const { codings } = parseAcceptEncoding(headers.get('accept-encoding') ?? undefined);
    this.session.end();
    this.#events = await subscriptions.open({
      operation: this.operation.whole,
      subscribed,
      principal: this.principal,
      lastEventId: headers.get('last-event-id'),
      isCompressed: compressesEvents && codings.includes('gzip'),
      signal,
    });
    this.facts.telling = this.#events;
  }

  report(): void {
    if (this.failure) this.#discardResult();
    else if (this.#events || this.#reused) return;
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
    if (this.#events && !this.failure) return respondEvents(this.#events, yoga.fetchAPI);
    if (this.#reused && !this.failure) return respondReused(this.#reused, yoga.fetchAPI);
    const shown = this.#shown!;
    const isWhole = !(Symbol.asyncIterator in shown);
    if (isWhole && this.#delivery?.kind !== 'parts') {
      const response = respondWhole(await writePaced(shown), jsonTypeOf(this.#delivery), yoga.fetchAPI);
      return this.#execution ? this.#share(this.#execution, response) : response;
    }
    try {
      return namedFormat(await yoga.write(this.http, shown), this.http);
    } catch (error) {
      // The client has left, and nobody takes the parts.
      this.#discardResult();
      throw error;
    }
  }

  /** What others may be given too is told with a tag, by which it can be requested again. */
  #share(execution: SharedExecution, response: Response): Promise<Response> {
    const { responses, yoga } = this.#shared;
    const { session, facts } = this;
    const options = {
      execution,
      session,
      conditions: this.#conditions!,
      isWhole: facts.codes.size === 0,
      isStreamed: facts.finished !== undefined,
    };
    return respondExecuted(responses!, response, options, yoga.fetchAPI);
  }

  #discardResult(): void {
    this.#events?.body.destroy();
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

/** Such a list may take minutes to send, to a client that is slow. */
const LONG_LIST = 10_000;

function isLong({ first, last }: Readonly<Record<string, unknown>>): boolean {
  return Number(first ?? last ?? 0) > LONG_LIST;
}

/** Parts say in which format they are, in the words in which it was asked for. */
function namedFormat(response: Response, { headers }: Request): Response {
  const type = response.headers.get('content-type') ?? '';
  const { parameter } = acceptedParts(headers.get('accept'));
  if (type.startsWith('multipart/') && parameter) {
    response.headers.set('content-type', `${type}; ${parameter}`);
  }
  return response;
}

const ACCEPTABLE =
  'Accept application/graphql-response+json or application/json; lists and statistics also as text/csv or ' +
  'application/x-ndjson.';

/** Errors in place of a file are sent as JSON. */
function jsonTypeOf(delivery: Delivery | undefined): JsonType {
  return delivery?.kind === 'json' ? delivery.mediaType : 'application/json';
}
