import type { ServerResponse } from 'node:http';

/** What is only known when the body has ended. */
export interface Trailers {
  readonly names: readonly string[];
  /** Called then, once. */
  values(): Readonly<Record<string, string>>;
}

/** A Response of the web has no place for them. */
const trailersOf = new WeakMap<Response, Trailers>();

/** Announces them in the headers; they are sent behind the body. */
export function setTrailers(response: Response, trailers: Trailers): void {
  response.headers.set('trailer', trailers.names.join(', '));
  trailersOf.set(response, trailers);
}

/** To be called when the body has ended and the response has not. HTTP/1.0 has no place for them. */
export function addTrailers(response: Response, outgoing: ServerResponse): void {
  const trailers = trailersOf.get(response);
  if (trailers && outgoing.chunkedEncoding) outgoing.addTrailers(trailers.values());
}
