import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byCalls, perMinute } from '../src/charts/amounts.ts';
import { weekOf } from '../src/charts/week.ts';
import { preferredLocale } from '../src/chrome/preferences.ts';
import { createFormats } from '../src/formats.ts';
import { levelOf } from '../src/freshness/level.ts';
import { meaningOf } from '../src/words/causes.ts';
import { en } from '../src/words/en.ts';
import { fr } from '../src/words/fr.ts';
import { wordsIn, wordsOfBoth } from './words-of-both.ts';

/** Every text of a dictionary by its path. */
function textsOf(words: object, path = ''): Map<string, string> {
  return new Map(
    Object.entries(words).flatMap(([name, value]) =>
      typeof value === 'string'
        ? [[`${path}${name}`, value] as const]
        : [...textsOf(value, `${path}${name}.`)],
    ),
  );
}

const blanksOf = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();

test('both languages have the same texts, with the same blanks to fill', () => {
  const [english, french] = [textsOf(en), textsOf(fr)];
  assert.deepEqual([...french.keys()].sort(), [...english.keys()].sort());
  for (const [name, text] of english) assert.deepEqual(blanksOf(french.get(name)!), blanksOf(text), name);
});

test('no text is the same in both languages, but for terms and words that are', () => {
  const same = new Set(
    [...textsOf(en)].filter(([name, text]) => textsOf(fr).get(name) === text).map(([name]) => name),
  );
  for (const name of ['range.short.15m', 'range.short.1h', 'range.short.6h', 'range.short.24h'])
    same.delete(name);
  const words = [...same].flatMap((name) => wordsIn(textsOf(en).get(name)!));
  assert.deepEqual(
    words.filter((word) => !wordsOfBoth.has(word)),
    [],
  );
});

test('no word of the French texts is an English one', () => {
  const english = new Set([...textsOf(en).values()].flatMap(wordsIn));
  const left = [...textsOf(fr)].flatMap(([name, text]) =>
    wordsIn(text)
      .filter((word) => english.has(word) && !wordsOfBoth.has(word))
      .map((word) => `${name}: ${word}`),
  );
  assert.deepEqual(left, []);
});

test('a country is said in the language of the reader, however the switch writes it', () => {
  const { country } = createFormats('fr', 'UTC');
  assert.deepEqual(['United Kingdom', 'GERMANY', "COTE D'IVOIRE", 'France', 'Atlantis', ''].map(country), [
    'Royaume-Uni',
    'Allemagne',
    'Côte d’Ivoire',
    'France',
    'Atlantis',
    '',
  ]);
  assert.equal(createFormats('en', 'UTC').country('GERMANY'), 'GERMANY');
});

test('a cause has its meaning, whichever switch wrote it', () => {
  assert.equal(meaningOf(17, en), 'User busy (Q.850 17)');
  assert.equal(meaningOf(486, fr), 'Occupé ici (SIP 486)');
  assert.equal(meaningOf(-20, en), 'Insufficient balance (switch result -20)');
  assert.equal(meaningOf(126, en), 'Unknown cause (Q.850 126)');
});

test('amounts of several currencies are beside one another, by their calls, and never compared', () => {
  const amounts = [
    { currency: 'JPY', chargedAmount: '90000', calls: '2' },
    { currency: null, chargedAmount: '5', calls: 1 },
    { currency: 'EUR', chargedAmount: '12.5', calls: '10' },
  ];
  assert.deepEqual(
    byCalls(amounts).map(({ currency }) => currency),
    ['EUR', 'JPY', null],
  );
  assert.equal(perMinute(amounts, '10'), null, 'the minutes are of all of them');
  assert.equal(perMinute(amounts.slice(2), '10')?.chargedAmount, '1.25');
  assert.equal(perMinute(amounts.slice(2), '0'), null);
  assert.equal(perMinute([], '10'), null);
});

test('money is shown exactly, and small amounts with more digits', () => {
  const formats = createFormats('en', 'UTC');
  assert.equal(formats.money('12345678901234567.89', 'EUR'), '€12,345,678,901,234,567.89');
  assert.equal(formats.money('0.00018', 'USD'), '$0.00018');
  assert.equal(formats.money('12.5', null), '12.50');
  assert.equal(formats.money('1', 'nonsense'), '1.00');
});

test('times are shown in the zone, with microseconds where they matter', () => {
  const formats = createFormats('fr', 'Europe/Paris');
  assert.match(formats.fullTime('2026-11-20T10:57:03.123456Z'), /11:57:03\.123456$/);
  assert.equal(formats.clockTime(Date.parse('2026-11-20T23:30:00Z')), '00:30:00');
  assert.equal(formats.zoneLabel(Date.parse('2026-07-01T00:00:00Z')), 'Europe/Paris (GMT+2)');
});

test('durations are read as on a clock', () => {
  const { clock, seconds } = createFormats('en', 'UTC');
  assert.deepEqual([0.9, 7, 185, 3729].map(clock), ['0:00', '0:07', '3:05', '1:02:09']);
  assert.deepEqual([null, 4.25, 185, 7260].map(seconds), ['–', '4.3 s', '3 min 5 s', '2 h 1 min']);
});

test('an hour of the week is the average over its weeks, as clocks in the zone show it', () => {
  const { weekHour } = createFormats('en', 'Europe/Paris');
  const monday = Date.parse('2026-11-16T08:00:00Z');
  const week = 7 * 86_400_000;
  const map = weekOf(
    [
      { at: monday, value: 10 },
      { at: monday + week, value: 20 },
    ],
    weekHour,
  );
  assert.equal(map[0]![9], 15);
  assert.equal(
    map.flat().reduce((sum, value) => sum + value, 0),
    15,
  );
});

test('data of unknown age are never good', () => {
  const thresholds = { amberSeconds: 10, redSeconds: 60 };
  assert.deepEqual(
    [0.4, 10, 59.9, 60, null, undefined].map((seconds) => levelOf(seconds, thresholds)),
    ['good', 'amber', 'amber', 'red', 'unknown', 'unknown'],
  );
});

test('the language is the first one that the browser prefers and we speak', () => {
  assert.equal(preferredLocale('de-DE, fr;q=0.8, en;q=0.7'), 'fr');
  assert.equal(preferredLocale('en;q=0.5, fr;q=0.9'), 'fr');
  assert.equal(preferredLocale('de'), 'en');
  assert.equal(preferredLocale(null), 'en');
});
