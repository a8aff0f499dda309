import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Call, joinLists, mergeNewest } from '../src/calls/call-list.ts';
import { StreamedCalls } from '../src/calls/streamed-calls.ts';
import { exportName, exportVariables } from '../src/download/export-variables.ts';
import { asCurl, asGraphql } from '../src/drawer/copies.ts';
import { callDetail } from '../src/generated/operations.ts';

const call = (id: number, connectTime: string) => ({ id: String(id), connectTime }) as Call;
const idsOf = (calls: readonly Call[]) => calls.map(({ id }) => id).join(' ');

test('a call that appears takes its place: long calls end late and belong further down', () => {
  const list = [call(12, '10:00:05'), call(10, '10:00:03'), call(9, '10:00:03')];
  const appeared = [call(14, '10:00:07'), call(13, '10:00:04'), call(12, '10:00:05'), call(11, '10:00:03')];
  assert.equal(idsOf(mergeNewest(list, appeared)), '14 12 13 11 10 9');
});

test('ids are compared as numbers', () => {
  assert.equal(idsOf(mergeNewest([call(9, 't')], [call(10, 't')])), '10 9');
});

test('the streamed calls follow the loaded pages', () => {
  const streamed = new StreamedCalls();
  const line = (id: string) => `{"cursor":"AQB","node":{"id":"${id}"}}\n`;
  streamed.append(new TextEncoder().encode(line('2') + line('1')));
  const list = joinLists([call(4, 't'), call(3, 't')], streamed);
  assert.equal(list.length, 4);
  assert.deepEqual(
    [0, 1, 2, 3, 4, -1].map((index) => list.at(index)?.id),
    ['4', '3', '2', '1', undefined, undefined],
  );
});

test('a file has all columns, or those that are shown; its name says what is in it', () => {
  const filter = { accountIds: ['14'], from: '2026-11-19T10:57:03.000Z', to: '2026-11-20T10:57:03.000Z' };
  const wishes = { filter, order: 'NEWEST_FIRST', most: 5 } as const;
  const all = exportVariables({ ...wishes, columns: undefined });
  assert.equal(Object.values(all).filter((value) => value === false).length, 0);
  const some = exportVariables({ ...wishes, columns: ['cli', 'country'] });
  const shown = Object.entries(some).filter(([, value]) => value === true);
  assert.deepEqual(
    shown.map(([name]) => name),
    ['cli', 'country', 'region'],
  );
  assert.equal(exportName(filter), 'calls-account-14-20261119T105703Z-20261120T105703Z.csv');
});

test('a file that has amounts has their currency', () => {
  const wishes = { filter: {}, order: 'NEWEST_FIRST', most: 5 } as const;
  assert.equal(exportVariables({ ...wishes, columns: ['chargedAmount'] }).currency, true);
  assert.equal(exportVariables({ ...wishes, columns: ['cli'] }).currency, false);
});

test('what is copied holds the query and no token', async () => {
  const curl = await asCurl(callDetail, { id: "it's" });
  assert.match(curl, /Authorization: Bearer \$GATEWAY_TOKEN/);
  assert.match(curl, /it'\\''s/);
  assert.match(
    await asGraphql(callDetail, { id: '7' }),
    /^query CallDetail[\s\S]+fragment CallRow[\s\S]+# {3}"id": "7"/,
  );
});
