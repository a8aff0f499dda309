import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeFeedCursor, digestOfIdentity, encodeFeedCursor } from '../../src/feed/position.ts';
import { lackingIn, rangesOf, ToldKeys } from '../../src/feed/told-keys.ts';
import { Positions } from '../../src/replicas/positions.ts';

/** Small, so that keys meet. */
const MAX = 60;
const keySet = fc.uniqueArray(fc.integer({ min: 1, max: MAX }), { maxLength: MAX });
const sorted = (keys: Iterable<number>) => [...keys].sort((one, other) => one - other).map(BigInt);

/** Told: exactly these keys, of 1 to the largest. */
function toldOf(keys: readonly number[]): ToldKeys {
  return new ToldKeys(0n).extendedBy(sorted(keys));
}

function keysOf(told: ToldKeys): number[] {
  return Array.from({ length: MAX + 5 }, (_, index) => index + 1).filter((key) => told.has(BigInt(key)));
}

function keysIn(ranges: readonly { from: bigint; to: bigint }[]): number[] {
  return ranges.flatMap(({ from, to }) =>
    Array.from({ length: Number(to - from) + 1 }, (_, index) => Number(from) + index),
  );
}

describe('which calls were told', () => {
  test('is what a plain set of keys says', () => {
    fc.assert(
      fc.property(keySet, keySet, keySet, (first, added, removed) => {
        const told = toldOf(first);
        expect(keysOf(told)).toEqual(sorted(first).map(Number));

        const more = told.with(rangesOf(sorted(added)));
        expect(keysOf(more)).toEqual(sorted(new Set([...first, ...added])).map(Number));

        const less = more.without(rangesOf(sorted(removed)));
        const left = new Set([...first, ...added]).difference(new Set(removed));
        expect(keysOf(less)).toEqual(sorted(left).map(Number));
        expect(keysIn(more.missingIn(less))).toEqual(keysOf(more).filter((key) => !less.has(BigInt(key))));
      }),
    );
  });

  test('and what is missing elsewhere, when told there, makes both the same', () => {
    fc.assert(
      fc.property(keySet, keySet, (one, other) => {
        const [here, there] = [toldOf(one), toldOf(other)];
        const missing = here.missingIn(there);
        expect(keysIn(missing)).toEqual(sorted(new Set(one).difference(new Set(other))).map(Number));
        expect(here.missingIn(there.with(missing))).toEqual([]);
      }),
    );
  });

  test('lacks the keys that no call has', () => {
    expect(lackingIn({ from: 3n, to: 9n }, [4n, 5n, 9n])).toEqual([
      { from: 3n, to: 3n },
      { from: 6n, to: 8n },
    ]);
    expect(lackingIn({ from: 3n, to: 4n }, [3n, 4n])).toEqual([]);
  });
});

describe('a cursor', () => {
  const identity = { scope: { kind: 'accounts', accountIds: ['14'] }, filter: '{}' } as const;
  const positions = new Positions(['a key of the tests']);
  const token = positions.encode({ systemIdentifier: 7n, timeline: 1, lsn: 0x1234n });
  const digest = digestOfIdentity(identity);

  test('holds what was told, whatever the holes', () => {
    fc.assert(
      fc.property(keySet, (keys) => {
        const told = toldOf(keys);
        const decoded = decodeFeedCursor(
          encodeFeedCursor({ token, told }, digest, positions),
          identity,
          positions,
        );
        expect(decoded).toEqual({ token, told, mayRepeat: false });
      }),
    );
  });

  test('holds how far corrections were told, by the WAL and by the ledger', () => {
    const lsn = fc.bigInt(0n, 2n ** 63n);
    fc.assert(
      fc.property(keySet, keySet, lsn, fc.boolean(), (keys, numbers, at, hasLedger) => {
        const position = {
          token,
          told: toldOf(keys),
          changes: { lsn: at, isPartial: false },
          ledger: hasLedger ? toldOf(numbers) : undefined,
        };
        const decoded = decodeFeedCursor(encodeFeedCursor(position, digest, positions), identity, positions);
        expect(decoded).toEqual({ ...position, mayRepeat: false });
      }),
    );
  });

  test('of more holes than it holds repeats, and misses nothing', () => {
    const keys = Array.from({ length: 1000 }, (_, index) => BigInt(2 * index + 1));
    const told = new ToldKeys(0n).extendedBy(keys);
    const text = encodeFeedCursor({ token, told }, digest, positions);
    const decoded = decodeFeedCursor(text, identity, positions);
    expect(decoded.mayRepeat).toBe(true);
    expect(decoded.told.missingIn(told)).toEqual([]);
    expect(text.length).toBeLessThan(1000);
  });

  test.each([
    ['another filter', { ...identity, filter: '{"to":"x"}' }],
    ['another account', { ...identity, scope: { kind: 'accounts', accountIds: ['15'] } as const }],
    ['numbers that are masked', { ...identity, scope: { ...identity.scope, numbers: 'masked' } as const }],
  ])('is refused for %s', (_, other) => {
    const text = encodeFeedCursor({ token, told: new ToldKeys(5n) }, digest, positions);
    expect(() => decodeFeedCursor(text, other, positions)).toThrow(/This cursor was made/);
  });

  test('is refused when a character of it was changed, or is missing', () => {
    const text = encodeFeedCursor({ token, told: new ToldKeys(5n) }, digest, positions);
    for (let at = 0; at < text.length; at++) {
      const changed = `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`;
      expect(() => decodeFeedCursor(changed, identity, positions)).toThrow(/cursor/);
      expect(() => decodeFeedCursor(text.slice(0, at), identity, positions)).toThrow(/cursor/);
    }
  });
});
