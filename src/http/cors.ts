import type { Handler } from './routes.ts';

/** What a page may send beside what any page may send. */
const requestHeaders = [
  'Authorization',
  'Content-Type',
  'Accept',
  'X-Max-Staleness',
  'X-Read-After',
  'X-Request-Id',
  'If-None-Match',
  'Cache-Control',
  'Last-Event-ID',
  'Traceparent',
];

/** What a page may read of an answer, beside what any page may read. */
const responseHeaders = [
  'X-Request-Id',
  'Retry-After',
  'Content-Disposition',
  'ETag',
  // Files and lists that stream say there what `extensions.replica` says elsewhere, and whether they are whole.
  'X-Replica',
  'X-Read-Token',
  'X-Data-As-Of',
  'X-Complete',
  'X-Incomplete',
];

/** Browsers remember a permission for at most two hours. */
const PREFLIGHT_SECONDS = 7200;

/**
 * Lets pages of the given origins call us, `*` meaning all; those of any other origin get no permission, and their
 * browser keeps the answer from them.
 *
 * There is no defence against cross-site request forgery, because there is nothing to forge: a request is
 * authenticated by its Authorization header alone, which no page can make a browser add for another origin. For the
 * same reason answers never carry Access-Control-Allow-Credentials: no cookie of ours exists.
 */
export function withCors(handler: Handler, allowedOrigins: readonly string[]): Handler {
  if (allowedOrigins.length === 0) return handler;
  const isPublic = allowedOrigins.includes('*');

  return async (request, caller) => {
    const origin = request.headers.get('origin');
    const isAllowed = origin !== null && (isPublic || allowedOrigins.includes(origin));
    const isPreflight = request.method === 'OPTIONS' && request.headers.has('access-control-request-method');
    const response = isAllowed && isPreflight ? permission() : await handler(request, caller);
    const { headers } = response;
    if (!isPublic) headers.append('vary', 'Origin');
    if (isAllowed) {
      headers.set('access-control-allow-origin', isPublic ? '*' : origin);
      headers.set('access-control-expose-headers', responseHeaders.join(', '));
    }
    return response;
  };
}

function permission(): Response {
  return new Response(null, {
    status: 204,
    headers: {
      'access-control-allow-methods': 'GET, HEAD, POST',
      'access-control-allow-headers': requestHeaders.join(', '),
      'access-control-max-age': String(PREFLIGHT_SECONDS),
    },
  });
}
