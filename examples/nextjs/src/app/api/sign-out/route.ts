import { cookies } from 'next/headers';
import { cookieOf, redirect } from '../../../server/redirects.ts';
import { isSameOrigin } from '../../../server/same-origin.ts';
import { serverParts } from '../../../server/server-parts.ts';
import { SESSION_COOKIE } from '../../../server/sessions.ts';

/** Ends the session here, whoever else has its cookie, and then at the identity provider it came from. */
export async function POST(request: Request): Promise<Response> {
  if (!isSameOrigin(request)) return new Response('Only the pages of this app may ask.', { status: 403 });
  const { sessions, identityProvider } = serverParts();
  const ended = sessions.end((await cookies()).get(SESSION_COOKIE)?.value);
  const elsewhere = ended?.grant && (await identityProvider?.endSessionUrl(ended.grant));
  return redirect(elsewhere?.href ?? '/sign-in', cookieOf(request, SESSION_COOKIE, '', 0));
}
