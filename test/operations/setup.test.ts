import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseStandby } from '../../src/cli/setup-arguments.ts';
import { examine } from '../../src/db/doctor/doctor.ts';
import { addToBlock, missingLines, parseAddress, removeFromBlock } from '../../src/db/setup/hba.ts';
import { findLayout, restartCommandOf } from '../../src/db/setup/layout.ts';
import { isPasswordOf } from '../../src/db/setup/password.ts';
import { openPrimary } from '../../src/db/setup/primary-server.ts';
import { planReplica } from '../../src/db/setup/replica-plan.ts';
import { startTestCluster, type TestCluster } from '../support/postgres.ts';
import { binaries, FreshPair, hasPostgres, REPLICATION_PASSWORD, tell } from './fresh-pair.ts';

const refusal = (sentence: RegExp) => ({ exitCode: 2, text: expect.stringMatching(sentence), steps: [] });

async function listen(): Promise<{ port: number; server: Server }> {
  const server = createServer((socket) =>
    socket.on('error', () => {}).end('HTTP/1.1 400 Bad Request\r\n\r\n'),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as { port: number }).port, server };
}

describe.skipIf(!hasPostgres)('a fresh pair, by setup alone', () => {
  let pair: FreshPair;
  let standby: Awaited<ReturnType<FreshPair['addHost']>>;
  beforeAll(async () => {
    pair = await FreshPair.open();
    await pair.makeCalls();
    standby = await pair.addHost('db-2');
  });
  afterAll(() => pair?.[Symbol.asyncDispose]());

  test('the plan says each step with its reason and its statement, and changes nothing', async () => {
    const before = readFileSync(join(pair.primary.directory, 'pg_hba.conf'), 'utf8');
    const { exitCode, text, steps } = await pair.setupPrimary();

    expect(exitCode).toBe(1);
    expect(steps).toEqual(
      expect.arrayContaining([
        'Set listen_addresses to *, instead of localhost (counts from the next start)',
        'Set ssl to on, instead of off',
        'Create the role replicator',
        'Make the slot db_2',
        'Restart the server (left to you)',
      ]),
    );
    expect(text.match(/^ {3}because: /gm)).toHaveLength(steps.length);
    expect(text.match(/^ {3}> /gm)!.length).toBeGreaterThanOrEqual(steps.length);
    expect(text).not.toContain(REPLICATION_PASSWORD);
    expect(await pair.setupPrimary()).toMatchObject({ exitCode: 1, steps });
    expect(readFileSync(join(pair.primary.directory, 'pg_hba.conf'), 'utf8')).toBe(before);
    expect(await pair.sql('select 1 from pg_replication_slots')).toEqual([]);
  });

  test('the primary takes it, keeps what others wrote, and is restarted by its operator', async () => {
    const file = join(pair.primary.directory, 'pg_hba.conf');
    const before = readFileSync(file, 'utf8');
    const applied = await pair.setupPrimary('--apply');
    expect(applied).toMatchObject({
      exitCode: 1,
      text: expect.stringContaining('left to you: Restart the server'),
    });
    expect(await pair.setupPrimary('--apply')).toMatchObject({
      exitCode: 1,
      steps: ['Restart the server (left to you)'],
    });
    pair.stop(pair.primary);
    pair.start(pair.primary);

    expect(await pair.setupPrimary('--apply')).toMatchObject({ exitCode: 0, steps: [] });
    expect(await pair.setupPrimary()).toMatchObject({ exitCode: 0, steps: [] });
    const text = readFileSync(file, 'utf8');
    expect(text.endsWith(before)).toBe(true);
    expect(readFileSync(`${file}.before-cdr-gateway`, 'utf8')).toBe(before);
    expect(text.split('\n').filter((line) => line.startsWith('hostssl'))).toEqual([
      'hostssl  replication  replicator  127.0.0.1/32       scram-sha-256   # db-2',
      'hostssl  sippy        gateway     127.0.0.1/32       scram-sha-256',
    ]);
    expect(
      await pair.sql(
        `select rolsuper, rolcreaterole, rolcreatedb, rolreplication from pg_roles where rolname = 'replicator'`,
      ),
    ).toEqual([{ rolsuper: false, rolcreaterole: false, rolcreatedb: false, rolreplication: true }]);
  });

  test('what one may get wrong about a standby is a sentence, and nothing is changed', async () => {
    const wrong = (...more: readonly string[]) => pair.setupReplica(standby, ...more, '--apply');
    expect(
      await tell(['replica', ...pair.replicaArguments(standby)], { REPLICATION_PASSWORD: 'wrong' }),
    ).toEqual(refusal(/does not let replicator in .*: run "setup primary" there/));
    expect(await wrong('--primary', '127.0.0.1:1')).toEqual(
      refusal(/^127\.0\.0\.1:1 cannot be reached: .*Nothing listens/),
    );
    expect(await wrong('--binaries', '/nowhere')).toEqual(refusal(/^\/nowhere has no postgres: /));
    expect(await wrong('--key', '/nowhere/key')).toEqual(
      refusal(/^There is no file \/nowhere\/key on this host\.$/),
    );
    expect(await wrong('--sslrootcert', '/nowhere/ca')).toEqual(refusal(/^--sslrootcert: there is no file/));
    const { port, server } = await listen();
    expect(await wrong('--port', String(port))).toEqual(
      refusal(new RegExp(`^Something else listens on port ${port} of this host`)),
    );
    expect(await wrong('--primary', `127.0.0.1:${port}`)).toEqual(refusal(/127\.0\.0\.1/));
    server.close();
    mkdirSync(standby.directory);
    writeFileSync(join(standby.directory, 'invoice.ods'), 'precious');
    expect(await wrong()).toEqual(
      refusal(/db-2 is not empty \(invoice\.ods\) and holds no cluster: setup empties no directory/),
    );
    expect(await wrong('--directory', pair.primary.directory)).toEqual(
      refusal(/holds a cluster of its own \(system identifier \d+\) that is no standby/),
    );
    expect(readFileSync(join(standby.directory, 'invoice.ods'), 'utf8')).toBe('precious');
    expect(existsSync(`${standby.directory}.pgpass`)).toBe(false);
    rmSync(standby.directory, { recursive: true });
  });

  test.each([
    ['its disk is full', { space: async () => ({ freeBytes: 5, totalBytes: 100 }) }, /is 95 % full/],
    [
      'its clock is off',
      { maxClockOffsetSeconds: -1 },
      /^The clock of 127\.0\.0\.1:\d+ is \d\.\d s (ahead of|behind) the one here/,
    ],
  ])('%s', async (_name, wrong, sentence) => {
    const plan = planReplica({
      layout: findLayout({ kind: 'plain', directory: standby.directory, binaries }),
      upstream: {
        hosts: [{ host: '127.0.0.1', port: pair.primary.port }],
        role: 'replicator',
        password: REPLICATION_PASSWORD,
        sslmode: 'verify-full',
        sslrootcert: pair.path('ca.crt'),
      },
      ...{ name: 'db-2', slot: 'db_2', database: 'sippy', gateways: [], peers: [], port: standby.port },
      ...{ listen: undefined, tls: undefined, withoutTls: false, slotWal: undefined, restart: false },
      maxClockOffsetSeconds: 5,
      ...wrong,
    });
    await expect(plan).rejects.toThrow(sentence);
  });

  test('the standby is made, streams, and a second run has nothing to do', async () => {
    const planned = await pair.setupReplica(standby);
    expect(planned).toMatchObject({ exitCode: 1, text: expect.not.stringContaining(REPLICATION_PASSWORD) });
    expect(existsSync(standby.directory)).toBe(false);

    const applied = await pair.setupReplica(standby, '--apply');
    expect(applied.text).toMatch(/^Nothing to do\.$/m);
    expect(applied.exitCode).toBe(0);
    expect(await pair.setupReplica(standby)).toMatchObject({ exitCode: 0, steps: [] });
    expect(statSync(`${standby.directory}.pgpass`).mode & 0o777).toBe(0o600);
    expect(await pair.sql('select slot_name, active from pg_replication_slots')).toEqual([
      { slot_name: 'db_2', active: true },
    ]);
  });

  test('doctor finds nothing on either', async () => {
    const report = await examine({
      primaryUrls: [pair.gatewayUrl(pair.primary)],
      replicaUrls: [pair.gatewayUrl(standby)],
      adminUrls: [pair.primary, standby].map((host) => pair.adminUrl(host, 'sippy')),
      source: 'xdrs',
    });
    // The test's own: not synced to disk, and let in by the socket.
    const own = ['FSYNC_OFF'];
    expect(report.findings.filter(({ code }) => !own.includes(code))).toEqual([]);
  });

  test('of a standby that is there, what its operator chose stays, and what the primary needs does not', async () => {
    await pair.sql(`alter system set max_standby_streaming_delay = '15min'`, standby);
    await pair.sql('alter system set max_connections = 300');
    pair.stop(pair.primary);
    pair.start(pair.primary);
    const { exitCode, steps } = await pair.setupReplica(standby, '--apply');

    expect(exitCode).toBe(1);
    expect(steps).toEqual([
      `Write its settings into ${standby.directory}/postgresql.auto.conf (counts from the next start)`,
      'Restart it (left to you)',
    ]);
    const restarted = await pair.setupReplica(standby, '--apply', '--restart');
    expect(restarted).toMatchObject({ exitCode: 0, steps: ['Restart it'] });
    expect(restarted.text).toMatch(/read at the start alone \(max_connections\)/);
    expect(readFileSync(join(standby.directory, 'postgresql.auto.conf'), 'utf8')).toMatch(
      /^max_standby_streaming_delay = '15min'$[\s\S]*^max_connections = '300'$/m,
    );
  });

  test('a standby, a second cluster and a stranger are told from the primary', async () => {
    const other = await pair.addHost('db-3');
    const toStandby = `127.0.0.1:${standby.port}`;
    expect(await pair.setupReplica(other, '--primary', toStandby)).toEqual(
      refusal(/is a standby, and a copy is taken of the primary/),
    );
    // Whichever of them takes writes.
    const both = await pair.setupReplica(other, '--primary', `${toStandby},127.0.0.1:${pair.primary.port}`);
    expect(both.text).toContain(`a standby of 127.0.0.1:${pair.primary.port}`);
    expect(
      await tell(['primary', '--url', pair.adminUrl(standby), '--standby', 'db-3=10.0.0.13', '--apply']),
    ).toEqual(refusal(/is a standby, and streams from 127\.0\.0\.1:\d+: this is done on the primary/));
  });
});

describe('setup primary, over SQL alone', () => {
  let site: TestCluster;
  const withoutTls = ['--without-tls', '--slot-wal', '2GB'];
  const primary = (...more: readonly string[]) => tell(['primary', '--url', site.primaryUrl, ...more]);
  beforeAll(async () => {
    site = await startTestCluster({ replicas: 1 });
  });
  afterAll(() => site?.[Symbol.asyncDispose]());

  test('refuses what is no primary, or not one to change now', async () => {
    const as = (change: (url: URL) => void) => {
      const url = new URL(site.primaryUrl);
      change(url);
      return tell(['primary', '--url', url.href, ...withoutTls, '--apply']);
    };
    expect(await primary()).toEqual(refusal(/TLS is off and no certificate is named/));
    expect(await primary('--without-tls', '--certificate', '/a', '--key', '/b')).toEqual(
      refusal(/exclude each other/),
    );
    expect(await tell(['primary', '--url', site.standbyUrls[0]!, ...withoutTls])).toEqual(
      refusal(/is a standby, and streams from/),
    );
    const gateway = new URL(site.replicaUrls[0]!);
    expect(
      await as((url) => Object.assign(url, { username: 'gateway', password: gateway.password })),
    ).toEqual(refusal(/^The role gateway is not a superuser of/));
    expect(await as((url) => Object.assign(url, { password: 'wrong' }))).toEqual(
      refusal(/The password is wrong/),
    );
    expect(await as((url) => Object.assign(url, { port: '1' }))).toEqual(refusal(/Nothing listens there/));
    const { port, server } = await listen();
    expect(await as((url) => Object.assign(url, { port: String(port) }))).toEqual(
      refusal(/is not a PostgreSQL server: something else listens there\.$/),
    );
    server.close();
    for (const answer of [await tell(['primary']), await tell(['primary', '--url', 'db-1'])]) {
      expect(answer).toEqual(refusal(/^Say which primary/));
    }
  });

  test.each([
    [
      'its disk is full',
      { space: async () => ({ freeBytes: 5, totalBytes: 100 }) },
      /^The disk of .* is 95 % full/,
    ],
    ['its clock is ahead', { now: () => Date.now() - 60_000 }, /is (59|60)\.\d s ahead of the one here.*NTP/],
    ['its clock is behind', { now: () => Date.now() + 60_000 }, /is (59|60)\.\d s behind the one here/],
  ])('refuses where %s', async (_name, wrong, sentence) => {
    const options = { url: site.primaryUrl, role: 'replicator', maxClockOffsetSeconds: 5, ...wrong };
    await expect(openPrimary(options)).rejects.toThrow(sentence);
  });

  test('writes no password anywhere, and does not touch a role that is more than it should be', async () => {
    await site.pool.query(`create role too_much superuser replication login password 'x'`);
    expect(await primary('--role', 'too_much', ...withoutTls, '--apply')).toEqual(refusal(/is a superuser/));
    const env = {} as { REPLICATION_PASSWORD: string };
    expect(
      await tell(['primary', '--url', site.primaryUrl, '--role', 'nobody_yet', ...withoutTls], env),
    ).toEqual(refusal(/^The role nobody_yet needs a password/));
    expect(await primary('--role', 'streamer', ...withoutTls, '--apply')).toMatchObject({ exitCode: 1 });
    const { rows } = await site.pool.query(`select rolpassword from pg_authid where rolname = 'streamer'`);
    expect(isPasswordOf(rows[0].rolpassword, REPLICATION_PASSWORD)).toBe(true);
    expect(isPasswordOf(rows[0].rolpassword, 'other')).toBe(false);
    const other = await tell(['primary', '--url', site.primaryUrl, '--role', 'streamer', ...withoutTls], {
      REPLICATION_PASSWORD: 'another',
    });
    expect(other.steps).toContain('Set the password of streamer');
  });

  test('puts pg_hba.conf back where the server does not understand it', async () => {
    const file = join(site.cluster.primary.dataDir, 'pg_hba.conf');
    const before = readFileSync(file, 'utf8');
    const { writeHba } = await import('../../src/db/setup/primary-hba.ts');
    await using server = await openPrimary({
      url: site.primaryUrl,
      role: 'replicator',
      maxClockOffsetSeconds: 5,
    });

    await expect(writeHba(server.db, file, before, `nonsense\n${before}`)).rejects.toThrow(
      /does not understand the new .* \(line 1: .*\); it is as it was before\.$/,
    );
    expect(readFileSync(file, 'utf8')).toBe(before);
    const odd = '# "quoted", \\backslash, tab\there, é\n\n  # indented\n';
    await writeHba(server.db, file, before, `${odd}${before}`);
    expect(readFileSync(file, 'utf8')).toBe(`${odd}${before}`);
    await writeHba(server.db, file, before, before);
  });
});

describe('the parts', () => {
  test('an address is one, and never everybody', () => {
    expect(
      ['10.0.0.12', '10.0.0.0/28', '::1', 'fd00::/64'].map((text) => parseAddress(text, '--peer')),
    ).toEqual(['10.0.0.12/32', '10.0.0.0/28', '::1/128', 'fd00::/64']);
    for (const text of ['db-2', '10.0.0.12/33', '10.0.0.12/', '10.0.0.0/0', '::/0', '10.0.0.1/8/8', '']) {
      expect(() => parseAddress(text, '--peer'), text).toThrow(/^--peer: /);
    }
    for (const text of ['db-2', 'db-2=', '=10.0.0.1', 'db 2=10.0.0.1', "db'2=10.0.0.1", 'a=10.0.0.1=b']) {
      expect(() => parseStandby(text), text).toThrow(/^--standby: /);
    }
  });

  test('lines of pg_hba.conf are added once, on top, and taken out again', () => {
    const own = '# mine\nhost   all all  10.0.0.0/8 reject\n';
    const line = 'hostssl  replication  replicator  10.0.0.12/32       scram-sha-256';
    const added = addToBlock(own, [line]);
    expect(added.split('\n')[1]).toBe(line);
    expect(missingLines(added, [line, line.replaceAll(/ +/g, '\t')])).toEqual([]);
    expect(removeFromBlock(added, [line])).toBe(own);
    expect(removeFromBlock(own, ['host all all 10.0.0.0/8 reject'])).toBe(own);
  });

  test.each([
    [
      'PostgreSQL 15.20 on x86_64-pc-linux-gnu',
      '/etc/postgresql/15/main/postgresql.conf',
      /^(systemctl restart postgresql@15-main|pg_ctlcluster 15 main restart)$/,
    ],
    [
      'PostgreSQL 16.1 on amd64-portbld-freebsd13.2',
      '/usr/local/pgsql/data/postgresql.conf',
      /^service postgresql restart$/,
    ],
    ['PostgreSQL 16.1 on x86_64', '/srv/pg/postgresql.conf', /^pg_ctl --pgdata \/srv\/pg .*restart$/],
  ])('%s is restarted as its system does it', (version, configFile, command) => {
    const about = { version, configFile, dataDirectory: configFile.replace('/postgresql.conf', '') };
    expect(restartCommandOf(about).join(' ')).toMatch(command);
  });
});
