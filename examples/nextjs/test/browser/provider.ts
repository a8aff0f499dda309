import { once } from 'node:events';
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';
import type { Page } from 'playwright-core';
import { freePort } from './ports.ts';

/** What the gateway is called there. */
export const RESOURCE = 'urn:cdr-gateway';
const CLIENT_ID = 'call-explorer';
const CLIENT_SECRET = 'shared by the provider and the explorer';

export interface RunningProvider {
  readonly issuer: string;
  /** Settings of the explorer for it. */
  readonly env: Readonly<Record<string, string>>;
  /** Every token that can be renewed is worth nothing from now on, as when an administrator withdraws them. */
  withdraw(): Promise<void>;
  stop(): Promise<void>;
}

/** An identity provider: everybody may sign in, whoever is called `nobody` without a right to anything here. */
export async function startProvider({
  explorerUrl,
  accountId,
  tokenSeconds = 3600,
}: {
  readonly explorerUrl: string;
  readonly accountId: string;
  readonly tokenSeconds?: number;
}): Promise<RunningProvider> {
  const port = await freePort();
  const issuer = `http://127.0.0.1:${port}`;
  const claimsOf = (login: string) =>
    login === 'nobody' ? {} : { cdr_role: 'account', cdr_accounts: [accountId] };
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: CLIENT_ID,
        client_secret: CLIENT_SECRET,
        grant_types: ['authorization_code', 'refresh_token'],
        redirect_uris: [`${explorerUrl}/api/oidc-callback`],
        post_logout_redirect_uris: [`${explorerUrl}/sign-in`],
        backchannel_logout_uri: `${explorerUrl}/api/oidc-logout`,
        backchannel_logout_session_required: true,
      },
    ],
    claims: {
      openid: ['sub'],
      profile: ['preferred_username', 'cdr_role', 'cdr_accounts'],
    },
    conformIdTokenClaims: false,
    findAccount: (_, login) => ({
      accountId: login,
      claims: () => ({ sub: login, preferred_username: login, ...claimsOf(login) }),
    }),
    extraTokenClaims: (_, token) => ('accountId' in token ? claimsOf(token.accountId!) : undefined),
    // Of its own it reaches no address of this machine, and is not patient with a busy one.
    fetch: (url, { method, headers, body, redirect }: RequestInit = {}) =>
      fetch(url, { method, headers, body, redirect, signal: AbortSignal.timeout(60_000) } as RequestInit),
    pkce: { required: () => true },
    issueRefreshToken: async () => true,
    rotateRefreshToken: true,
    ttl: { AccessToken: tokenSeconds },
    cookies: { keys: ['of this test alone'] },
    features: {
      devInteractions: { enabled: true },
      backchannelLogout: { enabled: true },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: 'openid profile offline_access',
          audience: 'cdr-gateway',
          accessTokenFormat: 'jwt',
          accessTokenTTL: tokenSeconds,
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
  });
  const grants = new Set<string>();
  provider.on('refresh_token.saved', ({ grantId }) => grants.add(grantId!));
  const server = createServer(provider.callback());
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    issuer,
    env: {
      OIDC_ISSUER: issuer,
      OIDC_CLIENT_ID: CLIENT_ID,
      OIDC_CLIENT_SECRET: CLIENT_SECRET,
      PUBLIC_URL: explorerUrl,
    },
    async withdraw() {
      for (const grantId of grants) await provider.RefreshToken.revokeByGrantId(grantId);
    },
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** From the sign-in page of the app through the provider's own pages. */
export async function signInElsewhere(page: Page, login: string): Promise<void> {
  await page.getByRole('link', { name: 'Sign in with your organisation' }).click();
  await page.fill('[name=login]', login);
  await page.fill('[name=password]', 'any');
  await page.click('[type=submit]');
  await page.getByRole('button', { name: 'Continue' }).click();
}
