import { seesInfrastructure } from '../context.ts';
import { errorTraits } from '../errors.ts';
import type { Cost } from '../graphql/cost.ts';
import type { ErrorMask } from '../graphql/errors.ts';
import { answerRequest, GatewayRequest, type Phase } from '../graphql/request.ts';
import { type ErrorExtensions, HttpError } from '../http/errors.ts';
import type { RequestFacts } from '../http/request-facts.ts';
import { type Route, refuseMethod } from '../http/routes.ts';
import type { SampleHistory } from '../replicas/sample-history.ts';
import type { ReplicaSession } from '../replicas/session.ts';
import { tenantViewOfChange, tenantViewOfPoint } from '../replicas/tenant-view.ts';
import { findAnnotations } from './annotations.ts';
import { parseSpan, parseSpanOrLastDay, readBody } from './body.ts';
import type { GrafanaContext } from './context.ts';
import { changeRows, historyRows, valueRows } from './history.ts';
import { isObject, type JsonObject } from './json-object.ts';
import { answerPayloadOptions, answerQuery, costOfQuery, metrics, parseQuery } from './metric-list.ts';
import { parsePayload } from './payload.ts';
import { chooseReplicas } from './replica-metrics.ts';
import { findTagValues, findVariable, isVariable, tagKeys } from './variables.ts';

export interface GrafanaDeps {
  readonly history: Pick<SampleHistory, 'points' | 'changes'>;
  readonly phases: readonly Phase[];
  /** The error a client may see: `extensions` has its code, and the HTTP status under `http`. */
  readonly mask: ErrorMask;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** What panels post. It alone costs something. */
const QUERY_PATH = '/grafana/query';

type Answer = (body: JsonObject, grafana: GrafanaContext) => unknown;

/** What the JSON datasource posts: of its line 0.6, and the older names that come first in each comment. */
const posts: Readonly<Record<string, Answer>> = {
  '/grafana/metrics': () => metrics,
  '/grafana/metric-payload-options': answerPayloadOptions,
  '/grafana/variable': async ({ payload, range }, grafana) => {
    const chosen = parsePayload(isObject(payload) ? payload : {}, 'The variable');
    const options = await findVariable(chosen, parseSpanOrLastDay(range, grafana.now), grafana);
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
    const options = await findVariable({ target: [target] }, span, grafana);
    return options.map(({ label, value }) => ({ text: label, value }));
  },
  // Until 0.2; since then annotations are an ordinary query for replication_changes.
  '/grafana/annotations': ({ annotation, range }, grafana) => {
    const payload = parsePayload({ replica: readAnnotatedReplica(annotation) }, 'The annotation');
    const replicas = chooseReplicas(payload, [], grafana).map(({ name }) => name);
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
 * What Grafana's JSON datasource requests, with `/grafana` as its URL. It meets the same phases as GraphQL, so statistics
 * are of the calls that the token may see. Refusals carry `message`, which Grafana shows beside the panel.
 */
export function createGrafanaRoute(deps: GrafanaDeps): Route {
  return (request, { pathname, searchParams }, facts) => {
    if (pathname !== '/grafana' && !pathname.startsWith('/grafana/')) return undefined;
    const path = pathname === '/grafana/' ? '/grafana' : pathname;
    const get = Object.hasOwn(gets, path) ? gets[path] : undefined;
    const post = Object.hasOwn(posts, path) ? posts[path] : undefined;
    if (!get && !post && path !== QUERY_PATH) {
      const error = new HttpError('The JSON datasource does not ask for this path.', 404);
      return showRefusal(error, facts, deps.mask);
    }
    const refused = refuseMethod(request, [get ? 'GET' : 'POST']);
    if (refused) return refused;
    const read = async (): Promise<Query> => {
      if (get) return { cost: 0, answer: (grafana) => get(searchParams, grafana) };
      const body = await readBody(request);
      if (post) return { cost: 0, answer: (grafana) => post(body, grafana) };
      const query = parseQuery(body);
      return { cost: costOfQuery(query), answer: (grafana) => answerQuery(query, grafana) };
    };
    return answerRequest(new GrafanaRequest(request, facts, { ...deps, read }), deps.phases);
  };
}

/** The answer to a request: `answer` may be called again, with another standby. */
interface Query {
  readonly cost: number;
  answer(grafana: GrafanaContext): unknown;
}

function ofTenant(history: GrafanaDeps['history']): GrafanaDeps['history'] {
  return {
    points: (...query) => history.points(...query).map(tenantViewOfPoint),
    changes: (span) => history.changes(span).map(tenantViewOfChange),
  };
}

class GrafanaRequest extends GatewayRequest {
  readonly #options: GrafanaDeps & { read(): Promise<Query> };
  #query: Query | undefined = undefined;
  #result: unknown;
  #response: Response | undefined = undefined;

  constructor(http: Request, facts: RequestFacts, options: GrafanaDeps & { read(): Promise<Query> }) {
    super(http, facts);
    this.#options = options;
  }

  async read(): Promise<void> {
    this.#query = await this.#options.read();
  }

  cost(): Cost {
    return { points: this.#query!.cost, kept: 0 };
  }

  get isLong(): boolean {
    return false;
  }

  /** Each path is answered in one way. */
  plan(): void {}

  /** A standby that fails is replaced, and the query answered anew: nothing has been sent yet. */
  async execute(): Promise<void> {
    const { now = Date.now } = this.#options;
    const history = seesInfrastructure(this.principal)
      ? this.#options.history
      : ofTenant(this.#options.history);
    const grafana = { context: this.context, history, now: now() };
    for (;;) {
      try {
        this.#result = await this.#query!.answer(grafana);
        return;
      } catch (error) {
        if (!(await this.session.tryAnotherReplica(error))) throw error;
      }
    }
  }

  report(): void {
    if (this.failure) {
      this.#response = showRefusal(this.failure.error, this.facts, this.#options.mask);
      return;
    }
    this.#response = json(this.#result, { headers: describeFreshness(this.session) });
    this.session.end();
  }

  respond(): Response {
    return this.#response!;
  }
}

/** In headers, for answers that calls were read for. */
function describeFreshness(session: ReplicaSession): Record<string, string> {
  const replica = session.readFrom();
  return {
    ...(replica && { 'x-replica': replica.name }),
    ...(replica?.asOf && { 'x-data-as-of': replica.asOf }),
  };
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
function showRefusal(failure: unknown, facts: RequestFacts, mask: ErrorMask): Response {
  const { message, extensions } = mask(failure);
  facts.noteError(extensions);
  const { code = 'INTERNAL', http } = extensions as Partial<ErrorExtensions>;
  // GraphQL reports some of them with status 200; here they fail the whole response.
  const status = http?.status ?? errorTraits(code).status;
  return json({ message, error: { code, message } }, { status, headers: http?.headers ?? {} });
}
