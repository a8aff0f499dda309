import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Child, startChild, until } from './browser/child.ts';

const root = join(import.meta.dirname, '../../..');
const SMALL = ['--port', '0', '--web-port', '0', '--cdrs', '2000', '--replicas', '1', '--rate', '0'];

interface Report {
  readonly webUrl: string;
  readonly accountId: string;
}

/** As `npm run demo -- --web` at the root. */
async function startDemo(): Promise<Child & { readonly report: Report }> {
  const child = startChild(['src/cli.ts', 'demo', '--json', '--web', ...SMALL], { cwd: root });
  const line = await until(
    'the demo is ready',
    () => {
      if (child.process.exitCode !== null) throw new Error(`The demo ended:\n${child.errors()}`);
      return child.output().includes('\n') && child.output();
    },
    120,
  );
  return { ...child, report: JSON.parse(line) as Report };
}

async function signIn(webUrl: string, name: string, password: string): Promise<Response> {
  return fetch(`${webUrl}/api/sign-in`, {
    method: 'POST',
    body: new URLSearchParams({ name, password, next: '/calls' }),
    redirect: 'manual',
  });
}

/** The page of calls as it comes from the server, with its first rows. */
async function callsOf(webUrl: string, user: string): Promise<string> {
  const cookie = (await signIn(webUrl, user, user)).headers.get('set-cookie')?.split(';')[0] ?? '';
  return (await fetch(`${webUrl}/calls?range=30d`, { headers: { cookie } })).text();
}

async function isAnswering(url: string): Promise<boolean> {
  return fetch(url).then(
    () => true,
    () => false,
  );
}

/** Processes whose parent is that one. */
function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
}

test('the demo starts the app beside the gateway, lets both users in, and takes it along', async () => {
  const demo = await startDemo();
  const { webUrl, accountId } = demo.report;
  try {
    assert.deepEqual(Object.keys(demo.report), [
      'graphqlUrl',
      'primaryUrl',
      'replicaUrls',
      'tokens',
      'accountId',
      'webUrl',
    ]);
    const ids = (html: string) =>
      new Set([...html.matchAll(/accountId\\?":\\?"(\d+)/g)].map(([, account]) => account));
    assert.deepEqual([...ids(await callsOf(webUrl, 'customer'))], [accountId]);
    assert.ok(ids(await callsOf(webUrl, 'admin')).size > 1, 'an administrator sees calls of everybody');
    const wrong = await signIn(webUrl, 'admin', 'customer');
    assert.equal(wrong.headers.get('set-cookie'), null);
  } finally {
    await demo.stop();
  }
  assert.equal(demo.process.exitCode, 0);
  assert.equal(await isAnswering(webUrl), false);
});

test('the app ends with the demo even when that is killed', {
  skip: process.platform !== 'linux',
}, async () => {
  const demo = await startDemo();
  const { webUrl } = demo.report;
  assert.ok(childrenOf(demo.process.pid!).length > 0);
  assert.equal(await isAnswering(webUrl), true);
  await demo.kill();
  await until('it answers no more', async () => !(await isAnswering(webUrl)));
});
