import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseGatewaySettings } from '../../src/settings.ts';
import { compose, withDefaults } from './compose-file.ts';

let dir: string;
beforeEach(() => {
  dir = join(mkdtempSync(join(tmpdir(), 'cdr-secrets-')), 'secrets');
});
afterEach(() => rmSync(join(dir, '..'), { recursive: true, force: true }));

const make = (environment: Record<string, string> = {}) =>
  execFileSync('docker/make-secrets.sh', [dir], { env: { PATH: process.env.PATH, ...environment } });
const read = (name: string) => readFileSync(join(dir, name), 'utf8').trim();
const contents = () => Object.fromEntries(readdirSync(dir).map((name) => [name, read(name)]));

test('every secret of compose.yaml is made', () => {
  make();

  expect(readdirSync(dir)).toEqual(expect.arrayContaining(Object.keys(compose.secrets)));
});

test('containers may read them, other users of the machine may not even see them, and the authority’s key is ours', () => {
  make();
  const mode = (path: string) => statSync(path).mode & 0o777;

  expect(mode(dir)).toBe(0o700);
  for (const name of Object.keys(compose.secrets)) expect(mode(join(dir, name))).toBe(0o444);
  expect(mode(join(dir, 'ca.key'))).toBe(0o600);
  expect(compose.secrets).not.toHaveProperty(['ca.key']);
});

test('a second run changes nothing, and keeps what an operator put there', () => {
  make();
  const made = contents();
  make();
  expect(contents()).toEqual(made);

  rmSync(join(dir, 'admin-token'));
  writeFileSync(join(dir, 'admin-token'), 'a-token-of-the-operator\n');
  make();
  expect(contents()).toEqual({ ...made, 'admin-token': 'a-token-of-the-operator' });
});

test('no two secrets are the same, from run to run neither', () => {
  make();
  const first = contents();
  rmSync(dir, { recursive: true });
  make();
  const random = (all: Record<string, string>) =>
    Object.values(all).filter((text) => /^[\da-f]{48}$/.test(text));
  const all = [...random(first), ...random(contents())];

  expect(all).toHaveLength(14);
  expect(new Set(all).size).toBe(14);
});

test('certificates name the databases and the site, and one authority answers for them', () => {
  make({ SITE_NAMES: 'cdr.example.com 192.0.2.10 2001:db8::7' });
  const ca = new X509Certificate(read('ca.crt'));
  const [postgres, site] = [new X509Certificate(read('postgres.crt')), new X509Certificate(read('site.crt'))];

  for (const certificate of [postgres, site]) {
    expect([certificate.checkIssued(ca), certificate.verify(ca.publicKey), certificate.ca]).toEqual([
      true,
      true,
      false,
    ]);
  }
  for (const host of ['primary', 'replica-1', 'replica-2']) expect(postgres.checkHost(host)).toBe(host);
  expect(site.checkHost('cdr.example.com')).toBe('cdr.example.com');
  expect(site.checkIP('192.0.2.10')).toBe('192.0.2.10');
  expect(site.checkIP('2001:db8::7')).toBe('2001:db8::7');
});

test('with a new authority come new certificates', () => {
  make();
  const before = read('site.crt');
  rmSync(join(dir, 'ca.crt'));
  make();

  expect(read('site.crt')).not.toBe(before);
  expect(new X509Certificate(read('site.crt')).verify(new X509Certificate(read('ca.crt')).publicKey)).toBe(
    true,
  );
});

test('the gateways of compose.yaml can start from them, and check whom they talk to', () => {
  make();
  const given = Object.entries(compose.services['gateway-1']!.environment!).map(([name, value]) => [
    name,
    withDefaults(String(value)).replace('/run/secrets', dir),
  ]);
  const { databases, access } = parseGatewaySettings(Object.fromEntries(given));
  const urls = [...databases.replicaUrls, databases.primaryUrl!].map((url) => new URL(url));

  expect(urls.map(({ hostname }) => hostname)).toEqual(['replica-1', 'replica-2', 'primary']);
  for (const url of urls) {
    expect([url.username, url.pathname, url.searchParams.get('sslmode')]).toEqual([
      'gateway',
      '/calls',
      'verify-full',
    ]);
  }
  expect(access.adminToken).not.toBe(access.account?.token);
});

test('the accounts of the frontend’s customer are those of the customer’s token', () => {
  make();
  const users: { role: string; accountIds?: string[] }[] = JSON.parse(read('web-users'));
  const accountIds = users.find(({ role }) => role === 'customer')?.accountIds;

  expect(accountIds?.join(',')).toBe(withDefaults(compose.services['gateway-1']!.environment!.ACCOUNT_ID!));
});
