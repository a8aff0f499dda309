import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InvalidTokenError } from '../../src/errors.ts';
import type { Sample } from '../../src/replicas/sample.ts';
import { decodeToken, encodeToken } from '../../src/replicas/token.ts';
import { hasReplayed } from '../../src/replicas/token-reach.ts';

const tokens = fc.record({
  systemIdentifier: fc.bigInt(0n, 2n ** 64n - 1n),
  timeline: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
  lsn: fc.bigInt(0n, 2n ** 64n - 1n),
});

describe('a token', () => {
  test('comes back as it went, in 28 characters that need no escaping anywhere', () => {
    fc.assert(
      fc.property(tokens, (token) => {
        const text = encodeToken(token);
        expect(text).toMatch(/^[A-Za-z0-9_-]{28}$/);
        expect(decodeToken(text)).toEqual(token);
      }),
    );
  });

  test.each([
    '',
    'garbage',
    '0/3029AC8',
    `${'A'.repeat(27)}=`,
    'AmsAKKe8ROtDAAAAAQAAAAAFAptg',
    'AWsAKKe8ROtDAAAAAQAAAAAFAptg ',
    'AWsAKKe8ROtDAAAAAQAAAAAFAptg0',
    'AWsAKKe8RO+DAAAAAQAAAAAFAptg',
    '\u0000'.repeat(28),
  ])('is refused when it is not exactly what was written: %j', (text) => {
    expect(() => decodeToken(text)).toThrow(InvalidTokenError);
  });

  test('is refused, or is canonical, whatever somebody sends', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          expect(encodeToken(decodeToken(text))).toBe(text);
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidTokenError);
        }
      }),
    );
  });
});

describe('a standby has replayed a token', () => {
  const at = (timeline: number, lsn: bigint) => ({ systemIdentifier: '7', timeline, lsn }) as Sample;
  const token = (timeline: number, lsn: bigint, systemIdentifier = 7n) => ({
    systemIdentifier,
    timeline,
    lsn,
  });
  /** Timeline 1 is known to be shared up to 500. */
  const cluster = { sharedUpTo: (timeline: number) => (timeline === 1 ? 500n : undefined) };

  test.each([
    ['when it is as far on the same timeline', at(1, 100n), token(1, 100n), true],
    ['not when it is a byte short', at(1, 99n), token(1, 100n), false],
    ['not when the token is of a timeline it has not reached', at(1, 900n), token(2, 100n), false],
    ['when an older timeline is shared that far', at(2, 900n), token(1, 500n), true],
    ['not beyond, where commits may have been lost with the old primary', at(2, 900n), token(1, 501n), false],
    ['not when the point of the switch is unknown', at(4, 900n), token(3, 100n), false],
    ['not when the token is of another cluster', at(1, 900n), token(1, 100n, 8n), false],
  ])('%s', (_, sample, required, expected) => {
    expect(hasReplayed(sample, required, cluster)).toBe(expected);
  });
});
