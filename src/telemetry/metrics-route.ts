import { createHash, timingSafeEqual } from 'node:crypto';
import type { Registry } from 'prom-client';
import { UnauthenticatedError } from '../errors.ts';
import { errorResponse } from '../http/errors.ts';
import { type Route, refuseMethod } from '../http/routes.ts';

export interface MetricsRouteOptions {
  /** Called before each scrape: what is shown as it is then. */
  readonly refresh: () => void;
  /** When set, a scrape must carry it as a bearer token. */
  readonly token: string | undefined;
}

/** `GET /metrics`, in the text format. */
export function createMetricsRoute(registry: Registry, { refresh, token }: MetricsRouteOptions): Route {
  return async (request, { pathname }) => {
    if (pathname !== '/metrics') return undefined;
    const refused = refuseMethod(request, ['GET', 'HEAD']) ?? refuseStranger(request, token);
    if (refused) return refused;
    refresh();
    const text = await registry.metrics();
    return new Response(request.method === 'HEAD' ? null : text, {
      headers: {
        'content-type': registry.contentType,
        'content-length': String(Buffer.byteLength(text)),
        'cache-control': 'no-store',
      },
    });
  };
}

function refuseStranger(request: Request, token: string | undefined): Response | undefined {
  const digestOf = (text: string) => createHash('sha256').update(text).digest();
  const given = /^Bearer +(\S+) *$/i.exec(request.headers.get('authorization') ?? '')?.[1] ?? '';
  if (token === undefined || timingSafeEqual(digestOf(given), digestOf(token))) return undefined;
  const refusal = errorResponse(new UnauthenticatedError('Send METRICS_TOKEN as a bearer token.'));
  refusal.headers.set('www-authenticate', 'Bearer');
  return refusal;
}
