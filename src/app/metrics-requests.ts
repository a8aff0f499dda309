import { type DocumentNode, type GraphQLSchema, getOperationAST, Kind, type SelectionSetNode } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { Counter, Histogram, type Registry } from 'prom-client';
import { type ErrorCode, errorCodes } from '../errors.ts';
import { type Fragments, fragmentsOf } from '../streaming/selection.ts';
import type { Outcome } from './outcomes.ts';
import type { EndedRequest } from './request-log.ts';

export interface RequestMetrics {
  readonly plugin: Plugin;
  /** The same without Yoga. */
  noteOperation(request: Request, document: DocumentNode, operationName: string | null | undefined): void;
  note(ended: EndedRequest): void;
}

/** From a page that is in memory to the longest export. */
const DURATION_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/** Beside the names of query fields: asked for several of them, only for the schema, or for nothing we understand. */
const SEVERAL = 'several';
const INTROSPECTION = 'introspection';
const OTHER = 'other';

/** On the request itself, not in a WeakMap: see the log of the request. */
const ASKED = Symbol('what the request asks for');
type AskingRequest = Request & { [ASKED]?: string };

const outcomes = Object.keys({
  ok: true,
  cancelled: true,
  invalid: true,
  denied: true,
  error: true,
} satisfies Record<Outcome, true>);
const routes = ['graphql', 'grafana', 'metrics', 'probe', 'other'] as const;
const statuses = ['2xx', '3xx', '4xx', '5xx', 'none'] as const;
type HttpRoute = (typeof routes)[number];
const exactRoutes: Readonly<Record<string, HttpRoute>> = {
  '/graphql': 'graphql',
  '/grafana': 'grafana',
  '/metrics': 'metrics',
  '/livez': 'probe',
  '/readyz': 'probe',
  '/health': 'probe',
};

/**
 * Requests by what they ask for, never by what clients call it: the names of operations are theirs, and as many as
 * they like. Every series is there from the start, so that `rate()` sees the first error.
 */
export function createRequestMetrics(registry: Registry, schema: GraphQLSchema): RequestMetrics {
  const fields = new Set(Object.keys(schema.getQueryType()?.getFields() ?? {}));
  const operations = [...fields, SEVERAL, INTROSPECTION, OTHER];
  const { requests, durations, errors, http } = createSeries(registry, operations);
  const noteOperation = (request: AskingRequest, document: DocumentNode, name: string | null | undefined) => {
    request[ASKED] = operationOf(document, name, fields);
  };

  return {
    noteOperation,
    plugin: {
      onParse: () => (parsed) => {
        const { request, params } = parsed.context;
        const { result } = parsed;
        if (!result || result instanceof Error) return;
        noteOperation(request, result as DocumentNode, params.operationName);
      },
    },
    note({ request, status, outcome, millis, codes }) {
      const route = routeOf(request.url);
      http.inc({ route, status: status === undefined ? 'none' : `${Math.floor(status / 100)}xx` });
      for (const code of codes) errors.inc({ code });
      if (route !== 'graphql') return;
      const operation = (request as AskingRequest)[ASKED] ?? OTHER;
      requests.inc({ operation, outcome });
      durations.observe({ operation }, millis / 1000);
    },
  };
}

function createSeries(registry: Registry, operations: readonly string[]) {
  const registers = [registry];
  const requests = new Counter({
    name: 'gateway_graphql_requests_total',
    help: 'Requests to /graphql by the query field they ask for, and how they ended. Only "error" is our failure.',
    labelNames: ['operation', 'outcome'],
    registers,
  });
  const durations = new Histogram({
    name: 'gateway_graphql_request_duration_seconds',
    help: 'From the request to the last byte of its answer.',
    labelNames: ['operation'],
    buckets: DURATION_BUCKETS,
    registers,
  });
  const errors = new Counter({
    name: 'gateway_graphql_errors_total',
    help: 'Answers with at least one error of this code.',
    labelNames: ['code'],
    registers,
  });
  const http = new Counter({
    name: 'gateway_http_requests_total',
    help: 'Requests by part of the gateway and class of HTTP status; "none" left before there was one.',
    labelNames: ['route', 'status'],
    registers,
  });
  for (const operation of operations) {
    for (const outcome of outcomes) requests.inc({ operation, outcome }, 0);
    durations.zero({ operation });
  }
  for (const code of Object.keys(errorCodes) as ErrorCode[]) errors.inc({ code }, 0);
  for (const route of routes) for (const status of statuses) http.inc({ route, status }, 0);
  return { requests, durations, errors, http };
}

/** Of the path alone, and quickly: every request passes here. */
function routeOf(url: string): HttpRoute {
  const start = url.indexOf('/', url.indexOf('//') + 2);
  const end = url.indexOf('?', start);
  const path = start < 0 ? '/' : url.slice(start, end < 0 ? undefined : end);
  if (Object.hasOwn(exactRoutes, path)) return exactRoutes[path]!;
  return path.startsWith('/grafana/') ? 'grafana' : 'other';
}

function operationOf(
  document: DocumentNode,
  name: string | null | undefined,
  known: ReadonlySet<string>,
): string {
  const operation = getOperationAST(document, name);
  if (!operation) return OTHER;
  const names = [...rootFields(operation.selectionSet, fragmentsOf(document))];
  const ours = names.filter((field) => known.has(field));
  if (ours.length > 1) return SEVERAL;
  if (ours.length === 1) return ours[0]!;
  return names.length > 0 && names.every((field) => field.startsWith('__')) ? INTROSPECTION : OTHER;
}

/** The document is not validated yet: a fragment may be missing, or contain itself. */
function rootFields(root: SelectionSetNode, fragments: Fragments): ReadonlySet<string> {
  const names = new Set<string>();
  const seen = new Set<SelectionSetNode>([root]);
  for (const { selections } of seen) {
    for (const selection of selections) {
      if (selection.kind === Kind.FIELD) names.add(selection.name.value);
      else if (selection.kind === Kind.INLINE_FRAGMENT) seen.add(selection.selectionSet);
      else {
        const fragment = fragments.get(selection.name.value);
        if (fragment) seen.add(fragment.selectionSet);
      }
    }
  }
  return names;
}
