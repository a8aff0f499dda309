import { PENDING_COOKIE, PENDING_SECONDS } from '../../../server/pending-sign-ins.ts';
import { cookieOf, localPath, redirect, redirectToSignIn } from '../../../server/redirects.ts';
import { serverParts } from '../../../server/server-parts.ts';

/** Sends the browser to the identity provider. */
export async function GET(request: Request): Promise<Response> {
  const { identityProvider, pendingSignIns } = serverParts();
  if (!identityProvider) return new Response('There is no identity provider.', { status: 404 });
  const next = localPath(new URL(request.url).searchParams.get('next') ?? '');
  try {
    const { location, pending } = await identityProvider.begin(next);
    const id = pendingSignIns.add(pending, Date.now());
    return redirect(location.href, cookieOf(request, PENDING_COOKIE, id, PENDING_SECONDS));
  } catch (error) {
    console.error('the identity provider cannot be used', error);
    return redirectToSignIn('provider', next);
  }
}
