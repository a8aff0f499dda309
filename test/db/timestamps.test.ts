import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  iso8601OfMicros,
  isTimestamp,
  microsOfPostgres,
  microsOfRfc3339,
  orderedMicrosOfPostgres,
  postgresOfMicros,
  rfc3339OfMicros,
  rfc3339OfPostgres,
} from '../../src/db/timestamps.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase({ empty: true });
});
afterAll(() => database[Symbol.asyncDispose]());

const LEAST = -210_866_803_200_000_000n;
const MOST = 9_224_318_015_999_999_999n;
const micros = fc.oneof(
  fc.bigInt({ min: LEAST, max: MOST }),
  // Of our days, and around where calendars turn.
  fc.bigInt({ min: 1_500_000_000_000_000n, max: 2_000_000_000_000_000n }),
  fc.constantFrom(
    LEAST,
    MOST,
    0n,
    -1n,
    1n,
    946_684_800_000_000n,
    946_684_799_999_999n,
    -62_167_219_200_000_000n,
    -62_135_596_800_000_000n,
  ),
);

/** So many instants, the same every time. */
const sample = (seed: number) => fc.sample(micros, { numRuns: 2000, seed });

test('PostgreSQL reads what is written for it as the same microsecond, in whatever zone it is', async () => {
  for (const zone of ['UTC', 'Europe/Paris', 'Asia/Kathmandu']) {
    const given = sample(71);
    const client = await database.pool.connect();
    try {
      await client.query(`set time zone '${zone}'`);
      const { rows } = await client.query(
        `select ('x' || encode(timestamptz_send(instant), 'hex'))::bit(64)::bigint as micros
         from unnest($1::timestamptz[]) with ordinality as given (instant, place) order by place`,
        [given.map(postgresOfMicros)],
      );
      // Sent as microseconds since 2000.
      expect(rows.map((row) => BigInt(row.micros) + 946_684_800_000_000n)).toEqual(given);
    } finally {
      await client.query('reset time zone');
      client.release();
    }
  }
});

test('what PostgreSQL writes is read as the same microsecond, and told as RFC 3339 that it reads back', async () => {
  const given = sample(72);
  const { rows } = await database.pool.query(
    `select instant::text as text from unnest($1::timestamptz[]) with ordinality as given (instant, place) order by place`,
    [given.map(postgresOfMicros)],
  );
  const texts: string[] = rows.map((row) => row.text);
  expect(texts.map(microsOfPostgres)).toEqual(given);
  expect(texts.map(orderedMicrosOfPostgres)).toEqual(given);
  expect(texts.map(rfc3339OfPostgres)).toEqual(given.map(rfc3339OfMicros));
});

test('RFC 3339 comes back as it was written', () => {
  fc.assert(
    fc.property(micros, (instant) => {
      const text = iso8601OfMicros(instant);
      expect(text).toMatch(/^([+-]\d\d)?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
      expect(microsOfRfc3339(text)).toBe(instant);
      expect(rfc3339OfMicros(instant)).toBe(/^\d/.test(text) ? text : undefined);
    }),
    { numRuns: 2000, seed: 73 },
  );
});

test('it is what JavaScript writes, with three more digits', () => {
  fc.assert(
    fc.property(
      fc.date({
        min: new Date('0000-01-01T00:00:00Z'),
        max: new Date('9999-12-31T23:59:59.999Z'),
        noInvalidDate: true,
      }),
      fc.nat({ max: 999 }),
      (date, rest) => {
        const instant = BigInt(date.getTime()) * 1000n + BigInt(rest);
        const expected = date.toISOString().replace('Z', `${String(rest).padStart(3, '0')}Z`);
        expect(rfc3339OfMicros(instant)).toBe(expected);
        expect(microsOfRfc3339(expected)).toBe(instant);
      },
    ),
    { numRuns: 1000, seed: 74 },
  );
});

test('a zone shifts the instant by what JavaScript shifts it', () => {
  const zone = fc
    .tuple(fc.constantFrom('+', '-'), fc.nat({ max: 23 }), fc.nat({ max: 59 }))
    .map(
      ([sign, hours, minutes]) =>
        `${sign}${String(hours).padStart(2, '0')}:${String(minutes).padStart(2, '0')}`,
    );
  fc.assert(
    fc.property(
      fc.date({ min: new Date('1970-01-01'), max: new Date('2100-01-01'), noInvalidDate: true }),
      zone,
      (date, offset) => {
        const text = date.toISOString().replace('Z', offset);
        expect(microsOfRfc3339(text)).toBe(BigInt(Date.parse(text)) * 1000n);
        expect(microsOfRfc3339(text.replace(/:(?=\d\d$)/, ''))).toBe(BigInt(Date.parse(text)) * 1000n);
      },
    ),
    { numRuns: 500, seed: 75 },
  );
});

describe('an RFC 3339 text', () => {
  test.each([
    ['2026-01-05T09:00Z', '2026-01-05T09:00:00Z'],
    ['2026-01-05t09:00:00z', '2026-01-05T09:00:00Z'],
    ['2026-01-05 09:00:00Z', '2026-01-05T09:00:00Z'],
    ['2026-01-05T09:00:00.5Z', '2026-01-05T09:00:00.500Z'],
    ['2026-01-05T24:00:00Z', '2026-01-06T00:00:00Z'],
    // A leap second is the start of what follows.
    ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00Z'],
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00Z'],
    ['2026-01-05T09:00:00+01', '2026-01-05T08:00:00Z'],
  ])('%s is %s', (text, same) => {
    expect(microsOfRfc3339(text)).toBe(BigInt(Date.parse(same)) * 1000n);
  });

  test.each([
    '2023-02-29T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-01-00T00:00:00Z',
    '2026-01-05T24:00:01Z',
    '2026-01-05T09:60:00Z',
    '2026-01-05T09:00:61Z',
    '2026-01-05T09:00:00+24:00',
    '2026-01-05T09:00:00+01:60',
    '2026-01-05T09:00:00',
    '2026-01-05',
    '+999999-01-01T00:00:00Z',
    '-004714-01-01T00:00:00Z',
  ])('%s is none', (text) => {
    expect(microsOfRfc3339(text)).toBeUndefined();
  });
});

test('infinity has a place at either end of the order, and on no calendar', () => {
  expect([rfc3339OfPostgres('infinity'), rfc3339OfPostgres('-infinity')]).toEqual([undefined, undefined]);
  expect(orderedMicrosOfPostgres('infinity')).toBeGreaterThan(MOST);
  expect(orderedMicrosOfPostgres('-infinity')).toBeLessThan(LEAST);
  expect(postgresOfMicros(orderedMicrosOfPostgres('infinity'))).toBe('infinity');
  expect(postgresOfMicros(orderedMicrosOfPostgres('-infinity'))).toBe('-infinity');
  expect([isTimestamp(MOST), isTimestamp(MOST + 1n), isTimestamp(LEAST), isTimestamp(LEAST - 1n)]).toEqual([
    true,
    false,
    true,
    false,
  ]);
});
