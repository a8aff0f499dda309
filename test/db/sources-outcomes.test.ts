import { describe, expect, test } from 'vitest';
import { checkSource } from '../../src/db/catalogue/catalogue-check.ts';
import {
  type Outcome,
  outcomeOf,
  outcomes,
  q850Outcomes,
  type SourceName,
  sippyOutcomes,
  sippyResults,
} from '../../src/db/sources/sources.ts';
import { anXdr } from '../support/builders.ts';
import { createSourceDatabase, insertCalls, sourceNames } from './source-databases.ts';

/** Code, seconds, outcome, success: what each switch means. */
type Case = readonly [number | null, number, Outcome | null, boolean];

const expected: Record<SourceName, readonly Case[]> = {
  xdrs: [
    [16, 30, 'ANSWERED', true],
    [null, 30, 'ANSWERED', true],
    [16, 0, 'CANCELLED', true],
    [null, 0, null, false],
    [17, 0, 'BUSY', false],
    [18, 0, 'NO_ANSWER', false],
    [19, 0, 'NO_ANSWER', false],
    [20, 0, 'NO_ANSWER', false],
    [21, 0, 'REJECTED', false],
    [1, 0, 'UNREACHABLE', false],
    [27, 0, 'UNREACHABLE', false],
    [28, 0, 'UNREACHABLE', false],
    [50, 0, 'REFUSED', false],
    [55, 0, 'REFUSED', false],
    [57, 0, 'REFUSED', false],
    [34, 0, 'NETWORK', false],
    [41, 12, 'NETWORK', false],
    [127, 0, 'NETWORK', false],
    [0, 0, 'NETWORK', false],
  ],
  sippy: [
    [0, 30, 'ANSWERED', true],
    [200, 30, 'ANSWERED', true],
    [202, 30, 'ANSWERED', true],
    [null, 30, 'ANSWERED', true],
    [0, 0, 'CANCELLED', true],
    [null, 0, null, false],
    [487, 0, 'CANCELLED', false],
    [-30, 0, 'CANCELLED', false],
    [486, 0, 'BUSY', false],
    [600, 0, 'BUSY', false],
    [480, 0, 'NO_ANSWER', false],
    [408, 0, 'NO_ANSWER', false],
    [603, 0, 'REJECTED', false],
    [404, 0, 'UNREACHABLE', false],
    [484, 0, 'UNREACHABLE', false],
    [-24, 0, 'UNREACHABLE', false],
    [-25, 0, 'REFUSED', false],
    [-20, 0, 'REFUSED', false],
    [-16, 0, 'REFUSED', false],
    [-1, 0, 'REFUSED', false],
    [503, 0, 'NETWORK', false],
    [500, 12, 'NETWORK', false],
  ],
};

const codesOf = { xdrs: q850Outcomes, sippy: sippyOutcomes };

const everyCode: Record<SourceName, readonly number[]> = {
  xdrs: Array.from({ length: 129 }, (_, cause) => cause),
  sippy: [
    ...Array.from({ length: 41 }, (_, index) => index - 40),
    ...Array.from({ length: 700 }, (_, code) => code + 1),
  ],
};

describe.each(sourceNames)('the source %s', (name) => {
  test.each(expected[name])('code %s with %i seconds is %s', (code, seconds, outcome) => {
    expect(outcomeOf(codesOf[name], code, seconds)).toBe(outcome);
  });

  test('puts no code on two lists', () => {
    const { negativeIsRefused: _, ...lists } = codesOf[name];
    const listed = Object.values(lists).flat();
    expect(listed.toSorted()).toEqual([...new Set(listed)].toSorted());
  });

  test('can name every outcome', () => {
    const named = everyCode[name].flatMap((code) =>
      [0, 5].map((seconds) => outcomeOf(codesOf[name], code, seconds)),
    );
    expect(new Set(named)).toEqual(new Set(outcomes));
  });

  test('says in SQL of every code and duration what the lists say, and whether it was a success', async () => {
    await using database = await createSourceDatabase(name);
    const codes = [null, ...everyCode[name]];
    const cases = codes.flatMap((code) => [0, 0.5].map((seconds) => ({ code, seconds })));
    await insertCalls(
      database,
      name,
      cases.map(({ seconds }, index) => anXdr({ i_xdr: String(index), duration: String(seconds) })),
    );
    const [table, key, code] =
      name === 'xdrs' ? ['xdrs', 'i_xdr', 'disconnect_cause'] : ['cdrs', 'i_cdr', 'result'];
    await database.pool.query(
      `update ${table} set ${code} = codes[${key} / 2 + 1] from (select $1::int[] as codes) as given`,
      [codes],
    );
    const { source } = await checkSource(database.primary, name);

    const rows = await database.primary
      .selectFrom(source.cdrs({ kind: 'all' }))
      .select(['disconnect_cause', 'duration', 'outcome', 'successful'])
      .orderBy('i_xdr')
      .execute();

    expect(rows).toEqual(
      cases.map(({ code, seconds }) => ({
        disconnect_cause: code,
        duration: String(seconds),
        outcome: outcomeOf(codesOf[name], code, seconds),
        successful: code === null ? seconds > 0 : codesOf[name].success.includes(code),
      })),
    );
  });
});

test('every result of a Sippy from -1 to -37 has its words', () => {
  const codes = Array.from({ length: 37 }, (_, index) => -1 - index);
  expect(codes.filter((code) => !sippyResults.has(code))).toEqual([]);
});
