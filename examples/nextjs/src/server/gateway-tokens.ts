import { SignJWT } from 'jose';
import type { IdentityProvider } from './identity-provider.ts';
import type { Session } from './sessions.ts';

export interface GatewayTokenSettings {
  /** Shared with the gateway: its JWT_SECRET. */
  readonly secret: string;
  /** Its JWT_ISSUER and JWT_AUDIENCE. */
  readonly issuer: string;
  readonly audience: string;
}

/**
 * The bearer token by which the gateway knows the user of a session, and nobody else. `isLong`: the answer may take long,
 * and the gateway ends what goes on when the token does.
 */
export type GatewayTokens = (
  session: Session,
  options: { readonly isLong: boolean; readonly now: number },
) => Promise<string>;

const TOKEN_SECONDS = 300;
const LONG_TOKEN_SECONDS = 12 * 3600;

/** Signs tokens of our own for what the session says of its user. */
export function signedTokens({ secret, issuer, audience }: GatewayTokenSettings): GatewayTokens {
  const key = new TextEncoder().encode(secret);
  const known = new WeakMap<Session, { readonly token: string; readonly renewAt: number }>();
  const sign = ({ user }: Session, now: number, seconds: number) =>
    new SignJWT({ ...user.claims })
      .setProtectedHeader({ alg: 'HS256' })
      .setSubject(user.id)
      .setIssuer(issuer)
      .setAudience(audience)
      .setIssuedAt(new Date(now))
      .setExpirationTime(new Date(now + seconds * 1000))
      .sign(key);
  return async (session, { isLong, now }) => {
    if (isLong) return sign(session, now, LONG_TOKEN_SECONDS);
    const last = known.get(session);
    if (last && now < last.renewAt) return last.token;
    const token = await sign(session, now, TOKEN_SECONDS);
    known.set(session, { token, renewAt: now + (TOKEN_SECONDS * 1000) / 2 });
    return token;
  };
}

/** Hands on the access token that the identity provider gave to the user. */
export function forwardedTokens(provider: IdentityProvider): GatewayTokens {
  return async ({ grant }, { now }) => provider.accessTokenOf(grant!, now);
}
