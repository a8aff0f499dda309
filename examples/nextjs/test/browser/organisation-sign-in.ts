import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { decodeJwt } from 'jose';
import type { BrowserContext, Page } from 'playwright-core';
import { viewer } from '../../src/generated/operations.ts';
import { browserTest } from './browser-test.ts';
import { until } from './child.ts';
import { type RunningExplorer, startExplorer } from './explorer-process.ts';
import { startGateway } from './gateway-process.ts';
import { freePort } from './ports.ts';
import { RESOURCE, type RunningProvider, signInElsewhere, startProvider } from './provider.ts';
import { assertAccessible, picture } from './visit.ts';
import { startWire, type Wire } from './wire.ts';
import type { World } from './world.ts';

interface Site extends AsyncDisposable {
  readonly explorer: RunningExplorer;
  readonly provider: RunningProvider;
  readonly wire: Wire;
  readonly context: BrowserContext;
  readonly page: Page;
}

/** OpenID Connect, with a real provider: the explorer signs tokens for its users, or hands on the provider's. */
export function organisationSignIn(world: () => World): void {
  describe('sign-in with an identity provider', () => {
    browserTest('leads to its pages and back to the view, and the sign-out ends both sessions', async () => {
      await using site = await openSite(world(), {});
      const { page, context, explorer, provider, wire } = site;
      await page.goto('/calls?range=7d&type=ERRORS');
      await assertAccessible(page, 'the sign-in page with a provider');
      await picture(page, 'sign-in-provider');
      await signInElsewhere(page, 'ann');
      await page.locator('[role=grid]').waitFor();
      assert.equal(new URL(page.url()).search, '?range=7d&type=ERRORS');
      await page.locator('#user-button', { hasText: 'ann' }).waitFor();
      assert.deepEqual(claimsOf(wire, 'iss', 'sub', 'cdr_role', 'cdr_accounts'), [
        'call-explorer',
        'oidc:ann',
        'account',
        [world().databases.accountId],
      ]);
      const cookie = await sessionOf(context);
      assert.equal(await statusOf(explorer, cookie), 200);
      await page.click('#user-button');
      await page.getByRole('button', { name: 'Sign out' }).click();
      // The provider asks whether it is to end its own session too.
      await page.waitForURL(`${provider.issuer}/session/end**`);
      assert.equal(await statusOf(explorer, cookie), 401, 'a copy of the cookie is worth nothing');
      await page.getByRole('button', { name: 'Yes, sign me out' }).click();
      await page.waitForURL('**/sign-in**');
      await page.getByRole('link', { name: 'Sign in with your organisation' }).click();
      await page.locator('[name=login]').waitFor();
    });

    browserTest('takes the answer to its own question only, once, and in the same browser', async () => {
      await using site = await openSite(world(), {});
      const { explorer, provider } = site;
      const begin = async () => {
        const response = await get(`${explorer.url}/api/oidc-sign-in?next=/calls`);
        const location = new URL(response.headers.get('location')!);
        return { cookie: response.headers.getSetCookie()[0]!.split(';')[0]!, asked: location.searchParams };
      };
      const { cookie, asked } = await begin();
      assert.equal(asked.get('response_type'), 'code');
      assert.equal(asked.get('code_challenge_method'), 'S256');
      for (const name of ['state', 'nonce', 'code_challenge']) assert.ok(asked.get(name)!.length > 20, name);
      const comeBack = async (state: string, jar: string) => {
        const answer = new URLSearchParams({ code: 'a-code', state, iss: provider.issuer });
        const response = await get(`${explorer.url}/api/oidc-callback?${answer}`, jar);
        assert.equal(response.headers.get('location'), '/sign-in?error=provider&next=%2Fcalls');
        return response.headers.getSetCookie().filter((line) => /^session=./.test(line));
      };
      assert.deepEqual(await comeBack(asked.get('state')!, ''), [], 'another browser');
      assert.deepEqual(await comeBack('another state', cookie), []);
      assert.deepEqual(await comeBack(asked.get('state')!, cookie), [], 'it was taken');
      const second = await begin();
      assert.deepEqual(await comeBack(second.asked.get('state')!, second.cookie), [], 'a code of nobody');
    });

    browserTest('lets nobody in who has no right to anything', async () => {
      await using site = await openSite(world(), {});
      await site.page.goto('/sign-in');
      await signInElsewhere(site.page, 'nobody');
      await site.page.locator('.problem', { hasText: 'There are no calls here for you.' }).waitFor();
      assert.equal(await sessionOf(site.context), '');
    });

    browserTest('a session that ends at the provider ends here, and nobody else can end it', async () => {
      await using site = await openSite(world(), {});
      const { page, context, explorer, provider } = site;
      await page.goto('/sign-in');
      await signInElsewhere(page, 'ann');
      await page.locator('[role=grid]').waitFor();
      const cookie = await sessionOf(context);
      const forged = await fetch(`${explorer.url}/api/oidc-logout`, {
        method: 'POST',
        body: new URLSearchParams({ logout_token: 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm4ifQ.' }),
      });
      assert.deepEqual([forged.status, await statusOf(explorer, cookie)], [400, 200]);
      await page.goto(`${provider.issuer}/session/end`);
      await page.getByRole('button', { name: 'Yes, sign me out' }).click();
      await until('it has ended', async () => (await statusOf(explorer, cookie)) === 401);
    });

    browserTest("the user's own token is handed on, renewed, and ends with their right", async () => {
      // Nearly over when it comes: each request renews it.
      await using site = await openSite(world(), { forwards: true, tokenSeconds: 32 });
      const { page, context, explorer, provider, wire } = site;
      await page.goto('/calls?range=7d');
      await signInElsewhere(page, 'ann');
      await page.locator('[role=grid]').waitFor();
      await page.locator('[role=row][data-index="0"]').waitFor();
      const first = claimsOf(wire, 'iss', 'sub', 'aud', 'cdr_accounts');
      assert.deepEqual(first, [provider.issuer, 'ann', 'cdr-gateway', [world().databases.accountId]]);
      const [tokenId] = claimsOf(wire, 'jti');
      const cookie = await sessionOf(context);
      await until('it is another one', async () => {
        assert.equal(await statusOf(explorer, cookie), 200);
        return claimsOf(wire, 'jti')[0] !== tokenId;
      });
      await provider.withdraw();
      await until('nothing is answered any more', async () => (await statusOf(explorer, cookie)) === 401);
    });
  });
}

/** An explorer of its own, its provider and, where that's tokens are handed on, a gateway that knows them. */
async function openSite(
  { browser, databases, gateway }: World,
  { forwards = false, tokenSeconds }: { readonly forwards?: boolean; readonly tokenSeconds?: number },
): Promise<Site> {
  await using stack = new AsyncDisposableStack();
  const port = await freePort();
  const { accountId } = databases;
  const explorerUrl = `http://127.0.0.1:${port}`;
  const provider = await startProvider({ explorerUrl, accountId, ...(tokenSeconds && { tokenSeconds }) });
  stack.defer(() => provider.stop());
  let { url } = gateway;
  if (forwards) {
    const own = await startGateway(databases, {
      JWT_JWKS_URL: `${provider.issuer}/jwks`,
      JWT_ISSUER: provider.issuer,
      JWT_AUDIENCE: 'cdr-gateway',
    });
    stack.defer(() => own.stop());
    url = own.url;
  }
  const wire = await startWire(url);
  stack.defer(() => wire.stop());
  const explorer = await startExplorer({
    gatewayUrl: wire.url,
    port,
    env: {
      ...provider.env,
      ...(forwards && {
        GATEWAY_JWT_SECRET: '',
        USERS: '',
        OIDC_SCOPE: 'openid profile offline_access',
        OIDC_RESOURCE: RESOURCE,
      }),
    },
  });
  stack.defer(() => explorer.stop());
  const context = await browser.newContext({ baseURL: explorer.url, locale: 'en-GB' });
  stack.defer(() => context.close());
  const page = await context.newPage();
  const kept = stack.move();
  return { explorer, provider, wire, context, page, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** What the last request to the gateway says of its user. */
function claimsOf({ exchanges }: Wire, ...names: readonly string[]): unknown[] {
  const claims = decodeJwt(exchanges.at(-1)!.authorization!.replace('Bearer ', ''));
  return names.map((name) => claims[name]);
}

async function sessionOf(context: BrowserContext): Promise<string> {
  const found = (await context.cookies()).find(({ name }) => name === 'session');
  return found ? `session=${found.value}` : '';
}

async function statusOf({ url }: RunningExplorer, cookie: string): Promise<number> {
  const response = await fetch(`${url}/api/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', cookie },
    body: JSON.stringify({ documentId: viewer, variables: {} }),
  });
  await response.arrayBuffer();
  return response.status;
}

const get = (url: string, cookie = '') => fetch(url, { headers: { cookie }, redirect: 'manual' });
