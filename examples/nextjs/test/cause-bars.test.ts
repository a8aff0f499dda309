import assert from 'node:assert/strict';
import { test } from 'node:test';
import { causeBars } from '../src/charts/cause-bars.ts';

test('the calls of a cause are told apart by what became of them', () => {
  const bars = causeBars(
    [
      { disconnectCause: 17, outcome: 'BUSY', attempts: 40 },
      { disconnectCause: 16, outcome: 'CANCELLED', attempts: '30' },
      { disconnectCause: 16, outcome: 'ANSWERED', attempts: '20' },
      { disconnectCause: null, outcome: null, attempts: 1 },
    ],
    2,
  );
  assert.deepEqual(bars, [
    {
      cause: 16,
      attempts: 50,
      parts: [
        { outcome: 'ANSWERED', attempts: 20 },
        { outcome: 'CANCELLED', attempts: 30 },
      ],
    },
    { cause: 17, attempts: 40, parts: [{ outcome: 'BUSY', attempts: 40 }] },
  ]);
});

test('causes are ordered by all their calls, not by those of one outcome', () => {
  const groups = [
    { disconnectCause: 17, outcome: 'BUSY' as const, attempts: 40 },
    { disconnectCause: 16, outcome: 'ANSWERED' as const, attempts: 30 },
    { disconnectCause: 16, outcome: 'CANCELLED' as const, attempts: 30 },
  ];
  assert.deepEqual(
    causeBars(groups, 5).map(({ cause }) => cause),
    [16, 17],
  );
});
