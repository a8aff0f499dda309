import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLoader } from 'nuqs/server';
import { applyFilter } from '../src/filter/apply-filter.ts';
import { cdrFilterOf, withoutDimension } from '../src/filter/cdr-filter.ts';
import { matchOf, parsePattern, printPattern, storedPattern } from '../src/filter/number-pattern.ts';
import {
  hasFilters,
  printQuestion,
  type Question,
  questionOfUser,
  questionParsers,
  rangeOf,
} from '../src/filter/question.ts';
import { cutRange, MAX_SLICES, quickRanges, shiftRange } from '../src/filter/time-range.ts';
import { localTextOf, timeOfLocalText } from '../src/filter/zoned-time.ts';

const load = createLoader(questionParsers);
const questionOf = (search: string): Question => load(new URLSearchParams(search));
const now = Date.parse('2026-11-20T10:57:03Z');
const range = { from: now - 3_600_000, to: now };

test('an address without anything is the last day of all calls', () => {
  const question = questionOf('');
  assert.deepEqual(rangeOf(question, now), { from: now - 86_400_000, to: now });
  assert.equal(hasFilters(question), false);
  assert.equal(printQuestion(question), '');
});

test('a question survives its address', () => {
  const search =
    '?range=7d&type=ERRORS&outcome=BUSY,REJECTED&notCause=16,17&country=C%C3%B4te%20d%27Ivoire,France&account=14&cld=336*&min=5&order=oldest&size=500&zone=Europe/Paris&view=pictures&call=42';
  const question = questionOf(search);
  assert.deepEqual(questionOf(printQuestion(question)), question);
  assert.deepEqual(question.country, ["Côte d'Ivoire", 'France']);
  assert.equal(hasFilters(question), true);
});

test('nonsense in an address is read as the default', () => {
  const question = questionOf(
    '?range=9y&type=NONE&from=yesterday&to=2026-11-20T00:00:00Z&size=many&outcome=MAYBE',
  );
  assert.deepEqual(question, { ...questionOf(''), to: question.to });
  assert.deepEqual(rangeOf(question, now), rangeOf(questionOf(''), now));
});

test('two times of an address are the range, unless they are inverted', () => {
  const from = '2026-11-01T00:00:00.000Z';
  const to = '2026-11-02T00:00:00.000Z';
  assert.deepEqual(rangeOf(questionOf(`?from=${from}&to=${to}`), now), {
    from: Date.parse(from),
    to: Date.parse(to),
  });
  assert.equal(rangeOf(questionOf(`?from=${to}&to=${from}`), now).to, now);
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
  assert.deepEqual(cdrFilterOf(questionOf(''), range), {
    from: '2026-11-20T09:57:03.000Z',
    to: '2026-11-20T10:57:03.000Z',
  });
  assert.deepEqual(
    cdrFilterOf(questionOf('?type=ERRORS&cld=336*&ip=192.0.2.1&callId=a@b&min=5&customer=3'), {
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
  assert.deepEqual(cdrFilterOf(questionOf('?prefix=336,4477'), range).prefixes, ['336', '4477']);
  const change = applyFilter(questionOf('?country=Kenya'), { part: 'prefix', value: '336' }, false);
  assert.deepEqual(change, { prefix: ['336'], notPrefix: [] });
});

test('of a link, what is not for who opens it is left out', () => {
  const question = questionOf('?account=2&notAccount=3&customer=4&cld=336*&cli=331*&country=Kenya');
  const customer = questionOfUser(question, { role: 'customer', masked: false });
  assert.equal(printQuestion(customer), '?country=Kenya&cli=331*&cld=336*');
  const support = questionOfUser(question, { role: 'admin', masked: true });
  assert.equal(printQuestion(support), '?country=Kenya&account=2&notAccount=3&customer=4');
  assert.deepEqual(questionOfUser(question, { role: 'admin', masked: false }), question);
});

test('leaving out is asking for all calls but those: also of several kinds at once', () => {
  const not = (search: string) => cdrFilterOf(questionOf(search), range).not;
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
  const filter = cdrFilterOf(questionOf('?notCountry=France&cause=16'), range);
  assert.deepEqual(
    [filter.countries, filter.disconnectCauses],
    [undefined, [16]],
    'nothing is listed instead',
  );
});

test('the values of a dimension are counted among all of them, and the other exclusions stay', () => {
  const question = withoutDimension(questionOf('?notCountry=France&notCause=16'), 'country');
  assert.deepEqual(cdrFilterOf(question, range).not, { disconnectCauses: [16] });
});

test('a click on a value filters by it, adds another, and takes it out again', () => {
  let question = questionOf('');
  const click = (value: string, isExcluded = false) => {
    question = { ...question, ...applyFilter(question, { part: 'country', value }, isExcluded) };
    return [question.country, question.notCountry];
  };
  assert.deepEqual(click('France'), [['France'], []]);
  assert.deepEqual(click('Kenya'), [['France', 'Kenya'], []]);
  assert.deepEqual(click('France', true), [['Kenya'], ['France']]);
  assert.deepEqual(click('France'), [['Kenya', 'France'], []]);
  assert.deepEqual(click('Kenya'), [['France'], []]);
});

test('short ranges are cut into slices, long ones by the units of the gateway', () => {
  for (const [name, length] of Object.entries(quickRanges)) {
    const cut = cutRange({ from: now - length, to: now });
    if ('slices' in cut) {
      assert.ok(
        cut.slices.length >= 9 && cut.slices.length <= MAX_SLICES,
        `${name}: ${cut.slices.length} slices`,
      );
      assert.equal(cut.slices[0]!.from, now - length);
      assert.equal(cut.slices.at(-1)!.to, now);
      assert.deepEqual(
        cut.slices.slice(1).map(({ from }) => from),
        cut.slices.slice(0, -1).map(({ to }) => to),
      );
    }
  }
  assert.equal('slices' in cutRange({ from: now - 6 * 3_600_000, to: now }), true);
  assert.deepEqual(cutRange({ from: now - 86_400_000, to: now }), { unit: 'HOUR' });
  assert.deepEqual(cutRange({ from: now - 30 * 86_400_000, to: now }), { unit: 'DAY' });
});

test('the window before touches the window', () => {
  assert.deepEqual(shiftRange({ from: 100, to: 150 }, -1), { from: 50, to: 100 });
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
