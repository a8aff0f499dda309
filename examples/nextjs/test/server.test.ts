import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createAttempts } from '../src/server/attempts.ts';
import { persistedDocuments } from '../src/server/documents.ts';
import { maskNumber, maskNumbers } from '../src/server/masking.ts';
import { isSameOrigin } from '../src/server/same-origin.ts';
import { scopeAnswer, scopeVariables } from '../src/server/scope.ts';
import { authenticate, openSession, sealSession } from '../src/server/session.ts';
import { parseSettings } from '../src/server/settings.ts';
import { hashPassword, isPassword, type User } from '../src/server/users.ts';

const customer: User = {
  name: 'customer',
  password: 'open sesame',
  role: 'customer',
  accountIds: ['14'],
  masked: false,
};
const admin: User = { ...customer, name: 'admin', role: 'admin', accountIds: [] };
const deps = {
  users: [customer, admin],
  sessionSecret: 'a secret of more than thirty-two characters',
  sessionHours: 1,
};
const now = Date.parse('2026-11-20T10:00:00Z');
const hour = 3_600_000;

const environment = {
  GATEWAY_URL: 'http://127.0.0.1:3001',
  GATEWAY_ADMIN_TOKEN: 'token of the administrators',
  GATEWAY_ACCOUNT_TOKEN: 'token of the accounts',
  SESSION_SECRET: deps.sessionSecret,
  USERS: JSON.stringify([customer, admin]),
};

test('a session names its user until it ends', () => {
  const cookie = sealSession(deps, customer, now);
  assert.equal(openSession(deps, cookie, now + hour - 1000)?.name, 'customer');
  assert.equal(openSession(deps, cookie, now + hour), undefined);
});

test('a session that was changed, sealed with another secret, or is nonsense names nobody', () => {
  const cookie = sealSession(deps, customer, now);
  const [content, signature] = cookie.split('.');
  const forged = Buffer.from(JSON.stringify({ name: 'admin', ends: now })).toString('base64url');
  for (const bad of [
    `${forged}.${signature}`,
    `${content}.${signature}x`,
    `${content}.`,
    content,
    '',
    'a.b.c',
    undefined,
    sealSession(
      { ...deps, sessionSecret: 'another secret of more than thirty-two characters' },
      customer,
      now,
    ),
  ]) {
    assert.equal(openSession(deps, bad, now), undefined);
  }
});

test('a user who was removed is signed out', () => {
  const cookie = sealSession(deps, customer, now);
  assert.equal(openSession({ ...deps, users: [admin] }, cookie, now), undefined);
});

test('name and password must both be right, whether the password is stored hashed or plain', () => {
  const hashed = { ...customer, name: 'hashed', password: hashPassword('open sesame') };
  const users = [customer, hashed];
  assert.equal(authenticate({ users }, 'customer', 'open sesame')?.name, 'customer');
  assert.equal(authenticate({ users }, 'hashed', 'open sesame')?.name, 'hashed');
  assert.equal(authenticate({ users }, 'hashed', 'Open sesame'), undefined);
  assert.equal(authenticate({ users }, 'nobody', 'open sesame'), undefined);
  assert.equal(isPassword(hashed.password, hashed.password), false);
});

test('after eight failures within a minute a name has to wait, and no other', () => {
  const attempts = createAttempts();
  for (let count = 0; count < 8; count++) attempts.failed('customer', now + count);
  assert.equal(attempts.waitFor('customer', now + 10), 60);
  assert.equal(attempts.waitFor('admin', now + 10), 0);
  assert.equal(attempts.waitFor('customer', now + 61_000), 0);
});

test('every bad setting is named at once', () => {
  const bad = {
    GATEWAY_URL: 'ftp://gateway',
    SESSION_SECRET: 'short',
    USERS: '[{"name":"x","password":"y","role":"customer"}]',
    SESSION_HOURS: 'many',
    RED_SECONDS: '1',
    COUNTRY_CODE: '+33',
  };
  assert.throws(
    () => parseSettings(bad),
    (error: Error) => {
      for (const name of [
        'GATEWAY_URL',
        'SESSION_SECRET',
        'USERS',
        'SESSION_HOURS',
        'RED_SECONDS',
        'COUNTRY_CODE',
      ]) {
        assert.match(error.message, new RegExp(`^- ${name}: `, 'm'));
      }
      return true;
    },
  );
});

test('a site has a country of its own, or none', () => {
  const codeOf = (more: Record<string, string>) => parseSettings({ ...environment, ...more }).countryCode;
  assert.deepEqual(
    [codeOf({}), codeOf({ COUNTRY_CODE: '' }), codeOf({ COUNTRY_CODE: '44' })],
    ['33', '', '44'],
  );
});

test('a role that has users needs a token', () => {
  const { GATEWAY_ADMIN_TOKEN: _, ...without } = environment;
  assert.throws(
    () => parseSettings(without),
    /GATEWAY_ADMIN_TOKEN: is missing, and USERS has a user with the role admin/,
  );
});

test('a secret may lie in a file, and the path of the gateway may be left out', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'explorer-')), 'secret');
  writeFileSync(file, `${deps.sessionSecret}\n`);
  const { SESSION_SECRET: _, ...rest } = environment;
  const settings = parseSettings({ ...rest, SESSION_SECRET_FILE: file });
  assert.equal(settings.sessionSecret, deps.sessionSecret);
  assert.equal(settings.gatewayUrl.href, 'http://127.0.0.1:3001/graphql');
});

const textOf = (name: string) =>
  [...persistedDocuments.values()].find((document) => document.name === name)!.text;

test('every filter of every operation is narrowed to the accounts of the session', () => {
  for (const { name, text } of persistedDocuments.values()) {
    const scoped = scopeVariables(customer, text, {
      filter: { accountIds: ['1'], customerIds: ['2'], type: 'ERRORS' },
      before: { accountIds: ['1'] },
    });
    for (const [, filter] of text.matchAll(/\$(\w+): CdrFilter\b/g)) {
      const given = scoped[filter!] as { accountIds: string[]; customerIds: null };
      assert.deepEqual([given.accountIds, given.customerIds], [['14'], null], `${name}, $${filter}`);
    }
    // A list or a sum without a filter would be everybody's.
    for (const [, field, parameters] of text.matchAll(/\b(cdrs|cdrStats)\(([^)]*)\)/g)) {
      assert.match(parameters!, /filter: \$/, `${field} of ${name}`);
    }
  }
});

test('what else a customer filters by stays, and an administrator filters by any account', () => {
  const variables = { filter: { accountIds: ['1'], type: 'ERRORS' } };
  assert.deepEqual(scopeVariables(customer, textOf('Tiles'), variables).filter, {
    accountIds: ['14'],
    customerIds: null,
    type: 'ERRORS',
  });
  assert.deepEqual(scopeVariables(admin, textOf('Tiles'), variables), variables);
});

test('who sees numbers masked cannot find one by filtering, not even by leaving it out', () => {
  const support: User = { ...admin, masked: true };
  const cld = { startsWith: '336' };
  const filter = {
    cld,
    cliIn: cld,
    countries: ['Kenya'],
    not: { cli: cld, not: { cldIn: cld, type: 'ERRORS' } },
    anyOf: [{ cld }, { cliIn: cld, type: 'ERRORS', anyOf: { cldIn: cld } }],
  };
  assert.deepEqual(scopeVariables(support, textOf('Tiles'), { filter }).filter, {
    countries: ['Kenya'],
    not: { not: { type: 'ERRORS' } },
    anyOf: [{}, { type: 'ERRORS', anyOf: {} }],
  });
  const any = { anyOf: [{ cld, type: 'ERRORS' }, { not: { anyOf: { cli: cld } } }], not: [{ cld }] };
  assert.deepEqual(scopeVariables(support, textOf('Tiles'), { filter: any }).filter, {
    anyOf: [{ type: 'ERRORS' }, { not: { anyOf: {} } }],
    not: [{}],
  });
  const context = scopeVariables({ ...customer, masked: true }, textOf('CallContext'), {
    before: { cld },
    first: 3,
  });
  assert.deepEqual(context.before, { accountIds: ['14'], customerIds: null });
  assert.equal(context.first, 3);
});

test('a call or an account of somebody else is not there for a customer', () => {
  const data = {
    cdr: { id: '7', accountId: '15' },
    account0: { id: '15', username: 'theirs' },
    account1: { id: '14', username: 'ours' },
    viewer: { id: '15' },
  };
  assert.deepEqual(scopeAnswer(customer, { data }).data, { ...data, cdr: null, account0: null });
  assert.deepEqual(scopeAnswer(admin, { data }).data, data);
});

test('a user may have the numbers of another country than the site', () => {
  const users = (countryCode: unknown) => ({
    ...environment,
    USERS: JSON.stringify([{ ...customer, countryCode }, admin]),
  });
  const settings = parseSettings(users('44'));
  assert.deepEqual(
    settings.users.map(({ countryCode }) => countryCode),
    ['44', undefined],
  );
  assert.equal(settings.countryCode, '33');
  for (const wrong of [44, '0044', '+44', '', 'GB', '4444']) {
    assert.throws(() => parseSettings(users(wrong)), /user 1: "countryCode" is a calling code/);
  }
});

test('a masked number keeps its destination and its length', () => {
  assert.equal(maskNumber('33612345678'), '3361•••••78');
  assert.equal(maskNumber('112'), '•••');
  const answer = { data: { cdrs: { nodes: [{ cli: '33612345678', cld: null, id: '33612345678' }, null] } } };
  assert.deepEqual(maskNumbers(answer), {
    data: { cdrs: { nodes: [{ cli: '3361•••••78', cld: null, id: '33612345678' }, null] } },
  });
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
