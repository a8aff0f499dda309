import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CdrFilterName, cdrFilters, filterNames } from '../../src/db/calls/cdr-filter.ts';
import { errorCodes } from '../../src/errors.ts';
import { cursorPrefix, encodeCursor } from '../../src/resolvers/cursor.ts';
import { anAccount, anXdr } from '../support/builders.ts';
import {
  ADMIN_TOKEN,
  type Ask,
  createTestGateway,
  type GraphQLAnswer,
  type TestGateway,
} from '../support/gateway.ts';
import { encodePlainToken } from '../support/plain-token.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

let database: TestDatabase;
let gateway: TestGateway;
let cursor: string;

beforeAll(async () => {
  database = await createTestDatabase();
  await database.insertAccounts([anAccount()]);
  await database.insertXdrs([anXdr({ i_xdr: '1' }), anXdr({ i_xdr: '2' }), anXdr({ i_xdr: '3' })]);
  gateway = await createTestGateway(database, {
    settings: { ADMIN_MAX_PAGE: '1000' },
    // What is waited for instead of being refused would not be answered before the test has ended.
    tuning: { readAfterWaitSeconds: 60 },
  });
  const { data } = await gateway.query('{ cdrs(first: 1) { pageInfo { endCursor } } }');
  cursor = data.cdrs.pageInfo.endCursor;
});

afterAll(async () => {
  // Whatever was sent, nothing is gone and nothing was added.
  const { rows } = await database.pool.query('select count(*)::int as count from xdrs');
  expect(rows).toEqual([{ count: 3 }]);
  await gateway[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

/** The body as it is, which no client of ours would send. */
async function post(body: string): Promise<Response> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${ADMIN_TOKEN}` };
  return gateway.fetch(new Request('http://gateway/graphql', { method: 'POST', headers, body }));
}

interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly answer: GraphQLAnswer;
}

async function refusalOf(document: string, variables: object = {}, ask: Ask = {}): Promise<Refusal> {
  const response = await gateway.ask(document, variables, ask);
  const answer = (await response.json()) as GraphQLAnswer;
  const [error] = answer.errors ?? [];
  if (!error) throw new Error(`It was answered: ${JSON.stringify(answer).slice(0, 300)}`);
  expectHelpful(answer);
  return { status: response.status, code: error.extensions.code, message: error.message, answer };
}

/** Each error has a code of the closed list, says something, and nothing of what is below. */
function expectHelpful({ errors = [] }: GraphQLAnswer): void {
  for (const { message, extensions } of errors) {
    expect(Object.keys(errorCodes)).toContain(extensions.code);
    expect(extensions.code).not.toBe('INTERNAL');
    expect(extensions.retryable).toBe(false);
    expect(message.length).toBeGreaterThan(15);
    expect(message).not.toMatch(
      /select |from xdrs|i_xdr|postgres|kysely|node_modules|127\.0\.0\.1|\[object /i,
    );
  }
}

/** A cursor of the list of all calls, as another gateway might have written it. */
const withToken = (token: string) =>
  encodeCursor(cursorPrefix({ order: 'NEWEST_FIRST', filter: {} }, token), { micros: 0n, id: 1n });

const list = (given: string) => `{ cdrs(${given}) { nodes { id } } }`;
const filtered = 'query ($filter: CdrFilter) { cdrs(filter: $filter) { nodes { id } } }';
const after = 'query ($after: String) { cdrs(after: $after) { nodes { id } } }';

describe('cursors', () => {
  test.each<[string, (good: string) => string]>([
    ['empty', () => ''],
    ['words', () => 'not a cursor'],
    ['base64url of something else', () => Buffer.from('not a cursor').toString('base64url')],
    ['cut short', (good) => good.slice(0, -1)],
    ['cut in half', (good) => good.slice(0, good.length / 2)],
    ['too long', (good) => `${good}AAAA`],
    ['of another version', (good) => `Aw${good.slice(2)}`],
    ['of an order that does not exist', (good) => `Ag_${good.slice(3)}`],
    ['with a NUL', (good) => `${good}\0`],
    ['with white space', (good) => ` ${good}`],
    ['in the other base64', (good) => `${good.slice(0, -4)}+/==`],
    ['a megabyte long', () => 'A'.repeat(900_000)],
    [
      'at a time that PostgreSQL does not have',
      (good) =>
        good.slice(0, -22) + Buffer.from('7ffffffffffffffe0000000000000001', 'hex').toString('base64url'),
    ],
  ])('%s', async (_, spoil) => {
    const { code, message, answer } = await refusalOf(after, { after: spoil(cursor) });
    expect(code).toBe('INVALID_CURSOR');
    expect(message).toContain('Ask again without "after"');
    expect(answer.data).toEqual({ cdrs: null });
  });

  test('any spoilt character makes another cursor, or none: never a defect, never a call twice', async () => {
    const spoilt = fc
      .tuple(fc.nat({ max: cursor.length - 1 }), fc.constantFrom('A', 'Q', 'z', '_', '-', '9'))
      .map(([at, character]) => cursor.slice(0, at) + character + cursor.slice(at + 1));
    await fc.assert(
      fc.asyncProperty(spoilt, async (given) => {
        const answer = await gateway.query(after, { after: given });
        const codes = answer.errors?.map(({ extensions }) => extensions.code) ?? [];
        expect(['INVALID_CURSOR']).toEqual(expect.arrayContaining(codes));
        for (const { message } of answer.errors ?? []) expect(message).toMatch(/cursor/i);
      }),
      { numRuns: 150, seed: 51 },
    );
  });

  test.each([
    ['filter', 'filter: { accountIds: [14] }'],
    ['filter', 'filter: { cld: { is: "4" } }'],
    ['order', 'orderBy: OLDEST_FIRST'],
  ])('of another %s', async (what, given) => {
    const { code, message } = await refusalOf(list(`${given}, after: "${cursor}"`));
    expect(code).toBe('CURSOR_MISMATCH');
    expect(message).toContain(`another ${what}`);
  });

  test('of another list are refused on either side and beside a good one', async () => {
    for (const given of [`before: "${cursor}"`, `after: "${cursor}", before: "${cursor}"`]) {
      const { code } = await refusalOf(list(`filter: { type: NON_ZERO }, ${given}`));
      expect(code).toBe('CURSOR_MISMATCH');
    }
  });

  test('a filter that means the same keeps its cursors', async () => {
    const { data } = await gateway.query(
      '{ cdrs(filter: { accountIds: [14, 15], type: ALL }, first: 1) { pageInfo { endCursor } } }',
    );
    const again = await gateway.query(
      `{ cdrs(filter: { type: ALL, cli: null, accountIds: ["15", "14"] }, after: "${data.cdrs.pageInfo.endCursor}") { nodes { id } } }`,
    );
    expect(again.errors).toBeUndefined();
    expect(again.data.cdrs.nodes).toHaveLength(2);
  });
});

describe('time ranges', () => {
  test.each([
    ['inverted', '"2026-01-06T00:00:00Z"', '"2026-01-05T00:00:00Z"', '"from" must be before "to"'],
    ['empty', '"2026-01-05T00:00:00Z"', '"2026-01-05T00:00:00Z"', '"from" must be before "to"'],
    [
      'inverted by a zone',
      '"2026-01-05T00:00:00Z"',
      '"2026-01-05T01:00:00+02:00"',
      '"from" must be before "to"',
    ],
    ['in the year 9999', '"2026-01-05T00:00:00Z"', '"9999-01-01T00:00:00Z"', 'between 1970 and 2200'],
    ['before there were switches', '"1815-06-18T00:00:00Z"', 'null', 'between 1970 and 2200'],
    ['in nanoseconds', '1767603600000000000', 'null', 'A DateTime is'],
    ['in microseconds', '1767603600000000', 'null', 'between 1970 and 2200'],
  ])('%s', async (_, from, to, sentence) => {
    const { code, message } = await refusalOf(list(`filter: { from: ${from}, to: ${to} }`));
    expect(['INVALID_TIME_RANGE', 'INVALID_ARGUMENT']).toContain(code);
    expect(message).toContain(sentence);
  });

  test.each([
    'yesterday',
    '2026-01-05',
    '2026-01-05T09:00:00',
    '2026-02-30T09:00:00Z',
    '2026-13-01T09:00:00Z',
    '2026-01-05T25:00:00Z',
    "2026-01-05T09:00:00Z'; drop table xdrs; --",
    'infinity',
    'now()',
    '',
    '\0',
    '2026-01-05T09:00:00+99:99',
    '٢٠٢٦-01-05T09:00:00Z',
  ])('"%s" is not an instant', async (from) => {
    const inVariable = await refusalOf(filtered, { filter: { from } });
    const inline = await refusalOf(list(`filter: { from: ${JSON.stringify(from)} }`));
    expect([inVariable.code, inline.code]).toEqual(['INVALID_ARGUMENT', 'INVALID_ARGUMENT']);
    expect(inVariable.message).toContain('A DateTime is RFC 3339 text with a zone');
    expect(inline.message).toContain('A DateTime is RFC 3339 text with a zone');
  });

  test.each([[true], [{}], [[['2026-01-05T09:00:00Z']]], [Number.MAX_VALUE], [-Number.MAX_VALUE]])(
    '%j is not an instant either',
    async (from) => {
      expect((await refusalOf(filtered, { filter: { from } })).code).toBe('INVALID_ARGUMENT');
    },
  );
});

describe('page sizes', () => {
  test.each([
    ['first: -1', 'INVALID_ARGUMENT', 'must not be negative'],
    ['last: -1', 'INVALID_ARGUMENT', 'must not be negative'],
    ['first: -2147483648', 'INVALID_ARGUMENT', 'must not be negative'],
    ['first: 1001', 'PAGE_TOO_LARGE', 'at most 1000'],
    ['last: 1001', 'PAGE_TOO_LARGE', 'at most 1000'],
    ['first: 1, last: 1', 'INVALID_ARGUMENT', 'not both'],
    ['first: 0, last: 0', 'INVALID_ARGUMENT', 'not both'],
    ['first: 1.5', 'INVALID_ARGUMENT', 'Int cannot represent'],
    ['first: 2147483648', 'INVALID_ARGUMENT', 'Int cannot represent'],
    ['first: "10"', 'INVALID_ARGUMENT', 'Int cannot represent'],
  ])('%s', async (given, code, sentence) => {
    for (const selection of [
      'nodes { id }',
      'nodes { id account { id } }',
      'edges { cursor }',
      'totalCount',
    ]) {
      const refusal = await refusalOf(`{ cdrs(${given}) { ${selection} } }`);
      expect(refusal).toMatchObject({ code, message: expect.stringContaining(sentence) });
    }
  });

  test('the ceiling is told, so that a client can page', async () => {
    const { answer, status } = await refusalOf(list('first: 1001'));
    expect(answer.errors![0]!.extensions).toMatchObject({ ceiling: 1000 });
    expect(status).toBe(200);
    const { data } = await gateway.query('{ viewer { maxPage } }');
    expect(data.viewer.maxPage).toBe(1000);
  });

  test('exactly the ceiling is no refusal', async () => {
    const { data, errors } = await gateway.query(list('first: 1000'));
    expect(errors).toBeUndefined();
    expect(data.cdrs.nodes).toHaveLength(3);
  });
});

describe('ids', () => {
  const spoilt = [
    '9223372036854775808',
    '-9223372036854775809',
    '99999999999999999999999999',
    '1e3',
    '1.0',
    '0x10',
    '',
    ' 1',
    '1 or 1=1',
    "1'; drop table xdrs; --",
    '１',
    '\0',
    '--1',
    '007',
  ];

  test.each(spoilt)('"%s" is no id', async (id) => {
    const calls = [
      await refusalOf('query ($id: ID!) { cdr(id: $id) { id } }', { id }),
      await refusalOf('query ($id: ID!) { account(id: $id) { id } }', { id }),
      await refusalOf(filtered, { filter: { accountIds: ['14', id] } }),
      await refusalOf(filtered, { filter: { customerIds: [id] } }),
    ];
    for (const { code, message } of calls) {
      expect(code).toBe('INVALID_ARGUMENT');
      expect(message).toContain('is not an id');
    }
  });

  test.each(['9223372036854775807', '-9223372036854775808', '0', '-1'])(
    '%s is one, of nothing',
    async (id) => {
      const { data, errors } = await gateway.query(
        'query ($id: ID!) { cdr(id: $id) { id } account(id: $id) { id } cdrs(filter: { accountIds: [$id] }) { nodes { id } } }',
        { id },
      );
      expect(errors).toBeUndefined();
      expect(data).toEqual({ cdr: null, account: null, cdrs: { nodes: [] } });
    },
  );

  test('a long id is not echoed whole', async () => {
    const { message } = await refusalOf('query ($id: ID!) { cdr(id: $id) { id } }', { id: '9'.repeat(5000) });
    expect(message.length).toBeLessThan(200);
  });
});

describe('numbers and texts', () => {
  const parts = ['is', 'startsWith', 'endsWith', 'contains'] as const;

  test('with SQL in them are compared, and match nothing', async () => {
    for (const text of ["' or 1=1 --", "'; drop table xdrs; --", '$1', '%', "\\'; select pg_sleep(9)"]) {
      for (const part of parts) {
        const { data, errors } = await gateway.query(filtered, { filter: { cli: { [part]: text } } });
        expect(errors).toBeUndefined();
        expect(data.cdrs.nodes).toEqual([]);
      }
    }
  });

  interface Place {
    readonly name: CdrFilterName;
    readonly maxCharacters: number;
    readonly filterOf: (text: string) => object;
  }
  /** Wherever a text may stand in a filter. */
  const places = filterNames.flatMap((name): readonly Place[] => {
    const { kind, maxCharacters } = cdrFilters[name];
    if (kind === 'text') return [{ name, maxCharacters, filterOf: (text) => ({ [name]: text }) }];
    if (kind === 'texts')
      return [{ name, maxCharacters, filterOf: (text) => ({ [name]: ['France', text] }) }];
    if (kind !== 'number') return [];
    return parts.map((part) => ({ name, maxCharacters, filterOf: (text) => ({ [name]: { [part]: text } }) }));
  });

  test.each<[string, string]>([
    ['a NUL character', '33\0'],
    ['half of a surrogate pair', '33\ud83d'],
    ['the other half', '\ude0033'],
  ])('with %s are refused, wherever they stand', async (what, text) => {
    for (const { name, filterOf } of places) {
      const { code, message } = await refusalOf(filtered, { filter: filterOf(text) });
      expect(code).toBe('INVALID_ARGUMENT');
      expect(message).toContain(`filter.${name}`);
      expect(message).toContain(what.includes('NUL') ? 'NUL' : 'surrogate');
    }
  });

  test('are refused when they are longer than any value, wherever they stand', async () => {
    expect(places.length).toBeGreaterThan(9);
    for (const { name, maxCharacters, filterOf } of places) {
      for (const length of [maxCharacters + 1, 900_000]) {
        const { code, message } = await refusalOf(filtered, { filter: filterOf('3'.repeat(length)) });
        expect(code).toBe('INVALID_ARGUMENT');
        expect(message).toContain(`filter.${name}`);
        expect(message).toContain(`at most ${maxCharacters} characters`);
      }
      const { errors } = await gateway.query(filtered, { filter: filterOf('3'.repeat(maxCharacters)) });
      expect(errors).toBeUndefined();
    }
  });

  test('of 128 characters, emoji among them, are no refusal', async () => {
    const { errors } = await gateway.query(filtered, { filter: { cld: { is: '😀'.repeat(64) } } });
    expect(errors).toBeUndefined();
  });
});

describe('decimals', () => {
  test.each(['1e99', '1e-99', '1E+5', '-0', '.5', '5.', '+7', '0'.repeat(40)])(
    '"%s" is one',
    async (text) => {
      const { errors } = await gateway.query(filtered, {
        filter: { minDurationSeconds: text, maxDurationSeconds: text },
      });
      expect(errors).toBeUndefined();
      const stats = await gateway.query(
        'query ($bound: Decimal) { cdrStats(having: [{ measure: ASR, atLeast: $bound }, { measure: MINUTES, atMost: $bound }]) { rows { attempts } } }',
        { bound: text },
      );
      expect(stats.errors).toBeUndefined();
    },
  );

  test.each([
    '1e400',
    '1e-400',
    '1e999999999',
    'NaN',
    'Infinity',
    '-Infinity',
    '',
    ' ',
    '1,5',
    '1_000',
    '0x1F',
    '--1',
    '1e',
    '.',
    '9'.repeat(41),
    "1'; drop table xdrs; --",
    '١',
    true,
    [['1']],
    {},
  ])('%j is none', async (value) => {
    const { code, message } = await refusalOf(filtered, { filter: { minDurationSeconds: value } });
    expect(code).toBe('INVALID_ARGUMENT');
    expect(message).toContain('A Decimal is a number');
  });

  test('a JSON number beyond every double is none', async () => {
    const body = `{"query":${JSON.stringify(filtered)},"variables":{"filter":{"minDurationSeconds":1e400}}}`;
    const response = await post(body);
    const answer = (await response.json()) as GraphQLAnswer;
    expectHelpful(answer);
    expect(answer.errors![0]!.extensions.code).toBe('INVALID_ARGUMENT');
  });
});

describe('lists', () => {
  const itemOf = { ids: '14', integers: 16, texts: 'France', outcomes: 'BUSY' } as const;
  const lists = filterNames.flatMap((name) => {
    const { kind } = cdrFilters[name];
    return kind in itemOf ? [{ name, item: itemOf[kind as keyof typeof itemOf] }] : [];
  });

  test.each(lists)('more than 10,000 $name are refused', async ({ name, item }) => {
    const values = Array.from({ length: 10_001 }, () => item);
    const { code, message } = await refusalOf(filtered, { filter: { [name]: values } });
    expect(code).toBe('INVALID_ARGUMENT');
    expect(message).toContain('at most 10000 values, got 10001');
  });

  test('10,000 accounts are answered, and so is the page behind them', async () => {
    const filter = { accountIds: Array.from({ length: 10_000 }, (_, index) => String(index)) };
    const paged =
      'query ($filter: CdrFilter, $after: String) { cdrs(filter: $filter, first: 1, after: $after) { nodes { id } pageInfo { endCursor } } }';
    const first = await gateway.query(paged, { filter });
    const { data } = await gateway.query(paged, { filter, after: first.data.cdrs.pageInfo.endCursor });
    expect([first.data.cdrs.nodes, data.cdrs.nodes]).toEqual([[{ id: '3' }], [{ id: '2' }]]);
  });

  test.each([[[null]], [[[1]]], ['sixteen'], [[1.5]], [[2_147_483_648]]])(
    '%j is no list of causes',
    async (disconnectCauses) => {
      expect((await refusalOf(filtered, { filter: { disconnectCauses } })).code).toBe('INVALID_ARGUMENT');
    },
  );
});

describe('documents', () => {
  test.each<[string, string, string]>([
    ['nothing', '', 'GRAPHQL_PARSE_FAILED'],
    ['no GraphQL', '{ cdrs( }', 'GRAPHQL_PARSE_FAILED'],
    ['words', 'give me all calls', 'GRAPHQL_PARSE_FAILED'],
    ['an unknown field', '{ calls { id } }', 'GRAPHQL_VALIDATION_FAILED'],
    ['an unknown column', '{ cdrs { nodes { cost } } }', 'GRAPHQL_VALIDATION_FAILED'],
    ['an unknown argument', '{ cdrs(limit: 5) { nodes { id } } }', 'GRAPHQL_VALIDATION_FAILED'],
    ['an unknown filter', list('filter: { cost: 1 }'), 'INVALID_ARGUMENT'],
    ['an unknown value of an enum', list('orderBy: CHEAPEST_FIRST'), 'INVALID_ARGUMENT'],
    ['a mutation', 'mutation { deleteCdrs }', 'GRAPHQL_VALIDATION_FAILED'],
    ['a variable that is not declared', list('first: $first'), 'GRAPHQL_VALIDATION_FAILED'],
    [
      'a fragment in itself',
      '{ cdrs { ...A } } fragment A on CdrConnection { ...A }',
      'GRAPHQL_VALIDATION_FAILED',
    ],
    ['a cdr without its id', '{ cdr { id } }', 'GRAPHQL_VALIDATION_FAILED'],
    ['an object without fields', '{ cdrs }', 'GRAPHQL_VALIDATION_FAILED'],
    ['braces 3,000 deep', '{ cdrs '.repeat(3000), 'QUERY_TOO_LARGE'],
    [
      'fields 30 deep',
      `{ cdr(id: 1) ${'{ account { customer '.repeat(15)}${'} }'.repeat(15)} }`,
      'QUERY_TOO_LARGE',
    ],
    [
      '200 aliases',
      `{ ${Array.from({ length: 200 }, (_, index) => `a${index}: viewer { name }`).join(' ')} }`,
      'QUERY_TOO_LARGE',
    ],
    ['20,000 words', `{ ${'viewer { name } '.repeat(5000)} }`, 'QUERY_TOO_LARGE'],
    [
      'a fragment that doubles thirty times',
      `{ cdrs { nodes { ...F0 } } } ${Array.from({ length: 30 }, (_, i) => `fragment F${i} on Cdr { ...F${i + 1} ... on Cdr { ...F${i + 1} } }`).join(' ')} fragment F30 on Cdr { id }`,
      'QUERY_TOO_LARGE',
    ],
    [
      'forty statistics of all calls at once',
      `{ ${Array.from({ length: 40 }, (_, index) => `s${index}: cdrStats { totals { attempts } rows { attempts } }`).join(' ')} }`,
      'QUERY_TOO_LARGE',
    ],
  ])('%s', async (_, document, code) => {
    const refusal = await refusalOf(document);
    expect(refusal.code).toBe(code);
    expect(refusal.status).toBe(400);
  });

  test.each<[string, object, string]>([
    ['text where a number belongs', { first: 'ten' }, 'Int'],
    ['a list where a number belongs', { first: [1, 2] }, 'Int'],
    ['an object where text belongs', { after: { cursor: 1 } }, 'String'],
    ['null where nothing may be missing', { orderBy: null }, 'null'],
    ['an unknown part of a filter', { filter: { cost: 1 } }, 'cost'],
    ['a filter of another shape', { filter: [1] }, 'CdrFilter'],
    ['an unknown value of an enum', { filter: { type: 'FREE' } }, 'FREE'],
  ])('variables with %s', async (_, variables, sentence) => {
    const { code, message, status } = await refusalOf(
      `query ($first: Int, $after: String, $filter: CdrFilter, $orderBy: CdrOrder! = NEWEST_FIRST) {
        cdrs(first: $first, after: $after, filter: $filter, orderBy: $orderBy) { nodes { id } }
      }`,
      variables,
    );
    expect([code, status]).toEqual(['INVALID_ARGUMENT', 400]);
    expect(message).toContain(sentence);
  });

  test('a body that is no GraphQL request', async () => {
    for (const body of [
      '',
      '[',
      '"text"',
      '1',
      'null',
      '[]',
      '{}',
      '{"query":5}',
      '{"query":"{ viewer { name } }","variables":[]}',
    ]) {
      const response = await post(body);
      const answer = (await response.json()) as GraphQLAnswer;
      expectHelpful(answer);
      expect([response.status, answer.errors![0]!.extensions.code]).toEqual([400, 'BAD_REQUEST']);
    }
  });
});

describe('tokens', () => {
  test.each<[string, string | undefined]>([
    ['no header', undefined],
    ['an empty one', ''],
    ['no scheme', ADMIN_TOKEN],
    ['another scheme', `Basic ${ADMIN_TOKEN}`],
    ['no token', 'Bearer '],
    ['a wrong token', 'Bearer wrong-token-of-nobody'],
    ['the beginning of a token', `Bearer ${ADMIN_TOKEN.slice(0, -1)}`],
    ['a token and more', `Bearer ${ADMIN_TOKEN}x`],
    ['two tokens', `Bearer ${ADMIN_TOKEN} ${ADMIN_TOKEN}`],
    ['another case', `Bearer ${ADMIN_TOKEN.toUpperCase()}`],
  ])('%s', async (_, authorization) => {
    const response = await gateway.fetch(
      new Request('http://gateway/graphql', {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(authorization !== undefined && { authorization }),
        },
        body: JSON.stringify({ query: '{ cdrs { nodes { id } totalCount } viewer { name } }' }),
      }),
    );
    const answer = (await response.json()) as GraphQLAnswer;
    expectHelpful(answer);
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toMatch(/^Bearer/);
    expect(answer.errors![0]!.extensions.code).toBe('UNAUTHENTICATED');
    expect(answer.data ?? null).toBeNull();
  });

  test('a wrong token does not even learn whether its query is GraphQL', async () => {
    for (const document of ['{ cdrs( }', '{ nothing }', '{ __schema { types { name } } }']) {
      const { code } = await refusalOf(document, {}, { token: 'wrong-token-of-nobody' });
      expect(code).toBe('UNAUTHENTICATED');
    }
  });
});

describe('freshness headers', () => {
  test.each(['soon', '-1', '1e3', 'NaN', '5s', '1,5', '99999999999', '0x5', '٥'])(
    'X-Max-Staleness "%s" is no number of seconds',
    async (text) => {
      // A header carries bytes, not characters.
      const value = Buffer.from(text).toString('latin1');
      const { code, status, message } = await refusalOf(
        '{ viewer { name } }',
        {},
        { headers: { 'x-max-staleness': value } },
      );
      expect([code, status]).toEqual(['BAD_REQUEST', 400]);
      expect(message).toContain('number of seconds');
    },
  );

  test.each(['garbage', 'AAAA', '0/3000060', 'A'.repeat(28), '"', 'x'.repeat(5000)])(
    'X-Read-After "%s" is no token',
    async (token) => {
      const { code, status, message } = await refusalOf(
        list('first: 1'),
        {},
        { headers: { 'x-read-after': token } },
      );
      expect([code, status]).toEqual(['INVALID_TOKEN', 400]);
      expect(message).toContain('extensions.replica.token');
    },
  );

  test('a token of another cluster is told apart, in a header and in a cursor', async () => {
    const foreign = encodePlainToken({ systemIdentifier: 42n, timeline: 1, lsn: 1n });
    const inHeader = await refusalOf(list('first: 1'), {}, { headers: { 'x-read-after': foreign } });
    expect([inHeader.code, inHeader.status]).toEqual(['POSITION_FOREIGN', 400]);
    expect(inHeader.message).toContain('another database cluster');

    const inCursor = await refusalOf(after, { after: withToken(foreign) });
    expect(inCursor.code).toBe('POSITION_FOREIGN');
    expect(inCursor.message).toContain('another database cluster');
  });

  test('a token of a later timeline is waited for in vain and says so, in a header and in a cursor', async () => {
    await using hasty = await createTestGateway(database, { tuning: { readAfterWaitSeconds: 0.2 } });
    const { data, extensions } = await hasty.query('{ cdrs(first: 1) { nodes { id } } }');
    expect(data.cdrs.nodes).toHaveLength(1);
    const { systemIdentifier, timeline } = hasty.replicas.positions.decode(extensions.replica.token);
    const later = encodePlainToken({ systemIdentifier, timeline: timeline + 1, lsn: 1n });
    for (const [document, variables, headers] of [
      [list('first: 1'), {}, { 'x-read-after': later }],
      [after, { after: withToken(later) }, {}],
    ] as const) {
      const response = await hasty.ask(document, variables, { headers });
      const { errors } = (await response.json()) as GraphQLAnswer;
      expect(response.status).toBe(503);
      expect(errors![0]!.extensions).toMatchObject({ code: 'POSITION_ON_LATER_TIMELINE', retryable: true });
      expect(errors![0]!.message).toMatch(/after a promotion that no standby has followed yet/);
    }
  });

  test.each(['0', '0.0', '0.000001', '0.05'])(
    'X-Max-Staleness "%s", which no standby can meet, is refused at once',
    async (limit) => {
      const response = await gateway.ask(list('first: 1'), {}, { headers: { 'x-max-staleness': limit } });
      const { errors } = (await response.json()) as GraphQLAnswer;
      expect([response.status, errors![0]!.extensions.code]).toEqual([503, 'REPLICA_TOO_STALE']);
      expect(errors![0]!.message).toContain('Allow more');
    },
  );
});

describe('whatever else is sent', () => {
  const junk = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.double(),
    fc.bigInt().map(String),
    fc.constantFrom(null, true, [], {}, '\0', '\ud800', -0, 1e308),
    fc.array(fc.anything({ maxDepth: 1 }), { maxLength: 2 }),
  );
  const variables = fc.record(
    {
      filter: fc.oneof(
        junk,
        fc.dictionary(
          fc.constantFrom(
            'accountIds',
            'customerIds',
            'from',
            'to',
            'cli',
            'cld',
            'cliIn',
            'cldIn',
            'type',
            'disconnectCauses',
            'outcomes',
            'countries',
            'minDurationSeconds',
            'remoteIp',
          ),
          fc.oneof(junk, fc.record({ is: junk }), fc.array(junk, { maxLength: 2 })),
        ),
      ),
      first: junk,
      last: junk,
      after: junk,
      before: junk,
      orderBy: junk,
      timeZone: junk,
      groupBy: junk,
      having: junk,
      id: junk,
    },
    { requiredKeys: [] },
  );
  const document = `query ($filter: CdrFilter, $first: Int, $last: Int, $after: String, $before: String, $orderBy: CdrOrder! = NEWEST_FIRST,
      $timeZone: String! = "UTC", $groupBy: [CdrDimension!], $having: [StatsCondition!], $id: ID! = 1) {
    cdrs(filter: $filter, first: $first, last: $last, after: $after, before: $before, orderBy: $orderBy) { nodes { id } }
    cdrStats(filter: $filter, timeZone: $timeZone, groupBy: $groupBy, having: $having) { rows { attempts } }
    cdr(id: $id) { id }
    account(id: $id) { id }
  }`;

  test('is answered or refused with a reason, and is never a defect of ours', async () => {
    await fc.assert(
      fc.asyncProperty(variables, async (given) => {
        const text = JSON.stringify(given, (_, value) => (typeof value === 'bigint' ? String(value) : value));
        expectHelpful(await gateway.query(document, JSON.parse(text)));
      }),
      { numRuns: 400, seed: 52 },
    );
  });
});
