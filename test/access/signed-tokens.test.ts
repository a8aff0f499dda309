import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { KeySet } from '../../src/access/jwks.ts';
import type { Principal } from '../../src/access/principals.ts';
import { openSignIn } from '../../src/access/sign-in.ts';
import { UnauthenticatedError } from '../../src/errors.ts';
import { parseGatewaySettings } from '../../src/settings.ts';
import { until } from '../gateway/served-gateway.ts';

const SECRET = 'a secret of the tests, of more than 32 characters';
const ISSUER = 'https://login.example.com/';
const AUDIENCE = 'cdr-gateway';

interface SignOptions {
  readonly claims?: Record<string, unknown>;
  readonly key?: CryptoKey | Uint8Array;
  readonly header?: { alg: string; [name: string]: unknown };
  readonly expires?: string | number | null;
  readonly audience?: string;
  readonly issuer?: string;
  readonly subject?: string | null;
}

function sign({
  claims = { cdr_role: 'account', cdr_accounts: ['14'] },
  key = Buffer.from(SECRET),
  header = { alg: 'HS256' },
  expires = '1h',
  audience = AUDIENCE,
  issuer = ISSUER,
  subject = 'ann',
}: SignOptions = {}): Promise<string> {
  const token = new SignJWT(claims).setProtectedHeader(header).setAudience(audience).setIssuer(issuer);
  if (subject !== null) token.setSubject(subject);
  if (expires !== null) token.setExpirationTime(expires);
  return token.sign(key);
}

/** Who may sign in by these settings; warnings are kept. */
function open(settings: Record<string, string>) {
  const warnings: string[] = [];
  const signIn = openSignIn(
    parseGatewaySettings({
      REPLICA_URLS: 'postgresql://gateway@127.0.0.1/calls',
      JWT_ISSUER: ISSUER,
      JWT_AUDIENCE: AUDIENCE,
      ...settings,
    }).access,
    { warn: (_facts, message) => warnings.push(message) },
  );
  const authenticate = (token: string): Promise<Principal> =>
    signIn.principals.authenticate({ authorization: `Bearer ${token}` });
  return { ...signIn, authenticate, warnings };
}

const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds;

describe('tokens of a shared secret', () => {
  const { authenticate } = open({ JWT_SECRET: SECRET });

  test.each([
    [{ cdr_role: 'admin' }, { role: 'ADMIN', scope: { kind: 'all' } }],
    [{ cdr_role: ['offline', 'ANALYST'] }, { role: 'ANALYST', scope: { kind: 'all' } }],
    [
      { cdr_role: 'account', cdr_accounts: [14, '15'] },
      { scope: { kind: 'accounts', accountIds: ['14', '15'] } },
    ],
    [{ cdr_role: 'customer', cdr_customers: '3' }, { scope: { kind: 'customers', customerIds: ['3'] } }],
    [
      { cdr_role: 'support', cdr_accounts: 'all' },
      { role: 'SUPPORT', scope: { kind: 'all', numbers: 'masked' } },
    ],
    [
      { cdr_role: 'admin', cdr_accounts: 'all' },
      { role: 'ADMIN', scope: { kind: 'all' } },
    ],
    [
      { cdr_role: 'finance', cdr_customers: ['3'] },
      { scope: { kind: 'customers', customerIds: ['3'], numbers: 'hidden' } },
    ],
  ])('the claims %j are a principal', async (claims, expected) => {
    expect(await authenticate(await sign({ claims }))).toMatchObject({ name: 'user ann', ...expected });
  });

  test.each<[string, Record<string, unknown>]>([
    ['no role', { cdr_accounts: ['14'] }],
    ['an unknown role', { cdr_role: 'root' }],
    ['two roles', { cdr_role: ['admin', 'account'], cdr_accounts: ['14'] }],
    ['an account without accounts', { cdr_role: 'account' }],
    ['an account with an empty list', { cdr_role: 'account', cdr_accounts: [] }],
    ['an account of everybody', { cdr_role: 'account', cdr_accounts: 'all' }],
    ['support of nobody in particular', { cdr_role: 'support' }],
    ['Grafana of nobody in particular', { cdr_role: 'grafana' }],
    ['finance with null for accounts', { cdr_role: 'finance', cdr_accounts: null }],
    ['support of everybody, in a list', { cdr_role: 'support', cdr_accounts: ['all'] }],
    [
      'support of everybody and a customer',
      { cdr_role: 'support', cdr_accounts: 'all', cdr_customers: ['3'] },
    ],
    ['support with an empty list', { cdr_role: 'support', cdr_accounts: [] }],
    ['an admin of some accounts', { cdr_role: 'admin', cdr_accounts: ['14'] }],
    ['a customer of accounts', { cdr_role: 'customer', cdr_accounts: ['14'] }],
    ['accounts and customers', { cdr_role: 'support', cdr_accounts: ['14'], cdr_customers: ['3'] }],
    ['ids that are none', { cdr_role: 'account', cdr_accounts: ['14 or true'] }],
    ['ids that JavaScript cannot hold', { cdr_role: 'account', cdr_accounts: [2 ** 60] }],
    ['ids in an object', { cdr_role: 'account', cdr_accounts: { id: '14' } }],
    ['a role of another kind', { cdr_role: { admin: true } }],
  ])('%s is no principal', async (_, claims) => {
    await expect(authenticate(await sign({ claims }))).rejects.toThrow(UnauthenticatedError);
  });

  const unsigned = (header: object, claims: object) =>
    [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  const claimed = { iss: ISSUER, aud: AUDIENCE, sub: 'ann', exp: inSeconds(60), cdr_role: 'admin' };

  test.each<[string, () => Promise<string>]>([
    ['expired', () => sign({ expires: inSeconds(-30) })],
    ['without an end', () => sign({ expires: null })],
    ['without a subject', () => sign({ subject: null })],
    ['with a subject of control characters', () => sign({ subject: 'a\nb' })],
    ['forged', () => sign({ key: Buffer.from('another secret, of more than 32 characters') })],
    ['of an empty secret', () => sign({ key: Buffer.alloc(32) })],
    ['for another audience', () => sign({ audience: 'another' })],
    ['of another issuer', () => sign({ issuer: 'https://elsewhere.example.com/' })],
    ['of another algorithm', () => sign({ header: { alg: 'HS512' }, key: Buffer.alloc(64, SECRET) })],
    [
      'with a critical extension',
      () => sign({ header: { alg: 'HS256', crit: ['x'], x: 1 } }).catch(() => 'a.b.c'),
    ],
    ['"none"', async () => `${unsigned({ alg: 'none' }, claimed)}.`],
    ['"None" with a signature', async () => `${unsigned({ alg: 'None' }, claimed)}.AAAA`],
    ['with its signature cut off', async () => (await sign()).replace(/\.[^.]*$/, '.')],
    ['truncated', async () => (await sign()).slice(0, -1)],
    [
      'with a character changed',
      async () => (await sign()).replace(/.$/, (last) => (last === 'A' ? 'Q' : 'A')),
    ],
    [
      'not valid before tomorrow',
      async () => sign({ claims: { cdr_role: 'admin', nbf: inSeconds(86_400) } }),
    ],
    ['of nothing', async () => '..'],
    ['that is no JSON', async () => 'AAAA.BBBB.CCCC'],
    ['huge', async () => `${'A'.repeat(100_000)}.${'B'.repeat(100_000)}.C`],
    ['binary', async () => '\u00ff\u0000\u0001.\u00fe.\u00fd'],
  ])('a token %s is refused, and says little', async (_, make) => {
    const error = await authenticate(await make()).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UnauthenticatedError);
    expect((error as Error).message.length).toBeLessThan(120);
    expect((error as Error).message).not.toMatch(/jose|signature|issuer|secret/i);
  });

  test('a token within the skew of the clocks is good, and its right ends with that', async () => {
    const { right } = await authenticate(await sign({ expires: inSeconds(-3) }));
    expect(right!.expiresAt - Date.now()).toBeGreaterThan(500);
    expect(right!.expiresAt - Date.now()).toBeLessThan(3000);
  });

  test('the same token is verified once', async () => {
    const token = await sign();
    expect(await authenticate(token)).toBe(await authenticate(token));
  });

  test.each([
    [{ JWT_SECRET: 'short' }, 'JWT_SECRET: expected at least 32 characters'],
    [{ JWT_SECRET: SECRET, JWT_JWKS_URL: 'http://127.0.0.1/' }, 'set one of them'],
    [{ JWT_SECRET: SECRET, JWT_AUDIENCE: '' }, 'JWT_ISSUER and JWT_AUDIENCE'],
    [{ JWT_JWKS_URL: 'http://127.0.0.1/', JWT_ALGORITHMS: 'HS256' }, 'JWT_ALGORITHMS'],
    [{ JWT_JWKS_URL: 'http://127.0.0.1/', JWT_ALGORITHMS: 'none' }, 'JWT_ALGORITHMS'],
  ])('the settings %j stop the start', (settings, message) => {
    expect(() => open(settings as Record<string, string>)).toThrow(message);
  });
});

/** An identity provider: what it publishes, how often it was asked, and whether it is up. */
class Provider {
  keys: JWK[] = [];
  fetches = 0;
  isUp = true;
  readonly #server: Server = createServer((_request, response) => {
    this.fetches++;
    response.statusCode = this.isUp ? 200 : 503;
    response.end(this.isUp ? JSON.stringify({ keys: this.keys }) : 'down');
  });

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/jwks`;
  }

  async add(kid: string, alg = 'RS256'): Promise<CryptoKey> {
    const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
    this.keys.push({ ...(await exportJWK(publicKey)), kid, alg, use: 'sig' });
    return privateKey;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

describe('tokens of an identity provider', () => {
  let provider: Provider;
  let first: CryptoKey;

  beforeEach(async () => {
    provider = await new Provider().start();
    first = await provider.add('first');
  });
  afterEach(() => provider.close());

  const openProvider = async (settings: Record<string, string> = {}) => {
    const opened = open({ JWT_JWKS_URL: provider.url, ...settings });
    await opened.firstLook;
    return opened;
  };
  const signBy = (kid: string, key: CryptoKey, options: SignOptions = {}) =>
    sign({ key, header: { alg: 'RS256', kid }, ...options });

  test.each(['RS256', 'ES256', 'EdDSA'])('%s', async (alg) => {
    const key = await provider.add(alg, alg);
    const { authenticate, close } = await openProvider({ JWT_ALGORITHMS: alg });
    const principal = await authenticate(await sign({ key, header: { alg, kid: alg } }));
    expect(principal).toMatchObject({ name: 'user ann', keyId: alg });
    close();
  });

  test('an algorithm that is not pinned is refused, and so is HS256 with the public key as its secret', async () => {
    const other = await provider.add('es', 'ES256');
    const { authenticate, close } = await openProvider();
    await expect(
      authenticate(await sign({ key: other, header: { alg: 'ES256', kid: 'es' } })),
    ).rejects.toThrow();
    const secret = Buffer.from(JSON.stringify(provider.keys[0]));
    await expect(
      authenticate(await sign({ key: secret, header: { alg: 'HS256', kid: 'first' } })),
    ).rejects.toThrow(UnauthenticatedError);
    close();
  });

  test('a provider that is down stops nobody who holds a good token', async () => {
    const { authenticate, close } = await openProvider();
    provider.isUp = false;
    for (let each = 0; each < 20; each++) {
      const token = await signBy('first', first, { subject: `user-${each}` });
      expect(await authenticate(token)).toMatchObject({ role: 'ACCOUNT' });
    }
    close();
  });

  test('a flood of unknown key ids costs the provider nothing within the cooldown', async () => {
    const { authenticate, close } = await openProvider();
    const { privateKey } = await generateKeyPair('RS256');
    await Promise.all(
      Array.from({ length: 200 }, async (_, index) =>
        expect(authenticate(await signBy(`unknown-${index}`, privateKey))).rejects.toThrow(
          UnauthenticatedError,
        ),
      ),
    );
    expect(provider.fetches).toBe(1);
    close();
  });

  test('keys are fetched as soon as a provider that was down at the start is up', async () => {
    provider.isUp = false;
    const { authenticate, warnings, close } = await openProvider();
    const token = await signBy('first', first);
    await expect(authenticate(token)).rejects.toThrow(UnauthenticatedError);
    expect(warnings).toEqual(['the keys of the identity provider cannot be fetched']);
    provider.isUp = true;
    await until('keys', async () => authenticate(token).catch(() => undefined));
    close();
  });
});

describe('the keys of a provider, by a clock', () => {
  let now = 0;
  const keyIds: ReadonlySet<string>[] = [];
  let provider: Provider;
  let keySet: KeySet;

  beforeAll(async () => {
    provider = await new Provider().start();
    await provider.add('first');
    keySet = new KeySet({
      url: provider.url,
      now: () => now,
      onKeys: (ids) => keyIds.push(ids),
      onProblem() {},
    });
    await keySet.start();
  });
  afterAll(() => {
    keySet.close();
    provider.close();
  });

  const find = async (kid: string) => {
    try {
      await keySet.find({ alg: 'RS256', kid }, { payload: '', signature: '' });
      return 'found';
    } catch {
      return 'none';
    }
  };

  test('a new key is found after the cooldown; a made-up one costs one fetch in that time', async () => {
    await provider.add('second');
    expect(await find('second')).toBe('none');
    expect(provider.fetches).toBe(1);
    now += 31_000;
    expect(await find('second')).toBe('found');
    expect(provider.fetches).toBe(2);
    for (let each = 0; each < 100; each++) expect(await find(`made-up-${each}`)).toBe('none');
    expect(provider.fetches).toBe(2);
    now += 31_000;
    await Promise.all(Array.from({ length: 100 }, (_, each) => find(`made-up-${each}`)));
    expect(provider.fetches).toBe(3);
  });

  test('a provider that fails is asked no more often', async () => {
    provider.isUp = false;
    now += 31_000;
    const before = provider.fetches;
    for (let each = 0; each < 50; each++) expect(await find('made-up')).toBe('none');
    expect(provider.fetches).toBe(before + 1);
    now += 3_600_000;
    expect(await find('first')).toBe('found');
    provider.isUp = true;
  });

  test('a key that was withdrawn goes within ten minutes, without a request waiting', async () => {
    provider.keys = provider.keys.filter(({ kid }) => kid !== 'first');
    now += 700_000;
    expect(await find('first')).toBe('found');
    await until('refresh', async () => !keyIds.at(-1)!.has('first'));
    expect(await find('first')).toBe('none');
    expect(await find('second')).toBe('found');
  });
});
