import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createLoader } from 'nuqs/server';
import { type CdrFilterArgument, parseFilter } from '../../../src/resolvers/cdr-filter.ts';
import { mapRangeOf, mapUnitOf } from '../src/charts/buckets.ts';
import { cdrFilterOf, withoutDimension } from '../src/filter/cdr-filter.ts';
import { withinLimits } from '../src/filter/gateway-limits.ts';
import { type PageQuery, queryParsers, rangeOf } from '../src/filter/page-query.ts';
import { previousRange, shiftOf } from '../src/filter/period.ts';
import { queryOfUser } from '../src/filter/query-of-user.ts';
import { lastPartOf } from '../src/filter/time-range.ts';
import type { CdrFilter } from '../src/generated/graphql.ts';

const load = createLoader(queryParsers);
const admin = { role: 'admin', masked: false } as const;
const now = Date.parse('2026-11-20T10:57:03Z');
const DAY = 86_400_000;
const MAX_INT32 = 2 ** 31 - 1;

/** As the gateway reads it: throws what it would answer. */
function assertTaken(filter: CdrFilter): void {
  const argumentOf = (part: CdrFilter): CdrFilterArgument => {
    const { from, to, anyOf, not, ...rest } = part;
    for (const cause of [rest.disconnectCauses ?? []].flat()) assert.ok(Math.abs(cause!) <= MAX_INT32);
    return {
      ...(rest as object),
      ...(from != null && { from: BigInt(Date.parse(from as string)) * 1000n }),
      ...(to != null && { to: BigInt(Date.parse(to as string)) * 1000n }),
      ...(anyOf != null && { anyOf: [anyOf].flat().map((each) => argumentOf(each!)) }),
      ...(not != null && { not: argumentOf(not) }),
    };
  };
  parseFilter(argumentOf(filter), { role: 'ADMIN' });
}

const hostileText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 400 }),
  fc.constantFrom(
    '\0',
    'a\0b',
    '\ud800',
    `${'x'.repeat(127)}\u{1f600}`,
    '1'.repeat(127),
    '9'.repeat(400),
    '*5*',
    '+33608*',
    '33608470636*',
    '0608470636*',
    '9223372036854775808',
    '-9223372036854775808',
    '007',
    '1e9',
    '\ufdfa'.repeat(30),
    'europe/paris',
  ),
);
const hostileTime = fc.constantFrom(
  '1970-01-01T00:00:00.000Z',
  '1970-01-01T00:00:00.001Z',
  '1969-12-31T23:59:59.999Z',
  '1999-06-01T12:00:00.000Z',
  '2025-06-01T00:00:00.000Z',
  '2026-11-20T10:00:00.000Z',
  '2199-12-31T00:00:00.000Z',
  '2200-01-01T00:00:00.000Z',
  '2200-01-01T00:00:00.001Z',
  '+275760-09-13T00:00:00.000Z',
);
const hostileNumber = fc.constantFrom(
  '0',
  '-1',
  '16',
  '2147483648',
  '-99999999999',
  '1e30',
  'NaN',
  '9'.repeat(30),
);
const texts = (most: number) => fc.array(hostileText, { maxLength: most }).map((all) => all.join(','));

const hostileLink = fc.record(
  {
    range: fc.constantFrom('15m', '24h', 'lastMonth', 'thisWeek', '__proto__'),
    from: hostileTime,
    to: hostileTime,
    weekHour: fc.constantFrom('mon-9', 'sun-23', 'sat-0', 'mon-24'),
    outcome: fc.constantFrom('BUSY', 'NO_ANSWER,ANSWERED', 'x'),
    notOutcome: fc.constantFrom('BUSY', 'NO_ANSWER,ANSWERED', 'x'),
    cause: fc.array(hostileNumber, { maxLength: 4 }).map((all) => all.join(',')),
    notCause: hostileNumber,
    country: texts(4),
    notCountry: texts(4),
    prefix: texts(4),
    notPrefix: texts(4),
    account: texts(4),
    notAccount: texts(4),
    customer: texts(4),
    search: texts(12),
    cli: hostileText,
    cld: hostileText,
    ip: hostileText,
    callId: hostileText,
    min: hostileNumber,
    max: hostileNumber,
    zone: fc.constantFrom('UTC', 'europe/paris', 'Australia/Lord_Howe', 'America/Havana', '+05:30'),
    call: hostileText,
  },
  { requiredKeys: [] },
);

test('no link makes a filter that the gateway refuses', () => {
  fc.assert(
    fc.property(hostileLink, (link) => {
      const query = queryOfUser(load(new URLSearchParams(link as Record<string, string>)), admin);
      const range = rangeOf(query, now);
      const zone = query.zone;
      assertTaken(cdrFilterOf(query, range));
      assertTaken(cdrFilterOf(query, { from: range.from, to: null }));
      for (const part of ['outcome', 'cause', 'country', 'account'] as const) {
        assertTaken(cdrFilterOf(withoutDimension(query, part), range));
      }
      const previous = previousRange(range, shiftOf(range, query.range, zone), zone);
      if (previous.to > 0) assertTaken(cdrFilterOf(query, { ...previous, from: Math.max(0, previous.from) }));
      assert.match(zone, /^[A-Z][A-Za-z_+/-]+$/);
      assert.ok(query.call === null || BigInt.asIntN(64, BigInt(query.call)) === BigInt(query.call));
    }),
    { numRuns: 600 },
  );
});

test('a link that the gateway takes stays as it is', () => {
  const search =
    '?range=7d&from=2026-01-01T00:00:00.000Z&to=2026-03-01T00:00:00.000Z&weekHour=tue-9&cause=-1,16&notCause=2147483647' +
    '&country=C%C3%B4te%20d%27Ivoire&prefix=336&account=14&customer=0&search=33608*,0608*&cli=anonymous&cld=336*' +
    '&ip=192.0.2.1&callId=a@b&min=5&max=60&zone=Asia/Kolkata&call=42';
  const query = load(new URLSearchParams(search));
  assert.deepEqual(withinLimits(query), query);
});

test('a zone is spelled as the gateway spells it', () => {
  const zoneOf = (zone: string) => load(new URLSearchParams({ zone })).zone;
  assert.equal(zoneOf('europe/paris'), 'Europe/Paris');
  assert.equal(zoneOf('utc'), 'UTC');
  assert.equal(zoneOf('America/Port-au-Prince'), 'America/Port-au-Prince');
  assert.equal(zoneOf('US/Eastern'), 'US/Eastern', 'a name of its own');
  assert.notEqual(zoneOf('ASIA/KOLKATA'), 'ASIA/KOLKATA');
});

test('an hour of the week is looked at in the last weeks of a range that is too long', () => {
  const query = (search: string): PageQuery => withinLimits(load(new URLSearchParams(search)), now);
  const many = query('?from=2020-01-01T00:00:00.000Z&to=2026-01-01T00:00:00.000Z&weekHour=mon-9');
  assert.equal(many.to!.toISOString(), '2026-01-01T00:00:00.000Z');
  assert.equal((+many.to! - +many.from!) / (7 * DAY), 39);
  const alsoFuture = query('?from=1970-01-01T00:00:00.000Z&to=2199-12-31T00:00:00.000Z&weekHour=mon-9');
  assert.equal(alsoFuture.to!.toISOString(), '2026-11-21T00:00:00.000Z', 'until now');
});

test('a heat map has fewer groups than the gateway answers, of the last years of a longer range', () => {
  const range = { from: 0, to: Date.UTC(2199, 11, 31) };
  const week = mapRangeOf(range, 'week', now);
  assert.ok((week.to - week.from) / 3_600_000 < 50_000);
  assert.ok(week.from < now && now < week.to, 'where the calls are');
  const destinations = mapRangeOf(range, 'destinations', now);
  assert.equal(mapUnitOf(destinations), 'MONTH');
  assert.ok(((destinations.to - destinations.from) / (28 * DAY)) * 250 < 50_000);
  const short = { from: now - 400 * DAY, to: now };
  assert.deepEqual(mapRangeOf(short, 'week', now), short);
  assert.deepEqual(lastPartOf({ from: now + 9 * DAY, to: now + 99 * DAY }, DAY, now), {
    from: now + 98 * DAY,
    to: now + 99 * DAY,
  });
});
