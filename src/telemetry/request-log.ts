import { randomUUID } from 'node:crypto';
import { type DocumentNode, type ExecutionResult, type GraphQLError, getOperationAST } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Logger } from 'pino';
import { type ErrorCode, type RequestResult, resultOf } from '../errors.ts';
import type { Handler } from '../http/routes.ts';
import { hideNumbers } from './logging.ts';

/** The facts of one request, gathered while it is answered. Whoever learns one writes it here. */
export interface RequestLog {
  /** Of the caller when it sent a sane X-Request-Id, otherwise ours; in the answer's header either way. */
  readonly id: string;
  /** As the client calls it, bounded; undefined for an anonymous one and outside GraphQL. */
  operation?: string;
  type?: string;
  /** Of the principal, never its token. */
  principal?: string;
  /** Name of the standby that answered. */
  replica?: string;
  /** Calls, or groups of them, in the answer. */
  rows?: number;
  /** Of every error in the answer, those at the end of a stream included. */
  readonly codes: Set<ErrorCode>;
  /** What the caller of a masked error was told to quote. */
  reference?: string;
  /** Set by whoever answers with a stream; the request has ended when it settles. */
  finished?: Promise<unknown>;
}

/** A request that has been answered, to the last byte. */
export interface EndedRequest extends RequestLog {
  readonly request: Request;
  /** HTTP status; undefined when the caller left before there was one. */
  readonly status: number | undefined;
  readonly result: RequestResult;
  readonly millis: number;
}

export interface RequestLogs {
  /** The facts of a request; the same object for the same request. */
  of(request: Request): RequestLog;
  /** Learns operation, error codes and references. Comes after the plugin that codes errors. */
  readonly plugin: Plugin;
  /** The same without Yoga. */
  noteOperation(request: Request, document: DocumentNode, operationName: string | undefined): void;
  noteErrors(request: Request, result: ExecutionResult): void;
  /** The outermost handler: gives every answer its X-Request-Id, and tells `onEnd` of every request. */
  around(handler: Handler): Handler;
}

const MAX_NAME = 64;

/**
 * The log is kept on the request itself: what a WeakMap holds of an object outlives it until the next full garbage
 * collection, and with thousands of requests a second that is all of them.
 */
const LOG = Symbol('request log');
type LoggedRequest = Request & { [LOG]?: RequestLog };

/** Asked every few seconds for ever, by machines. */
const probes = new Set(['/livez', '/readyz', '/health', '/metrics']);

export function createRequestLogs(onEnd: (ended: EndedRequest) => void): RequestLogs {
  const of = (request: LoggedRequest): RequestLog => {
    request[LOG] ??= { id: idOf(request), codes: new Set() };
    return request[LOG];
  };

  return {
    of,
    noteOperation: (request, document, name) => describeOperation(of(request), document, name),
    noteErrors: (request, { errors }) => describeErrors(of(request), errors),
    plugin: {
      onParse: () => (parsed) => {
        const { request, params } = parsed.context;
        if (!parsed.result || parsed.result instanceof Error) return;
        describeOperation(of(request), parsed.result, params.operationName);
      },
      onResultProcess({ request, result }) {
        if (Array.isArray(result) || !('errors' in result)) return;
        describeErrors(of(request), result.errors as readonly GraphQLError[]);
      },
    },
    around: (handler) => async (request) => {
      const log = of(request);
      const start = performance.now();
      const end = (status?: number) => {
        const result = resultFor(log, request, status);
        onEnd({ ...log, request, status, result, millis: performance.now() - start });
      };
      try {
        const response = await handler(request);
        const endNow = () => end(response.status);
        response.headers.set('x-request-id', log.id);
        if (log.finished) log.finished.then(endNow, endNow);
        else endNow();
        return response;
      } catch (error) {
        end();
        throw error;
      }
    },
  };
}

/** Writes the line of a request, unless a probe or a scrape asked it. Never variables, numbers, the query or a token. */
export function writeRequest(
  logger: Logger,
  { request, id, status, result, millis, ...log }: EndedRequest,
): void {
  const path = new URL(request.url).pathname;
  if (probes.has(path)) return;
  logger[result === 'error' ? 'warn' : 'info'](
    {
      requestId: id,
      method: request.method,
      path: shownPath(path),
      operation: log.operation,
      type: log.type,
      outcome: result,
      codes: log.codes.size > 0 ? [...log.codes] : undefined,
      reference: log.reference,
      status,
      ms: Math.round(millis * 10) / 10,
      rows: log.rows,
      replica: log.replica,
      principal: log.principal,
    },
    'request',
  );
}

/** A path as it may be shown: cut, and without numbers. */
export function shownPath(path: string): string {
  return hideNumbers(path.slice(0, MAX_NAME));
}

/** What the operation is called, and of what type. */
function describeOperation(
  log: RequestLog,
  document: DocumentNode,
  operationName: string | null | undefined,
): void {
  const operation = getOperationAST(document, operationName);
  if (operation?.name) log.operation = hideNumbers(operation.name.value.slice(0, MAX_NAME));
  if (operation) log.type = operation.operation;
}

function describeErrors(log: RequestLog, errors: readonly GraphQLError[] = []): void {
  for (const { extensions } of errors) {
    if (extensions.code) log.codes.add(extensions.code as ErrorCode);
    if (extensions.reference) log.reference = String(extensions.reference);
  }
}

function idOf(request: Request): string {
  const given = request.headers.get('x-request-id') ?? '';
  return /^[\w.:-]{1,64}$/.test(given) ? given : randomUUID();
}

function resultFor({ codes }: RequestLog, request: Request, status: number | undefined): RequestResult {
  if (request.signal.aborted) return 'cancelled';
  if (codes.size > 0) return resultOf(codes);
  if (status === undefined || status >= 500) return 'error';
  return status >= 400 ? 'invalid' : 'ok';
}
