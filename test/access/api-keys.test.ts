import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createKey, hasDigest, idOfKey } from '../../src/access/api-key.ts';
import { KeyRing } from '../../src/access/key-ring.ts';
import { keys } from '../../src/cli/keys.ts';
import type { StoredKey } from '../../src/db/keys/api-keys.ts';
import { UnauthenticatedError } from '../../src/errors.ts';
import {
  insertMany,
  MANY,
  type ServedGateway,
  serveGateway,
  until,
  WIDE,
} from '../gateway/served-gateway.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

const stored = (
  key: { readonly id: string; readonly digest: string },
  more: Partial<StoredKey> = {},
): StoredKey => ({
  id: key.id,
  digest: key.digest,
  name: 'a key',
  role: 'ACCOUNT',
  scope: 'accounts',
  scopeIds: ['14'],
  networks: [],
  maxPage: null,
  createdAt: '2026-01-01T00:00:00.000Z',
  expiresAt: null,
  revokedAt: null,
  ...more,
});

describe('the text of a key', () => {
  const key = createKey();

  test('says its id, and only SHA-256 of it need be kept', () => {
    expect(key.text).toMatch(/^cdr_live_[0-9A-Za-z]{12}_[0-9A-Za-z]{49}$/);
    expect(idOfKey(key.text)).toBe(key.id);
    expect(hasDigest(key.text, key.digest)).toBe(true);
    expect(key.digest).toMatch(/^[0-9a-f]{64}$/);
    expect(createKey().text).not.toBe(key.text);
  });

  test('with any one character typed wrong it is none', () => {
    for (let at = 0; at < key.text.length; at++) {
      const other = key.text[at] === 'a' ? 'b' : 'a';
      const typed = key.text.slice(0, at) + other + key.text.slice(at + 1);
      expect(idOfKey(typed), `character ${at}`).toBeUndefined();
    }
  });

  test.each([0, 1, 9, 21, 22, 60, 70])('cut to %i characters it is none', (length) => {
    expect(idOfKey(key.text.slice(0, length))).toBeUndefined();
    expect(idOfKey(`${key.text}${'x'.repeat(length)}x`)).toBeUndefined();
  });
});

describe('the keys in force', () => {
  const problems: string[] = [];
  const openRing = (...kept: readonly StoredKey[]) => {
    const ring = new KeyRing({ maxPageOf: () => 1000, onBadKey: (problem) => problems.push(problem) });
    ring.replace(kept);
    return ring;
  };

  test('a principal has the name, role, owners and ceiling of its key', () => {
    const key = createKey();
    const ring = openRing(
      stored(key, { name: 'billing', role: 'support', scopeIds: ['14', '15'], maxPage: 7 }),
    );
    expect(ring.authenticate(key.text, undefined)).toMatchObject({
      name: 'key billing',
      role: 'SUPPORT',
      scope: { kind: 'accounts', accountIds: ['14', '15'], numbers: 'masked' },
      maxPage: 7,
      keyId: key.id,
    });
  });

  test('what is no key is left to the other ways to sign in', () => {
    expect(openRing().authenticate('something-else', undefined)).toBeUndefined();
  });

  test('revoked, expired and unknown keys are refused, and so is another secret of a known id', () => {
    const [revoked, expired, good, unknown] = [createKey(), createKey(), createKey(), createKey()];
    const ring = openRing(
      stored(revoked, { revokedAt: '2026-01-02T00:00:00.000Z' }),
      stored(expired, { expiresAt: '2026-01-02T00:00:00.000Z' }),
      stored(good, { digest: unknown.digest }),
    );
    for (const { text } of [revoked, expired, good, unknown]) {
      expect(() => ring.authenticate(text, undefined)).toThrow(UnauthenticatedError);
    }
  });

  test('from elsewhere than its networks, or from nowhere known, a key is refused', () => {
    const key = createKey();
    const ring = openRing(stored(key, { networks: ['10.1.0.0/16', '2001:db8::/32', '192.0.2.7'] }));
    for (const address of ['10.1.2.3', '::ffff:10.1.2.3', '2001:db8::1', '192.0.2.7']) {
      expect(ring.authenticate(key.text, address)).toMatchObject({ keyId: key.id });
    }
    for (const address of ['10.2.0.1', '2001:db9::1', '192.0.2.8', 'unix', '', undefined]) {
      expect(() => ring.authenticate(key.text, address)).toThrow('may not be used from this address');
    }
  });

  test('a stored key of which one part means nothing is nobody’s, never everybody’s', () => {
    problems.length = 0;
    const kept = [
      { role: 'root' },
      { role: 'ACCOUNT', scope: 'all', scopeIds: [] },
      { role: 'ACCOUNT', scopeIds: [] },
      { role: 'ACCOUNT', scopeIds: ['14 or true'] },
      { role: 'SUPPORT', scope: 'all', scopeIds: ['14'] },
      { role: 'CUSTOMER', scope: 'accounts' },
      { role: 'SUPPORT', scope: 'everything', scopeIds: [] },
      { networks: ['10.0.0.0/33'] },
      { networks: ['everywhere'] },
      { expiresAt: 'soon' },
      { name: 'a\nb' },
      { digest: 'abc' },
    ].map((more) => ({ key: createKey(), more }));
    const ring = openRing(...kept.map(({ key, more }) => stored(key, more)));
    for (const { key } of kept) expect(() => ring.authenticate(key.text, undefined)).toThrow();
    expect(problems).toHaveLength(kept.length);
  });

  test('a right ends when its key is revoked, vanishes or changes, and not when it stays', () => {
    const [one, two, three, four] = [createKey(), createKey(), createKey(), createKey()];
    const ring = openRing(...[one, two, three, four].map((key) => stored(key)));
    const ended: string[] = [];
    for (const key of [one, two, three, four]) {
      const principal = ring.authenticate(key.text, undefined);
      if (!principal || principal instanceof Promise) throw new Error('It is known at once.');
      principal.right!.onEnd(() => ended.push(key.id));
    }
    ring.replace([
      stored(one, { revokedAt: '2026-01-02T00:00:00.000Z' }),
      stored(three, { scopeIds: ['15'] }),
      stored(four),
    ]);
    expect(ended.sort()).toEqual([one.id, two.id, three.id].sort());
    expect(ring.authenticate(three.text, undefined)).toMatchObject({ scope: { accountIds: ['15'] } });
  });

  test('a revoked key stays revoked, whatever an older copy says', () => {
    const key = createKey();
    const ring = openRing(stored(key, { revokedAt: '2026-01-02T00:00:00.000Z' }));
    ring.replace([stored(key)]);
    expect(() => ring.authenticate(key.text, undefined)).toThrow(UnauthenticatedError);
  });
});

/** Runs the command, and answers what it printed. */
async function run(...args: readonly string[]): Promise<readonly string[]> {
  const lines: string[] = [];
  await keys(args, {}, (line) => lines.push(line));
  return lines;
}

const idOf = (lines: readonly string[]) => idOfKey(lines[0]!)!;

describe('keys in a file', () => {
  let folder: string;
  let file: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cdr-keys-'));
    file = join(folder, 'keys.json');
  });
  afterAll(() => rm(folder, { recursive: true }));

  test('are made, listed, rotated and revoked; the text of a key is in no file', async () => {
    const made = await run(
      'create',
      '--file',
      file,
      '--name',
      'web',
      '--role',
      'customer',
      '--customers',
      '3',
    );
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readFile(file, 'utf8')).not.toContain(made[0]);
    const rotated = await run('rotate', made[0]!, '--file', file, '--overlap', '1h');
    expect(rotated[1]).not.toContain(made[0]);
    await run('revoke', idOf(rotated), '--file', file);
    const listed = await run('list', '--file', file);
    expect(listed).toHaveLength(3);
    expect(listed[1]).toMatch(
      new RegExp(`^${idOf(made)}  web +customer +customers 3 +anywhere .* good until `),
    );
    expect(listed[2]).toMatch(new RegExp(`^${idOf(rotated)}  web .* revoked `));
    const [first] = JSON.parse((await run('list', '--json', '--file', file)).join(''));
    expect(first).not.toHaveProperty('digest');
  });

  test('commands at once leave a key each', async () => {
    const before = (await run('list', '--file', file)).length;
    const args = ['create', '--file', file, '--name', 'x', '--role', 'admin'];
    await Promise.all([run(...args), run(...args), run(...args)]);
    expect(await run('list', '--file', file)).toHaveLength(before + 3);
  });

  test.each([
    [['--role', 'admin'], 'Give the key a name'],
    [['--name', 'x'], 'Say which role (--role): admin, customer'],
    [['--name', 'x', '--role', 'root'], 'Say which role'],
    [['--name', 'x', '--role', 'account'], 'Say whose calls a key of the role account sees: --accounts.'],
    [['--name', 'x', '--role', 'support'], '--all or --accounts or --customers'],
    [['--name', 'x', '--role', 'account', '--all'], 'the role ACCOUNT has the scope accounts'],
    [['--name', 'x', '--role', 'account', '--accounts', 'abc'], '"abc" is no id'],
    [['--name', 'x', '--role', 'account', '--accounts', '1', '--all'], 'Give one of'],
    [['--name', 'x', '--role', 'admin', '--networks', '10.0.0.0/99'], '"10.0.0.0/99" is no network'],
    [['--name', 'x', '--role', 'admin', '--expires', 'soon'], '--expires takes'],
    [['--name', 'x', '--role', 'admin', '--expires', '2020-01-01'], 'that is past'],
    [['--name', 'x', '--role', 'admin', '--max-page', '0'], '--max-page'],
  ])('a wrong "create %j" says what is wrong, and makes nothing', async (args, message) => {
    const before = await readFile(file, 'utf8');
    await expect(run('create', '--file', file, ...args)).rejects.toThrow(message);
    expect(await readFile(file, 'utf8')).toBe(before);
  });

  test('a wrong command prints how it is used; one about no key says so', async () => {
    expect((await run('drop'))[0]).toContain('Usage: cdr-gateway keys');
    expect((await run('--help'))[0]).toContain('--overlap');
    await expect(run('revoke', 'abc', '--file', file)).rejects.toThrow('There is no key "abc"');
    await expect(run('list')).rejects.toThrow('Say where the keys are');
    await writeFile(join(folder, 'bad.json'), '{}');
    await expect(run('list', '--file', join(folder, 'bad.json'))).rejects.toThrow('is not one');
  });

  test('the command line tells a failure in a sentence', async () => {
    const { stderr, code } = await new Promise<{ stderr: string; code: number | null }>((resolve) => {
      const child = execFile(
        process.execPath,
        ['src/cli.ts', 'keys', 'revoke', 'abc', '--file', file],
        { env: {} },
        (_error, _stdout, text) => resolve({ stderr: text, code: child.exitCode }),
      );
    });
    expect(stderr).toBe('There is no key "abc". "keys list" shows those there are.\n');
    expect(code).toBe(1);
  });

  test('a gateway follows its file without a restart', async () => {
    const database = await createTestDatabase();
    await using _database = database;
    await using gateway = await serveGateway(database, {
      API_KEYS_FILE: file,
      MAX_FAILED_SIGN_INS: '100000',
    });
    const [text] = await run(
      'create',
      '--file',
      file,
      '--name',
      'n',
      '--role',
      'account',
      '--accounts',
      '14',
    );
    await until('key', async () => (await asks(gateway, text!)) === 200);
    await writeFile(file, 'half of');
    expect(await asks(gateway, text!)).toBe(200);
    await writeFile(file, '{"keys": []}');
    await until('end', async () => (await asks(gateway, text!)) === 401);
  });
});

async function asks(gateway: ServedGateway, token: string): Promise<number> {
  const { status } = await gateway.query('{ viewer { name } }', {}, { headers: bearer(token) });
  return status;
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe('keys in the table of the primary', () => {
  let database: TestDatabase;
  let gateway: ServedGateway;
  const onPrimary = () => ['--url', database.primaryUrl];

  beforeAll(async () => {
    database = await createTestDatabase();
    await insertMany(database);
    gateway = await serveGateway(database, { API_KEYS: 'table', MAX_FAILED_SIGN_INS: '100000' });
  });
  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
  });

  const create = async (...args: readonly string[]) => {
    const [text] = await run('create', ...onPrimary(), '--name', 'table', ...args);
    await until('key', async () => (await asks(gateway, text!)) === 200);
    return text!;
  };

  test('work on the standbys, a second after they were made, and say who asks', async () => {
    const text = await create('--role', 'finance', '--accounts', '14,15');
    const { data } = await gateway.query(
      '{ viewer { name role scope accountIds permissions } }',
      {},
      { headers: bearer(text) },
    );
    expect(data.viewer).toEqual({
      name: 'key table',
      role: 'FINANCE',
      scope: 'ACCOUNTS',
      accountIds: ['14', '15'],
      permissions: ['STATISTICS', 'CALLS', 'ACCOUNTS', 'AMOUNTS'],
    });
  });

  test('a GET is of the address that it comes from', async () => {
    const text = await create('--role', 'admin', '--networks', '127.0.0.1,::1');
    const response = await fetch(`${gateway.url}?query={viewer{name}}`, {
      headers: { ...bearer(text), accept: 'application/json' },
    });
    expect(response.status).toBe(200);
  });

  test('both keys of a rotation are good while they overlap', async () => {
    const old = await create('--role', 'admin');
    const [next] = await run('rotate', idOfKey(old)!, ...onPrimary(), '--overlap', '2s');
    await until('next key', async () => (await asks(gateway, next!)) === 200);
    expect(await asks(gateway, old)).toBe(200);
    await until('end of the old key', async () => (await asks(gateway, old)) === 401);
    expect(await asks(gateway, next!)).toBe(200);
  });

  test.each([
    ['revoked', async (text: string) => void (await run('revoke', text, ...onPrimary()))],
    [
      'deleted by hand',
      async (text: string) =>
        void (await database.pool.query('delete from cdr_gateway.api_keys where id = $1', [idOfKey(text)])),
    ],
  ])('a stream ends within a second of the replication when its key is %s', async (_, end) => {
    const text = await create('--role', 'admin');
    const stream = await gateway.ask(
      `{ cdrs(first: ${MANY}) { nodes { ${WIDE} } } }`,
      {},
      { headers: bearer(text) },
    );
    const reader = stream.body!.getReader();
    const decoder = new TextDecoder();
    let body = decoder.decode((await reader.read()).value, { stream: true });
    await end(text);
    await database.replayed();
    const began = performance.now();
    await until('refusal', async () => (await asks(gateway, text)) === 401);
    expect(performance.now() - began).toBeLessThan(1000);
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      body += decoder.decode(value, { stream: true });
    }
    const { errors, extensions } = JSON.parse(body);
    expect(errors).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED', retryable: false } }]);
    expect(extensions).toMatchObject({ complete: false });
  });

  test('a request whose key expires meanwhile ends with it', async () => {
    const text = await create('--role', 'admin', '--expires', '3s');
    const stream = await gateway.ask(
      `{ cdrs(first: ${MANY}) { nodes { ${WIDE} } } }`,
      {},
      { headers: bearer(text) },
    );
    await until('end of the key', async () => (await asks(gateway, text)) === 401);
    expect(JSON.parse(await stream.text()).errors).toMatchObject([
      { extensions: { code: 'UNAUTHENTICATED' } },
    ]);
  });

  test('the role of the gateway may read keys and not write them', async () => {
    const { default: pg } = await import('pg');
    const client = new pg.Client({ connectionString: asGatewayOnPrimary(database) });
    await client.connect();
    await client.query('set default_transaction_read_only = off');
    await expect(client.query('delete from cdr_gateway.api_keys')).rejects.toThrow('permission denied');
    await client.query('select from cdr_gateway.api_keys');
    await client.end();
  });

  test('a standby, and a database without the table, are told from the primary', async () => {
    await expect(run('list', '--url', database.replicaUrls[0]!)).resolves.toBeDefined();
    await expect(
      run('create', '--url', database.standbyUrls[0]!, '--name', 'x', '--role', 'admin'),
    ).rejects.toThrow('This is a standby');
    await using empty = await createTestDatabase({ empty: true });
    await expect(run('list', '--url', empty.primaryUrl)).rejects.toThrow('run "migrate up"');
  });
});

/** The role of the gateway, where it could write if it might. */
function asGatewayOnPrimary({ primaryUrl, replicaUrls }: TestDatabase): string {
  const url = new URL(primaryUrl);
  const { username, password } = new URL(replicaUrls[0]!);
  Object.assign(url, { username, password });
  return url.href;
}
