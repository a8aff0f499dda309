import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CdrFilter } from '../../src/db/calls/cdr-filter.ts';
import { CursorMismatchError, InvalidCursorError } from '../../src/errors.ts';
import { Positions } from '../../src/replicas/positions.ts';
import { cursorPrefix, decodeCursor, encodeCursor } from '../../src/resolvers/cursor.ts';

const filter: CdrFilter = {
  accountIds: ['14'],
  cld: { startsWith: '33' },
  from: '2026-01-05T00:00:00.000000Z',
};
const list = { order: 'NEWEST_FIRST', filter } as const;
const token = 'AWsAM1mFd6lIAAAAAQAAAAAEiaKI';
const positions = new Positions(['a key of this test']);

/** From 4714 BC to the year 294276, to the microsecond. */
const micros = fc.bigInt({ min: -210_866_803_200_000_000n, max: 9_224_318_015_999_999_999n });
const keyset = fc.record({ micros, id: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) });

test('a place comes back as it was, with the token, whatever the token', () => {
  const tokens = fc.constantFrom(token, '', 'x', 'xy', 'A'.repeat(255));
  fc.assert(
    fc.property(keyset, tokens, (place, given) => {
      const cursor = encodeCursor(cursorPrefix(list, given), place);
      expect(cursor).toMatch(/^[\w-]+$/);
      expect(decodeCursor(cursor, list)).toEqual({ keyset: place, token: given });
    }),
    { seed: 61 },
  );
});

test('cursors of one page differ in their last 22 characters only', () => {
  const prefix = cursorPrefix(list, token);
  fc.assert(
    fc.property(keyset, keyset, (one, other) => {
      const [a, b] = [encodeCursor(prefix, one), encodeCursor(prefix, other)];
      expect(a.slice(0, -22)).toBe(b.slice(0, -22));
      expect(a.slice(-22) === b.slice(-22)).toBe(one.id === other.id && one.micros === other.micros);
    }),
    { seed: 62 },
  );
});

const cursor = encodeCursor(cursorPrefix(list, token), { micros: 1_767_603_600_000_000n, id: 77n });

describe('a cursor is bound to', () => {
  test('the order of its list', () => {
    expect(() => decodeCursor(cursor, { ...list, order: 'OLDEST_FIRST' })).toThrow(CursorMismatchError);
  });

  test.each<CdrFilter>([
    {},
    { ...filter, accountIds: ['15'] },
    { ...filter, accountIds: [] },
    { ...filter, accountIds: null },
    { ...filter, customerIds: ['14'] },
    { ...filter, cld: { startsWith: '3' } },
    { ...filter, cld: { endsWith: '33' } },
    { ...filter, cli: { startsWith: '33' } },
    { ...filter, from: '2026-01-05T00:00:00.000001Z' },
    { ...filter, to: '2026-01-06T00:00:00.000000Z' },
    { ...filter, type: 'ALL' },
  ])('its filter, and not to %j', (other) => {
    expect(() => decodeCursor(cursor, { ...list, filter: other })).toThrow(CursorMismatchError);
  });

  test.each<CdrFilter>([
    { from: '2026-01-05T00:00:00.000000Z', cld: { startsWith: '33' }, accountIds: ['14'] },
    { ...filter, to: null, cli: null, customerIds: null },
    { ...filter, cld: { startsWith: '33', is: null } },
  ])('what its filter means, which %j says too', (same) => {
    expect(decodeCursor(cursor, { ...list, filter: same }).keyset.id).toBe(77n);
  });

  test('what its lists hold, in whatever order', () => {
    const given = { accountIds: ['14', '15', '9'], disconnectCauses: [16, 17] };
    const made = encodeCursor(cursorPrefix({ ...list, filter: given }, token), { micros: 0n, id: 1n });
    const same = { accountIds: ['9', '15', '14'], disconnectCauses: [17, 16] };
    expect(decodeCursor(made, { ...list, filter: same }).keyset.id).toBe(1n);
  });
});

/** Without its checksum, as it was written before there was one. */
function olderThanChecksums(text: string): string {
  const bytes = Buffer.from(text, 'base64url');
  bytes.fill(0, 37, 39);
  return bytes.toString('base64url');
}

test('a byte before the place that is changed makes it none, whichever', () => {
  const bytes = Buffer.from(cursor, 'base64url');
  expect(bytes).toHaveLength(55);
  for (let at = 0; at < 39; at++) {
    for (const change of [1, 0x10, 0x80, 0xff]) {
      // What says that a call has no time or no key is of the place.
      if (at === 1 && change === 0x10) continue;
      const spoilt = Buffer.from(bytes);
      spoilt[at]! ^= change;
      const decode = () => positions.decodeOfCursor(decodeCursor(spoilt.toString('base64url'), list).token);
      expect(decode).toThrow(InvalidCursorError);
    }
  }
});

test('the same holds for one with a sealed token, which is shorter', () => {
  const sealed = positions.encode({
    systemIdentifier: 7_394_011_223_344_556_677n,
    timeline: 1,
    lsn: 0x4_89a288n,
  });
  const place = { micros: 1_767_603_600_000_000n, id: 77n };
  const made = encodeCursor(cursorPrefix(list, sealed), place);
  const bytes = Buffer.from(made, 'base64url');
  expect(bytes.length).toBeLessThan(55);
  expect(decodeCursor(made, list)).toEqual({ keyset: place, token: sealed });
  for (let at = 0; at < bytes.length - 16; at++) {
    for (const change of [1, 0x10, 0x80, 0xff]) {
      if (at === 1 && change === 0x10) continue;
      const spoilt = Buffer.from(bytes);
      spoilt[at]! ^= change;
      const decode = () => positions.decodeOfCursor(decodeCursor(spoilt.toString('base64url'), list).token);
      expect(decode, `${at} ${change}`).toThrow(InvalidCursorError);
    }
  }
});

test('cursors that are older than the checksum are still places', () => {
  expect(decodeCursor(olderThanChecksums(cursor), list)).toEqual(decodeCursor(cursor, list));
  const nowhere = encodeCursor(cursorPrefix(list, token), { micros: null, id: null });
  expect(decodeCursor(nowhere, list).keyset).toEqual({ micros: null, id: null });
});

describe('filters within filters', () => {
  const bound = (one: CdrFilter, other: CdrFilter) => () =>
    decodeCursor(encodeCursor(cursorPrefix({ ...list, filter: one }, token), { micros: 0n, id: 1n }), {
      ...list,
      filter: other,
    });
  const one: CdrFilter = { countries: ['FRANCE', 'ITALY'] };
  const other: CdrFilter = { type: 'NON_ZERO' };

  test.each<[CdrFilter, CdrFilter]>([
    [{ not: one }, { not: { countries: ['ITALY', 'FRANCE'], cli: null } }],
    [one, { not: { not: one } }],
    [
      { ...one, ...other },
      { ...one, not: { not: other } },
    ],
    [{ not: one }, { not: { not: { not: one } } }],
    [{}, { not: { not: {} } }],
    [{}, { not: { anyOf: [] } }],
    [{}, { anyOf: [one, {}] }],
    [one, { anyOf: [one] }],
    [one, { anyOf: [one, one] }],
    [{ anyOf: [one, other] }, { anyOf: [other, one, other, { not: {} }] }],
    [{ not: { anyOf: [one, other] } }, { not: { anyOf: [other, one] } }],
    [{ not: {} }, { anyOf: [] }],
    [{ not: {} }, { ...one, not: { type: null } }],
  ])('%j is %j', (written, again) => {
    expect(bound(written, again)().keyset.id).toBe(1n);
    expect(bound(again, written)().keyset.id).toBe(1n);
  });

  test.each<[CdrFilter, CdrFilter]>([
    [one, { not: one }],
    [{ not: one }, { not: other }],
    [{ not: one }, {}],
    [{ anyOf: [one, other] }, { anyOf: [one] }],
    [{ anyOf: [one, other] }, { not: { anyOf: [one, other] } }],
    [{ anyOf: [one, other] }, { ...one, ...other }],
    [{ not: { ...one, ...other } }, { not: { anyOf: [one, other] } }],
    [
      { ...one, not: other },
      { ...other, not: one },
    ],
    [{ countries: ['FRANCE'], anyOf: [{ countries: ['ITALY'] }] }, { countries: ['ITALY'] }],
    [{ not: {} }, {}],
  ])('%j is not %j', (written, again) => {
    expect(bound(written, again)).toThrow(CursorMismatchError);
  });
});

test('every other text is none, and never a place', () => {
  const spoilt = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.base64String(),
    fc.nat({ max: cursor.length - 1 }).map((length) => cursor.slice(0, length)),
    fc.nat({ max: cursor.length }).map((at) => `${cursor.slice(0, at)}=${cursor.slice(at)}`),
    fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes).toString('base64url')),
  );
  fc.assert(
    fc.property(spoilt, (text) => {
      expect(() => decodeCursor(text, list)).toThrow(/cursor/);
    }),
    { numRuns: 500, seed: 63 },
  );
});

test('a time that no calendar has is refused, infinity is a place', () => {
  const prefix = cursorPrefix(list, token);
  const at = (key: string) => prefix + Buffer.from(`${key}0000000000000001`, 'hex').toString('base64url');
  expect(() => decodeCursor(at('7ffffffffffffffe'), list)).toThrow(InvalidCursorError);
  expect(() => decodeCursor(at('8000000000000001'), list)).toThrow(InvalidCursorError);
  for (const infinite of ['7fffffffffffffff', '8000000000000000']) {
    expect(decodeCursor(at(infinite), list).keyset.id).toBe(1n);
  }
});
