import { HttpError } from './errors.ts';

/** Stands in every URL of a request: by which name clients reach us decides nothing, so it is not even parsed. */
const ORIGIN = 'http://gateway';

/** The scheme and authority of a target that names its host, as requests to proxies do (RFC 9112, 3.2.2). */
const AUTHORITY = /^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i;

/** What the URL standard reads as another path: a backslash as a slash, a segment of one or two dots as a step. */
const REWRITTEN_PATH = /\\|\/(?:\.|%2e){1,2}(?:\/|$)/i;

/**
 * The URL that a request's target asks for. Throws an HttpError of 400 for a target that the URL standard would rewrite:
 * a proxy in front has chosen its location, and with it limits and access, by the path as it was sent.
 */
export function urlOf(target: string): string {
  const relative = target.startsWith('/') ? target : target.replace(AUTHORITY, '');
  const queryStart = relative.indexOf('?');
  const path = queryStart < 0 ? relative : relative.slice(0, queryStart);
  if (target.includes('#') || REWRITTEN_PATH.test(path)) {
    throw new HttpError('The path of a request has no backslashes, dot segments or fragment.', 400);
  }
  // `OPTIONS *` asks for no path, and `http://host?query` for the shortest.
  return relative.startsWith('/') ? ORIGIN + relative : `${ORIGIN}/`;
}

/** The path of a request's URL, without parsing the rest: every request passes here, and more than once. */
export function pathOf(url: string): string {
  const start = url.indexOf('/', url.indexOf('//') + 2);
  const end = url.indexOf('?', start);
  return start < 0 ? '/' : url.slice(start, end < 0 ? undefined : end);
}
