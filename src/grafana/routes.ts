import type { GraphQLError } from 'graphql';
import type { Context } from '../context.ts';
import { type ErrorCode, errorTraits } from '../errors.ts';
import { HttpError } from '../http/errors.ts';
import { type Route, refuseMethod } from '../http/routes.ts';
import type { SampleHistory } from '../replicas/sample-history.ts';
import type { RequestLog } from '../telemetry/request-log.ts';
import { findAnnotations } from './annotations.ts';
import {
  isObject,
  type JsonObject,
  parseQueryRequest,
  parseSpan,
  parseSpanOrLastDay,
  readBody,
} from './body.ts';
import type { GrafanaContext } from './context.ts';
import { changeRows, historyRows, valueRows } from './history.ts';
import { answerPayloadOptions, answerQuery, metrics } from './metric-list.ts';
import { chooseReplicas } from './replica-metrics.ts';
import { findTagValues, findVariable, isVariable, tagKeys } from './variables.ts';

export interface GrafanaDeps {
  readonly history: Pick<SampleHistory, 'points' | 'changes'>;
  /** Authenticates the request. Rejects with UnauthenticatedError, BadRequestError or InvalidTokenError. */
  openContext(request: Request): Promise<Context>;
  /** The error a client may see: `extensions` has its code, and the HTTP status under `http`. */
  mask(error: unknown): GraphQLError;
  logOf(request: Request): Pick<RequestLog, 'codes' | 'reference'>;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

type Answer = (body: JsonObject, grafana: GrafanaContext) => unknown;

/** What the JSON datasource posts: of its line 0.6, and the older names that come first in each comment. */
const posts: Readonly<Record<string, Answer>> = {
  '/grafana/metrics': () => metrics,
  '/grafana/metric-payload-options': answerPayloadOptions,
  '/grafana/query': (body, grafana) => answerQuery(parseQueryRequest(body), grafana),
  '/grafana/variable': async ({ payload, range }, grafana) => {
    const options = await findVariable(
      isObject(payload) ? payload : {},
      parseSpanOrLastDay(range, grafana.now),
      grafana,
    );
    return options.map(({ label, value }) => ({ __text: label, __value: value }));
  },
  '/grafana/tag-keys': () => tagKeys.map((text) => ({ type: 'string', text })),
  '/grafana/tag-values': async ({ key, timeRange }, grafana) => {
    const options = await findTagValues(key, parseSpanOrLastDay(timeRange, grafana.now), grafana);
    return options.map(({ value }) => ({ text: value }));
  },
  // Until 0.5: the metrics, and until 0.3 the values of variables.
  '/grafana/search': async ({ target, range }, grafana) => {
    if (!isVariable(target)) return searchMetrics(target);
    const span = parseSpanOrLastDay(range, grafana.now);
    const options = await findVariable({ target }, span, grafana);
    return options.map(({ label, value }) => ({ text: label, value }));
  },
  // Until 0.2; since then annotations are an ordinary query for replication_changes.
  '/grafana/annotations': ({ annotation, range }, grafana) => {
    const replicas = chooseReplicas({ replica: readAnnotatedReplica(annotation) }, [], grafana).map(
      ({ name }) => name,
    );
    return findAnnotations(replicas, parseSpan(range), grafana).map((found) => ({ annotation, ...found }));
  },
};

/** Flat rows, for clients that read plain JSON. */
const gets: Readonly<Record<string, (query: URLSearchParams, grafana: GrafanaContext) => unknown>> = {
  '/grafana': (_query, { context }) => ({
    message: 'The CDR gateway answers.',
    replication: context.replicas.snapshot().status,
  }),
  '/grafana/history': historyRows,
  '/grafana/changes': changeRows,
  '/grafana/values': valueRows,
};

/**
 * What Grafana's JSON datasource requests, with `/grafana` as its URL. It is authenticated like GraphQL, so
 * statistics are of the calls that the token may see. Refusals carry `message`, which Grafana shows beside the panel.
 */
export function createGrafanaRoute(deps: GrafanaDeps): Route {
  const { history, openContext, now = Date.now } = deps;

  async function respond(request: Request, answer: (grafana: GrafanaContext) => unknown): Promise<Response> {
    let context: Context | undefined;
    try {
      context = await openContext(request);
      const grafana = { context, history, now: now() };
      return json(await withRetries(context, () => answer(grafana)), { headers: describeFreshness(context) });
    } catch (error) {
      return refuse(request, error, deps);
    } finally {
      context?.session.end();
    }
  }

  return (request, { pathname, searchParams }) => {
    if (pathname !== '/grafana' && !pathname.startsWith('/grafana/')) return undefined;
    const path = pathname === '/grafana/' ? '/grafana' : pathname;
    const get = Object.hasOwn(gets, path) ? gets[path] : undefined;
    if (get) {
      return refuseMethod(request, ['GET']) ?? respond(request, (grafana) => get(searchParams, grafana));
    }
    const post = Object.hasOwn(posts, path) ? posts[path] : undefined;
    if (post) {
      const read = async (grafana: GrafanaContext) => post(await readBodyOnce(request), grafana);
      return refuseMethod(request, ['POST']) ?? respond(request, read);
    }
    return refuse(request, new HttpError('The JSON datasource does not ask for this path.', 404), deps);
  };
}

/** A standby that fails is replaced, and the request answered anew: nothing has been sent yet. */
async function withRetries(context: Context, answer: () => unknown): Promise<unknown> {
  for (;;) {
    try {
      return await answer();
    } catch (error) {
      if (!(await context.session.tryAnotherReplica(error))) throw error;
    }
  }
}

/** In headers, for answers that calls were read for. */
function describeFreshness(context: Context): Record<string, string> {
  const replica = context.session.readFrom();
  return {
    ...(replica && { 'x-replica': replica.name }),
    ...(replica?.asOf && { 'x-data-as-of': replica.asOf }),
  };
}

const bodies = new WeakMap<Request, Promise<JsonObject>>();

/** A body can be read only once, and a request may be answered more than once. */
function readBodyOnce(request: Request): Promise<JsonObject> {
  const body = bodies.get(request) ?? readBody(request);
  bodies.set(request, body);
  return body;
}

function searchMetrics(part: unknown): readonly string[] {
  const names = metrics.map(({ value }) => value);
  return typeof part === 'string' ? names.filter((name) => name.includes(part)) : names;
}

/** The annotation's query is the name of a standby, or empty for every one. */
function readAnnotatedReplica(annotation: unknown): unknown {
  const query = isObject(annotation) ? annotation.query : undefined;
  return query === 'replication_changes' ? undefined : query;
}

function json(body: unknown, init: ResponseInit = {}): Response {
  const text = JSON.stringify(body);
  const headers = new Headers(init.headers);
  headers.set('content-type', 'application/json; charset=utf-8');
  headers.set('content-length', String(Buffer.byteLength(text)));
  headers.set('cache-control', 'no-store');
  return new Response(text, { ...init, headers });
}

/** `message` is shown beside a panel, `error` by "Save & test". */
function refuse(request: Request, error: unknown, { mask, logOf }: GrafanaDeps): Response {
  const { message, extensions } = mask(error);
  const code = extensions.code as ErrorCode;
  const http = extensions.http as { status?: number; headers?: Record<string, string> } | undefined;
  const log = logOf(request);
  log.codes.add(code);
  if (extensions.reference) log.reference = String(extensions.reference);
  // GraphQL reports some of them with status 200; here they fail the whole response.
  const status = http?.status ?? errorTraits(code).status;
  return json({ message, error: { code, message } }, { status, headers: http?.headers ?? {} });
}
