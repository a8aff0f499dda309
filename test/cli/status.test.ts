import { execFile } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestCluster, type TestCluster } from '../support/postgres.ts';

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `npm run status`, as a process of its own. */
function status(env: Readonly<Record<string, string>>, args: readonly string[] = []): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      ['src/cli.ts', 'status', ...args],
      { env: { PATH: process.env.PATH, ...env } },
      (_error, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr }),
    );
  });
}

const SECRET = 'very-secret';

describe('status', () => {
  let cluster: TestCluster;
  let urls: readonly [string, string];
  let primaryUrl: string;
  beforeAll(async () => {
    cluster = await startTestCluster({ replicas: 2 });
    urls = [cluster.replicaUrls[0]!, cluster.replicaUrls[1]!];
    const primary = new URL(urls[0]);
    primary.port = String(cluster.cluster.primary.port);
    primaryUrl = primary.href;
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  const both = () => ({ REPLICA_URLS: urls.join(','), PRIMARY_URL: primaryUrl });

  const asOf = String.raw`as of \d{4}-\d\d-\d\dT[\d:.]+Z`;
  const streaming = (name: string) =>
    String.raw`  ${name}: STREAMING, at most \d\.\d s old, \d+ bytes behind \(confidence HIGH\)`;
  const sends = (name: string) =>
    String.raw`    sends to ${name} \(127\.0\.0\.1\): streaming, async, \d+ bytes not sent, \d+ not replayed`;
  const side = [
    sends('replica1'),
    sends('replica2'),
    String.raw`    slot replica1 \(physical\): in use, reserved, \d+ bytes kept`,
    String.raw`    slot replica2 \(physical\): in use, reserved, \d+ bytes kept`,
    '    archiver: off',
  ];
  const gone = (name: string) =>
    String.raw`  ${name}: UNREACHABLE, age unknown \(confidence NONE\)\. It cannot be connected to \(ECONNREFUSED\); .*`;
  /** All of what is printed, line by line. */
  const lines = (...patterns: string[]) => new RegExp(`^${patterns.join('\n')}\n$`);

  test('is OK and 0 when every standby streams, with a line for each and one for the primary', async () => {
    expect(await status(both())).toEqual({
      code: 0,
      stdout: expect.stringMatching(
        lines(`OK, ${asOf}`, streaming('replica-1'), streaming('replica-2'), '  primary: AVAILABLE', ...side),
      ),
      stderr: '',
    });
  });

  test('finds the primary by itself where it is not named', async () => {
    const { code, stdout } = await status({ REPLICA_URLS: urls.join(',') });

    expect(code).toBe(0);
    expect(stdout).toMatch(/\n {2}primary: AVAILABLE\n$/);
  });

  test('is DEGRADED and 1 when one of them is no standby', async () => {
    const { code, stdout, stderr } = await status({ REPLICA_URLS: `${urls[0]},${primaryUrl}` });

    expect([code, stderr]).toEqual([1, '']);
    expect(stdout).toMatch(/^DEGRADED, as of /);
    expect(stdout).toMatch(
      /replica-2: PRIMARY, age unknown .*\. It is not in recovery, so it is no standby: .*\.\n/,
    );
  });

  test('is DOWN and 2 when nobody lets it in, and shows no password', async () => {
    const wrong = new URL(urls[0]);
    wrong.password = SECRET;
    const { code, stdout, stderr } = await status({ REPLICA_URLS: wrong.href });

    expect([code, stderr]).toEqual([2, '']);
    expect(stdout).toMatch(/^DOWN\n {2}replica-1: UNREACHABLE, .* It refuses our login.*\(28P01\).*\n$/);
    expect(stdout).not.toContain(SECRET);
  });

  test('--json is one document, with what the primary itself says', async () => {
    const { code, stdout } = await status(both(), ['--json']);
    const report = JSON.parse(stdout);

    expect(code).toBe(0);
    expect(report).toMatchObject({
      status: 'OK',
      exitCode: 0,
      reasons: [],
      replicas: [{ name: 'replica-1', status: 'STREAMING' }, { name: 'replica-2' }],
      primarySide: {
        isPrimary: true,
        senders: [{ name: 'replica1', state: 'streaming' }, { name: 'replica2' }],
        slots: [{ name: 'replica1', isActive: true, walStatus: 'reserved' }, { name: 'replica2' }],
        archiver: { isOn: false },
      },
    });
    expect(typeof report.replicas[0].lagBytes).toBe('string');
  });

  test('--nagios is one line in the words of its plugins, with figures', async () => {
    const { code, stdout } = await status(both(), ['--nagios', '-w', '30', '-c', '120.5']);

    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^CDR REPLICATION OK - OK, 2 of 2 standbys stream \| 'replica-1'=\d+\.\d{3}s;30;120\.5;0 'replica-2'=\d+\.\d{3}s;30;120\.5;0\n$/,
    );
  });

  test.each([
    [
      ['--nagios', '--warning', '0'],
      1,
      /^CDR REPLICATION WARNING - .*replica-1 is up to \d+\.\d s old, beyond 0 s/,
    ],
    [['--nagios', '--critical', '0'], 2, /^CDR REPLICATION CRITICAL - /],
    [['--warning', '0'], 1, /^OK, as of [\s\S]*\n {2}! replica-1 is up to .* beyond 0 s\n/],
    [['--warning', '3600', '--critical', '7200'], 0, /^OK, as of /],
  ])('an age beyond a limit makes the exit code: %j', async (args, expected, text) => {
    const { code, stdout } = await status(both(), args);

    expect(code).toBe(expected);
    expect(stdout).toMatch(text);
  });

  test('a slot that is lost is critical, though every standby streams', async () => {
    await cluster.pool.query("select pg_create_physical_replication_slot('gone', true)");
    for (let segment = 0; segment < 2; segment++) {
      await cluster.pool.query(
        "select pg_logical_emit_message(false, 'test', repeat('x', 1000000)), pg_switch_wal()",
      );
    }
    await cluster.replayed();
    const { primary } = cluster.cluster;
    await primary.setting('max_slot_wal_keep_size', '1MB').reload();
    await cluster.pool.query('checkpoint');
    await primary.setting('max_slot_wal_keep_size', null).reload();
    const { code, stdout } = await status(both(), ['--nagios']);
    await cluster.pool.query("select pg_drop_replication_slot('gone')");

    expect(code).toBe(2);
    expect(stdout).toMatch(/^CDR REPLICATION CRITICAL - .*slot gone is lost/);
  });

  test.each([
    [['--warning', 'soon'], /--warning: expected seconds/],
    [['--warning', '5', '--critical', '1'], /--critical: less than --warning/],
    [['--nonsense'], /nonsense/],
  ])('an argument that is wrong is a sentence, and 3: %j', async (args, sentence) => {
    const { code, stdout, stderr } = await status(both(), args);

    expect([code, stdout]).toEqual([3, '']);
    expect(stderr).toMatch(sentence);
    expect(stderr).not.toMatch(/\n {4}at /);
  });

  // From here on servers stop, one after another.

  test('is DEGRADED and 1 while one standby is down', async () => {
    await cluster.cluster.replicas[1]!.stop('fast');

    expect(await status(both())).toEqual({
      code: 1,
      stdout: expect.stringMatching(
        lines(
          `DEGRADED, ${asOf}`,
          streaming('replica-1'),
          gone('replica-2'),
          '  primary: AVAILABLE',
          sends('replica1'),
          String.raw`    slot replica1 \(physical\): in use, reserved, \d+ bytes kept`,
          String.raw`    slot replica2 \(physical\): idle, reserved, \d+ bytes kept`,
          '    archiver: off',
        ),
      ),
      stderr: '',
    });
  });

  test('is DEGRADED and 1 while the primary is down, and says so of both', async () => {
    await cluster.cluster.primary.stop('fast');
    const { code, stdout } = await status(both());

    expect(code).toBe(1);
    expect(stdout).toMatch(/^DEGRADED, as of /);
    expect(stdout).toMatch(
      /replica-1: DISCONNECTED, at most .* It streams from nobody; the primary may be down/,
    );
    expect(stdout).toMatch(/\n {2}primary: UNREACHABLE\. It cannot be connected to/);
  });

  test('is DOWN and 2 when no standby answers', async () => {
    await cluster.cluster.replicas[0]!.stop('fast');

    expect(await status(both())).toEqual({
      code: 2,
      stdout: expect.stringMatching(
        lines(
          'DOWN',
          gone('replica-1'),
          gone('replica-2'),
          '  primary: UNREACHABLE\\. It cannot be connected to .*',
        ),
      ),
      stderr: '',
    });
  });
});

describe('status with wrong settings says a sentence, and 3', () => {
  const url = `postgresql://gateway:${SECRET}@127.0.0.1:1/calls`;

  test.each<[string, Record<string, string>, RegExp]>([
    ['none', {}, /REPLICA_URLS: missing; at least one hot standby is needed/],
    ['no URL', { REPLICA_URLS: 'nonsense' }, /REPLICA_URLS: expected a URL such as postgresql:/],
    [
      'a URL of something else',
      { REPLICA_URLS: `http://x:${SECRET}@y/z` },
      /REPLICA_URLS: expected a URL such as/,
    ],
    ['a second that is none', { REPLICA_URLS: `${url},nonsense` }, /REPLICA_URLS: expected a URL such as/],
    ['a primary that is none', { REPLICA_URLS: url, PRIMARY_URL: 'nonsense' }, /PRIMARY_URL: expected a URL/],
    [
      'a file that is not there',
      { REPLICA_URLS_FILE: '/none' },
      /REPLICA_URLS: the file "\/none" cannot be read/,
    ],
  ])('%s', async (_, env, sentence) => {
    const { code, stdout, stderr } = await status(env);

    expect([code, stdout]).toEqual([3, '']);
    expect(stderr).toMatch(sentence);
    expect(stderr).not.toMatch(/\n {4}at |node:internal/);
    expect(stderr).not.toContain(SECRET);
  });

  test.each([
    [
      'a name that is not known',
      `postgresql://gateway:${SECRET}@nowhere.invalid/calls`,
      /ENOTFOUND|EAI_AGAIN/,
    ],
    ['a port where nobody is', url, /ECONNREFUSED/],
  ])('but %s is a standby that is down: 2', async (_, replica, reason) => {
    const { code, stdout, stderr } = await status({ REPLICA_URLS: replica });

    expect([code, stderr]).toEqual([2, '']);
    expect(stdout).toMatch(reason);
    expect(stdout).not.toContain(SECRET);
  });

  test('--help says what it reads and what its exit codes mean', async () => {
    const { code, stdout } = await status({}, ['--help']);

    expect(code).toBe(0);
    expect(stdout).toMatch(/REPLICA_URLS.*\n.*0 all is well, 1 degraded, 2 down, 3/);
  });
});
