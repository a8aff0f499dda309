import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLoader } from 'nuqs/server';
import { applyFilter } from '../src/filter/apply-filter.ts';
import { cdrFilterOf, timelessFilterOf, withoutDimension } from '../src/filter/cdr-filter.ts';
import { matchOf, parsePattern, printPattern } from '../src/filter/number-pattern.ts';
import {
  hasFilters,
  type PageQuery,
  printPageQuery,
  queryParsers,
  rangeOf,
} from '../src/filter/page-query.ts';
import { queryOfUser } from '../src/filter/query-of-user.ts';
import { storedPattern } from '../src/filter/stored-number.ts';
import { barUnitOf, quickRanges } from '../src/filter/time-range.ts';
import { localTextOf, timeOfLocalText } from '../src/filter/zoned-time.ts';
import { isMoving, searchOf } from '../src/views/links.ts';

const load = createLoader(queryParsers);
const queryOf = (search: string): PageQuery => load(new URLSearchParams(search));
const now = Date.parse('2026-11-20T10:57:03Z');
const range = { from: now - 3_600_000, to: now };

test('an address without anything is the last day of all calls', () => {
  const query = queryOf('');
  assert.deepEqual(rangeOf(query, now), { from: now - 86_400_000, to: now });
  assert.equal(hasFilters(query), false);
  assert.equal(printPageQuery(query), '');
});

test('a query survives its address', () => {
  const search =
    '?range=7d&type=ERRORS&outcome=BUSY,REJECTED&notCause=16,17&country=C%C3%B4te%20d%27Ivoire,France&account=14&cld=336*&min=5&order=oldest&size=500&zone=Europe/Paris&view=pictures&call=42';
  const query = queryOf(search);
  assert.deepEqual(queryOf(printPageQuery(query)), query);
  assert.deepEqual(query.country, ["Côte d'Ivoire", 'France']);
  assert.equal(hasFilters(query), true);
});

test('nonsense in an address is read as the default', () => {
  const query = queryOf('?range=9y&type=NONE&from=yesterday&to=2026-11-20T00:00:00Z&size=many&outcome=MAYBE');
  assert.deepEqual(query, { ...queryOf(''), to: query.to });
  assert.deepEqual(rangeOf(query, now), rangeOf(queryOf(''), now));
});

test('a link of an older version, or of somebody who means harm, is read as far as it makes sense', () => {
  const older =
    '?range=7d&type=ERRORS&cld=336*&notCountry=France&zone=Europe/Paris&view=pictures&order=oldest&size=500';
  const query = queryOf(older);
  assert.deepEqual(
    [query.measure, query.by, query.step, query.map, query.columns, query.weekHour],
    ['attempts', 'country', 'auto', 'week', [], null],
  );
  const hostile = queryOf(
    '?range=__proto__&weekHour=mon-99&step=constructor&map=../etc&measure=%00&by=cld&view=admin&zone=%2B05:30' +
      '&from=-271821-04-20T00:00:00.000Z&to=%2B275760-09-13T00:00:00.000Z',
  );
  assert.deepEqual(hostile, queryOf(''));
  assert.equal(queryOf('?zone=<script>').zone, 'UTC');
  for (const fresh of ['0', '-1', '2', '1e0', '9999999999999999999', 'none']) {
    assert.equal(queryOf(`?fresh=${fresh}`).fresh, fresh === '1e0' ? 1 : null, fresh);
  }
  assert.equal(queryOf('?from=1969-12-31T00:00:00.000Z').from, null);
  for (const range of ['constructor', 'toString', 'lastYear', '24H', 'Today']) {
    assert.equal(queryOf(`?range=${range}`).range, '24h', range);
  }
});

test('a link has everything that was chosen, and moves with the time or stays, by choice', () => {
  const search =
    '?range=thisWeek&weekHour=tue-9&country=Kenya&zone=Europe/Paris&view=quality&measure=minutes&by=prefix&step=hour&map=destinations&fresh=5';
  const query = queryOf(search);
  assert.deepEqual(queryOf(searchOf(query, { columns: [] })), query);
  assert.equal(isMoving(query), true);
  const columns = ['connectTime', 'cld'];
  const fixed = queryOf(searchOf(query, { columns, fixedTo: range }));
  assert.equal(isMoving(fixed), false);
  assert.deepEqual(fixed.columns, columns);
  assert.deepEqual(rangeOf(fixed, now + 86_400_000), range, 'the same times on another day');
  const moving = queryOf(searchOf(query, { columns }));
  assert.notDeepEqual(rangeOf(moving, now), rangeOf(moving, now + 7 * 86_400_000));
});

test('an hour of the week is asked for as each of its hours, beside what is left out', () => {
  const query = queryOf('?weekHour=fri-10&notCountry=France');
  assert.deepEqual(cdrFilterOf(query, { from: now - 8 * 86_400_000, to: now }), {
    from: '2026-11-12T10:57:03.000Z',
    to: '2026-11-20T10:57:03.000Z',
    not: {
      anyOf: [
        { countries: ['France'] },
        {
          not: {
            anyOf: [
              { from: '2026-11-13T10:00:00.000Z', to: '2026-11-13T11:00:00.000Z' },
              { from: '2026-11-20T10:00:00.000Z', to: '2026-11-20T10:57:03.000Z' },
            ],
          },
        },
      ],
    },
  });
  assert.equal(hasFilters(query), true);
  const never = queryOf('?weekHour=mon-10');
  assert.deepEqual(cdrFilterOf(never, range).not, { not: { anyOf: [] } }, 'no call at all, not every call');
  const growing = cdrFilterOf(query, { from: now, to: null });
  assert.equal(growing.to, undefined);
  assert.ok(JSON.stringify(growing.not).split('"from"').length > 5, 'hours to come are in it');
});

test('what is sought at any time is sought at every hour of the week too', () => {
  const query = queryOf('?weekHour=fri-10&notCountry=France&cld=336*&account=14');
  assert.deepEqual(timelessFilterOf(query), {
    accountIds: ['14'],
    cld: { startsWith: '336' },
    not: { countries: ['France'] },
  });
  assert.deepEqual(timelessFilterOf(queryOf('?range=1h&weekHour=mon-9&callId=a@b')), { callIds: ['a@b'] });
});

test('two times of an address are the range, unless they are inverted', () => {
  const from = '2026-11-01T00:00:00.000Z';
  const to = '2026-11-02T00:00:00.000Z';
  assert.deepEqual(rangeOf(queryOf(`?from=${from}&to=${to}`), now), {
    from: Date.parse(from),
    to: Date.parse(to),
  });
  assert.equal(rangeOf(queryOf(`?from=${to}&to=${from}`), now).to, now);
});

test('the stars of a number say how it is compared, and are printed again', () => {
  for (const [text, kind] of [
    ['336*', 'startsWith'],
    ['*78', 'endsWith'],
    ['*34*', 'contains'],
    ['112', 'is'],
  ] as const) {
    const pattern = parsePattern(text)!;
    assert.equal(pattern.kind, kind);
    assert.equal(printPattern(pattern), text);
  }
  assert.deepEqual(parsePattern(' +33 6.12-34 (56) '), { kind: 'is', digits: '+336123456' });
  assert.equal(parsePattern('*'), null);
  assert.equal(parsePattern(''), null);
});

test('a number is found however people write it', () => {
  const stored = (text: string, kind: 'is' | 'startsWith' | 'endsWith' | 'contains' = 'is', code = '33') =>
    storedPattern({ ...parsePattern(text)!, kind }, code).digits;
  for (const text of [
    '+33 6 08 47 06 36',
    '+33 (0)6 08 47 06 36',
    '0033 6 08.47.06.36',
    '06 08 47 06 36',
    '06\u202f08\u00a047‑06–36',
    'tel:+33-608-470-636',
    'sip:+33608470636@192.0.2.1;user=phone',
    '06 08 47 06 36 ext. 12',
    '06 08 47 06 36 poste 3',
    '06 08 47 06 36,,12#',
    'tel:+33-6-08-47-06-36;ext=12',
    '#31#06 08 47 06 36',
    '\u202a+33 6 08 47 06 36\u202c',
    '０６ ０８ ４７ ０６ ３６',
    '٠٦ ٠٨ ٤٧ ٠٦ ٣٦',
    '33608470636',
  ]) {
    assert.equal(stored(text), '33608470636', text);
  }
  assert.equal(stored('06 08', 'startsWith'), '33608');
  assert.equal(stored('06 08', 'is', '44'), '44608');
  assert.equal(stored('06 08', 'startsWith', ''), '0608', 'a site without a country of its own');
  assert.equal(stored('+1 212', 'startsWith'), '1212');
  assert.equal(stored('112'), '112');
  assert.equal(stored('0'), '0');
  assert.equal(stored('00', 'startsWith'), '00');
});

test('any digits may be a part of a number, and only a whole one is taken for one', () => {
  const stored = (digits: string, kind: 'endsWith' | 'contains') =>
    storedPattern({ kind, digits }, '33').digits;
  assert.equal(stored('0636', 'endsWith'), '0636');
  assert.equal(stored('0608470636', 'contains'), '608470636');
  assert.equal(stored('0047', 'contains'), '0047');
  assert.equal(stored('+33608', 'contains'), '33608');
});

test('what a link says of a number is taken as it is, but for the plus, and letters find nothing', () => {
  assert.deepEqual(matchOf(parsePattern('+33608*')), { startsWith: '33608' });
  assert.deepEqual(matchOf(parsePattern('0608470636')), { is: '0608470636' });
  assert.deepEqual(matchOf(parsePattern('nobody')), { is: 'nobody' });
});

test('the filter of the gateway holds what is asked for, and nothing else', () => {
  assert.deepEqual(cdrFilterOf(queryOf(''), range), {
    from: '2026-11-20T09:57:03.000Z',
    to: '2026-11-20T10:57:03.000Z',
  });
  assert.deepEqual(
    cdrFilterOf(queryOf('?type=ERRORS&cld=336*&ip=192.0.2.1&callId=a@b&min=5&customer=3'), {
      from: 0,
      to: null,
    }),
    {
      from: '1970-01-01T00:00:00.000Z',
      type: 'ERRORS',
      cld: { startsWith: '336' },
      callIds: ['a@b'],
      remoteIp: '192.0.2.1',
      minDurationSeconds: '5',
      customerIds: ['3'],
    },
  );
});

test('a prefix is filtered by as a whole, not by its country', () => {
  assert.deepEqual(cdrFilterOf(queryOf('?prefix=336,4477'), range).prefixes, ['336', '4477']);
  const change = applyFilter(queryOf('?country=Kenya'), { part: 'prefix', value: '336' }, false);
  assert.deepEqual(change, { prefix: ['336'], notPrefix: [] });
});

test('of a link, what is not for who opens it is left out', () => {
  const query = queryOf('?account=2&notAccount=3&customer=4&cld=336*&cli=331*&country=Kenya');
  const customer = queryOfUser(query, { role: 'customer', masked: false });
  assert.equal(printPageQuery(customer), '?country=Kenya&cli=331*&cld=336*');
  const support = queryOfUser(query, { role: 'admin', masked: true });
  assert.equal(printPageQuery(support), '?country=Kenya&account=2&notAccount=3&customer=4');
  assert.deepEqual(queryOfUser(query, { role: 'admin', masked: false }), query);
});

test('leaving out is asking for all calls but those: also of several kinds at once', () => {
  const not = (search: string) => cdrFilterOf(queryOf(search), range).not;
  assert.equal(not('?country=France'), undefined);
  assert.deepEqual(not('?notCountry=France,Kenya'), { countries: ['France', 'Kenya'] });
  assert.deepEqual(not('?notCountry=France&notCause=16&notOutcome=BUSY&notPrefix=336&notAccount=2'), {
    anyOf: [
      { outcomes: ['BUSY'] },
      { disconnectCauses: [16] },
      { countries: ['France'] },
      { prefixes: ['336'] },
      { accountIds: ['2'] },
    ],
  });
  const filter = cdrFilterOf(queryOf('?notCountry=France&cause=16'), range);
  assert.deepEqual(
    [filter.countries, filter.disconnectCauses],
    [undefined, [16]],
    'nothing is listed instead',
  );
});

test('the values of a dimension are counted among all of them, and the other exclusions stay', () => {
  const query = withoutDimension(queryOf('?notCountry=France&notCause=16'), 'country');
  assert.deepEqual(cdrFilterOf(query, range).not, { disconnectCauses: [16] });
});

test('a click on a value filters by it, adds another, and takes it out again', () => {
  let query = queryOf('');
  const click = (value: string, isExcluded = false) => {
    query = { ...query, ...applyFilter(query, { part: 'country', value }, isExcluded) };
    return [query.country, query.notCountry];
  };
  assert.deepEqual(click('France'), [['France'], []]);
  assert.deepEqual(click('Kenya'), [['France', 'Kenya'], []]);
  assert.deepEqual(click('France', true), [['Kenya'], ['France']]);
  assert.deepEqual(click('France'), [['Kenya', 'France'], []]);
  assert.deepEqual(click('Kenya'), [['France'], []]);
});

test('ranges are cut into bars by units of the gateway, down to the minute', () => {
  const units = Object.values(quickRanges).map((length) => barUnitOf({ from: now - length, to: now }));
  assert.deepEqual(units, ['MINUTE', 'MINUTE', 'QUARTER_HOUR', 'HOUR', 'HOUR', 'DAY']);
});

test('a time typed in a zone is that instant, also where clocks change', () => {
  for (const zone of ['UTC', 'Europe/Paris', 'America/New_York', 'Asia/Kolkata', 'Pacific/Apia']) {
    for (const at of ['2026-01-15T12:00:00Z', '2026-07-15T12:00:00Z', '2026-11-20T10:57:03Z']) {
      assert.equal(timeOfLocalText(localTextOf(Date.parse(at), zone), zone), Date.parse(at), `${zone} ${at}`);
    }
  }
  // 02:30 comes twice on 25 October 2026 in Paris, and not at all on 29 March.
  assert.equal(timeOfLocalText('2026-10-25T02:30:00', 'Europe/Paris'), Date.parse('2026-10-25T00:30:00Z'));
  assert.equal(timeOfLocalText('2026-03-29T02:30:00', 'Europe/Paris'), Date.parse('2026-03-29T01:30:00Z'));
  assert.equal(timeOfLocalText('', 'UTC'), undefined);
});
