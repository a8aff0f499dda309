import { describe, expect, test } from 'vitest';
import { parseRecoveryTarget, targetOptions } from '../../src/backup/recovery-target.ts';
import { chooseExpired } from '../../src/backup/retention.ts';
import { nextType } from '../../src/backup/run.ts';

type Backup = Parameters<typeof chooseExpired>[0][number];

const DAY_MS = 86_400_000;

/** A backup each night at two: full on Mondays, otherwise what has changed since the night before. */
function nightly(first: string, nights: number): readonly Backup[] {
  const backups: Backup[] = [];
  for (let night = 0; night < nights; night++) {
    const stoppedAt = new Date(Date.parse(`${first}T02:00:00Z`) + night * DAY_MS);
    const label = stoppedAt.toISOString().slice(0, 10);
    const before = backups.at(-1);
    const isFull = !before || stoppedAt.getUTCDay() === 1;
    backups.push({
      label,
      type: isFull ? 'full' : 'incr',
      stoppedAt,
      references: isFull ? [] : [...before.references, before.label],
    });
  }
  return backups;
}

/** What is left when each night's choice has been carried out, with all that is built on it. */
function carriedOut(
  nights: readonly Backup[],
  retention: Parameters<typeof chooseExpired>[1],
): readonly Backup[] {
  let kept: readonly Backup[] = [];
  for (const backup of nights) {
    kept = [...kept, backup];
    const expired = chooseExpired(kept, retention);
    kept = kept.filter(
      ({ label, references }) => !expired.some((gone) => gone === label || references.includes(gone)),
    );
  }
  return kept;
}

describe('what is kept', () => {
  test('after a year and a half of nights: seven days, four weeks, twelve months, and what they are built on', () => {
    // A Monday.
    const nights = nightly('2025-01-06', 560);
    const kept = carriedOut(nights, { daily: 7, weekly: 4, monthly: 12 });
    const labels = new Set(kept.map(({ label }) => label));
    for (const { references } of kept) for (const label of references) expect(labels).toContain(label);
    for (const { label } of nights.slice(-7)) expect(labels).toContain(label);
    const fulls = nights.filter(({ type }) => type === 'full');
    for (const { label } of fulls.slice(-4)) expect(labels).toContain(label);
    const months = [...Map.groupBy(fulls, ({ label }) => label.slice(0, 7)).values()].slice(-12);
    for (const [first] of months) expect(labels).toContain(first!.label);
    expect(kept.length).toBeLessThanOrEqual(7 + 6 + 4 + 12);
  });

  test('nothing that anything else is built on goes, in whatever order backups came', () => {
    const nights = nightly('2026-01-01', 100);
    for (const daily of [0, 1, 2, 9]) {
      const expired = new Set(chooseExpired([...nights].reverse(), { daily, weekly: 1, monthly: 1 }));
      const gone = nights.filter(
        ({ label, references }) => expired.has(label) || references.some((each) => expired.has(each)),
      );
      const newest = nights.slice(-daily || nights.length).map(({ label }) => label);
      if (daily > 0) for (const label of newest) expect(gone.map((each) => each.label)).not.toContain(label);
    }
  });

  test('the newest full backup stays though nothing is to be kept, and one alone stays', () => {
    const nights = nightly('2026-06-01', 10);
    const kept = carriedOut(nights, { daily: 0, weekly: 0, monthly: 0 });
    expect(kept.map(({ label }) => label)).toEqual(['2026-06-08']);
    expect(chooseExpired(nights.slice(0, 1), { daily: 0, weekly: 0, monthly: 0 })).toEqual([]);
    expect(chooseExpired([], { daily: 7, weekly: 4, monthly: 12 })).toEqual([]);
  });
});

test.each([
  ['2026-11-30T02:00:00Z', 'full'],
  ['2026-11-29T23:59:59Z', 'incr'],
  ['2026-12-31T00:00:00Z', 'full'],
])('after a full backup on Wednesday, 25 November, the one at %s is %s', (now, type) => {
  const backups = [
    { type: 'full' as const, stoppedAt: new Date('2026-11-25T02:00:00Z') },
    { type: 'incr' as const, stoppedAt: new Date('2026-11-26T02:00:00Z') },
  ];
  expect(nextType(backups, new Date(now))).toBe(type);
  expect(nextType([], new Date(now))).toBe('full');
});

describe('how far a restore goes', () => {
  test.each([
    ['2026-11-28T08:00:00Z', '2026-11-28 08:00:00+00'],
    ['2026-11-28 09:00:00.25+01', '2026-11-28 08:00:00.25+00'],
    ['2026-11-28T03:30-0430', '2026-11-28 08:00:00+00'],
    ['2024-02-29T00:00:00+00:00', '2024-02-29 00:00:00+00'],
    ['2026-11-28 08:00:00.123456+00', '2026-11-28 08:00:00.123456+00'],
  ])('%s is a time', (text, target) => {
    expect(targetOptions(parseRecoveryTarget(text))).toContain(`--target=${target}`);
  });

  test.each([
    ['3/a1b2c3d4', '--target=3/A1B2C3D4'],
    ['latest', '--type=default'],
    ['consistent', '--type=immediate'],
    [undefined, '--type=default'],
  ])('%s is understood', (text, option) => {
    expect(targetOptions(parseRecoveryTarget(text))).toContain(option);
  });

  test.each([
    'yesterday',
    '2026-11-28T08:00:00',
    '2026-06-31T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-11-28T25:00:00Z',
    '2026-11-28',
    '',
    '1',
    '1/',
    '123456789/0',
    "2026-11-28T08:00:00Z'; drop table xdrs; --",
    '--type=none',
  ])('"%s" is refused with an example', (text) => {
    expect(() => parseRecoveryTarget(text)).toThrow(
      /--to: expected a time with its zone, such as 2026-11-28T08:00:00Z/,
    );
  });
});
