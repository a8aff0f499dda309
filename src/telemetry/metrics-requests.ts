import { Counter, Histogram, type Registry } from 'prom-client';
import { type ErrorCode, errorCodes, requestResults } from '../errors.ts';
import { type EndedRequest, reuses } from '../http/request-facts.ts';
import { catchAlls, OTHER, partOf, parts } from './operation-names.ts';

export interface RequestMetrics {
  note(ended: EndedRequest): void;
}

/** From a page that is in memory to the longest export. */
const DURATION_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

const statuses = ['2xx', '3xx', '4xx', '5xx', 'none'] as const;

/**
 * Requests by what they select, never by what clients call it: the names of operations are theirs, and as many as
 * they like. Every series is there from the start, so that `rate()` sees the first error.
 */
export function createRequestMetrics(registry: Registry, fields: readonly string[]): RequestMetrics {
  const { requests, durations, errors, http, reusable } = createSeries(registry, [...fields, ...catchAlls]);
  return {
    note({ facts, status, result, millis }) {
      const route = partOf(facts.request.url);
      http.inc({ route, status: status === undefined ? 'none' : `${Math.floor(status / 100)}xx` });
      for (const code of facts.codes) errors.inc({ code });
      if (route !== 'graphql') return;
      if (facts.reuse) reusable.inc({ answer: facts.reuse });
      const operation = facts.operation?.field ?? OTHER;
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
  const reusable = new Counter({
    name: 'gateway_reusable_requests_total',
    help: 'Requests by GET whose answer may be given again, by whether it was. Only "executed" has read anything.',
    labelNames: ['answer'],
    registers,
  });
  for (const answer of reuses) reusable.inc({ answer }, 0);
  for (const operation of operations) {
    for (const outcome of requestResults) requests.inc({ operation, outcome }, 0);
    durations.zero({ operation });
  }
  for (const code of Object.keys(errorCodes) as ErrorCode[]) errors.inc({ code }, 0);
  for (const route of parts) for (const status of statuses) http.inc({ route, status }, 0);
  return { requests, durations, errors, http, reusable };
}
