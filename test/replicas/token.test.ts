import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InvalidCursorError, InvalidTokenError } from '../../src/errors.ts';
import { loginOf } from '../../src/replicas/connection-url.ts';
import { Positions } from '../../src/replicas/positions.ts';
import { QuickHmac } from '../../src/replicas/quick-hmac.ts';
import type { Sample } from '../../src/replicas/sample.ts';
import { reachOf, Timelines } from '../../src/replicas/timelines.ts';
import { encodePlainToken } from '../support/plain-token.ts';

const lsns = fc.bigInt(0n, 2n ** 64n - 1n);
const timelines = fc.integer({ min: 1, max: 2 ** 32 - 1 });
const plainTokens = fc.record({ systemIdentifier: lsns, timeline: timelines, lsn: lsns });
const tokens = fc.oneof(
  plainTokens,
  fc.record({
    systemIdentifier: lsns,
    timeline: timelines,
    lsn: lsns,
    switchedFrom: fc.record({ timeline: timelines, lsn: lsns }),
  }),
);
const positions = new Positions(['the key of these tests']);
const ordinary = { systemIdentifier: 7_394_011_223_344_556_677n, timeline: 3, lsn: 0x2a_3029ac8n };

test('the seal is an HMAC like any other', () => {
  const short = fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(short, short, (key, message) => {
      const quick = new QuickHmac(key);
      quick.digest(Buffer.from('another message'));
      expect(quick.digest(message)).toEqual(createHmac('sha256', key).update(message).digest());
    }),
  );
  expect(() => new QuickHmac(Buffer.alloc(65))).toThrow(RangeError);
  expect(() => new QuickHmac(Buffer.alloc(1)).digest(Buffer.alloc(65))).toThrow(RangeError);
});

describe('a token', () => {
  test('comes back as it went, in characters that need no escaping anywhere', () => {
    fc.assert(
      fc.property(tokens, (token) => {
        const text = positions.encode(token);
        expect(text).toMatch(/^[A-Za-z0-9_-]{28,80}$/);
        expect(positions.decode(text)).toEqual(token);
        expect(positions.encode(token)).toBe(text);
      }),
    );
  });

  test('says nothing of what is in it, and nothing about the next one', () => {
    const [one, next] = [ordinary, { ...ordinary, lsn: ordinary.lsn + 1n }].map((token) =>
      Buffer.from(positions.encode(token), 'base64url'),
    );
    expect(one!.includes(Buffer.from('669d07c3a5d8f805', 'hex'))).toBe(false);
    const same = one!.filter((byte, index) => byte === next![index]).length;
    expect(same).toBeLessThan(8);
  });

  test('that was changed in any bit is none', () => {
    const bytes = Buffer.from(positions.encode(ordinary), 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const spoilt = Buffer.from(bytes);
      spoilt[bit >> 3]! ^= 1 << (bit & 7);
      expect(() => positions.decode(spoilt.toString('base64url'))).toThrow(InvalidTokenError);
    }
  });

  test('is read by gateways that share its key, also when that has a successor, and by no others', () => {
    const text = positions.encode(ordinary);
    expect(new Positions(['another key', 'the key of these tests']).decode(text)).toEqual(ordinary);
    expect(() => new Positions(['another key']).decode(text)).toThrow(InvalidTokenError);
    expect(() => new Positions(['another key']).decodeOfCursor(text)).toThrow(InvalidCursorError);
    const moved = new Positions(['the key of these tests']);
    moved.rekey('its successor', { isSecret: false });
    expect(moved.decode(text)).toEqual(ordinary);
    expect(moved.encode(ordinary)).toBe(new Positions(['its successor']).encode(ordinary));
    expect([positions.isSecret, moved.isSecret]).toEqual([true, false]);
  });

  test.each([
    ['the only one', ['postgresql://gateway:a%40b@h1/db'], 'gateway:a@b', true],
    ['in whatever order', ['postgresql://z:2@h1/db', 'postgresql+srv://a:1@h2/db'], 'a:1', true],
    ['one with a password first', ['postgresql://a@h1/db', 'postgresql://z:2@h2/db'], 'z:2', true],
    ['one without a password', ['postgresql://gateway@h1/db?password=no'], 'gateway', false],
    ['none', ['postgresql://h1/db'], '', false],
    ['none of none', [], '', false],
  ])('is sealed with what gateways share, where nothing else is given: %s', (_, urls, login, hasPassword) => {
    expect(loginOf(urls)).toEqual({ login, hasPassword });
  });

  test('is read as it was before it was sealed', () => {
    fc.assert(
      fc.property(plainTokens, (token) => {
        expect(positions.decode(encodePlainToken(token))).toEqual(token);
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
    'Ag',
    `Ag${'A'.repeat(5000)}`,
    '\u0000'.repeat(28),
  ])('is refused when it is not exactly what was written: %j', (text) => {
    expect(() => positions.decode(text)).toThrow(InvalidTokenError);
  });

  test('is refused, or is one of before, whatever somebody sends', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          expect(encodePlainToken(positions.decode(text))).toBe(text);
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidTokenError);
        }
      }),
    );
  });
});

describe('a standby and a token:', () => {
  const at = (timeline: number, lsn: bigint) => ({ systemIdentifier: '7', timeline, lsn }) as Sample;
  const token = (timeline: number, lsn: bigint, systemIdentifier = 7n) => ({
    systemIdentifier,
    timeline,
    lsn,
  });
  const known = new Timelines();
  /** Timeline 2 left 1 at 500 exactly, and 3 left 2 at 700 at least; of 5 only a token tells. */
  known.noteHistory('7', 2, [{ timeline: 1, lsn: 500n }]);
  known.note('7', 3, { timeline: 2, lsn: 600n }, 'lineage');
  known.note('7', 3, { timeline: 2, lsn: 700n }, 'lineage');
  known.note('7', 3, { timeline: 2, lsn: 650n }, 'lineage');
  known.notePosition({ ...token(5, 1000n), switchedFrom: { timeline: 3, lsn: 800n } });

  test.each([
    ['as far on the same timeline', at(1, 100n), token(1, 100n), 'replayed'],
    ['a byte short', at(1, 99n), token(1, 100n), 'ahead'],
    ['a timeline it has not reached', at(1, 900n), token(2, 100n), 'ahead'],
    ['an older timeline that is shared that far', at(2, 900n), token(1, 500n), 'replayed'],
    ['an older timeline that is shared, and not replayed so far', at(2, 400n), token(1, 450n), 'ahead'],
    ['beyond, where it was lost with the old primary', at(2, 900n), token(1, 501n), 'lost'],
    ['shared at least that far', at(3, 900n), token(2, 700n), 'replayed'],
    ['beyond what is known to be shared', at(3, 900n), token(2, 701n), 'unknown'],
    ['the point of the switch is unknown', at(4, 900n), token(3, 100n), 'unknown'],
    ['over two switches', at(3, 900n), token(1, 500n), 'replayed'],
    ['lost over two switches', at(3, 900n), token(1, 501n), 'lost'],
    ['as a token told, and over three switches', at(5, 1000n), token(1, 500n), 'replayed'],
    ['lost as a token told', at(5, 1000n), token(3, 801n), 'lost'],
    ['another cluster', at(1, 900n), token(1, 100n, 8n), 'unknown'],
  ] as const)('%s', (_, sample, required, expected) => {
    expect(reachOf(sample, required, known)).toBe(expected);
  });

  test('where a timeline began is told when it is known exactly', () => {
    expect(known.beginOf('7', 2)).toEqual({ timeline: 1, lsn: 500n });
    expect(known.beginOf('7', 5)).toEqual({ timeline: 3, lsn: 800n });
    expect([known.beginOf('7', 3), known.beginOf('7', 1), known.beginOf('8', 2)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});
