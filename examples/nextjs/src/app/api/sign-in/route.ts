import { createAttempts } from '../../../server/attempts.ts';
import { settingsOfProcess } from '../../../server/environment.ts';
import { isSameOrigin, isSecure } from '../../../server/same-origin.ts';
import { authenticate, SESSION_COOKIE, sealSession } from '../../../server/session.ts';

const attempts = createAttempts();

/** The form of the sign-in page. Works without JavaScript: a redirect either way. */
export async function POST(request: Request): Promise<Response> {
  if (!isSameOrigin(request)) return new Response('Only the pages of this app may ask.', { status: 403 });
  const form = await request.formData();
  const name = String(form.get('name') ?? '').slice(0, 64);
  const next = localPath(String(form.get('next') ?? ''));
  if (attempts.waitFor(name, Date.now()) > 0)
    return redirect(`/sign-in?error=wait&next=${encodeURIComponent(next)}`);
  const settings = settingsOfProcess();
  const user = authenticate(settings, name, String(form.get('password') ?? '').slice(0, 256));
  if (!user) {
    attempts.failed(name, Date.now());
    return redirect(`/sign-in?error=wrong&next=${encodeURIComponent(next)}`);
  }
  attempts.succeeded(name);
  const attributes = [
    `${SESSION_COOKIE}=${sealSession(settings, user, Date.now())}`,
    'HttpOnly',
    'SameSite=Lax',
    'Path=/',
    `Max-Age=${settings.sessionHours * 3600}`,
    ...(isSecure(request) ? ['Secure'] : []),
  ];
  return redirect(next, attributes.join('; '));
}

/** Relative, so that it holds behind any proxy. */
function redirect(location: string, cookie?: string): Response {
  return new Response(null, { status: 303, headers: { location, ...(cookie && { 'set-cookie': cookie }) } });
}

/** A path of this app: never another site, however it is spelt. */
function localPath(path: string): string {
  return /^\/(?![/\\])[\w\-./?&=%:,*+!~]*$/.test(path) ? path : '/calls';
}
