import { cookies } from 'next/headers';
import { settingsOfProcess } from './environment.ts';
import { openSession, SESSION_COOKIE } from './session.ts';
import type { User } from './users.ts';

/** Who asks, by the session cookie; undefined when nobody is signed in. Replace this one to use your own sign-in. */
export async function currentUser(): Promise<User | undefined> {
  const jar = await cookies();
  return openSession(settingsOfProcess(), jar.get(SESSION_COOKIE)?.value, Date.now());
}
