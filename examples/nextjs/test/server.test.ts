import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { decodeJwt, jwtVerify } from 'jose';
import { Attempts } from '../src/server/attempts.ts';
import { clientAddress } from '../src/server/client-address.ts';
import { readClaims } from '../src/server/gateway-claims.ts';
import { signedTokens } from '../src/server/gateway-tokens.ts';
import { PasswordChecks } from '../src/server/password-checks.ts';
import { hashPassword, isPassword } from '../src/server/passwords.ts';
import { PendingSignIns } from '../src/server/pending-sign-ins.ts';
import { readBody } from '../src/server/read-body.ts';
import { localPath } from '../src/server/redirects.ts';
import { isSameOrigin } from '../src/server/same-origin.ts';
import { Sessions } from '../src/server/sessions.ts';
import { parseSettings } from '../src/server/settings.ts';
import { parseUsers, userOf } from '../src/server/users.ts';

const listed = [
  { name: 'customer', password: 'open sesame', role: 'customer', accountIds: ['14'] },
  { name: 'admin', password: 'open sesame', role: 'admin' },
];
const users = parseUsers(JSON.stringify(listed));
const [customer, admin] = users as [(typeof users)[0], (typeof users)[0]];
const now = Date.parse('2026-11-20T10:00:00Z');
const secret = 'a secret of more than thirty-two characters';

const environment = {
  GATEWAY_URL: 'http://127.0.0.1:3001',
  GATEWAY_JWT_SECRET: secret,
  USERS: JSON.stringify(listed),
};
const provider = {
  OIDC_ISSUER: 'https://login.example.com',
  OIDC_CLIENT_ID: 'explorer',
  OIDC_CLIENT_SECRET: 'shared with the provider',
  PUBLIC_URL: 'https://calls.example.com',
};

test('a session names its user until it ends, and its cookie names nobody afterwards', () => {
  const sessions = new Sessions({ sessionHours: 1 });
  const [mine, other] = [sessions.open(customer), sessions.open(customer)];
  assert.equal(sessions.find(mine)?.user.name, 'customer');
  const { ended } = sessions.find(mine)!;
  sessions.end(mine);
  assert.equal(ended.aborted, true);
  assert.equal(sessions.find(mine), undefined);
  assert.equal(sessions.find(other)?.user.name, 'customer');
});

test('a session ends by itself', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const sessions = new Sessions({ sessionHours: 1 });
  const cookie = sessions.open(customer);
  const { ended } = sessions.find(cookie)!;
  t.mock.timers.tick(3_599_999);
  assert.ok(sessions.find(cookie));
  t.mock.timers.tick(1);
  assert.deepEqual([ended.aborted, sessions.find(cookie)], [true, undefined]);
});

test('a cookie that was not given names nobody', () => {
  const sessions = new Sessions({ sessionHours: 1 });
  const cookie = sessions.open(customer);
  for (const bad of [undefined, '', 'customer', `${cookie}x`, cookie.slice(1)]) {
    assert.equal(sessions.find(bad), undefined);
  }
});

test('a sign-in at the provider is finished once, by the browser that began it, in time', () => {
  const pending = new PendingSignIns();
  const signIn = { state: 's', nonce: 'n', codeVerifier: 'v', next: '/calls' };
  const [one, other] = [pending.add(signIn, now), pending.add({ ...signIn, state: 't' }, now)];
  assert.equal(pending.take('another browser', now), undefined);
  assert.equal(pending.take(one, now)?.state, 's');
  assert.equal(pending.take(one, now), undefined);
  assert.equal(pending.take(other, now + 600_000), undefined);
});

test('name and password must both be right, whether the password is stored hashed or plain', async () => {
  const hashed = { ...customer, name: 'hashed', password: await hashPassword('open sesame') };
  const checks = new PasswordChecks([customer, hashed]);
  const find = async (name: string, password: string) => {
    const found = await checks.authenticate(name, password);
    return found === 'busy' ? found : found?.name;
  };
  assert.equal(await find('customer', 'open sesame'), 'customer');
  assert.equal(await find('hashed', 'open sesame'), 'hashed');
  assert.equal(await find('hashed', 'Open sesame'), undefined);
  assert.equal(await find('nobody', 'open sesame'), undefined);
  assert.equal(await isPassword(hashed.password, hashed.password), false);
  assert.equal(await isPassword(undefined, ''), false);
});

test('a password is checked beside what else the server does, a few at once', async () => {
  let turns = 0;
  let isDone = false;
  const count = () => {
    turns++;
    if (!isDone) setImmediate(count);
  };
  setImmediate(count);
  const checks = new PasswordChecks([customer], { maxAtOnce: 1, maxWaiting: 3 });
  const all = await Promise.all(
    Array.from({ length: 6 }, () => checks.authenticate('customer', 'open sesame')),
  );
  isDone = true;
  // Blocked, the loop would have turned once at most for each.
  assert.ok(turns > 20, `${turns} turns`);
  assert.deepEqual(all, [customer, customer, customer, customer, 'busy', 'busy']);
});

test('the time of a wrong password does not tell whether there is such a name', async () => {
  const stored = { hashed: await hashPassword('open sesame'), plain: 'open sesame', nobody: undefined };
  const cost = { hashed: 0, plain: 0, nobody: 0 };
  // Of this process alone, so that others do not count; in turn, so that a change of pace is everybody's.
  for (let round = 0; round < 6; round++) {
    for (const kind of ['hashed', 'plain', 'nobody'] as const) {
      const before = process.cpuUsage();
      await isPassword(stored[kind], 'a guess');
      const { user, system } = process.cpuUsage(before);
      cost[kind] += user + system;
    }
  }
  const [least, most] = [Math.min(...Object.values(cost)), Math.max(...Object.values(cost))];
  assert.ok(most < 1.5 * least, JSON.stringify(cost));
});

test('after eight failures within a minute an address has to wait, and no other', () => {
  const attempts = new Attempts();
  for (let count = 0; count < 8; count++)
    assert.ok(attempts.begin('192.0.2.1', `name ${count}`, now + count));
  assert.equal(attempts.begin('192.0.2.1', 'customer', now + 10), undefined);
  assert.ok(attempts.begin('192.0.2.2', 'customer', now + 10));
  assert.ok(attempts.begin('192.0.2.1', 'customer', now + 61_000));
});

test('attempts that are under way count, and those that succeeded do not', () => {
  const attempts = new Attempts();
  for (let count = 0; count < 20; count++) attempts.begin('192.0.2.1', 'customer', now)!.succeeded();
  for (let count = 0; count < 8; count++) assert.ok(attempts.begin('192.0.2.1', 'customer', now));
  assert.equal(attempts.begin('192.0.2.1', 'customer', now), undefined);
});

test('strangers who guess the password of a name do not lock its owner out', () => {
  const attempts = new Attempts();
  const stranger = (index: number) => `198.51.100.${index}`;
  for (let count = 0; count < 8; count++) attempts.begin(stranger(1), 'customer', now);
  assert.ok(attempts.begin('192.0.2.1', 'customer', now), 'of one who guesses it takes no notice');
  let heard = 0;
  for (let index = 2; index < 100; index++) {
    for (let count = 0; count < 8; count++) if (attempts.begin(stranger(index), 'customer', now)) heard++;
  }
  assert.ok(heard < 120, `${heard} of 784 guesses from many addresses`);
  attempts.begin('192.0.2.2', 'customer', now)!.succeeded();
  assert.ok(attempts.begin('192.0.2.2', 'customer', now), 'of many who guess neither');
});

test('the address is that of the connection; proxies of ours are believed, and nobody else', () => {
  const { trustedProxies } = parseSettings({
    ...environment,
    TRUSTED_PROXIES: '127.0.0.1, 10.0.0.0/8,fd00::/8',
  });
  const of = (socket: string, forwarded?: string) =>
    clientAddress(
      new Headers({ 'x-socket-address': socket, ...(forwarded && { 'x-forwarded-for': forwarded }) }),
      trustedProxies,
    );
  assert.equal(of('192.0.2.7', '203.0.113.1'), '192.0.2.7');
  assert.equal(of('::ffff:192.0.2.7'), '192.0.2.7');
  assert.equal(of('127.0.0.1', '203.0.113.1, 192.0.2.7'), '192.0.2.7');
  assert.equal(of('127.0.0.1', '192.0.2.7, 10.1.2.3'), '192.0.2.7');
  assert.equal(of('127.0.0.1', 'nonsense'), '127.0.0.1');
  assert.equal(of('127.0.0.1'), '127.0.0.1');
  // Of IPv6 it is the network.
  assert.equal(of('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2::/64');
  assert.equal(of('fd00::1', '2001:DB8::9'), '2001:db8:0:0::/64');
});

test('a body that is too large is not read to its end', async () => {
  let sent = 0;
  const body = new ReadableStream({
    pull(controller) {
      sent++;
      controller.enqueue(new Uint8Array(1000));
    },
  });
  const request = new Request('http://explorer.example', {
    method: 'POST',
    body,
    duplex: 'half',
  } as RequestInit);
  assert.equal(await readBody(request, 10_000), undefined);
  assert.ok(sent < 20, `${sent} chunks`);
  const small = new Request('http://explorer.example', { method: 'POST', body: 'é' });
  assert.equal(await readBody(small, 2), 'é');
});

test('the token of a user says who they are and whose calls they see, and ends soon', async () => {
  const rules = { secret, issuer: 'call-explorer', audience: 'cdr-gateway' };
  const tokens = signedTokens(rules);
  const sessions = new Sessions({ sessionHours: 1 });
  const session = sessions.find(sessions.open(customer))!;
  const token = await tokens(session, { isLong: false, now });
  const { payload } = await jwtVerify(token, new TextEncoder().encode(secret), {
    algorithms: ['HS256'],
    issuer: 'call-explorer',
    audience: 'cdr-gateway',
    currentDate: new Date(now),
  });
  assert.deepEqual([payload.sub, payload.cdr_role, payload.cdr_accounts], ['customer', 'account', ['14']]);
  assert.equal(payload.exp! - payload.iat!, 300);
  assert.equal(await tokens(session, { isLong: false, now: now + 140_000 }), token);
  const renewed = await tokens(session, { isLong: false, now: now + 150_000 });
  assert.equal(decodeJwt(renewed).iat! - payload.iat!, 150);
  // What goes on ends with its token, and a file may take hours.
  assert.ok(decodeJwt(await tokens(session, { isLong: true, now })).exp! - payload.iat! >= 3600);
  const another = sessions.find(sessions.open(admin))!;
  assert.equal(decodeJwt(await tokens(another, { isLong: false, now })).sub, 'admin');
});

test('each kind of user has a role of the gateway', () => {
  const claimsOf = (more: object) =>
    parseUsers(JSON.stringify([{ name: 'x', password: 'y', role: 'customer', ...more }]))[0]!.claims;
  assert.deepEqual(claimsOf({ accountIds: ['1'] }), { cdr_role: 'account', cdr_accounts: ['1'] });
  assert.deepEqual(claimsOf({ customerIds: ['3'] }), { cdr_role: 'customer', cdr_customers: ['3'] });
  assert.deepEqual(claimsOf({ role: 'admin' }), { cdr_role: 'admin' });
  assert.deepEqual(claimsOf({ role: 'admin', masked: true }), { cdr_role: 'support', cdr_accounts: 'all' });
  assert.deepEqual(claimsOf({ accountIds: ['1'], masked: true }), {
    cdr_role: 'support',
    cdr_accounts: ['1'],
  });
  assert.throws(() => claimsOf({}), /a customer needs "accountIds" or "customerIds"/);
  assert.throws(() => claimsOf({ accountIds: ['1'], customerIds: ['3'] }), /not both/);
});

test('what an identity provider says of a user is taken as the gateway takes it', () => {
  const viewOf = (claims: Record<string, unknown>) => {
    const read = readClaims(claims);
    const user = read && userOf({ id: 'oidc:1', name: 'ann' }, read);
    return user && [user.role, user.masked];
  };
  assert.deepEqual(viewOf({ cdr_role: 'customer', cdr_customers: ['3'] }), ['customer', false]);
  assert.deepEqual(viewOf({ cdr_role: ['offline_access', 'ANALYST'] }), ['admin', false]);
  assert.deepEqual(viewOf({ cdr_role: 'support', cdr_accounts: 'all' }), ['admin', true]);
  assert.deepEqual(viewOf({ cdr_role: 'finance', cdr_accounts: ['1'] }), ['customer', true]);
  for (const nothing of [{}, { cdr_role: 'grafana' }, { cdr_role: ['admin', 'account'] }, { cdr_role: 7 }]) {
    assert.equal(viewOf(nothing), undefined);
  }
});

test('every bad setting is named at once', () => {
  const bad = {
    GATEWAY_URL: 'ftp://gateway',
    GATEWAY_JWT_SECRET: 'short',
    USERS: '[{"name":"x","password":"y","role":"customer"}]',
    SESSION_HOURS: '501',
    RED_SECONDS: '1',
    COUNTRY_CODE: '+33',
    TRUSTED_PROXIES: '10.0.0.0/33',
    OIDC_ISSUER: 'http://login.example.com',
  };
  assert.throws(
    () => parseSettings(bad),
    (error: Error) => {
      for (const name of Object.keys(bad)) assert.match(error.message, new RegExp(`^- ${name}: `, 'm'));
      return true;
    },
  );
});

test('somebody must be able to sign in, and each of them must have a token', () => {
  const { GATEWAY_URL, USERS, GATEWAY_JWT_SECRET } = environment;
  assert.throws(() => parseSettings({ GATEWAY_URL }), /USERS or OIDC_ISSUER: missing/);
  assert.throws(() => parseSettings({ GATEWAY_URL, USERS }), /GATEWAY_JWT_SECRET: is missing/);
  assert.throws(
    () => parseSettings({ GATEWAY_URL, OIDC_ISSUER: provider.OIDC_ISSUER }),
    /OIDC_CLIENT_ID: is missing\n- OIDC_CLIENT_SECRET: is missing\n- PUBLIC_URL: is missing/,
  );
  const forwarding = parseSettings({ GATEWAY_URL, ...provider });
  assert.deepEqual([forwarding.gatewayTokens, forwarding.users], [undefined, []]);
  const both = parseSettings({ GATEWAY_URL, USERS, GATEWAY_JWT_SECRET, ...provider });
  assert.deepEqual([both.gatewayTokens?.issuer, both.users.length], ['call-explorer', 2]);
});

test('a site has a country of its own, or none', () => {
  const codeOf = (more: Record<string, string>) => parseSettings({ ...environment, ...more }).countryCode;
  assert.deepEqual(
    [codeOf({}), codeOf({ COUNTRY_CODE: '' }), codeOf({ COUNTRY_CODE: '44' })],
    ['33', '', '44'],
  );
});

test('a secret may lie in a file, and the path of the gateway may be left out', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'explorer-')), 'secret');
  writeFileSync(file, `${secret}\n`);
  const { GATEWAY_JWT_SECRET: _, ...rest } = environment;
  const settings = parseSettings({ ...rest, GATEWAY_JWT_SECRET_FILE: file });
  assert.equal(settings.gatewayTokens?.secret, secret);
  assert.equal(settings.gatewayUrl.href, 'http://127.0.0.1:3001/graphql');
});

test('a user may have the numbers of another country than the site', () => {
  const withCode = (countryCode: unknown) => ({
    ...environment,
    USERS: JSON.stringify([{ ...listed[0], countryCode }, listed[1]]),
  });
  const settings = parseSettings(withCode('44'));
  assert.deepEqual(
    settings.users.map(({ countryCode }) => countryCode),
    ['44', undefined],
  );
  assert.equal(settings.countryCode, '33');
  for (const wrong of [44, '0044', '+44', '', 'GB', '4444']) {
    assert.throws(() => parseSettings(withCode(wrong)), /user 1: "countryCode" is a calling code/);
  }
});

test('only our own pages may ask', () => {
  const from = (headers: Record<string, string>) =>
    isSameOrigin(
      new Request('http://explorer.example/api/graphql', {
        headers: { host: 'explorer.example', ...headers },
      }),
    );
  assert.equal(from({ 'sec-fetch-site': 'same-origin' }), true);
  assert.equal(from({ 'sec-fetch-site': 'same-site' }), false);
  assert.equal(from({ 'sec-fetch-site': 'cross-site' }), false);
  assert.equal(from({ origin: 'http://explorer.example' }), true);
  assert.equal(from({ origin: 'http://elsewhere.example' }), false);
  assert.equal(from({ origin: 'https://public.example', 'x-forwarded-host': 'public.example' }), true);
});

test('a sign-in goes on within the app, and nowhere else', () => {
  assert.equal(localPath('/calls?range=1h&type=ERRORS'), '/calls?range=1h&type=ERRORS');
  for (const path of [
    '',
    'https://elsewhere.example',
    '//elsewhere.example',
    '/\\elsewhere.example',
    '/a b',
  ]) {
    assert.equal(localPath(path), '/calls');
  }
});
