import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

test('the first load brings at most 200 kB of JavaScript', (t) => {
  const app = join(import.meta.dirname, '..');
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/first-load-size.ts'], {
    cwd: app,
    encoding: 'utf8',
  });
  for (const line of stdout.trim().split('\n').slice(-3)) t.diagnostic(line);
  assert.equal(status, 0, stdout + stderr);
});
