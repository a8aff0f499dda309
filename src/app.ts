import { createYoga, type Plugin } from 'graphql-yoga';
import type { Logger } from 'pino';
import type { Principal, Principals } from './access/principals.ts';
import { type Context, createContext, type RequestFacts } from './context.ts';
import type { Source } from './db/sources/sources.ts';
import { createGrafanaRoute } from './grafana/routes.ts';
import { createErrorMask, useErrorCodes, withHttpStatus } from './graphql/errors.ts';
import { executeOperation, useExecution } from './graphql/execution.ts';
import { type Freshness, parseFreshness } from './graphql/freshness.ts';
import { createRepeatedQuestions } from './graphql/known-documents.ts';
import { checkOperation, useLimits } from './graphql/limits.ts';
import { useFiles } from './graphql/streamed-result.ts';
import { withCors } from './http/cors.ts';
import { createRouter, type Handler, type Route } from './http/routes.ts';
import type { CarrierSource } from './numbering/carrier.ts';
import { createNumbering } from './numbering/numbering.ts';
import type { Replica, Replicas } from './replicas/replicas.ts';
import type { SampleHistory } from './replicas/sample-history.ts';
import { ReplicaSession, type SessionDeps } from './replicas/session.ts';
import { schema } from './schema/index.ts';
import { withoutSearch } from './telemetry/logging.ts';
import type { Metrics } from './telemetry/metrics.ts';
import { createRequestLogs, writeRequest } from './telemetry/request-log.ts';
import type { Traces } from './telemetry/traces.ts';

/** What the app is made of. It owns none of it: whoever made them closes them. */
export interface AppNeeds {
  readonly replicas: Replicas;
  /** Throws NoReplicaAvailableError until the catalogue of a standby was seen. */
  source(): Source;
  readonly principals: Principals;
  readonly logger: Logger;
  readonly allowedOrigins: readonly string[];
  /** Older answers are refused, whatever the request says. Undefined: any age is answered, and said. */
  readonly maxStalenessSeconds: number | undefined;
  /** Who holds a number; without it only what the digits say is known. */
  readonly carriers?: CarrierSource | undefined;
  /** Answered before GraphQL is: health, GraphiQL's page, … */
  readonly routes: readonly Route[];
  /** The samples that /grafana answers from; without it there is no /grafana. */
  readonly history?: SampleHistory | undefined;
  /** Counts what is answered; without it there is no /metrics. */
  readonly metrics?: Metrics | undefined;
  /** Makes a span of each request; its name says what is asked for only where metrics are made too. */
  readonly traces?: Pick<Traces, 'note'> | undefined;
}

export interface App {
  readonly fetch: Handler;
  /** The class of requests it likes best; the web's own will do. */
  readonly Request: typeof Request;
}

/** What is known of a request before its document is looked at. */
interface Admission {
  principal: Principal;
  freshness: Freshness;
}

/** Answers every request of the gateway. Listens to nothing. */
export function createApp(needs: AppNeeds): App {
  const { logger, metrics, traces, history } = needs;
  const requestLogger = withoutSearch(logger);
  const logs = createRequestLogs((ended) => {
    writeRequest(requestLogger, ended);
    metrics?.noteRequest(ended);
    traces?.note(ended);
  });
  const mask = createErrorMask((error, reference) =>
    logger.error({ err: error, reference }, 'internal error'),
  );
  const source = needs.carriers ?? createNumbering();
  const carriers = {
    lookUp: (numbers: readonly string[]) => source.lookUp(numbers),
    failed: (error: unknown) => logger.error({ err: error }, 'numbers cannot be looked up'),
  };
  const { replicas } = needs;
  const sessionDeps: SessionDeps = { replicas, source: () => needs.source() };
  const open = (request: Request, { principal, freshness }: Admission) => {
    const { signal, headers } = request;
    const note = (facts: RequestFacts) => {
      Object.assign(logs.of(request), facts);
      metrics?.noteStream(facts.finished);
    };
    const onPin = ({ name, connections }: Replica) => {
      note({ replica: name });
      metrics?.watchPool(name, connections);
    };
    const session = new ReplicaSession(sessionDeps, { principal, freshness, signal, onPin });
    return createContext({ principal, replicas, session, carriers, signal, headers, note });
  };

  const repeated = createRepeatedQuestions({
    schema,
    fetchAPI: () => yoga.fetchAPI,
    openContext: async (request) => open(request, await admit(request, needs, logs.of)),
    checkCost: checkOperation,
    noteOperation(request, document, operationName) {
      logs.noteOperation(request, document, operationName);
      metrics?.noteOperation(request, document, operationName);
    },
    execute: (args) => executeOperation(args, mask),
    finish(request, result) {
      if (!result.errors) return result;
      const shown = withHttpStatus({ ...result, errors: result.errors.map(mask) });
      logs.noteErrors(request, shown);
      return shown;
    },
  });

  const yoga = createYoga<Partial<Admission>, Context>({
    schema,
    graphqlEndpoint: '/graphql',
    // GraphiQL is a route of its own: the page must work without internet, and be small.
    graphiql: false,
    landingPage: false,
    multipart: false,
    // The server has counted the bytes already.
    maxRequestBodySize: false,
    // Matched by the end of any URL, and before who asks is known: no URL ends so.
    healthCheckEndpoint: '\n',
    // Browsers of other origins are the business of the outermost handler.
    cors: false,
    logging: false,
    maskedErrors: { maskError: mask },
    context: ({ request, principal, freshness }) =>
      open(request, { principal: principal!, freshness: freshness! }),
    plugins: [
      useAdmission(needs, logs.of),
      useFiles(),
      useErrorCodes(),
      logs.plugin,
      ...(metrics ? [metrics.plugin] : []),
      useLimits(),
      repeated.plugin,
      useExecution(mask),
    ] as Plugin[],
  });

  const graphql: Route = (request, { pathname }) =>
    pathname === '/graphql' ? (yoga.fetch(request) as Promise<Response>) : undefined;
  const grafana =
    history &&
    createGrafanaRoute({
      history,
      mask,
      logOf: logs.of,
      openContext: async (request) => open(request, await admit(request, needs, logs.of)),
    });
  const own = [metrics?.route, grafana, repeated.route, graphql].filter((route) => route !== undefined);

  const router = createRouter([...needs.routes, ...own]);
  return { fetch: withCors(logs.around(router), needs.allowedOrigins), Request: yoga.fetchAPI.Request };
}

/** Before the document is even parsed. */
function useAdmission(needs: AppNeeds, logOf: LogOf): Plugin<object, Partial<Admission>> {
  return {
    async onRequestParse({ request, serverContext }) {
      Object.assign(serverContext, await admit(request, needs, logOf));
    },
  };
}

type LogOf = (request: Request) => { principal?: string };

/** Who asks, and how fresh the answer must be. Rejects with UnauthenticatedError, BadRequestError or InvalidTokenError. */
async function admit(
  request: Request,
  { principals, maxStalenessSeconds }: AppNeeds,
  logOf: LogOf,
): Promise<Admission> {
  const principal = await principals.authenticate(request.headers.get('authorization'));
  logOf(request).principal = principal.name;
  return { principal, freshness: parseFreshness(request.headers, maxStalenessSeconds) };
}
