/** Whether our own page sent the request, and not another site with the user's cookie. */
export function isSameOrigin(request: Request): boolean {
  const site = request.headers.get('sec-fetch-site');
  if (site !== null) return site === 'same-origin';
  const origin = request.headers.get('origin');
  if (origin === null) return true;
  return URL.canParse(origin) && new URL(origin).host === hostOf(request);
}

/** Behind a proxy the host that the browser asked is in X-Forwarded-Host. */
function hostOf(request: Request): string | null {
  return request.headers.get('x-forwarded-host') ?? request.headers.get('host');
}

/** Whether the browser speaks TLS, to us or to the proxy before us: then cookies are for TLS only. */
export function isSecure(request: Request): boolean {
  const forwarded = request.headers.get('x-forwarded-proto')?.split(',')[0]?.trim();
  return (forwarded ?? new URL(request.url).protocol.replace(':', '')) === 'https';
}
