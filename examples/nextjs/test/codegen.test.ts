import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

const app = join(import.meta.dirname, '..');
const schemaFile = join(app, '../../schema.graphql');

function check(schema: string) {
  const file = join(mkdtempSync(join(tmpdir(), 'explorer-')), 'schema.graphql');
  writeFileSync(file, schema);
  return spawnSync(process.execPath, ['codegen.ts', '--check'], {
    cwd: app,
    env: { ...process.env, SCHEMA: file },
    encoding: 'utf8',
  });
}

test('the committed types are those of the gateway as it is', () => {
  const { status, stderr } = check(readFileSync(schemaFile, 'utf8'));
  assert.equal(status, 0, stderr);
});

test('a field that the gateway renames stops the build, and is named', () => {
  const schema = readFileSync(schemaFile, 'utf8').replace(
    '  durationSeconds: Decimal',
    '  talkSeconds: Decimal',
  );
  const { status, stderr } = check(schema);
  assert.notEqual(status, 0);
  assert.match(stderr, /Cannot query field "durationSeconds" on type "Cdr"/);
});

test('a field that may be null from now on stops the build', () => {
  const schema = readFileSync(schemaFile, 'utf8').replace(
    '  connectTime: DateTime!',
    '  connectTime: DateTime',
  );
  const { status, stderr } = check(schema);
  assert.notEqual(status, 0);
  assert.match(stderr, /Not up to date/);
});
