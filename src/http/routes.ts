import type { Caller } from '../access/caller.ts';
import { errorResponse, HttpError } from './errors.ts';
import { RequestFacts } from './request-facts.ts';

/** Answers every request. Rejects only when the request was aborted. `caller` is who sends it, where that was looked at before. */
export type Handler = (request: Request, caller?: Caller) => Response | Promise<Response>;

/** The same, with the facts of the request to add to; new ones where they are of no use to the caller. */
export type FactsHandler = (request: Request, facts?: RequestFacts) => Response | Promise<Response>;

/** Answers the requests that are its own, by exact path; undefined leaves a request to the next route. */
export type Route = (
  request: Request,
  url: URL,
  facts: RequestFacts,
) => Response | undefined | Promise<Response | undefined>;

/** The first route that knows the request answers it; what no route knows is 404. */
export function createRouter(routes: readonly Route[]): FactsHandler {
  return async (request, facts = new RequestFacts(request)) => {
    const url = new URL(request.url);
    for (const route of routes) {
      const response = await route(request, url, facts);
      if (response) return response;
    }
    return errorResponse(new HttpError('Nothing is served at this path. GraphQL is at /graphql.', 404));
  };
}

/** Answers every request with this error. */
export function createRefusal(error: HttpError): FactsHandler {
  return (_request, facts) => {
    facts?.noteError({ code: error.code });
    return errorResponse(error);
  };
}

/** 405 with the methods that work; undefined when the request's method is one of them. */
export function refuseMethod(request: Request, methods: readonly string[]): Response | undefined {
  if (methods.includes(request.method)) return undefined;
  const message = `Requests to this path are ${methods.join(' or ')}.`;
  return errorResponse(new HttpError(message, 405, { headers: { allow: methods.join(', ') } }));
}
