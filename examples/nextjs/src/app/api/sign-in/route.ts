import { clientAddress } from '../../../server/client-address.ts';
import { readBody } from '../../../server/read-body.ts';
import { cookieOf, localPath, redirect, redirectToSignIn } from '../../../server/redirects.ts';
import { isSameOrigin } from '../../../server/same-origin.ts';
import { serverParts } from '../../../server/server-parts.ts';
import { SESSION_COOKIE } from '../../../server/sessions.ts';

const MAX_BODY_BYTES = 8192;
const MAX_NAME = 64;
const MAX_PASSWORD = 256;

/** The form of the sign-in page. Works without JavaScript: a redirect either way. */
export async function POST(request: Request): Promise<Response> {
  if (!isSameOrigin(request)) return new Response('Only the pages of this app may ask.', { status: 403 });
  const form = new URLSearchParams((await readBody(request, MAX_BODY_BYTES)) ?? '');
  const name = (form.get('name') ?? '').slice(0, MAX_NAME);
  const next = localPath(form.get('next') ?? '');
  const { settings, sessions, passwords, attempts } = serverParts();
  const address = clientAddress(request.headers, settings.trustedProxies);
  const attempt = attempts.begin(address, name, Date.now());
  if (!attempt) return redirectToSignIn('wait', next);
  const user = await passwords.authenticate(name, (form.get('password') ?? '').slice(0, MAX_PASSWORD));
  if (user === 'busy') return redirectToSignIn('wait', next);
  if (!user) return redirectToSignIn('wrong', next);
  attempt.succeeded();
  return redirect(next, cookieOf(request, SESSION_COOKIE, sessions.open(user), settings.sessionHours * 3600));
}
