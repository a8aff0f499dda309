import type { Attributes, SpanContext } from '@opentelemetry/api';
import { resultOf } from '../errors.ts';
import type { EndedRequest } from '../http/request-facts.ts';
import { partOf } from './operation-names.ts';
import { shownPath } from './request-log.ts';

/** What is told of a request. Its name is one of few, whatever clients send. */
export interface RequestSpan {
  readonly name: string;
  readonly attributes: Attributes;
  /** What went wrong, when it was our failure. */
  readonly failure: string | undefined;
}

/** The methods that have a name; what else clients think of is `_OTHER`. */
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH']);

/**
 * The span of a request to GraphQL or Grafana's datasource, in the words of OpenTelemetry's conventions and, where they
 * have none, ours; undefined for probes, scrapes and paths where nothing is. Never variables, numbers, the query or a token.
 */
export function describeSpan(ended: EndedRequest): RequestSpan | undefined {
  const { facts, status, result } = ended;
  const { request, operation, codes } = facts;
  const part = partOf(request.url);
  if (part !== 'graphql' && part !== 'grafana') return undefined;
  const method = methods.has(request.method) ? request.method : undefined;
  const { pathname, protocol } = new URL(request.url);
  const failure = result === 'error' ? failureOf(ended) : undefined;
  return {
    name: operation ? `${operation.type} ${operation.field}` : `${method ?? 'HTTP'} /${part}`,
    failure,
    attributes: {
      'http.request.method': method ?? '_OTHER',
      'http.response.status_code': status,
      'http.route': `/${part}`,
      'url.path': shownPath(pathname),
      'url.scheme': protocol.slice(0, -1),
      'graphql.operation.type': operation?.type,
      'graphql.operation.name': operation?.name,
      'error.type': failure,
      'gateway.outcome': result,
      'gateway.error_codes': codes.size > 0 ? [...codes] : undefined,
      'gateway.replica': facts.replica,
      'gateway.rows': facts.rows,
      'gateway.principal': facts.principal,
      'gateway.request_id': facts.id,
    },
  };
}

/** An error code of ours (docs/errors.md), or the status when there was no more to say. */
function failureOf({ facts: { codes }, status }: EndedRequest): string {
  const code = [...codes].find((each) => resultOf([each]) === 'error');
  return code ?? (status === undefined ? '_OTHER' : String(status));
}

/** The span of the caller that a `traceparent` header names (W3C Trace Context); undefined when it is not valid. */
export function parseTraceparent(header: string | null): SpanContext | undefined {
  const found = /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-.*)?$/.exec(header?.trim() ?? '');
  if (!found) return undefined;
  const [, version, traceId, spanId, flags, rest] = found as unknown as [string, ...string[]];
  const isVersion = version !== 'ff' && (version !== '00' || rest === undefined);
  if (!isVersion || /^0+$/.test(traceId!) || /^0+$/.test(spanId!)) return undefined;
  // Of the flags only the first bit has a meaning for us: that the caller is traced.
  return { traceId: traceId!, spanId: spanId!, traceFlags: Number.parseInt(flags!, 16) & 1, isRemote: true };
}
