import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SourceName } from '../../src/db/sources/sources.ts';
import { MAX_FILTER_DEPTH, MAX_FILTERS } from '../../src/resolvers/cdr-filter.ts';
import { createSourceDatabase, insertCalls, sourceNames } from '../db/source-databases.ts';
import type { CdrFilter } from '../generated/operations.ts';
import {
  ACCOUNT_ID,
  ACCOUNT_TOKEN,
  ADMIN_TOKEN,
  createTestGateway,
  type TestGateway,
} from '../support/gateway.ts';
import type { TestDatabase } from '../support/postgres.ts';
import { callsOfEitherSwitch, filters, rowOf } from './calls-oracle.ts';

/** What leaves calls out, on every path that takes a filter, and from both kinds of switch. */

const calls = callsOfEitherSwitch(260, 31);

describe.each(sourceNames)('over the source %s', (source: SourceName) => {
  let database: TestDatabase;
  let gateway: TestGateway;

  beforeAll(async () => {
    database = await createSourceDatabase(source);
    await insertCalls(database, source, calls.map(rowOf));
    if (source === 'sippy') {
      await database.pool.query(
        'grant usage on schema public to gateway_reader; grant select on all tables in schema public to gateway_reader',
      );
    }
    await database.pool.query('analyze');
    await database.replayed();
    gateway = await createTestGateway(database, { settings: { CDR_SOURCE: source } });
  });
  afterAll(async () => {
    await gateway[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });

  async function ask(document: string, variables: object, token?: string) {
    const { data, errors } = await gateway.query(document, variables, { token });
    expect(errors).toBeUndefined();
    return data;
  }

  /** All that is known of a filter: the list, the pages of it, the counts, the statistics. */
  async function seen(filter: CdrFilter, token?: string) {
    const { list, backwards, stats, groups } = await ask(
      `query ($filter: CdrFilter) {
        list: cdrs(filter: $filter, first: 1000) { nodes { id } totalCount estimatedCount }
        backwards: cdrs(filter: $filter, last: 1000) { edges { node { id } } nodes { id } }
        stats: cdrStats(filter: $filter) { totals { attempts } }
        groups: cdrStats(filter: $filter, groupBy: [ACCOUNT]) { rows { attempts } }
      }`,
      { filter },
      token,
    );
    const ids: string[] = list.nodes.map(({ id }: { id: string }) => id);
    const attempts = groups.rows.reduce((sum: number, row: { attempts: number }) => sum + row.attempts, 0);
    expect(backwards.nodes.map(({ id }: { id: string }) => id)).toEqual(ids);
    expect([list.totalCount, stats.totals.attempts, attempts]).toEqual([ids.length, ids.length, ids.length]);
    if (token) expect(list.estimatedCount).toBe(ids.length);
    return ids;
  }

  async function idsOfFile(filter: CdrFilter): Promise<string[]> {
    const document = 'query ($filter: CdrFilter) { cdrs(filter: $filter, first: 1000) { nodes { id } } }';
    const response = await gateway.ask(document, { filter }, { headers: { accept: 'text/csv' } });
    return [...(await response.text()).matchAll(/^"?(\d+)"?\r$/gm)].map(([, id]) => id!);
  }

  test.each([
    ['everybody', undefined],
    ['an account', ACCOUNT_TOKEN],
  ])('a filter and its opposite together hold each call that %s sees once', async (_, token) => {
    const all = await seen({}, token);
    expect(all.length).toBeGreaterThan(token ? 40 : 250);
    const split = { some: 0, none: 0 };
    await fc.assert(
      fc.asyncProperty(filters, async (filter) => {
        const [matching, others] = [await seen(filter, token), await seen({ not: filter }, token)];
        split[matching.length > 0 && others.length > 0 ? 'some' : 'none']++;
        expect([...matching, ...others].toSorted()).toEqual(all.toSorted());
        // What is left out twice is there.
        expect(await seen({ not: { not: filter } }, token)).toEqual(matching);
        expect(await seen({ anyOf: [filter, { not: filter }] }, token)).toEqual(all);
        expect(await seen({ anyOf: [filter], not: filter }, token)).toEqual([]);
      }),
      { numRuns: 80, seed: 32 },
    );
    expect(split.some).toBeGreaterThan(10);
  });

  test('nothing but the calls of the principal is seen, however it is put', async () => {
    const own = await seen({ accountIds: [ACCOUNT_ID] });
    for (const filter of [
      { not: { accountIds: [ACCOUNT_ID] } },
      { not: { not: {} } },
      { not: { accountIds: [] } },
      { not: { accountIds: ['15'] } },
      { anyOf: [{}, { accountIds: ['15'] }] },
      { anyOf: [{ not: { accountIds: [ACCOUNT_ID] } }, { accountIds: ['15', '16'] }] },
      { accountIds: ['15'], not: { accountIds: [ACCOUNT_ID] } },
      { not: { anyOf: [] } },
    ] satisfies CdrFilter[]) {
      const visible = await seen(filter, ACCOUNT_TOKEN);
      expect(visible.filter((id) => !own.includes(id))).toEqual([]);
    }
    expect(await seen({ not: { accountIds: [] } }, ACCOUNT_TOKEN)).toEqual(own);
  });

  test('a call of which it is unknown stays', async () => {
    const unknown = calls.filter(({ country }) => country === null).length;
    expect(unknown).toBeGreaterThan(10);
    const { cdrs } = await ask(
      'query ($filter: CdrFilter) { cdrs(filter: $filter, first: 1000) { nodes { country } } }',
      { filter: { not: { countries: ['FRANCE'] } } },
    );
    const countries = cdrs.nodes.map(({ country }: { country: string | null }) => country);
    expect(countries).not.toContain('FRANCE');
    expect(countries.filter((country: string | null) => country === null)).toHaveLength(unknown);
  });

  test('two things are left out at once', async () => {
    const neither = { not: { anyOf: [{ accountIds: ['14'] }, { cld: { startsWith: '3' } }] } };
    const expected = calls.filter(({ i_account, cld }) => i_account !== '14' && !cld?.startsWith('3'));
    const ids = await seen(neither);
    expect(ids.toSorted()).toEqual(expected.map(({ i_xdr }) => i_xdr).toSorted());
    expect(await idsOfFile(neither)).toEqual(ids);
  });

  test('pages of it hold each call once, in both directions', async () => {
    const filter: CdrFilter = { not: { accountIds: ['15'], type: 'NON_ZERO' } };
    const all = await seen(filter);
    const document = `query ($filter: CdrFilter, $after: String, $before: String, $first: Int, $last: Int) {
      cdrs(filter: $filter, first: $first, after: $after, last: $last, before: $before) {
        nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      }
    }`;
    const forwards: string[] = [];
    for (let after: string | null = null; ; ) {
      const { cdrs } = await ask(document, { filter, first: 37, after });
      forwards.push(...cdrs.nodes.map(({ id }: { id: string }) => id));
      after = cdrs.pageInfo.endCursor;
      if (!cdrs.pageInfo.hasNextPage) break;
    }
    expect(forwards).toEqual(all);
    const backwards: string[] = [];
    for (let before: string | null = null; ; ) {
      const { cdrs } = await ask(document, { filter, last: 37, before });
      backwards.unshift(...cdrs.nodes.map(({ id }: { id: string }) => id));
      before = cdrs.pageInfo.startCursor;
      if (!cdrs.pageInfo.hasPreviousPage) break;
    }
    expect(backwards).toEqual(all);
  });
});

describe('limits', () => {
  let database: TestDatabase;
  let gateway: TestGateway;

  beforeAll(async () => {
    database = await createSourceDatabase('xdrs');
    gateway = await createTestGateway(database);
  });
  afterAll(async () => {
    await gateway[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });

  const deep = (levels: number): CdrFilter => {
    let filter: CdrFilter = { type: 'NON_ZERO' };
    for (let level = 0; level < levels; level++) filter = { not: filter };
    return filter;
  };
  const inline = (levels: number) => `${'{ not: '.repeat(levels)}{ type: NON_ZERO }${' }'.repeat(levels)}`;
  const document = 'query ($filter: CdrFilter) { cdrs(filter: $filter) { nodes { id } } }';
  const codeOf = async (query: string, variables: object = {}) =>
    (await gateway.query(query, variables)).errors?.[0]?.extensions.code;

  test.each([
    [MAX_FILTER_DEPTH, undefined],
    [MAX_FILTER_DEPTH + 1, 'INVALID_ARGUMENT'],
    [60, 'INVALID_ARGUMENT'],
    [100, 'QUERY_TOO_LARGE'],
    [3000, 'QUERY_TOO_LARGE'],
  ])('%i within one another: %s, inline and in a variable', async (levels, code) => {
    expect(await codeOf(`{ cdrs(filter: ${inline(levels)}) { nodes { id } } }`)).toBe(code);
    expect(await codeOf(document, { filter: deep(levels) })).toBe(code);
  });

  test('a hundred thousand within one another are refused like any other, and so are lists of lists', async () => {
    const depth = 100_000;
    for (const [open, end] of [
      ['{"not":', '}'],
      ['{"anyOf":[', ']}'],
      ['[', ']'],
    ] as const) {
      const body = `{"query":${JSON.stringify(document)},"variables":{"filter":${open.repeat(depth)}{}${end.repeat(depth)}}}`;
      const response = await gateway.fetch(
        new gateway.Request('http://gateway/graphql', {
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            accept: 'application/graphql-response+json',
            authorization: `Bearer ${ADMIN_TOKEN}`,
          },
          body,
        }),
      );
      const { errors } = (await response.json()) as { errors: { extensions: object }[] };
      expect(response.status).toBe(400);
      expect(errors[0]!.extensions).toMatchObject({ code: 'QUERY_TOO_LARGE', limit: 'nesting' });
    }
  });

  test('so many side by side, and no more', async () => {
    const anyOf = (count: number) => ({ filter: { anyOf: Array.from({ length: count }, () => deep(0)) } });
    expect(await codeOf(document, anyOf(MAX_FILTERS - 1))).toBeUndefined();
    expect(await codeOf(document, anyOf(MAX_FILTERS))).toBe('INVALID_ARGUMENT');
  });

  test('what is wrong within it is said with its place', async () => {
    const { errors } = await gateway.query(document, {
      filter: { not: { anyOf: [{}, { accountIds: ['x'] }] } },
    });
    expect(errors![0]!.message).toContain('filter.not.anyOf[1].accountIds');
    expect(
      await codeOf('{ cdrs(filter: { not: { from: 2000000000000, to: 1000000000000 } }) { nodes { id } } }'),
    ).toBe('INVALID_TIME_RANGE');
  });
});
