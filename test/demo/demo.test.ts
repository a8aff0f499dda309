import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { describe, expect, inject, test, vi } from 'vitest';
import type { DemoReport } from '../../src/demo/demo-report.ts';
import { isAlive } from '../../src/demo/run-dir.ts';

const CLI = fileURLToPath(new URL('../../src/cli.ts', import.meta.url));

/** As `npm run demo -- …` would start it. */
function startDemo(...args: string[]) {
  const child = spawn(process.execPath, [CLI, 'demo', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { out: text(child.stdout), err: text(child.stderr), ended: once(child, 'exit') };
  return { child, ...output };
}

/** Stops it with that signal and says how it went. */
async function end({ child, out, err, ended }: ReturnType<typeof startDemo>, signal?: NodeJS.Signals) {
  if (signal) child.kill(signal);
  const [code] = await ended;
  return { code, out: await out, err: await err };
}

async function ready(child: ChildProcess): Promise<DemoReport> {
  const lines = createInterface(child.stdout!);
  const [line] = await Promise.race([once(lines, 'line'), once(child, 'exit').then(() => ['{}'])]);
  return JSON.parse(line);
}

interface CdrConnection {
  readonly nodes: readonly { readonly id: string; readonly accountId: string }[];
  readonly totalCount: string;
}

async function ask({ graphqlUrl }: DemoReport, token: string, document: string) {
  const response = await fetch(graphqlUrl, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query: document }),
  });
  const { data } = (await response.json()) as { data: { cdrs: CdrConnection } };
  return data.cdrs;
}

/** Waits for the address it prints for people, then presses Ctrl-C. */
async function endWhenReady(demo: ReturnType<typeof startDemo>) {
  const lines = createInterface(demo.child.stdout!);
  await Promise.race([once(lines, 'line'), demo.ended]);
  return end(demo, 'SIGINT');
}

async function postmasterPid(superuserUrl: string): Promise<number> {
  const client = new pg.Client({ connectionString: superuserUrl });
  await client.connect();
  const { rows } = await client.query(
    `select split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::int as pid`,
  );
  await client.end();
  return rows[0].pid;
}

/** Each test starts whole clusters: on a busy machine that takes its time. */
describe('the demo', { timeout: 120_000 }, () => {
  test('prints one line of JSON with working URLs and tokens, and leaves nothing behind after SIGTERM', async () => {
    const { major } = inject('postgres');
    const demo = startDemo(...`--json --pg ${major} --port 0 --cdrs 3000 --replicas 1 --rate 50`.split(' '));
    const report = await ready(demo.child);
    expect(Object.keys(report)).toEqual(['graphqlUrl', 'primaryUrl', 'replicaUrls', 'tokens', 'accountId']);
    const pids = await Promise.all([report.primaryUrl, ...report.replicaUrls].map(postmasterPid));

    const newest = '{ cdrs(first: 1) { nodes { id accountId } } }';
    expect((await ask(report, report.tokens.admin, newest)).nodes).toHaveLength(1);
    const [own] = (await ask(report, report.tokens.account, newest)).nodes;
    expect(own).toMatchObject({ accountId: report.accountId });

    const count = '{ cdrs(first: 1) { totalCount } }';
    await vi.waitUntil(
      async () => Number((await ask(report, report.tokens.admin, count)).totalCount) > 3_020,
      { timeout: 15_000, interval: 100 },
    );

    const { code, out, err } = await end(demo, 'SIGTERM');
    expect({ code, lines: out.trim().split('\n').length }).toEqual({ code: 0, lines: 1 });
    expect(err).toMatch(/Ready after \d/);
    expect(pids.filter(isAlive)).toEqual([]);
  });

  test('keeps its calls in --data-dir, shows a person where everything is, and stops on Ctrl-C', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'cdr-test-'));
    const options = ['--port', '0', '--replicas', '1', '--rate', '0', '--data-dir', dataDir];
    try {
      const first = startDemo(...options, '--cdrs', '500');
      expect(await endWhenReady(first)).toMatchObject({
        code: 0,
        err: expect.stringContaining('Loaded 500 calls'),
      });

      const second = await endWhenReady(startDemo(...options));
      expect(second).toMatchObject({ code: 0, err: expect.stringContaining('Going on with the calls in') });
      expect(second.out).toMatch(/curl -s http:\S+\/graphql -H 'authorization: Bearer \S+'/);
      expect(second.out).toMatch(/^\{"data":\{"cdrs":\{"nodes":\[\{"connectTime":/m);
      await rm(join(dataDir, 'demo.json'));
      expect(await end(startDemo(...options))).toMatchObject({
        code: 1,
        err: expect.stringMatching(/was left behind by a demo that ended before its calls were loaded/),
      });
    } finally {
      await rm(dataDir, { recursive: true, force: true });
    }
  });

  test('stopped while it loads, ends at once and leaves --data-dir empty', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'cdr-test-'));
    try {
      const demo = startDemo('--port', '0', '--cdrs', '2000000', '--data-dir', dataDir);
      await vi.waitUntil(async () => (await readdir(dataDir)).includes('primary.log'), { timeout: 15_000 });
      expect(await end(demo, 'SIGINT')).toMatchObject({ code: 130, out: '' });
      expect(await readdir(dataDir)).toEqual([]);
    } finally {
      await rm(dataDir, { recursive: true, force: true });
    }
  });

  test('says in one sentence that one of its ports is taken, before any slow work', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const said = (flag: string) => ({
      code: 1,
      out: '',
      err: `Port ${port} is in use: stop what listens there, or choose another one with ${flag}.\n`,
    });
    try {
      expect(await end(startDemo('--port', String(port)))).toEqual(said('--port'));
      const withExplorer = startDemo('--port', '0', '--web', '--web-port', String(port));
      expect(await end(withExplorer)).toEqual(said('--web-port'));
    } finally {
      server.close();
    }
  });

  test('says in one sentence that the disk is too small, before any slow work', async () => {
    const { code, err } = await end(startDemo('--port', '0', '--cdrs', '1000000000', '--replicas', '8'));
    expect(code).toBe(1);
    expect(err).toMatch(
      /^Not enough disk space in \S+: 1000000000 calls on 9 servers need about 43\d\d\.\d GB, and .* free\.\n$/,
    );
  });
});
