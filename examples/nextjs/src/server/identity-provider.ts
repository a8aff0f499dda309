import { createRemoteJWKSet, jwtVerify } from 'jose';
import * as openid from 'openid-client';
import { readClaims } from './gateway-claims.ts';
import { type User, userOf } from './users.ts';

export interface IdentityProviderSettings {
  readonly issuer: URL;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Where browsers reach this app, without a path. */
  readonly publicUrl: URL;
  /** Separated by spaces. */
  readonly scope: string;
  /** The gateway's name at the provider, where access tokens are for one resource each. */
  readonly resource: string | undefined;
}

/** What the provider gave at a sign-in. The tokens are replaced when they are renewed. */
export interface ProviderGrant {
  readonly subject: string;
  /** The provider's own session; undefined where it does not tell. */
  readonly providerSession: string | undefined;
  readonly idToken: string;
  access: AccessGrant;
}

interface AccessGrant {
  readonly token: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
  readonly refreshToken: string | undefined;
}

/** A sign-in that has begun at the provider. Whoever brings it back is the browser that was sent there. */
export interface PendingSignIn {
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
  /** Path of this app to go on at. */
  readonly next: string;
}

/** The provider has ended the user's right, or gave none that can be renewed. */
class GrantEndedError extends Error {
  readonly code = 'GRANT_ENDED';
}

/** By its code: Next bundles routes apart, and the class of one is not that of another. */
export function hasGrantEnded(error: unknown): boolean {
  return (error as Partial<GrantEndedError>).code === 'GRANT_ENDED';
}

const CALLBACK = '/api/oidc-callback';
/** A token that ends sooner is renewed: an answer takes its time. */
const RENEW_BEFORE_MILLIS = 30_000;
const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout';
const MAX_LOGOUT_TOKEN_AGE = '5 minutes';

/** OpenID Connect by the authorization code flow, with PKCE, state and nonce. */
export class IdentityProvider {
  readonly #settings: IdentityProviderSettings;
  readonly #renewals = new WeakMap<ProviderGrant, Promise<void>>();
  #configuration: Promise<openid.Configuration> | undefined;
  #keys: ReturnType<typeof createRemoteJWKSet> | undefined;

  constructor(settings: IdentityProviderSettings) {
    this.#settings = settings;
  }

  /** Where to send the browser. Rejects while the provider cannot be reached. */
  async begin(next: string): Promise<{ readonly location: URL; readonly pending: PendingSignIn }> {
    const configuration = await this.#discover();
    const pending = {
      state: openid.randomState(),
      nonce: openid.randomNonce(),
      codeVerifier: openid.randomPKCECodeVerifier(),
      next,
    };
    const location = openid.buildAuthorizationUrl(configuration, {
      redirect_uri: new URL(CALLBACK, this.#settings.publicUrl).href,
      scope: this.#settings.scope,
      state: pending.state,
      nonce: pending.nonce,
      code_challenge: await openid.calculatePKCECodeChallenge(pending.codeVerifier),
      code_challenge_method: 'S256',
      // Without it some providers give no refresh token.
      ...(this.#wants('offline_access') && { prompt: 'consent' }),
      ...this.#resource(),
    });
    return { location, pending };
  }

  /**
   * Who has come back, with what the provider gave. `user` is undefined for somebody who may see nothing here. Rejects for
   * an answer that is not the one to `pending`, or that the provider does not vouch for.
   */
  async finish(
    search: string,
    { state, nonce, codeVerifier }: PendingSignIn,
  ): Promise<{ readonly user: User | undefined; readonly grant: ProviderGrant }> {
    const configuration = await this.#discover();
    const url = new URL(`${CALLBACK}${search}`, this.#settings.publicUrl);
    const checks = {
      pkceCodeVerifier: codeVerifier,
      expectedState: state,
      expectedNonce: nonce,
      idTokenExpected: true,
    };
    const tokens = await openid.authorizationCodeGrant(configuration, url, checks, this.#resource());
    const claims = tokens.claims()!;
    const grant: ProviderGrant = {
      subject: claims.sub,
      providerSession: typeof claims.sid === 'string' ? claims.sid : undefined,
      idToken: tokens.id_token!,
      access: accessOf(tokens),
    };
    const gatewayClaims = readClaims(claims);
    const name = String(claims.preferred_username ?? claims.email ?? claims.sub);
    // No user of the settings has a colon in the name.
    const user = gatewayClaims && userOf({ id: `oidc:${claims.sub}`, name }, gatewayClaims);
    return { user, grant };
  }

  /** The user's own access token, renewed where it ends soon. Throws GrantEndedError when the provider gives none any more. */
  async accessTokenOf(grant: ProviderGrant, now: number): Promise<string> {
    if (grant.access.expiresAt - now <= RENEW_BEFORE_MILLIS) {
      // One renewal for all that wait for it: providers that rotate refresh tokens take each but once.
      if (!this.#renewals.has(grant)) this.#renewals.set(grant, this.#renew(grant));
      await this.#renewals.get(grant);
    }
    return grant.access.token;
  }

  /** Where to send the browser to end its session at the provider too; undefined where that is not offered. */
  async endSessionUrl({ idToken }: ProviderGrant): Promise<URL | undefined> {
    const { issuer, publicUrl } = this.#settings;
    try {
      const configuration = await this.#discover();
      const endpoint = configuration.serverMetadata().end_session_endpoint;
      // The policy of our pages lets a form lead to the provider, and nowhere else.
      if (!endpoint || new URL(endpoint).origin !== issuer.origin) return undefined;
      return openid.buildEndSessionUrl(configuration, {
        id_token_hint: idToken,
        post_logout_redirect_uri: new URL('/sign-in', publicUrl).href,
      });
    } catch {
      return undefined;
    }
  }

  /** Whose session the provider says has ended: back-channel logout. Rejects for a token that is not the provider's. */
  async readLogout(token: string): Promise<(grant: ProviderGrant) => boolean> {
    const configuration = await this.#discover();
    const { issuer, jwks_uri } = configuration.serverMetadata();
    this.#keys ??= createRemoteJWKSet(new URL(jwks_uri!));
    const { payload } = await jwtVerify(token, this.#keys, {
      issuer,
      audience: this.#settings.clientId,
      requiredClaims: ['iat', 'jti', 'events'],
      maxTokenAge: MAX_LOGOUT_TOKEN_AGE,
    });
    const { sub, sid, nonce } = payload;
    const events = payload.events as Readonly<Record<string, unknown>> | null;
    // An ID token, which others have, is none.
    if (nonce !== undefined || typeof events?.[LOGOUT_EVENT] !== 'object') throw new Error('no logout token');
    if (sub === undefined && sid === undefined) throw new Error('a logout token of nobody');
    return ({ subject, providerSession }) =>
      (sub === undefined || sub === subject) && (sid === undefined || sid === providerSession);
  }

  async #renew(grant: ProviderGrant): Promise<void> {
    const { refreshToken } = grant.access;
    try {
      if (refreshToken === undefined) throw new GrantEndedError('the access token has expired');
      const configuration = await this.#discover();
      const tokens = await openid.refreshTokenGrant(configuration, refreshToken, this.#resource());
      const renewed = accessOf(tokens);
      grant.access = { ...renewed, refreshToken: renewed.refreshToken ?? refreshToken };
    } catch (error) {
      if (error instanceof GrantEndedError) throw error;
      // Said by the provider itself; one that cannot be reached has ended nothing.
      if (error instanceof openid.ResponseBodyError && error.error === 'invalid_grant')
        throw new GrantEndedError('the provider has ended it');
      // Its causes may hold what the provider sent, which is not for the log.
      throw new Error(`an access token cannot be renewed: ${(error as Error).message}`);
    } finally {
      this.#renewals.delete(grant);
    }
  }

  /** What the provider publishes of itself, asked for once; again after a failure. */
  #discover(): Promise<openid.Configuration> {
    const { issuer, clientId, clientSecret } = this.#settings;
    const options = issuer.protocol === 'http:' ? { execute: [openid.allowInsecureRequests] } : {};
    this.#configuration ??= openid.discovery(issuer, clientId, clientSecret, undefined, options);
    this.#configuration.catch(() => {
      this.#configuration = undefined;
    });
    return this.#configuration;
  }

  #resource(): { readonly resource?: string } {
    const { resource } = this.#settings;
    return resource === undefined ? {} : { resource };
  }

  #wants(scope: string): boolean {
    return this.#settings.scope.split(' ').includes(scope);
  }
}

function accessOf(tokens: openid.TokenEndpointResponse & openid.TokenEndpointResponseHelpers): AccessGrant {
  const seconds = tokens.expiresIn() ?? 0;
  return {
    token: tokens.access_token,
    expiresAt: Date.now() + seconds * 1000,
    refreshToken: tokens.refresh_token,
  };
}
