import { isSecure } from './same-origin.ts';

/** Relative within this app, so that it holds behind any proxy. */
export function redirect(location: string, ...cookies: readonly string[]): Response {
  const headers = new Headers({ location, 'cache-control': 'no-store' });
  for (const cookie of cookies) headers.append('set-cookie', cookie);
  return new Response(null, { status: 303, headers });
}

/** Back to the form, which says what the matter is, and goes on at `next` afterwards. */
export function redirectToSignIn(
  error: 'wait' | 'wrong' | 'provider' | 'nothing',
  next: string,
  ...cookies: readonly string[]
): Response {
  return redirect(`/sign-in?${new URLSearchParams({ error, next })}`, ...cookies);
}

/** A path of this app: never another site, however it is spelt. */
export function localPath(path: string): string {
  return /^\/(?![/\\])[\w\-./?&=%:,*+!~]*$/.test(path) ? path : '/calls';
}

/** A cookie that no script reads and no other site sends; with a life of 0 seconds it is deleted. */
export function cookieOf(request: Request, name: string, value: string, seconds: number): string {
  const attributes = [`${name}=${value}`, 'HttpOnly', 'SameSite=Lax', 'Path=/', `Max-Age=${seconds}`];
  return [...attributes, ...(isSecure(request) ? ['Secure'] : [])].join('; ');
}
