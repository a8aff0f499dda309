import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { WalHistory } from '../../src/replicas/wal-history.ts';

const claim = (at: number) => ({ at, stamp: 1_000_000 + at });

describe('a history of WAL', () => {
  test('knows nothing at first', () => {
    const history = new WalHistory();
    expect([history.newest, history.claimFor(10n), history.beyondSince(10n)]).toEqual([
      null,
      undefined,
      undefined,
    ]);
  });

  test('gives a position the latest claim at or below it', () => {
    const history = new WalHistory();
    history.noteClaim(100n, claim(1));
    history.noteClaim(200n, claim(2));
    history.noteClaim(300n, claim(3));
    expect([99n, 100n, 250n, 900n].map((lsn) => history.claimFor(lsn)?.at)).toEqual([undefined, 1, 2, 3]);
  });

  test('lets silence at the end of the WAL count as long as nothing beyond is known', () => {
    const history = new WalHistory();
    history.noteClaim(100n, claim(1));
    history.noteClaim(100n, claim(9));
    expect(history.claimFor(100n)?.at).toBe(9);
  });

  test('refuses a claim that the WAL ended where another witness had already seen more', () => {
    const history = new WalHistory();
    history.noteExistence(200n, 5);
    expect([history.noteClaim(100n, claim(5)), history.noteClaim(100n, claim(4))]).toEqual([false, true]);
    expect(history.claimFor(100n)?.at).toBe(4);
  });

  test('takes a claim back when a witness turns up late', () => {
    const history = new WalHistory();
    history.noteClaim(100n, claim(1));
    history.noteClaim(110n, claim(7));
    history.noteExistence(200n, 6);
    expect(history.claimFor(150n)?.at).toBe(1);
  });

  test('says since when there has been something beyond a position', () => {
    const history = new WalHistory();
    history.noteExistence(200n, 5);
    history.noteExistence(300n, 8);
    history.noteExistence(250n, 4);
    expect([100n, 200n, 250n, 300n].map((lsn) => history.beyondSince(lsn))).toEqual([4, 4, 8, undefined]);
  });

  test('forgets what the hindmost standby has passed, and keeps what it stands on', () => {
    const history = new WalHistory();
    for (let lsn = 1n; lsn <= 50n; lsn++) history.noteClaim(lsn, claim(Number(lsn)));
    history.forgetBelow(40n);
    expect([history.size, history.claimFor(40n)?.at, history.claimFor(45n)?.at]).toEqual([11, 40, 45]);
  });

  test('stays bounded behind a standby that never moves, and only becomes coarser', () => {
    const history = new WalHistory();
    for (let lsn = 1n; lsn <= 20_000n; lsn++) {
      history.noteExistence(lsn, Number(lsn));
      history.noteClaim(lsn, claim(Number(lsn)));
    }
    expect(history.size).toBeLessThanOrEqual(2048);
    expect(history.claimFor(10_000n)!.at).toBeLessThanOrEqual(10_000);
    expect(history.claimFor(20_000n)?.at).toBe(20_000);
  });

  test('never contradicts how the WAL really grew, in whatever order true witnesses speak', () => {
    const growth = fc.array(
      fc.tuple(fc.integer({ min: 1, max: 50 }), fc.double({ min: 0.01, max: 5, noNaN: true })),
      {
        minLength: 1,
        maxLength: 40,
      },
    );
    const witness = fc.record({
      at: fc.double({ min: 0, max: 100, noNaN: true }),
      late: fc.double({ min: 0, max: 5, noNaN: true }),
    });
    fc.assert(
      fc.property(
        growth,
        fc.array(witness, { maxLength: 60 }),
        fc.bigInt(0n, 2000n),
        (steps, witnesses, lsn) => {
          const wal = grow(steps);
          const endAt = (time: number) => wal.findLast(({ at }) => at <= time)?.lsn ?? 0n;
          const history = new WalHistory();
          for (const { at, late } of witnesses) {
            history.noteExistence(endAt(at), at + late);
            expect(history.noteClaim(endAt(at), claim(at))).toBe(true);
          }
          const given = history.claimFor(lsn);
          if (given) expect(endAt(given.at)).toBeLessThanOrEqual(lsn);
          const since = history.beyondSince(lsn);
          if (since !== undefined) expect(endAt(since)).toBeGreaterThan(lsn);
        },
      ),
    );
  });
});

function grow(steps: readonly (readonly [bytes: number, seconds: number])[]) {
  let [lsn, at] = [0n, 0];
  return steps.map(([bytes, seconds]) => {
    lsn += BigInt(bytes);
    at += seconds;
    return { lsn, at };
  });
}
