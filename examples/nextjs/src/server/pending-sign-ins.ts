import { randomBytes } from 'node:crypto';
import type { PendingSignIn } from './identity-provider.ts';

/** The cookie of a browser that was sent to the identity provider. */
export const PENDING_COOKIE = 'sign-in';

/** Long enough to find a second factor. */
export const PENDING_SECONDS = 600;
const MAX_PENDING = 10_000;

/** Sign-ins that have begun, each for the browser with its cookie, and for one return. */
export class PendingSignIns {
  readonly #pending = new Map<string, { readonly signIn: PendingSignIn; readonly endsAt: number }>();

  /** Returns the value of the cookie. */
  add(signIn: PendingSignIn, now: number): string {
    const id = randomBytes(32).toString('base64url');
    for (const [oldest, { endsAt }] of this.#pending) {
      if (endsAt > now && this.#pending.size < MAX_PENDING) break;
      this.#pending.delete(oldest);
    }
    this.#pending.set(id, { signIn, endsAt: now + PENDING_SECONDS * 1000 });
    return id;
  }

  take(cookie: string | undefined, now: number): PendingSignIn | undefined {
    const found = cookie ? this.#pending.get(cookie) : undefined;
    if (!cookie || !found) return undefined;
    this.#pending.delete(cookie);
    return found.endsAt > now ? found.signIn : undefined;
  }
}
