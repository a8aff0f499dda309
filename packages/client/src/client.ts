import { type Answer, readAnswer } from './answer.ts';
import { CallStream } from './call-stream.ts';
import { Deadline } from './deadline.ts';
import { withDocumentId } from './document-id.ts';
import type { ListVariables, NodeOf, Resumable } from './list-types.ts';
import { waitForRetry } from './retry.ts';
import { type TypedDocument, textOf, type VariablesAndOptions } from './typed-document.ts';

/** What a request carries. */
export interface EncodedOperation {
  readonly query: string;
  readonly variables: unknown;
  readonly operationName?: string;
}

/** How requests are made; each can be said anew for a single one. */
export interface RequestDefaults {
  /** Refuse data older than this: REPLICA_TOO_STALE where no standby is that fresh. */
  readonly maxStalenessSeconds?: number | null | undefined;
  /** Silence for so long is a GATEWAY_TIMEOUT. 120 unless told otherwise; the gateway ends a statement after 60. */
  readonly timeoutSeconds?: number | undefined;
  /** Attempts in a row, where the failure is one that passes. Every operation only reads. 3 unless told otherwise; 1: no second. */
  readonly maxAttempts?: number | undefined;
  /** A gateway that says it will be back later than this is not waited for. 10 unless told otherwise. */
  readonly maxWaitSeconds?: number | undefined;
}

export interface ClientOptions extends RequestDefaults {
  /** Such as `https://cdr.example.com/graphql`; in a browser also relative. */
  readonly url: string | URL;
  /** The bearer token, or what gives the present one. */
  readonly token?: string | (() => string | Promise<string>) | undefined;
  /** Further headers of every request. */
  readonly headers?: Readonly<Record<string, string>> | (() => Readonly<Record<string, string>>) | undefined;
  /** In place of the global one. */
  readonly fetch?: ((url: string | URL, init: RequestInit) => Promise<Response>) | undefined;
  /**
   * Whether a document is sent as its text or by its SHA-256, for a gateway that has it among its trusted documents:
   * PERSISTED_QUERY_NOT_FOUND where it has not. Default: text.
   */
  readonly documents?: 'text' | 'id' | undefined;
  /** The body of a request; a server in between may want other than GraphQL, such as the name of a stored document. */
  readonly encode?: ((operation: EncodedOperation) => object) | undefined;
}

export interface RequestOptions extends RequestDefaults {
  readonly signal?: AbortSignal | undefined;
  /** `replica.token` of an earlier answer: the next one is not older. */
  readonly readAfter?: string | null | undefined;
  /** Shown in the gateway's log and in the answer; random digits are best. */
  readonly requestId?: string | undefined;
  /** Which operation, where the document has several. */
  readonly operationName?: string | undefined;
  /**
   * By GET an answer may be given again, by the browser's cache or by `keepAnswers`, when the gateway says that nothing has
   * changed. For requests that repeat; what they ask for is in the URL then. POST unless told otherwise, and where the URL
   * would be longer than 7,000 characters.
   */
  readonly method?: 'GET' | 'POST' | undefined;
  /** Further headers of this one. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** nginx takes 8 kB, as it comes, for method, URL and protocol; the path may be longer on its way to the gateway. */
const MAX_URL_LENGTH = 7000;
const JSON_TYPES = 'application/graphql-response+json, application/json;q=0.9';

/** Talks to one gateway on behalf of one principal. Holds no connection and no state: make as many as you like. */
export class GatewayClient {
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  /**
   * Resolves with what the document asks for, typed as it says. Throws a GatewayError where nothing of it is there: what
   * passes is tried again first.
   */
  async execute<Result, Variables>(
    document: TypedDocument<Result, Variables>,
    ...[variables, options = {}]: VariablesAndOptions<NoInfer<Variables>, RequestOptions>
  ): Promise<Answer<Result>> {
    const all = { ...this.#options, ...options };
    for (let failures = 1; ; failures++) {
      const deadline = new Deadline(all.timeoutSeconds ?? 120, all.signal);
      try {
        const sentAt = Date.now();
        const response = await this.#send(document, variables, JSON_TYPES, options, deadline);
        return await deadline.wait(readAnswer<Result>(response, sentAt));
      } catch (error) {
        const { maxAttempts = 3, maxWaitSeconds = 10, signal } = all;
        await waitForRetry(error, failures, { maxAttempts, maxWaitSeconds, signal });
      } finally {
        deadline.close();
      }
    }
  }

  /**
   * The response itself, whatever its status, for a server that hands it on. Not tried again. Throws
   * GatewayUnreachableError, GatewayTimeoutError, or the reason of the signal.
   */
  async request<Variables>(
    document: TypedDocument<unknown, Variables>,
    variables: NoInfer<Variables>,
    { accept = JSON_TYPES, ...options }: RequestOptions & { readonly accept?: string } = {},
  ): Promise<Response> {
    const deadline = new Deadline(
      options.timeoutSeconds ?? this.#options.timeoutSeconds ?? 120,
      options.signal,
    );
    return this.#send(document, variables, accept, options, deadline);
  }

  /**
   * The calls of a list one after the other, however many there are, read as fast as you take them. Goes on where it was
   * when the connection or the list breaks off: none is lost, none comes twice. The document selects
   * `edges { cursor node { … } }` with the variables `$first` and `$after`.
   */
  streamCalls<Result, Variables>(
    document: TypedDocument<Result, Variables> & Resumable<Result, Variables>,
    ...[variables, options = {}]: VariablesAndOptions<ListVariables<NoInfer<Variables>>, RequestOptions>
  ): CallStream<NodeOf<Result>> {
    const {
      first = null,
      after = null,
      ...others
    }: { first?: number | null; after?: string | null } = variables ?? {};
    const { timeoutSeconds = 120, maxAttempts = 5, maxWaitSeconds = 10 } = { ...this.#options, ...options };
    return new CallStream({
      open: (page, deadline) =>
        this.#send(document, { ...others, ...page }, 'application/x-ndjson', options, deadline),
      first,
      after,
      timeoutSeconds,
      maxAttempts,
      maxWaitSeconds,
      signal: options.signal,
    });
  }

  async #send(
    document: TypedDocument<unknown, never>,
    variables: unknown,
    accept: string,
    options: RequestOptions,
    deadline: Deadline,
  ): Promise<Response> {
    const {
      url,
      token,
      headers,
      fetch: send = fetch,
      encode = (operation) => operation,
      documents,
    } = this.#options;
    const {
      maxStalenessSeconds = this.#options.maxStalenessSeconds,
      readAfter,
      requestId,
      operationName,
      headers: ownHeaders,
    } = options;
    const bearer = typeof token === 'function' ? await token() : token;
    const operation = {
      query: await textOf(document),
      variables: variables ?? {},
      ...(operationName && { operationName }),
    };
    const encoded = encode(operation);
    const body = documents === 'id' ? await withDocumentId(encoded) : encoded;
    const urlOfGet = options.method === 'GET' ? withSearch(url, body) : undefined;
    const isGet = urlOfGet !== undefined && urlOfGet.length <= MAX_URL_LENGTH;
    const init = {
      method: isGet ? 'GET' : 'POST',
      headers: {
        ...(!isGet && { 'content-type': 'application/json' }),
        accept,
        ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
        ...(maxStalenessSeconds != null && { 'x-max-staleness': String(maxStalenessSeconds) }),
        ...(readAfter && { 'x-read-after': readAfter }),
        ...(requestId && { 'x-request-id': requestId }),
        ...(typeof headers === 'function' ? headers() : headers),
        ...ownHeaders,
      },
      ...(!isGet && { body: JSON.stringify(body) }),
      signal: deadline.signal,
    };
    return deadline.wait(send(isGet ? urlOfGet : url, init));
  }
}

/** The body of a request in its URL, as GraphQL over HTTP has it for GET. */
function withSearch(url: string | URL, body: object): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(body)) {
    search.set(name, typeof value === 'string' ? value : JSON.stringify(value));
  }
  return `${url}${String(url).includes('?') ? '&' : '?'}${search}`;
}
