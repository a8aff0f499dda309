import type { Logger } from 'pino';
import { type EndedRequest, RequestFacts } from '../http/request-facts.ts';
import { pathOf } from '../http/request-target.ts';
import type { FactsHandler, Handler } from '../http/routes.ts';

/** Told of every request: when a response that is sent as it is read begins, and when any response has ended. */
export interface RequestObserver {
  onStream(finished: Promise<unknown>): void;
  /** Of a subscription: when it has begun. */
  onEnd(ended: EndedRequest): void;
  onSubscriptionEnd?(ended: EndedRequest): void;
}

const MAX_PATH_LENGTH = 64;

/** Requested every few seconds for ever, by machines. */
const probes = new Set(['/livez', '/readyz', '/health', '/metrics']);

/** The outermost handler: makes the facts of each request, gives its response an X-Request-Id, and tells how it ended. */
export function observeRequests(handler: FactsHandler, observer: RequestObserver): Handler {
  const { onStream, onEnd } = observer;
  return async (request, caller) => {
    const facts = new RequestFacts(request, caller);
    try {
      const response = await handler(request, facts);
      // When the client is gone the response is not sent, and so has no status.
      const status = request.signal.aborted ? undefined : response.status;
      const end = () => onEnd(facts.end(status));
      response.headers.set('x-request-id', facts.id);
      facts.length = Number(response.headers.get('content-length') ?? undefined) || undefined;
      if (facts.finished) {
        onStream(facts.finished);
        facts.finished.then(end, end);
      } else end();
      const { telling } = facts;
      telling?.ended.finally(() => observer.onSubscriptionEnd?.(facts.endTelling(telling, status)));
      return response;
    } catch (error) {
      onEnd(facts.end(undefined));
      throw error;
    }
  };
}

/** Writes the line of a request, unless it is a probe or a scrape. Never variables, numbers, the query or a token. */
export function writeRequest(logger: Logger, { facts, status, result, millis }: EndedRequest): void {
  const path = pathOf(facts.request.url);
  if (probes.has(path)) return;
  logger[result === 'error' ? 'warn' : 'info'](
    {
      requestId: facts.id,
      method: facts.request.method,
      path: shownPath(path),
      operation: facts.operation?.name,
      type: facts.operation?.type,
      outcome: result,
      codes: facts.codes.size > 0 ? [...facts.codes] : undefined,
      reference: facts.reference,
      status,
      ms: Math.round(millis * 10) / 10,
      rows: facts.rows,
      reuse: facts.reuse,
      replica: facts.replica,
      principal: facts.principal,
    },
    'request',
  );
}

/** Where something is. Of Grafana's names, which are several, the form is enough. */
const KNOWN_PATH = /^\/(?:graphql|livez|readyz|health|metrics|grafana(?:\/[a-z]+(?:-[a-z]+)*)?)$/;
/** A file's name is no secret, and of no use either. */
const FILES = '/graphql/assets/';

/** A path as it may be shown: the route. Whatever else a client writes there may be a number or a token. */
export function shownPath(path: string): string {
  if (path.length <= MAX_PATH_LENGTH && KNOWN_PATH.test(path)) return path;
  if (path.startsWith(FILES)) return FILES;
  return path.startsWith('/grafana/') ? '/grafana/…' : '/…';
}
