import type { Logger } from 'pino';
import type { AuditLog } from './access/audit/audit-log.ts';
import { Budget } from './access/budget/budget.ts';
import { createLocalCounter } from './access/budget/point-counter.ts';
import { Caller } from './access/caller.ts';
import type { Networks } from './access/networks.ts';
import type { Principals } from './access/principals.ts';
import { createContext } from './context.ts';
import type { Feed } from './feed/feed.ts';
import { createGrafanaRoute } from './grafana/routes.ts';
import { POINTS_PER_MILLI } from './graphql/cost.ts';
import { createErrorMask, type ErrorMask } from './graphql/errors.ts';
import { createGraphQLEntry } from './graphql/graphql-request.ts';
import { type Admitted, createPhases, type Opened, type Phase, type PhaseDeps } from './graphql/request.ts';
import { ResponseStore } from './graphql/response-store.ts';
import { Subscriptions } from './graphql/subscriptions.ts';
import type { TrustedDocuments } from './graphql/trusted-documents.ts';
import { WebSockets } from './graphql/web-sockets.ts';
import { clientAddress } from './http/client-address.ts';
import { withCors } from './http/cors.ts';
import type { HttpError } from './http/errors.ts';
import type { Received, RequestHead } from './http/node-http.ts';
import type { EndedRequest } from './http/request-facts.ts';
import { createRefusal, createRouter, type FactsHandler, type Handler, type Route } from './http/routes.ts';

import type { CarrierSource } from './numbering/carrier.ts';
import { createNumbering } from './numbering/numbering.ts';
import type { KeptFile } from './replicas/kept-file.ts';
import type { Replicas } from './replicas/replicas.ts';
import type { SampleHistory } from './replicas/sample-history.ts';
import { ReplicaSession, type SessionDeps, type SessionOptions } from './replicas/session.ts';
import { schema } from './schema/index.ts';
import { auditRecord } from './telemetry/audit-record.ts';
import { withoutSearch } from './telemetry/logging.ts';
import type { Metrics } from './telemetry/metrics.ts';
import { partOf } from './telemetry/operation-names.ts';
import { observeRequests, type RequestObserver, writeRequest } from './telemetry/request-log.ts';
import type { Traces } from './telemetry/traces.ts';
import { packageVersion } from './telemetry/version.ts';

/** What the app is made of. It owns none of it: the caller closes what it made. */
export interface AppDeps {
  readonly replicas: Replicas;
  /** See SessionDeps. */
  readonly source: SessionDeps['source'];
  readonly reread?: SessionDeps['reread'];
  readonly principals: Principals;
  /** What each principal may have done for it; without it as much as it wants. */
  readonly budget?: Budget | undefined;
  /** Without them everybody may send any document. */
  readonly trusted?: TrustedDocuments | undefined;
  /** What arrives; without it there are no subscriptions. */
  readonly feed?: AppFeed | undefined;
  /** Those whose X-Forwarded-For is believed. */
  readonly trustedProxies?: Networks | undefined;
  readonly logger: Logger;
  readonly allowedOrigins: readonly string[];
  /** Older answers are refused, whatever the request says. Undefined: any age is answered, and said. */
  readonly maxStalenessSeconds: number | undefined;
  /** Who holds a number; without it only what the digits say is known. */
  readonly carriers?: CarrierSource | undefined;
  /** What is kept of the calls, to answer statistics from. */
  readonly kept?: KeptFile | undefined;
  /** Answered before GraphQL is: health, GraphiQL's page, … */
  readonly routes: readonly Route[];
  /** The samples that /grafana answers from; without it there is no /grafana. */
  readonly history?: SampleHistory | undefined;
  /** Counts what is answered; without it there is no /metrics. */
  readonly metrics?: Metrics | undefined;
  /** Takes a line for each request that a standby was read for. */
  readonly audit?: Pick<AuditLog, 'write'> | undefined;
  /** Makes a span of each request. */
  readonly traces?: Pick<Traces, 'note'> | undefined;
  /** The phases that requests meet, made of ours. */
  readonly phases?: ((ours: readonly Phase[]) => readonly Phase[]) | undefined;
}

/** The feed that subscriptions read, and how many of them there may be. */
export interface AppFeed {
  readonly feed: Feed;
  /** Of one principal at once. */
  readonly maxSubscriptions: number;
  readonly maxWebSockets: number;
  /** Whether events are compressed for clients that ask for it. Default true. */
  readonly compresses?: boolean;
}

export interface App {
  readonly fetch: Handler;
  /** Takes over connections that become WebSockets; undefined where there are no subscriptions. */
  readonly upgrades: WebSockets | undefined;
  /** Ends all subscriptions, so that their clients go elsewhere. */
  endSubscriptions(): void;
  /** Answers in its place what the server has refused before it was whole; counted and logged like any other. */
  refuse(request: Request, error: HttpError): Response | Promise<Response>;
  /** Bodies without a known token, and for paths that take none, are not even read. */
  receive(head: RequestHead): Promise<Received>;
  /** The class of requests that is read fastest; the web's own will do. */
  readonly Request: typeof Request;
}

/** Answers every request of the gateway. Listens to nothing. */
export function createApp(deps: AppDeps): App {
  const { logger, metrics, traces, history, audit } = deps;
  const mask = createErrorMask((error, reference) =>
    logger.error({ err: error, reference }, 'internal error'),
  );
  const budget = deps.budget ?? withoutLimits();
  const open = createSessions(deps, budget);
  const ours = createPhases({
    ...deps,
    positions: deps.replicas.positions,
    budget,
    openSession: openFor(open, metrics),
  });
  const phases = deps.phases?.(ours) ?? ours;
  const subscriptions = deps.feed && createSubscriptions(deps.feed, deps, { mask, budget, open });
  const compressesEvents = deps.feed?.compresses;
  const graphql = createGraphQLEntry({
    trusted: deps.trusted,
    schema,
    phases,
    mask,
    responses: new ResponseStore(),
    version: packageVersion(),
    subscriptions,
    compressesEvents,
  });
  const grafana = history && createGrafanaRoute({ history, phases, mask });
  const own = [metrics?.route, grafana, graphql.route].filter((route) => route !== undefined);
  const router = createRouter([...deps.routes, ...own]);

  const requestLogger = withoutSearch(logger);
  const writeAudit = (ended: EndedRequest) => {
    const record = audit && auditRecord(ended, new Date());
    if (record) audit.write(record);
  };
  const observer: RequestObserver = {
    onStream: (finished) => metrics?.noteStream(finished),
    onEnd(ended) {
      writeRequest(requestLogger, ended);
      writeAudit(ended);
      metrics?.noteRequest(ended);
      traces?.note(ended);
    },
    onSubscriptionEnd: writeAudit,
  };
  const surround = (handler: FactsHandler) =>
    withCors(observeRequests(handler, observer), deps.allowedOrigins);
  const fetch = surround(router);
  const webSockets =
    deps.feed &&
    new WebSockets({
      handler: fetch,
      Request: graphql.Request,
      callerOf: (head) => callerOf(head, deps),
      maxPerPrincipal: deps.feed.maxWebSockets,
      logger,
    });
  if (subscriptions && webSockets) {
    metrics?.watchFeed(() => ({ ...subscriptions.figures, webSockets: webSockets.size }));
  }
  return {
    fetch,
    upgrades: webSockets,
    refuse: (request, error) => surround(createRefusal(error))(request),
    receive: (head) => receive(head, deps),
    Request: graphql.Request,
    endSubscriptions() {
      webSockets?.close();
      subscriptions?.close();
    },
  };
}

function createSubscriptions(
  { feed, maxSubscriptions }: AppFeed,
  { replicas, logger, metrics }: AppDeps,
  { mask, budget, open }: { mask: ErrorMask; budget: Budget; open: OpenSession },
): Subscriptions {
  return new Subscriptions({
    schema,
    mask,
    replicas,
    logger,
    feed,
    maxPerPrincipal: maxSubscriptions,
    openSession: (admitted, signal) =>
      open(admitted, {
        signal,
        onPin: ({ name, connections }) => metrics?.watchPool(name, connections),
        onEnd: (millis) => budget.spend(admitted.principal, POINTS_PER_MILLI * millis),
      }),
  });
}

/** Here the token only decides whether the body is read. Admission, which refuses, is a phase of the request. */
async function receive(head: RequestHead, deps: AppDeps): Promise<Received> {
  const caller = callerOf(head, deps);
  const part = partOf(head.url);
  if (part !== 'graphql' && part !== 'grafana') return { caller, wantsBody: false };
  try {
    await caller.principal();
    return { caller, wantsBody: true };
  } catch {
    return { caller, wantsBody: false };
  }
}

function callerOf({ headers, address }: RequestHead, { principals, trustedProxies }: AppDeps): Caller {
  const credentials = {
    authorization: headers.authorization ?? null,
    address: clientAddress(address, headers, trustedProxies),
  };
  return new Caller(credentials, principals);
}

function withoutLimits(): Budget {
  const counter = createLocalCounter();
  return new Budget({
    pointsPerMinute: 0,
    adminPointsPerMinute: 0,
    maxStreams: Number.MAX_SAFE_INTEGER,
    counter,
  });
}

type OpenSession = (
  admitted: Admitted,
  options: Pick<SessionOptions, 'signal' | 'onPin' | 'onEnd' | 'onRows'>,
) => Opened;

/** What a principal who was admitted may use: a session with a standby, and the context of its resolvers. */
function createSessions(deps: AppDeps, budget: Budget): OpenSession {
  const { replicas, logger } = deps;
  const { source: sourceOf, reread } = deps;
  const feed = deps.feed?.feed;
  const sessionDeps: SessionDeps = { replicas, source: sourceOf, kept: deps.kept, ...(reread && { reread }) };
  const source = deps.carriers ?? createNumbering();
  const carriers = {
    lookUp: (numbers: readonly string[]) => source.lookUp(numbers),
    ...(source.findNow && { findNow: source.findNow.bind(source) }),
    failed: (error: unknown) => logger.error({ err: error }, 'numbers cannot be looked up'),
  };

  return ({ principal, freshness }, options) => {
    const session = new ReplicaSession(sessionDeps, { principal, freshness, ...options });
    return { session, context: createContext({ principal, replicas, feed, session, budget, carriers }) };
  };
}

/** That of a request is noted with it. */
function openFor(open: OpenSession, metrics: AppDeps['metrics']): PhaseDeps['openSession'] {
  return (admitted, request) =>
    open(admitted, {
      signal: request.signal,
      onPin({ name, connections }) {
        request.facts.replica = name;
        metrics?.watchPool(name, connections);
      },
      onEnd: (connectionMillis) => request.end(connectionMillis),
      onRows(rows) {
        request.facts.rowsRead += rows;
      },
    });
}
