import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { findChromium } from './browser/visit.ts';
import { withoutNetwork } from './browser/without-network.ts';

const command = withoutNetwork([process.execPath, 'test/browser/offline-visit.ts']);
const { isThere, path } = findChromium(process.env);
const skip =
  !isThere && !process.env.CI
    ? `there is no Chromium at ${path}`
    : !command && 'this user may not take the network away (unshare)';

test('with no network at all but the loopback, both views are there', { skip }, () => {
  const [program, ...args] = command!;
  const { status, stdout, stderr } = spawnSync(program!, args, {
    cwd: join(import.meta.dirname, '..'),
    encoding: 'utf8',
    timeout: 120_000,
  });
  assert.equal(status, 0, stdout + stderr);
  assert.match(stdout, /^admin: \d+ calls\ncustomer: \d+ calls\n$/);
});
