import { cookies } from 'next/headers';
import { PENDING_COOKIE } from '../../../server/pending-sign-ins.ts';
import { cookieOf, redirect, redirectToSignIn } from '../../../server/redirects.ts';
import { serverParts } from '../../../server/server-parts.ts';
import { SESSION_COOKIE } from '../../../server/sessions.ts';

/** Where the identity provider sends the browser back to. */
export async function GET(request: Request): Promise<Response> {
  const { settings, identityProvider, pendingSignIns, sessions } = serverParts();
  if (!identityProvider) return new Response('There is no identity provider.', { status: 404 });
  const pending = pendingSignIns.take((await cookies()).get(PENDING_COOKIE)?.value, Date.now());
  const forget = cookieOf(request, PENDING_COOKIE, '', 0);
  if (!pending) return redirectToSignIn('provider', '/calls', forget);
  try {
    const { user, grant } = await identityProvider.finish(new URL(request.url).search, pending);
    if (!user) {
      console.error('the identity provider gave a token that names none of the roles: claim "cdr_role"');
      return redirectToSignIn('nothing', pending.next, forget);
    }
    const session = sessions.open(user, grant);
    const seconds = settings.sessionHours * 3600;
    return redirect(pending.next, cookieOf(request, SESSION_COOKIE, session, seconds), forget);
  } catch (error) {
    // Without the answer itself, which may hold a code.
    console.error('a sign-in did not succeed', error instanceof Error ? error.message : error);
    return redirectToSignIn('provider', pending.next, forget);
  }
}
