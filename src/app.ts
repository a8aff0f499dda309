import type { Logger } from 'pino';
import { Caller } from './access/caller.ts';
import type { Principals } from './access/principals.ts';
import { createContext } from './context.ts';
import { createGrafanaRoute } from './grafana/routes.ts';
import { createErrorMask } from './graphql/errors.ts';
import { createGraphQLEntry } from './graphql/graphql-request.ts';
import { createPhases, type Phase, type PhaseDeps } from './graphql/request.ts';
import { withCors } from './http/cors.ts';
import type { HttpError } from './http/errors.ts';
import type { Received, RequestHead } from './http/node-http.ts';
import { createRefusal, createRouter, type FactsHandler, type Handler, type Route } from './http/routes.ts';
import type { CarrierSource } from './numbering/carrier.ts';
import { createNumbering } from './numbering/numbering.ts';
import type { Replica, Replicas } from './replicas/replicas.ts';
import type { SampleHistory } from './replicas/sample-history.ts';
import { ReplicaSession, type SessionDeps } from './replicas/session.ts';
import { schema } from './schema/index.ts';
import { withoutSearch } from './telemetry/logging.ts';
import type { Metrics } from './telemetry/metrics.ts';
import { partOf } from './telemetry/operation-names.ts';
import { observeRequests, type RequestObserver, writeRequest } from './telemetry/request-log.ts';
import type { Traces } from './telemetry/traces.ts';

/** What the app is made of. It owns none of it: the caller closes what it made. */
export interface AppDeps {
  readonly replicas: Replicas;
  /** See SessionDeps. */
  readonly source: SessionDeps['source'];
  readonly reread?: SessionDeps['reread'];
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
  /** Makes a span of each request. */
  readonly traces?: Pick<Traces, 'note'> | undefined;
  /** The phases that requests meet, made of ours. */
  readonly phases?: ((ours: readonly Phase[]) => readonly Phase[]) | undefined;
}

export interface App {
  readonly fetch: Handler;
  /** Answers in its place what the server has refused before it was whole; counted and logged like any other. */
  refuse(request: Request, error: HttpError): Response | Promise<Response>;
  /** Bodies without a known token, and for paths that take none, are not even read. */
  receive(head: RequestHead): Promise<Received>;
  /** The class of requests that is read fastest; the web's own will do. */
  readonly Request: typeof Request;
}

/** Answers every request of the gateway. Listens to nothing. */
export function createApp(deps: AppDeps): App {
  const { logger, metrics, traces, history } = deps;
  const mask = createErrorMask((error, reference) =>
    logger.error({ err: error, reference }, 'internal error'),
  );
  const ours = createPhases({ ...deps, openSession: createSessions(deps) });
  const phases = deps.phases?.(ours) ?? ours;
  const graphql = createGraphQLEntry({ schema, phases, mask });
  const grafana = history && createGrafanaRoute({ history, phases, mask });
  const own = [metrics?.route, grafana, graphql.route].filter((route) => route !== undefined);
  const router = createRouter([...deps.routes, ...own]);

  const requestLogger = withoutSearch(logger);
  const observer: RequestObserver = {
    onStream: (finished) => metrics?.noteStream(finished),
    onEnd(ended) {
      writeRequest(requestLogger, ended);
      metrics?.noteRequest(ended);
      traces?.note(ended);
    },
  };
  const surround = (handler: FactsHandler) =>
    withCors(observeRequests(handler, observer), deps.allowedOrigins);
  return {
    fetch: surround(router),
    refuse: (request, error) => surround(createRefusal(error))(request),
    receive: (head) => receive(head, deps),
    Request: graphql.Request,
  };
}

/** Here the token only decides whether the body is read. Admission, which refuses, is a phase of the request. */
async function receive({ url, headers }: RequestHead, { principals }: AppDeps): Promise<Received> {
  const caller = new Caller(headers.authorization ?? null, principals);
  const part = partOf(url);
  if (part !== 'graphql' && part !== 'grafana') return { caller, wantsBody: false };
  try {
    await caller.principal();
    return { caller, wantsBody: true };
  } catch {
    return { caller, wantsBody: false };
  }
}

/** What a request that was admitted may use: a session with a standby, and the context of its resolvers. */
function createSessions(deps: AppDeps): PhaseDeps['openSession'] {
  const { replicas, logger, metrics } = deps;
  const { source: sourceOf, reread } = deps;
  const sessionDeps: SessionDeps = { replicas, source: sourceOf, ...(reread && { reread }) };
  const source = deps.carriers ?? createNumbering();
  const carriers = {
    lookUp: (numbers: readonly string[]) => source.lookUp(numbers),
    ...(source.findNow && { findNow: source.findNow.bind(source) }),
    failed: (error: unknown) => logger.error({ err: error }, 'numbers cannot be looked up'),
  };

  return ({ principal, freshness }, { http, facts }) => {
    const onPin = ({ name, connections }: Replica) => {
      facts.replica = name;
      metrics?.watchPool(name, connections);
    };
    const session = new ReplicaSession(sessionDeps, { principal, freshness, signal: http.signal, onPin });
    return { session, context: createContext({ principal, replicas, session, carriers }) };
  };
}
