import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Pace } from '../../../src/http/encoding/pace.ts';

const KIB = 1024;
const BLOCK = 64 * KIB;
const FULL = 512 * KIB;

/** What happens to so many blocks while so much waits: S stored, C compressed. */
function run(pace: Pace, blocks: number, waitingBytes: number): string {
  const kinds = Array.from({ length: blocks }, () => {
    const stores = pace.stores(waitingBytes);
    pace.note(BLOCK);
    return stores ? 'S' : 'C';
  }).join('');
  return kinds.replace(/(.)\1*/g, (same, kind) => `${kind}${same.length}`);
}

test('a client that keeps up gets stored blocks to the end', () => {
  const pace = new Pace({ startsStored: true, mayStoreAgain: true });
  expect(run(pace, 32, 0)).toBe('S32');
  expect(pace.keptUp).toBeUndefined();
  expect(run(pace, 32, BLOCK)).toBe('S32');
  expect(pace.keptUp).toBe(true);
});

test('blocks are compressed as soon as they wait, and stored again when nothing has waited for long', () => {
  const pace = new Pace({ startsStored: true, mayStoreAgain: true });
  expect(run(pace, 10, 0)).toBe('S10');
  expect(run(pace, 500, FULL)).toBe('C500');
  expect(pace.keptUp).toBe(false);
  // Eight megabytes of calls.
  expect(run(pace, 200, 0)).toBe('C127S73');
  // The next trial is later: it was one too many.
  expect(run(pace, 1, FULL)).toBe('C1');
  expect(run(pace, 1000, 0)).toBe('C511S489');
});

test('what waits now and then puts the next trial off', () => {
  const pace = new Pace({ startsStored: false, mayStoreAgain: true });
  for (let time = 0; time < 20; time++) {
    expect(run(pace, 31, 0)).toBe('C31');
    expect(run(pace, 1, 1)).toBe('C1');
  }
  expect(pace.keptUp).toBeUndefined();
  expect(run(pace, 40, 0)).toBe('C31S9');
});

test('where stored blocks may not follow compressed ones none do', () => {
  const kinds = fc.array(fc.constantFrom(0, BLOCK, FULL), { minLength: 1, maxLength: 400 });
  fc.assert(
    fc.property(kinds, fc.boolean(), (waits, startsStored) => {
      const pace = new Pace({ startsStored, mayStoreAgain: false });
      const stored = waits.map((waiting) => {
        pace.note(BLOCK);
        return pace.stores(waiting);
      });
      const firstCompressed = stored.indexOf(false);
      return firstCompressed < 0 || !stored.slice(firstCompressed).includes(true);
    }),
  );
});
