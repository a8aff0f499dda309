import { type NextRequest, NextResponse } from 'next/server';

/**
 * A policy for each page: only our own scripts run, by a nonce that is new each time, and nothing is asked for elsewhere.
 * In development React needs eval.
 */
export function proxy(request: NextRequest): NextResponse {
  const nonce = Buffer.from(crypto.randomUUID()).toString('base64');
  const isDevelopment = process.env.NODE_ENV === 'development';
  const policy = [
    "default-src 'self'",
    `script-src 'self' 'nonce-${nonce}' 'strict-dynamic'${isDevelopment ? " 'unsafe-eval'" : ''}`,
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "connect-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    // To sign out leads on to the identity provider.
    `form-action 'self'${providerOrigin()}`,
    "frame-ancestors 'none'",
  ].join('; ');
  const headers = new Headers(request.headers);
  headers.set('x-nonce', nonce);
  headers.set('content-security-policy', policy);
  const response = NextResponse.next({ request: { headers } });
  response.headers.set('content-security-policy', policy);
  response.headers.set('x-content-type-options', 'nosniff');
  response.headers.set('referrer-policy', 'same-origin');
  return response;
}

function providerOrigin(): string {
  const issuer = process.env.OIDC_ISSUER ?? '';
  return URL.canParse(issuer) ? ` ${new URL(issuer).origin}` : '';
}

export const config = { matcher: ['/', '/calls', '/sign-in'] };
