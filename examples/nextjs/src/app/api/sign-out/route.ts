import { isSameOrigin } from '../../../server/same-origin.ts';
import { SESSION_COOKIE } from '../../../server/session.ts';

export function POST(request: Request): Response {
  if (!isSameOrigin(request)) return new Response('Only the pages of this app may ask.', { status: 403 });
  const cookie = `${SESSION_COOKIE}=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0`;
  return new Response(null, { status: 303, headers: { location: '/sign-in', 'set-cookie': cookie } });
}
