import { createHmac, timingSafeEqual } from 'node:crypto';
import { isPassword, type User } from './users.ts';

/** The cookie's name. Its value is signed, not secret: a name and when it ends. */
export const SESSION_COOKIE = 'session';

export interface SessionDeps {
  readonly users: readonly User[];
  readonly sessionSecret: string;
  readonly sessionHours: number;
}

/** The user of the name and password; undefined when either is wrong, after the same time. */
export function authenticate(
  { users }: Pick<SessionDeps, 'users'>,
  name: string,
  password: string,
): User | undefined {
  const user = users.find((candidate) => candidate.name === name);
  const isRight = isPassword(user?.password ?? 'nobody has this one', password);
  return user && isRight ? user : undefined;
}

/** `<name and end in base64url>.<signature>` */
export function sealSession(deps: SessionDeps, { name }: User, now: number): string {
  const ends = Math.floor(now / 1000) + deps.sessionHours * 3600;
  const content = Buffer.from(JSON.stringify({ name, ends })).toString('base64url');
  return `${content}.${signatureOf(content, deps.sessionSecret)}`;
}

/**
 * The user of a cookie; undefined when it was not sealed by us, has ended, or names nobody any more. What the user may
 * see is looked up each time, so that a change of it needs no new sign-in.
 */
export function openSession(deps: SessionDeps, cookie: string | undefined, now: number): User | undefined {
  const [content = '', signature = ''] = (cookie ?? '').split('.');
  if (!isSame(signature, signatureOf(content, deps.sessionSecret))) return undefined;
  const { name, ends } = JSON.parse(Buffer.from(content, 'base64url').toString('utf8')) as {
    name: string;
    ends: number;
  };
  if (ends * 1000 <= now) return undefined;
  return deps.users.find((user) => user.name === name);
}

function signatureOf(content: string, secret: string): string {
  return createHmac('sha256', secret).update(content).digest('base64url');
}

function isSame(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
