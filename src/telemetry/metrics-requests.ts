import type { DocumentNode, GraphQLSchema } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { Counter, Histogram, type Registry } from 'prom-client';
import { type ErrorCode, errorCodes, requestResults } from '../errors.ts';
import { askedOf, catchAlls, noteAsked, OTHER, partOf, parts } from './operation-names.ts';
import type { EndedRequest } from './request-log.ts';

export interface RequestMetrics {
  readonly plugin: Plugin;
  /** The same without Yoga. */
  noteOperation(request: Request, document: DocumentNode, operationName: string | null | undefined): void;
  note(ended: EndedRequest): void;
}

/** From a page that is in memory to the longest export. */
const DURATION_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

const statuses = ['2xx', '3xx', '4xx', '5xx', 'none'] as const;

/**
 * Requests by what they ask for, never by what clients call it: the names of operations are theirs, and as many as
 * they like. Every series is there from the start, so that `rate()` sees the first error.
 */
export function createRequestMetrics(registry: Registry, schema: GraphQLSchema): RequestMetrics {
  const fields = new Set(Object.keys(schema.getQueryType()?.getFields() ?? {}));
  const operations = [...fields, ...catchAlls];
  const { requests, durations, errors, http } = createSeries(registry, operations);
  const noteOperation = (request: Request, document: DocumentNode, name: string | null | undefined) =>
    noteAsked(request, document, name, fields);

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
    note({ request, status, result, millis, codes }) {
      const route = partOf(request.url);
      http.inc({ route, status: status === undefined ? 'none' : `${Math.floor(status / 100)}xx` });
      for (const code of codes) errors.inc({ code });
      if (route !== 'graphql') return;
      const operation = askedOf(request) ?? OTHER;
      requests.inc({ operation, outcome: result });
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
    for (const outcome of requestResults) requests.inc({ operation, outcome }, 0);
    durations.zero({ operation });
  }
  for (const code of Object.keys(errorCodes) as ErrorCode[]) errors.inc({ code }, 0);
  for (const route of parts) for (const status of statuses) http.inc({ route, status }, 0);
  return { requests, durations, errors, http };
}
