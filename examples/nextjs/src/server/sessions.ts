import { hash, randomBytes } from 'node:crypto';
import type { ProviderGrant } from './identity-provider.ts';
import type { User } from './users.ts';

/** The cookie's name. Its value is random and says nothing; what it stands for is kept here alone. */
export const SESSION_COOKIE = 'session';

/** From a sign-in until its end. */
export interface Session {
  readonly user: User;
  /** What the identity provider gave; undefined for a user of the settings. */
  readonly grant: ProviderGrant | undefined;
  /** Aborted when it ends: what goes on for it ends with it. */
  readonly ended: AbortSignal;
}

interface Kept extends Session {
  readonly end: AbortController;
  readonly timer: NodeJS.Timeout;
}

const ID_BYTES = 32;
/** The one that was opened first ends for the next. */
const MAX_SESSIONS = 100_000;

/** The sessions of this process. They end with it; one that has ended is never there again, whoever has its cookie. */
export class Sessions {
  readonly #lifeMillis: number;
  /** By digest: who sees the memory, or can tell times of look-ups, has no cookie yet. */
  readonly #kept = new Map<string, Kept>();

  constructor({ sessionHours }: { readonly sessionHours: number }) {
    this.#lifeMillis = sessionHours * 3_600_000;
  }

  /** Returns the value of the cookie. */
  open(user: User, grant?: ProviderGrant): string {
    const id = randomBytes(ID_BYTES).toString('base64url');
    const digest = digestOf(id);
    const end = new AbortController();
    const timer = setTimeout(() => this.#end(digest), this.#lifeMillis).unref();
    if (this.#kept.size >= MAX_SESSIONS) this.#end(this.#kept.keys().next().value!);
    this.#kept.set(digest, { user, grant, end, ended: end.signal, timer });
    return id;
  }

  find(cookie: string | undefined): Session | undefined {
    return cookie ? this.#kept.get(digestOf(cookie)) : undefined;
  }

  /** Returns the session that has ended; undefined when there was none. */
  end(cookie: string | undefined): Session | undefined {
    return cookie ? this.#end(digestOf(cookie)) : undefined;
  }

  /** Ends every session that fits. */
  endWhere(fits: (session: Session) => boolean): void {
    for (const [digest, session] of this.#kept) if (fits(session)) this.#end(digest);
  }

  #end(digest: string): Session | undefined {
    const session = this.#kept.get(digest);
    if (!session) return undefined;
    this.#kept.delete(digest);
    clearTimeout(session.timer);
    session.end.abort();
    return session;
  }
}

const digestOf = (id: string): string => hash('sha256', id, 'base64url');
