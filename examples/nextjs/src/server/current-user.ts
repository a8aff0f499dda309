import { cookies } from 'next/headers';
import { settingsOfProcess } from './environment.ts';
import { openSession, SESSION_COOKIE } from './session.ts';
import type { User } from './users.ts';

/**
 * Who asks, unless the page was made for somebody else, whom `expected` names: the answers would be those of another user,
 * so to that page nobody is signed in.
 */
export async function currentUserAs(expected: string | null): Promise<User | undefined> {
  const user = await currentUser();
  return expected === null || expected === user?.name ? user : undefined;
}

/** Who asks, by the session cookie; undefined when nobody is signed in. Replace this one to use your own sign-in. */
export async function currentUser(): Promise<User | undefined> {
  const jar = await cookies();
  return openSession(settingsOfProcess(), jar.get(SESSION_COOKIE)?.value, Date.now());
}
