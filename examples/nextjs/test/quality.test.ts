import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { asrByDestination, asrByWeekHour, asrOf, asrSpread, placeInSpread } from '../src/charts/asr-map.ts';
import { bucketAt, bucketsOf, lineUnitOf, mapUnitOf, rowsByBucket, stepsOf } from '../src/charts/buckets.ts';
import { axisTop, highestShown, qualityPoints, runsOf, valuesOf } from '../src/charts/quality-points.ts';
import { chooseWeekHour } from '../src/charts/week-hour-choice.ts';
import { previousRange, sameTimeBefore, shiftOf, shiftRange, shiftTime } from '../src/filter/period.ts';
import { resolveRange, type TimeRange } from '../src/filter/time-range.ts';
import { hoursOfWeek, rangesOfWeekHour } from '../src/filter/week-hours.ts';
import { clockMillisOf, localTextOf, moveDate, startOfDate } from '../src/filter/zoned-time.ts';
import { createFormats } from '../src/formats.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const at = Date.parse;
const between = (from: string, to: string): TimeRange => ({ from: at(from), to: at(to) });
const iso = ({ from, to }: TimeRange) => [from, to].map((time) => new Date(time).toISOString().slice(0, 19));

/** With clocks that change by an hour or half of one, at midnight or not, or never; and one that skipped a day. */
const zones = [
  'UTC',
  'Europe/Paris',
  'America/New_York',
  'America/Havana',
  'America/Santiago',
  'Atlantic/Azores',
  'Asia/Kolkata',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'Pacific/Apia',
];
const zone = fc.constantFrom(...zones);
const instant = fc
  .integer({ min: at('2009-01-01T00:00:00Z') / 1000, max: at('2031-01-01T00:00:00Z') / 1000 })
  .map((seconds) => seconds * 1000);
const unit = fc.constantFrom('MINUTE', 'QUARTER_HOUR', 'HOUR', 'DAY', 'WEEK', 'MONTH' as const);
const millisOf = { MINUTE, QUARTER_HOUR: 15 * MINUTE, HOUR, DAY, WEEK: 7 * DAY, MONTH: 30 * DAY };

test('buckets are the range, cut: without a gap, in order, and each is where the clock says', () => {
  fc.assert(
    fc.property(
      zone,
      instant,
      unit,
      fc.double({ min: 0.01, max: 60, noNaN: true }),
      (place, from, by, count) => {
        const range = { from, to: from + Math.ceil((count * millisOf[by]) / 1000) * 1000 };
        const buckets = bucketsOf(range, by, place);
        assert.equal(buckets[0]!.from, range.from);
        assert.equal(buckets.at(-1)!.to, range.to);
        buckets.forEach((bucket, index) => {
          assert.ok(bucket.from < bucket.to);
          assert.ok(bucket.start <= bucket.from && bucket.to <= bucket.end);
          if (index > 0) assert.equal(bucket.from, buckets[index - 1]!.to);
          // Where clocks are changed by half an hour, a bucket begins with the change.
          const isCut = place === 'Australia/Lord_Howe' && ['QUARTER_HOUR', 'HOUR'].includes(by);
          const clock = clockMillisOf(bucket.start, place);
          if (['MINUTE', 'QUARTER_HOUR', 'HOUR'].includes(by) && !isCut)
            assert.equal(clock % millisOf[by], 0);
          assert.equal(bucketAt(buckets, bucket.from), index);
          assert.equal(bucketAt(buckets, bucket.to - 1), index);
        });
      },
    ),
  );
});

test('a day begins where clocks first show it, and lasts 23 or 25 hours when they change', () => {
  const hours = (from: string, to: string, place: string) =>
    bucketsOf({ from: startOfDate(from, place), to: startOfDate(to, place) }, 'DAY', place).map(
      ({ start, end }) => (end - start) / HOUR,
    );
  assert.deepEqual(hours('2026-03-28', '2026-03-31', 'Europe/Paris'), [24, 23, 24]);
  assert.deepEqual(hours('2026-10-24', '2026-10-27', 'Europe/Paris'), [24, 25, 24]);
  // Clocks that are changed at midnight: no day more, none less.
  assert.deepEqual(hours('2025-03-08', '2025-03-11', 'America/Havana'), [24, 23, 24]);
  assert.deepEqual(hours('2025-03-29', '2025-04-01', 'Atlantic/Azores'), [24, 23, 24]);
  assert.deepEqual(hours('2025-09-06', '2025-09-09', 'America/Santiago'), [24, 23, 24]);
  // 30 December 2011 did not take place.
  assert.deepEqual(hours('2011-12-29', '2012-01-01', 'Pacific/Apia'), [24, 24]);
});

test('an hour that comes twice is two buckets, one that is skipped is none', () => {
  const hours = (date: string) => {
    const from = startOfDate(date, 'Europe/Paris');
    const range = { from, to: startOfDate(moveDate(date, { days: 1 }), 'Europe/Paris') };
    return bucketsOf(range, 'HOUR', 'Europe/Paris').map(({ start }) =>
      localTextOf(start, 'Europe/Paris').slice(11, 13),
    );
  };
  assert.deepEqual(hours('2026-10-25').slice(0, 5), ['00', '01', '02', '02', '03']);
  assert.deepEqual(hours('2026-03-29').slice(0, 4), ['00', '01', '03', '04']);
});

test('hours of a zone that is off by half an hour begin at the half', () => {
  const [first] = bucketsOf(between('2026-11-20T10:57:00Z', '2026-11-20T12:00:00Z'), 'HOUR', 'Asia/Kolkata');
  assert.equal(first!.start, at('2026-11-20T10:30:00Z'));
  const [quarter] = bucketsOf(
    between('2026-11-20T10:57:00Z', '2026-11-20T12:00:00Z'),
    'QUARTER_HOUR',
    'Asia/Kathmandu',
  );
  assert.equal(quarter!.start, at('2026-11-20T10:45:00Z'));
});

test('the unit of lines follows the range, down to the minute, and a step is taken where it fits', () => {
  const range = (length: number) => ({ from: 0, to: length });
  const units = [
    15 * MINUTE,
    HOUR,
    6 * HOUR,
    DAY,
    3 * DAY,
    7 * DAY,
    30 * DAY,
    365 * DAY,
    3 * 366 * DAY,
    80 * 366 * DAY,
  ];
  assert.deepEqual(
    units.map((length) => lineUnitOf(range(length), 'auto')),
    ['MINUTE', 'MINUTE', 'MINUTE', 'QUARTER_HOUR', 'QUARTER_HOUR', 'HOUR', 'DAY', 'DAY', 'WEEK', 'MONTH'],
  );
  assert.equal(lineUnitOf(range(DAY), 'minute'), 'MINUTE');
  assert.equal(lineUnitOf(range(DAY), 'hour'), 'HOUR');
  assert.equal(lineUnitOf(range(30 * DAY), 'minute'), 'DAY', 'a link may say what no longer fits');
  assert.deepEqual(stepsOf(range(DAY)), ['auto', 'minute', 'quarterHour', 'hour']);
  fc.assert(
    fc.property(
      instant,
      fc.integer({ min: 1000, max: 230 * 366 * DAY }),
      fc.constantFrom('auto', 'minute', 'day'),
      (from, length, step) => {
        const range = { from, to: from + length };
        const points = length / millisOf[lineUnitOf(range, step as 'auto')];
        assert.ok(points <= 3000, `${points}`);
        assert.ok(length / millisOf[mapUnitOf(range)] <= 3000);
      },
    ),
  );
});

test('the period before: as long by the clock, and never beyond where the range begins', () => {
  const before = (range: TimeRange, name = '24h', place = 'Europe/Paris') =>
    iso(previousRange(range, shiftOf(range, name as '24h', place), place));
  // Any hours: what was right before.
  assert.deepEqual(before(between('2026-11-20T09:57:03Z', '2026-11-20T10:57:03Z')), [
    '2026-11-20T08:57:03',
    '2026-11-20T09:57:03',
  ]);
  // Also where they begin a day.
  assert.deepEqual(before(between('2026-11-19T23:00:00Z', '2026-11-20T00:00:00Z')), [
    '2026-11-19T22:00:00',
    '2026-11-19T23:00:00',
  ]);
  assert.deepEqual(before(between('2026-11-19T23:00:00Z', '2026-11-20T00:00:00Z'), 'today'), [
    '2026-11-18T23:00:00',
    '2026-11-19T00:00:00',
  ]);
  // An hour in which the clock got no further.
  assert.deepEqual(before(between('2026-10-25T00:30:00Z', '2026-10-25T01:30:00Z')), [
    '2026-10-24T23:30:00',
    '2026-10-25T00:30:00',
  ]);
  // The last day: the same hours of the day before, also where clocks changed in between.
  assert.deepEqual(before(between('2026-11-19T10:57:03Z', '2026-11-20T10:57:03Z')), [
    '2026-11-18T10:57:03',
    '2026-11-19T10:57:03',
  ]);
  assert.deepEqual(before(between('2026-03-29T08:57:00Z', '2026-03-30T08:57:00Z')), [
    '2026-03-28T09:57:00',
    '2026-03-29T08:57:00',
  ]);
  assert.deepEqual(before(between('2026-10-25T09:57:00Z', '2026-11-01T09:57:00Z'), '7d'), [
    '2026-10-18T08:57:00',
    '2026-10-25T09:57:00',
  ]);
});

test('the period before a range of the calendar is the one before it on the calendar', () => {
  const before = (
    name: 'today' | 'yesterday' | 'thisWeek' | 'thisMonth' | 'lastMonth',
    now: string,
    place = 'Europe/Paris',
  ) => {
    const range = resolveRange({ range: name, from: null, to: null }, at(now), place);
    const previous = previousRange(range, shiftOf(range, name, place), place);
    return [range, previous].map(({ from, to }) => `${localTextOf(from, place)} ${localTextOf(to, place)}`);
  };
  assert.deepEqual(before('today', '2026-11-20T09:57:00Z'), [
    '2026-11-20T00:00:00 2026-11-20T10:57:00',
    '2026-11-19T00:00:00 2026-11-19T10:57:00',
  ]);
  // The day after clocks were changed, compared with the day on which they were.
  assert.deepEqual(before('today', '2026-03-30T08:57:00Z'), [
    '2026-03-30T00:00:00 2026-03-30T10:57:00',
    '2026-03-29T00:00:00 2026-03-29T10:57:00',
  ]);
  assert.deepEqual(before('yesterday', '2026-10-26T09:57:00Z'), [
    '2026-10-25T00:00:00 2026-10-26T00:00:00',
    '2026-10-24T00:00:00 2026-10-25T00:00:00',
  ]);
  assert.deepEqual(before('thisWeek', '2026-11-28T09:57:00Z'), [
    '2026-11-23T00:00:00 2026-11-28T10:57:00',
    '2026-11-16T00:00:00 2026-11-21T10:57:00',
  ]);
  assert.deepEqual(before('thisMonth', '2026-11-28T09:57:00Z'), [
    '2026-11-01T00:00:00 2026-11-28T10:57:00',
    '2026-10-01T00:00:00 2026-10-28T10:57:00',
  ]);
  // February has no 31st: all of it.
  assert.deepEqual(before('thisMonth', '2026-03-31T08:57:00Z'), [
    '2026-03-01T00:00:00 2026-03-31T10:57:00',
    '2026-02-01T00:00:00 2026-03-01T00:00:00',
  ]);
  assert.deepEqual(before('lastMonth', '2027-01-05T08:57:00Z'), [
    '2026-12-01T00:00:00 2027-01-01T00:00:00',
    '2026-11-01T00:00:00 2026-12-01T00:00:00',
  ]);
});

test('a period before is before, not empty, and by the clock as long where it ends where the range begins or earlier', () => {
  const names = fc.constantFrom('24h', 'today', 'thisWeek', 'thisMonth', 'lastMonth', 'yesterday' as const);
  fc.assert(
    fc.property(
      zone,
      instant,
      fc.integer({ min: 1, max: 40 * 86_400 }),
      names,
      (place, from, seconds, name) => {
        const range = { from, to: from + seconds * 1000 };
        const shift = shiftOf(range, name, place);
        const previous = previousRange(range, shift, place);
        assert.ok(previous.from < previous.to && previous.to <= range.from);
      },
    ),
  );
  fc.assert(
    fc.property(instant, fc.integer({ min: 1, max: 40 * 86_400 }), (from, seconds) => {
      const range = { from, to: from + seconds * 1000 };
      const shift = shiftOf(range, '24h', 'UTC');
      const previous = previousRange(range, shift, 'UTC');
      // Where clocks never change, as long as the range but for a month that is shorter.
      if (!('months' in shift)) assert.equal(previous.to - previous.from, range.to - range.from);
    }),
  );
});

test('the windows before and after touch the range, and are whole days and months of the clock', () => {
  assert.deepEqual(shiftRange({ from: 100, to: 150 }, -1, '24h', 'UTC'), { from: 50, to: 100 });
  assert.deepEqual(shiftRange({ from: 100, to: 150 }, 1, '24h', 'UTC'), { from: 150, to: 200 });
  const now = at('2026-03-30T08:57:00Z');
  const today = resolveRange({ range: 'today', from: null, to: null }, now, 'Europe/Paris');
  const yesterday = shiftRange(today, -1, 'today', 'Europe/Paris');
  assert.deepEqual(
    yesterday,
    resolveRange({ range: 'yesterday', from: null, to: null }, now, 'Europe/Paris'),
  );
  assert.equal(yesterday.to - yesterday.from, 23 * HOUR);
  const month = resolveRange({ range: 'thisMonth', from: null, to: null }, now, 'Europe/Paris');
  assert.deepEqual(
    shiftRange(month, -1, 'thisMonth', 'Europe/Paris'),
    resolveRange({ range: 'lastMonth', from: null, to: null }, now, 'Europe/Paris'),
  );
  fc.assert(
    fc.property(zone, instant, fc.integer({ min: 1, max: 40 * 86_400 }), (place, from, seconds) => {
      const range = { from, to: from + seconds * 1000 };
      assert.equal(shiftRange(range, -1, '24h', place).to, from);
    }),
  );
});

test('ranges of the calendar are those of the zone, and never empty', () => {
  const resolve = (range: 'today' | 'thisWeek' | 'thisMonth', now: string, place: string) =>
    iso(resolveRange({ range, from: null, to: null }, at(now), place));
  assert.deepEqual(resolve('today', '2026-11-20T23:30:00Z', 'Europe/Paris'), [
    '2026-11-20T23:00:00',
    '2026-11-20T23:30:00',
  ]);
  assert.deepEqual(resolve('today', '2026-11-20T23:30:00Z', 'America/New_York'), [
    '2026-11-20T05:00:00',
    '2026-11-20T23:30:00',
  ]);
  assert.deepEqual(resolve('thisWeek', '2026-11-22T12:00:00Z', 'UTC'), [
    '2026-11-16T00:00:00',
    '2026-11-22T12:00:00',
  ]);
  assert.deepEqual(resolve('today', '2026-11-20T00:00:00Z', 'UTC'), [
    '2026-11-20T00:00:00',
    '2026-11-20T00:00:01',
  ]);
  fc.assert(
    fc.property(
      zone,
      instant,
      fc.constantFrom('today', 'yesterday', 'thisWeek', 'thisMonth', 'lastMonth' as const),
      (place, now, range) => {
        const { from, to } = resolveRange({ range, from: null, to: null }, now, place);
        assert.ok(from < to && from <= now);
        assert.ok(to <= now + 1000);
      },
    ),
  );
});

test('the same time before is the same time by the clock, or none where clocks skipped it', () => {
  fc.assert(
    fc.property(zone, instant, fc.integer({ min: 1, max: 40 }), (place, time, days) => {
      const before = sameTimeBefore(time, { days }, place);
      if (before === undefined) return;
      assert.equal(localTextOf(before, place).slice(11), localTextOf(time, place).slice(11));
      assert.equal(
        localTextOf(before, place).slice(0, 10),
        moveDate(localTextOf(time, place).slice(0, 10), { days: -days }),
      );
    }),
  );
  assert.equal(sameTimeBefore(at('2026-03-30T00:30:00Z'), { days: 1 }, 'Europe/Paris'), undefined);
  assert.equal(sameTimeBefore(5000, { millis: 2000 }, 'UTC'), 3000);
  assert.equal(
    shiftTime(at('2026-03-30T00:30:00.250Z'), { days: 1 }, -1, 'UTC'),
    at('2026-03-29T00:30:00.250Z'),
  );
});

const row = (bucket: string, attempts: number, asr: number | null = 50) => ({
  bucket,
  attempts,
  asr,
  ner: 90,
  acdSeconds: asr === null ? null : 60,
  pddSeconds: 2,
});

test('where there are no calls there is no ASR, and no calls per second are 0', () => {
  const range = between('2026-11-20T10:00:00Z', '2026-11-20T14:00:00Z');
  const points = qualityPoints(
    { range, rows: [row('2026-11-20T10:00:00Z', 7200), row('2026-11-20T13:00:00Z', 3600, null)] },
    {
      range: between('2026-11-20T06:00:00Z', '2026-11-20T10:00:00Z'),
      rows: [row('2026-11-20T07:00:00Z', 36)],
    },
    { shift: { millis: 4 * HOUR }, unit: 'HOUR', zone: 'UTC' },
  );
  assert.deepEqual(
    points.map(({ now }) => now.asr),
    [50, null, null, null],
  );
  assert.deepEqual(
    points.map(({ now }) => now.acdSeconds),
    [60, null, null, null],
  );
  assert.deepEqual(
    points.map(({ now }) => now.callsPerSecond),
    [2, 0, 0, 1],
  );
  assert.deepEqual(
    points.map(({ before }) => before?.callsPerSecond),
    [0, 0.01, 0, 0],
  );
  assert.deepEqual(
    points.map(({ before }) => before?.asr),
    [null, 50, null, null],
  );
  assert.deepEqual(runsOf(points.map(({ now }) => now.asr)), [{ from: 0, to: 1 }]);
  assert.deepEqual(runsOf([null, 1, 2, undefined, 3, 0]), [
    { from: 1, to: 3 },
    { from: 4, to: 6 },
  ]);
});

test('a bucket that the range cuts has the calls per second of its part', () => {
  const range = between('2026-11-20T10:59:30Z', '2026-11-20T11:00:30Z');
  const points = qualityPoints({ range, rows: [row('2026-11-20T10:59:00Z', 60)] }, undefined, {
    shift: { millis: MINUTE },
    unit: 'MINUTE',
    zone: 'UTC',
  });
  assert.deepEqual(
    points.map(({ now }) => now.callsPerSecond),
    [2, 0],
  );
  assert.deepEqual(
    points.map(({ before }) => before),
    [undefined, undefined],
  );
  assert.deepEqual(valuesOf(undefined, 1000).asr, null);
});

test('ten o’clock is beside ten o’clock, whatever clocks did in between', () => {
  const place = 'Europe/Paris';
  for (const date of ['2026-03-29', '2026-03-30', '2026-10-25', '2026-10-26']) {
    const range = { from: startOfDate(date, place), to: startOfDate(moveDate(date, { days: 1 }), place) };
    const shift = shiftOf(range, 'yesterday', place);
    const points = qualityPoints(
      { range, rows: [] },
      { range: previousRange(range, shift, place), rows: [] },
      {
        shift,
        unit: 'HOUR',
        zone: place,
      },
    );
    for (const { from, beforeFrom } of points) {
      const clock = localTextOf(from, place).slice(11, 13);
      if (date === '2026-03-30' && clock === '02') assert.equal(beforeFrom, undefined, 'it was skipped');
      else assert.equal(localTextOf(beforeFrom!, place).slice(11, 13), clock, `${date} ${clock}`);
    }
  }
});

test('rows are found in their bucket, wherever in it the gateway says that it begins', () => {
  const buckets = bucketsOf(between('2026-11-20T10:20:00Z', '2026-11-20T13:00:00Z'), 'HOUR', 'UTC');
  const rows = rowsByBucket(buckets, [
    { bucket: '2026-11-20T10:00:00Z' },
    { bucket: '2026-11-20T12:00:00Z' },
  ]);
  assert.deepEqual([...rows.keys()], [0, 2]);
});

test('an axis ends at a value that people count in', () => {
  assert.equal(axisTop(12.3, 'percent'), 100);
  assert.deepEqual(
    [0, 0.034, 0.3, 7, 100].map((high) => axisTop(high, 'rate')),
    [1, 0.05, 0.3, 10, 100],
  );
  assert.deepEqual(
    [2.2, 29, 45, 170, 4000, 9000].map((high) => axisTop(high, 'seconds')),
    [3, 30, 60, 180, 7200, 10_800],
  );
  fc.assert(
    fc.property(
      fc.double({ min: 1e-9, max: 1e9, noNaN: true }),
      fc.constantFrom('seconds', 'rate' as const),
      (high, kind) => {
        const top = axisTop(high, kind as 'rate');
        assert.ok(top >= high * (1 - 1e-6) && top <= Math.max(60, high * 10));
      },
    ),
  );
});

test('one call of two hours does not make a flat line of all others', () => {
  const usual = Array.from({ length: 99 }, (_, index) => 50 + (index % 10));
  assert.deepEqual(highestShown([...usual, 7200], 'seconds'), { highest: 1.5 * 59, isCut: true });
  assert.deepEqual(highestShown([...usual, 90], 'seconds'), { highest: 90, isCut: false });
  assert.deepEqual(highestShown([...usual, 7200], 'rate'), { highest: 7200, isCut: false });
  assert.deepEqual(highestShown([null, undefined], 'seconds'), { highest: 0, isCut: false });
  assert.deepEqual(highestShown([0, 0, 0, 5], 'seconds'), { highest: 5, isCut: false });
});

test('a cell’s ASR is of all its calls, not an average of averages', () => {
  const { weekHour } = createFormats('en', 'Europe/Paris');
  const week = asrByWeekHour(
    [
      { bucket: '2026-11-16T08:00:00Z', attempts: '1', answered: '1' },
      { bucket: '2026-11-23T08:00:00Z', attempts: 99, answered: 0 },
    ],
    weekHour,
  );
  assert.deepEqual(week[0]![9], { attempts: 100, answered: 1 });
  assert.equal(asrOf(week[0]![9]!), 1);
  assert.equal(asrOf(week[0]![10]!), null);
});

test('the destinations of most calls have a row each, and every bucket a cell', () => {
  const group = (country: string | null, hour: number, attempts: number) => ({
    country,
    bucket: `2026-11-20T${hour}:00:00Z`,
    attempts,
    answered: attempts / 2,
  });
  const map = asrByDestination(
    [group('Kenya', 10, 4), group('France', 10, 6), group('France', 12, 2), group(null, 11, 20)],
    { range: between('2026-11-20T10:00:00Z', '2026-11-20T13:00:00Z'), unit: 'HOUR', zone: 'UTC', most: 2 },
  );
  assert.deepEqual(
    map.rows.map(({ country }) => country),
    [null, 'France'],
  );
  assert.deepEqual(
    map.rows[1]!.cells.map(({ attempts }) => attempts),
    [6, 0, 2],
  );
});

test('colours are spread between cells that say something', () => {
  const cell = (attempts: number, answered: number) => ({ attempts, answered });
  const spread = asrSpread([cell(1, 0), cell(100, 20), cell(100, 60), cell(0, 0)]);
  assert.deepEqual(spread, { low: 20, high: 60 });
  assert.deepEqual(
    [0, 20, 40, 100].map((asr) => placeInSpread(asr, spread)),
    [0, 0, 0.5, 1],
  );
  assert.deepEqual(asrSpread([cell(4, 2)]), { low: 50, high: 50 });
  assert.equal(placeInSpread(50, { low: 50, high: 50 }), 0.5);
  assert.deepEqual(asrSpread([]), { low: 0, high: 100 });
});

test('an hour of the week is each of its hours in the range, by the clock, and no other', () => {
  assert.deepEqual(
    rangesOfWeekHour('mon-9', between('2026-11-16T08:30:00Z', '2026-11-30T08:10:00Z'), 'Europe/Paris').map(
      iso,
    ),
    [
      ['2026-11-16T08:30:00', '2026-11-16T09:00:00'],
      ['2026-11-23T08:00:00', '2026-11-23T09:00:00'],
      ['2026-11-30T08:00:00', '2026-11-30T08:10:00'],
    ],
  );
  // Sundays on which clocks change: an hour twice, and not at all.
  const sunday = (date: string) =>
    rangesOfWeekHour(
      'sun-2',
      { from: at(`${date}T00:00:00Z`) - DAY, to: at(`${date}T00:00:00Z`) + DAY },
      'Europe/Paris',
    );
  assert.deepEqual(sunday('2026-10-25').map(iso), [['2026-10-25T00:00:00', '2026-10-25T02:00:00']]);
  assert.deepEqual(sunday('2026-03-29'), []);
  assert.equal(
    rangesOfWeekHour('sat-23', { from: 0, to: 220 * 366 * DAY }, 'UTC').length,
    50,
    'no more than can be refused',
  );
  const { weekHour } = createFormats('en', 'Australia/Lord_Howe');
  fc.assert(
    fc.property(
      fc.constantFrom(...hoursOfWeek),
      instant,
      fc.integer({ min: 1, max: 60 }),
      zone,
      (name, from, days, place) => {
        const range = { from, to: from + days * DAY };
        const hourOf = place === 'Australia/Lord_Howe' ? weekHour : createFormats('en', place).weekHour;
        const ranges = rangesOfWeekHour(name, range, place);
        for (const { from: start, to: end } of ranges) {
          assert.ok(start >= range.from && end <= range.to && start < end);
          for (const time of [start, end - 1]) {
            const { weekday, hour } = hourOf(time);
            assert.equal(hoursOfWeek[weekday * 24 + hour], name);
          }
        }
      },
    ),
    { numRuns: 60 },
  );
});

test('a click on an hour of the week is that hour, or of several weeks each of them', () => {
  const click = (range: TimeRange) => {
    let change: object | undefined;
    chooseWeekHour({ weekday: 0, hour: 9 }, range, 'UTC', (changed) => {
      change = changed;
    })?.();
    return change;
  };
  assert.deepEqual(click(between('2026-11-16T00:00:00Z', '2026-11-20T00:00:00Z')), {
    from: new Date('2026-11-16T09:00:00Z'),
    to: new Date('2026-11-16T10:00:00Z'),
  });
  assert.deepEqual(click(between('2026-11-16T00:00:00Z', '2026-11-30T00:00:00Z')), { weekHour: 'mon-9' });
  assert.equal(click(between('2026-11-17T00:00:00Z', '2026-11-18T00:00:00Z')), undefined);
  assert.deepEqual(click(between('2019-01-01T00:00:00Z', '2026-11-18T00:00:00Z')), { weekHour: 'mon-9' });
});
