import { cookies } from 'next/headers';
import { serverParts } from './server-parts.ts';
import { SESSION_COOKIE, type Session } from './sessions.ts';

/**
 * Who asks, unless the page was made for somebody else, whose id is `expected`: the answers would be those of another user,
 * so to that page nobody is signed in.
 */
export async function currentSessionAs(expected: string | null): Promise<Session | undefined> {
  const session = await currentSession();
  return expected === null || expected === session?.user.id ? session : undefined;
}

/** Who asks, by the session cookie; undefined when nobody is signed in. Replace this one to use your own sign-in. */
export async function currentSession(): Promise<Session | undefined> {
  const jar = await cookies();
  return serverParts().sessions.find(jar.get(SESSION_COOKIE)?.value);
}
