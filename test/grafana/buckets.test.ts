import { describe, expect, test } from 'vitest';
import { bucketFor, checkPoints, timeOfBucket } from '../../src/grafana/buckets.ts';

const DAY = 86_400_000;

describe('the buckets of a panel', () => {
  test('are the shortest of which enough fit', () => {
    const days = (count: number) => ({ from: 0, to: count * DAY });
    expect([1, 10, 11, 300, 3000, 30_000].map((count) => bucketFor(days(count), 240))).toEqual([
      'HOUR',
      'HOUR',
      'DAY',
      'WEEK',
      'MONTH',
      'MONTH',
    ]);
  });

  test('are drawn where they begin, but not before the range', () => {
    const span = { from: Date.parse('2026-01-02T12:00:00Z'), to: Date.parse('2026-02-01T00:00:00Z') };
    expect(timeOfBucket('2026-01-05 00:00:00+00', span)).toBe(Date.parse('2026-01-05T00:00:00Z'));
    expect(timeOfBucket('2025-12-29 00:00:00+00', span)).toBe(span.from);
  });

  test('are no more than a panel can show', () => {
    expect(() => checkPoints({ from: 0, to: 400 * DAY }, 'HOUR')).not.toThrow();
    expect(() => checkPoints({ from: 0, to: 500 * DAY }, 'HOUR')).toThrow('choose a longer bucket than HOUR');
  });
});
