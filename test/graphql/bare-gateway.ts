import type { GraphQLSchema } from 'graphql';
import { Budget } from '../../src/access/budget/budget.ts';
import { createLocalCounter } from '../../src/access/budget/point-counter.ts';
import type { Principal } from '../../src/access/principals.ts';
import type { Context } from '../../src/context.ts';
import { Documents, type DocumentsOptions } from '../../src/graphql/documents.ts';
import { createErrorMask, type ReportDefect } from '../../src/graphql/errors.ts';
import { createGraphQLEntry } from '../../src/graphql/graphql-request.ts';
import { createPhases, type Phase } from '../../src/graphql/request.ts';
import type { RequestFacts } from '../../src/http/request-facts.ts';
import { createRouter, type Handler, type Route } from '../../src/http/routes.ts';
import { Positions } from '../../src/replicas/positions.ts';
import { ReplicaSession } from '../../src/replicas/session.ts';
import { observeRequests, type RequestObserver } from '../../src/telemetry/request-log.ts';

/** What a resolver of such a schema is given by default: no standby, but the request. */
export interface BareContext {
  readonly facts: RequestFacts;
  readonly request: Request;
}

export interface BareOptions extends Partial<RequestObserver> {
  readonly report?: ReportDefect;
  readonly maxPage?: number;
  readonly documents?: Partial<DocumentsOptions>;
  readonly phases?: (ours: readonly Phase[]) => readonly Phase[];
  readonly context?: object;
  readonly budget?: Budget;
  readonly authenticate?: () => Promise<Principal>;
}

export interface BareGateway {
  fetch(url: string, init?: RequestInit): Promise<Response>;
  readonly handler: Handler;
  readonly route: Route;
  readonly Request: typeof Request;
  readonly documents: Documents;
}

const noLimits = { pointsPerMinute: 0, adminPointsPerMinute: 0, maxStreams: 1000 };

/** GraphQL as the app makes it, over any schema and without databases: everybody is admitted. */
export function createBareGateway(schema: GraphQLSchema, options: BareOptions = {}): BareGateway {
  const { report = () => {}, maxPage = 1_000_000, onStream = () => {}, onEnd = () => {} } = options;
  const principal: Principal = { name: 'somebody', role: 'ADMIN', scope: { kind: 'all' }, maxPage };
  const ours = createPhases({
    principals: { authenticate: options.authenticate ?? (async () => principal) },
    budget: options.budget ?? new Budget({ ...noLimits, counter: createLocalCounter() }),
    maxStalenessSeconds: undefined,
    positions: new Positions(['a key of the tests']),
    openSession({ freshness }, request) {
      const { http, facts } = request;
      const sessionOptions = {
        principal,
        freshness,
        signal: http.signal,
        onPin: () => {},
        onEnd: (millis: number) => request.end(millis),
      };
      const session = new ReplicaSession(undefined as never, sessionOptions);
      return {
        session,
        context: (options.context ?? ({ facts, request: http } satisfies BareContext)) as Context,
      };
    },
  });
  const documents = new Documents({ schema, ...options.documents });
  const phases = options.phases?.(ours) ?? ours;
  const entry = createGraphQLEntry({ schema, phases, mask: createErrorMask(report), documents });
  const handler = observeRequests(createRouter([entry.route]), { onStream, onEnd });
  return {
    handler,
    route: entry.route,
    documents,
    Request: entry.Request,
    fetch: async (url, init) => handler(new entry.Request(url, init)),
  };
}

interface Answer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  body: any;
}

/** Posts a query, and reads the answer as JSON. */
export async function post(
  app: { fetch(url: string, init: RequestInit): Response | Promise<Response> },
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await app.fetch('http://gateway/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: response.status, headers: response.headers, body: await response.json() };
}
