import type { ExecutionResult, GraphQLError } from 'graphql';
import { createYoga, type FetchAPI, type Plugin } from 'graphql-yoga';
import { BadRequestError } from '../errors.ts';
import { HttpError } from '../http/errors.ts';
import { RequestErrors } from './errors.ts';
import { NOT_JSON } from './params.ts';

/** Reads and writes what is not plain JSON. */
export interface Yoga {
  /** Yoga's own classes, which are some ten times faster than Node's. */
  readonly fetchAPI: FetchAPI;
  /** What a form or a text of `application/graphql` asks, not checked. Rejects with what Yoga refuses it for. */
  read(request: Request): Promise<unknown>;
  /** Writes a result in parts: `multipart/mixed` or `text/event-stream`, as the request accepts. */
  write(request: Request, result: ExecutionResult | AsyncIterable<ExecutionResult>): Promise<Response>;
}

/** What a request takes with it through Yoga. */
interface Errand {
  /** To be written; undefined when the request is to be read. */
  readonly result?: ExecutionResult | AsyncIterable<ExecutionResult>;
  params?: unknown;
  errors?: readonly GraphQLError[];
}

/**
 * Yoga knows the forms in which GraphQL comes over HTTP, and goes. What happens between is done by the phases, on every
 * way in alike; so this Yoga has no schema, no context and no cache, and executes nothing.
 */
export function createYogaErrands(): Yoga {
  const yoga = createYoga<{ errand: Errand }>({
    graphqlEndpoint: '/graphql',
    // GraphiQL is a route of its own: the page must work without internet, and be small.
    graphiql: false,
    landingPage: false,
    multipart: false,
    // The server has counted the bytes already.
    maxRequestBodySize: false,
    // Matched by the end of any URL, and before anything else: no URL ends so.
    healthCheckEndpoint: '\n',
    // Browsers of other origins are the business of the outermost handler.
    cors: false,
    logging: false,
    maskedErrors: false,
    parserAndValidationCache: false,
    plugins: [useErrands()],
  });

  return {
    fetchAPI: yoga.fetchAPI,
    async read(request) {
      const errand: Errand = {};
      await yoga.fetch(request, { errand });
      if (errand.errors) throw new RequestErrors(errand.errors);
      return errand.params;
    },
    write: async (request, result) => yoga.fetch(request, { errand: { result } }),
  };
}

function useErrands(): Plugin<object, { errand: Errand }> {
  return {
    onRequestParse({ request, requestParser, setRequestParser, serverContext: { errand } }) {
      if (errand.result) {
        setRequestParser(() => ({ query: '{ __typename }' }));
        return;
      }
      if (request.method !== 'GET' && request.method !== 'POST') {
        throw new HttpError('GraphQL is sent by GET or POST.', 405, { headers: { allow: 'GET, POST' } });
      }
      if (!requestParser) {
        throw new HttpError('Send the query as JSON, with "Content-Type: application/json".', 415);
      }
      setRequestParser(async (parsed) => {
        try {
          const params = await requestParser(parsed);
          const isWhole = params === undefined || Array.isArray(params) || 'headers' in params;
          if (isWhole || params.query != null) return params;
          // The document is named by its hash, of which Yoga knows nothing.
          errand.params = params;
          return { query: '{ __typename }' };
        } catch (error) {
          if (!(error instanceof SyntaxError)) throw error;
          throw new BadRequestError(NOT_JSON);
        }
      });
    },
    onParams({ params, setResult, context: { errand } }) {
      errand.params ??= params;
      setResult((errand.result ?? {}) as ExecutionResult);
    },
    onResultProcess({ result, setResultProcessor, serverContext: { errand } }) {
      if (errand.result) return;
      if ('errors' in result) errand.errors = (result as ExecutionResult).errors ?? [];
      setResultProcessor((_, { Response }) => new Response(null), 'application/json');
    },
  };
}
