import { expect, test } from 'vitest';
import { changesOf, type FeedUpdate, markOf } from '../../src/sinks/changes.ts';
import { publishedDocument } from '../../src/sinks/document.ts';

const quiet: FeedUpdate = {
  cursor: 'behind',
  asOf: '2026-01-05T09:00:00.000000Z',
  stalenessSeconds: 0.1,
  mayRepeat: false,
  inserted: [],
  corrected: [],
  deletedIds: [],
  departures: [],
  gap: null,
};

test('a change has the account as its key, and the last one of an update its position', () => {
  const update: FeedUpdate = {
    ...quiet,
    mayRepeat: true,
    inserted: [{ id: '1', accountId: '14' }],
    corrected: [{ id: '2', accountId: '15' }],
    deletedIds: ['3', '4'],
    departures: [
      { cdrId: '2', accountId: '14' },
      { cdrId: '3', accountId: '16' },
    ],
    gap: { reason: 'OWNER', message: 'It is not known whose.' },
  };
  const changes = changesOf(update, 'before');
  expect(changes.map(({ change, key }) => [change, key])).toEqual([
    ['gap', null],
    ['inserted', '14'],
    ['moved', '14'],
    ['deleted', '16'],
    ['corrected', '15'],
    ['deleted', null],
  ]);
  expect(changes.map(({ position }) => position)).toEqual([...Array(5).fill('before'), 'behind']);
  expect(changes.every(({ mayRepeat }) => mayRepeat)).toBe(true);
});

test('a call that cannot be shown is a gap, not nothing', () => {
  expect(changesOf({ ...quiet, inserted: [null] }, 'before')).toMatchObject([
    { change: 'gap', key: null, reason: 'UNREADABLE', position: 'behind' },
  ]);
});

test('quiet is no change, and a mark says until when', () => {
  expect(changesOf(quiet, 'before')).toEqual([]);
  expect(markOf(quiet)).toMatchObject({ change: 'mark', position: 'behind', asOf: quiet.asOf });
});

test('a field is selected once, and the account always', () => {
  expect(publishedDocument(['cld', 'id'])).toContain(
    'inserted { id accountId cld } corrected { id accountId cld }',
  );
});
