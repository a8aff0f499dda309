import { readBody } from '../../../server/read-body.ts';
import { serverParts } from '../../../server/server-parts.ts';

const MAX_BODY_BYTES = 16 * 1024;

/** The identity provider itself says that somebody's session has ended (back-channel logout): so it has here. */
export async function POST(request: Request): Promise<Response> {
  const { identityProvider, sessions } = serverParts();
  const body = new URLSearchParams((await readBody(request, MAX_BODY_BYTES)) ?? '');
  const answer = (status: number) => new Response(null, { status, headers: { 'cache-control': 'no-store' } });
  try {
    const isTheirs = await identityProvider!.readLogout(body.get('logout_token') ?? '');
    sessions.endWhere(({ grant }) => grant !== undefined && isTheirs(grant));
    return answer(200);
  } catch {
    return answer(400);
  }
}
