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
  const gone = (name: string) =>
    String.raw`  ${name}: UNREACHABLE, age unknown \(confidence NONE\)\. It cannot be connected to \(ECONNREFUSED\); .*`;
  /** All of what is printed, line by line. */
  const lines = (...patterns: string[]) => new RegExp(`^${patterns.join('\n')}\n$`);

  test('is OK and 0 when every standby streams, with a line for each and one for the primary', async () => {
    expect(await status(both())).toEqual({
      code: 0,
      stdout: expect.stringMatching(
        lines(`OK, ${asOf}`, streaming('replica-1'), streaming('replica-2'), '  primary: AVAILABLE'),
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
      /replica-2: PRIMARY, age unknown .*\. It is not in recovery, so it is no standby\.\n/,
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

  // From here on servers stop, one after another.

  test('is DEGRADED and 1 while one standby is down', async () => {
    await cluster.cluster.replicas[1]!.stop('fast');

    expect(await status(both())).toEqual({
      code: 1,
      stdout: expect.stringMatching(
        lines(`DEGRADED, ${asOf}`, streaming('replica-1'), gone('replica-2'), '  primary: AVAILABLE'),
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
