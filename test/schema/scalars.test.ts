import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { anXdr } from '../support/builders.ts';
import { ADMIN_TOKEN, createTestGateway, type TestGateway } from '../support/gateway.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

/** A value that is written in the document means what it means in a variable: the same answer, or the same refusal. */

let database: TestDatabase;
let gateway: TestGateway;

beforeAll(async () => {
  database = await createTestDatabase();
  await database.insertXdrs([
    ...['1', '2', '1000', '9007199254740991', '9007199254740992', '9007199254740993'].map((i_xdr) =>
      anXdr({ i_xdr, duration: '60.5', disconnect_cause: 16, connect_time: '2026-01-05T09:00:00Z' }),
    ),
    anXdr({ i_xdr: '3', duration: '0', disconnect_cause: 0, connect_time: '2001-09-09T01:46:40Z' }),
  ]);
  gateway = await createTestGateway(database);
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

/** Where a value of each scalar may stand. */
const places: Readonly<Record<string, { readonly type: string; rootWith(value: string): string }>> = {
  'the id of a call': { type: 'ID!', rootWith: (value) => `cdr(id: ${value}) { id }` },
  'the id of an account': { type: 'ID!', rootWith: (value) => `account(id: ${value}) { id }` },
  'a list of ids': {
    type: 'ID!',
    rootWith: (value) => `cdrs(filter: { accountIds: [${value}] }) { nodes { id } }`,
  },
  'an id in place of a list': {
    type: '[ID!]',
    rootWith: (value) => `cdrs(filter: { accountIds: ${value} }) { nodes { id } edges { cursor } }`,
  },
  'an instant': {
    type: 'DateTime',
    rootWith: (value) => `cdrs(filter: { from: ${value} }) { nodes { id } }`,
  },
  'an instant of statistics': {
    type: 'DateTime',
    rootWith: (value) => `cdrStats(filter: { to: ${value} }) { totals { attempts } }`,
  },
  'an instant that is left out': {
    type: 'DateTime',
    rootWith: (value) => `cdrs(filter: { not: { from: ${value} } }) { totalCount }`,
  },
  'a decimal': {
    type: 'Decimal',
    rootWith: (value) => `cdrs(filter: { minDurationSeconds: ${value} }) { nodes { id } }`,
  },
  'a bound of statistics': {
    type: 'Decimal',
    rootWith: (value) => `cdrStats(having: [{ measure: ATTEMPTS, atLeast: ${value} }]) { rows { attempts } }`,
  },
  'a page size': { type: 'Int', rootWith: (value) => `cdrs(first: ${value}) { nodes { id } }` },
  'a page size through the executor': {
    type: 'Int',
    rootWith: (value) => `cdrs(last: ${value}) { nodes { id } edges { cursor } }`,
  },
  'a number of groups': {
    type: 'Int',
    rootWith: (value) => `cdrStats(first: ${value}) { rows { attempts } }`,
  },
  'a list of integers': {
    type: 'Int!',
    rootWith: (value) => `cdrs(filter: { disconnectCauses: [${value}] }) { nodes { id } }`,
  },
  text: { type: 'String', rootWith: (value) => `cdrs(filter: { cli: { is: ${value} } }) { nodes { id } }` },
};

interface Answered {
  readonly data: unknown;
  readonly codes: readonly string[];
  readonly message: string;
}

/** The text is GraphQL and JSON alike. */
async function inline(place: string, text: string): Promise<Answered> {
  return essence(await gateway.ask(`{ it: ${places[place]!.rootWith(text)} }`));
}

async function inVariable(place: string, text: string): Promise<Answered> {
  const { type, rootWith } = places[place]!;
  const query = `query ($value: ${type}) { it: ${rootWith('$value')} }`;
  const request = new gateway.Request('http://gateway/graphql', {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/graphql-response+json',
      authorization: `Bearer ${ADMIN_TOKEN}`,
    },
    // As it is, which JSON.stringify would not leave it.
    body: `{"query":${JSON.stringify(query)},"variables":{"value":${text}}}`,
  });
  return essence(await gateway.fetch(request));
}

async function essence(response: Response): Promise<Answered> {
  const { data, errors = [] } = (await response.json()) as {
    data?: unknown;
    errors?: { message: string; extensions: { code: string } }[];
  };
  return {
    data: JSON.parse(JSON.stringify(data ?? null).replaceAll(/"cursor":"[^"]*"/g, '"cursor":""')),
    codes: errors.map(({ extensions }) => extensions.code),
    message: errors[0]?.message ?? '',
  };
}

async function expectAlike(place: string, text: string): Promise<Answered> {
  const [one, other] = [await inline(place, text), await inVariable(place, text)];
  const { message: _, ...inDocument } = one;
  const { message: __, ...inVariables } = other;
  expect({ place, text, ...inVariables }).toEqual({ place, text, ...inDocument });
  return one;
}

const digits = fc.stringMatching(/^[1-9]\d{0,24}$/);
const numbers = fc.oneof(
  fc.integer().map(String),
  fc.maxSafeInteger().map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  digits,
  digits.map((text) => `-${text}`),
  fc.tuple(fc.integer({ min: -20, max: 20 }), fc.integer({ min: -30, max: 30 })).map(([m, e]) => `${m}e${e}`),
  fc
    .tuple(fc.nat({ max: 2_000_000_000_000 }), fc.stringMatching(/^\d{1,9}$/))
    .map((parts) => parts.join('.')),
);
const awkward = fc.constantFrom(
  ...[
    '0',
    '-0',
    '-0.0',
    '0.0',
    '1.0',
    '1e0',
    '1E3',
    '1e3',
    '1e12',
    '10e-1',
    '1.5',
    '1767603600000.5',
    '1e400',
  ],
  ...[
    '-1',
    '1e-400',
    '1e21',
    '1e22',
    '9007199254740991',
    '9007199254740992',
    '9007199254740993',
    '2147483647',
  ],
  ...[
    '2147483648',
    '9223372036854775807',
    '9223372036854775808',
    '1767603600',
    '1767603600000',
    '0.1e1',
    '5e-324',
  ],
  ...[
    'true',
    'null',
    '""',
    '" "',
    '"1"',
    '"1.0"',
    '"-0"',
    '"1e3"',
    '"1e12"',
    '"1767603600000"',
    '"1767603600"',
  ],
  ...[
    '"9007199254740993"',
    '"2026-01-05T09:00:00Z"',
    '"2026-01-05"',
    '"1767603600000.5"',
    '"0x1"',
    '{}',
    '[]',
  ],
);
const strings = fc
  .oneof(numbers, fc.string({ unit: fc.constantFrom(...'0123456789-+.eTZ: ') }))
  .map((text) => JSON.stringify(text));

test.each(Object.keys(places))('%s is the same in the document and in a variable', async (place) => {
  const codes = new Set<string>();
  await fc.assert(
    fc.asyncProperty(fc.oneof(numbers, awkward, awkward, strings), async (text) => {
      if (place !== 'text' || text !== 'null')
        for (const code of (await expectAlike(place, text)).codes) codes.add(code);
    }),
    { numRuns: 120, seed: 71 },
  );
  expect(
    [...codes].filter(
      (code) =>
        !['INVALID_ARGUMENT', 'INVALID_TIME_RANGE', 'PAGE_TOO_LARGE', 'QUERY_TOO_LARGE'].includes(code),
    ),
  ).toEqual([]);
});

describe('ids', () => {
  test.each([
    ['1', '1'],
    ['1.0', '1'],
    ['1e3', '1000'],
    ['"9007199254740993"', '9007199254740993'],
    ['9007199254740991', '9007199254740991'],
  ])('%s is call %s', async (text, id) => {
    expect((await expectAlike('the id of a call', text)).data).toEqual({ it: { id } });
  });

  test.each([
    '9007199254740992',
    '9007199254740993',
    '-9007199254740993',
    '1e16',
    '99999999999999999999',
    '1e300',
  ])('%s as a number is refused: it may have been another call', async (text) => {
    const { codes, message } = await expectAlike('the id of a call', text);
    expect(codes).toEqual(['INVALID_ARGUMENT']);
    expect(message).toContain('string');
  });
});

describe('instants', () => {
  const all = ['1', '2', '1000', '9007199254740991', '9007199254740992', '9007199254740993'].toReversed();
  const nodes = (ids: readonly string[]) => ({ it: { nodes: ids.map((id) => ({ id })) } });

  test.each(['1e12', '1000000000000', '1000000000000.0', '"1000000000000"', '"2001-09-09T01:46:40Z"'])(
    '%s is 2001',
    async (text) => {
      const ids = all.toSorted((a, b) => Number(BigInt(b) - BigInt(a)));
      expect((await expectAlike('an instant', text)).data).toEqual(nodes([...ids, '3']));
    },
  );

  test.each([
    ['seconds of 2026', '1767603600'],
    ['seconds of 2026 as text', '"1767603600"'],
    ['seconds with a fraction', '1767603600.25'],
    ['seconds of 2001', '1e9'],
    ['seconds of 1980', '315532800'],
    ['seconds of 2199', '7226582400'],
    ['days since 1970', '20458'],
  ])('%s are refused as such', async (_, text) => {
    for (const place of ['an instant', 'an instant of statistics', 'an instant that is left out']) {
      const { data, codes, message } = await expectAlike(place, text);
      expect([data, codes]).toEqual([{ it: null }, ['INVALID_TIME_RANGE']]);
      expect(message).toMatch(/seconds\?.*milliseconds/i);
    }
  });

  test('the others of the document are answered', async () => {
    const { data } = await gateway.query(
      '{ it: cdrs(filter: { from: 1767603600 }) { nodes { id } } viewer { name } stats: cdrStats { totals { attempts } } }',
    );
    expect(data).toEqual({ it: null, viewer: { name: 'admin' }, stats: { totals: { attempts: 7 } } });
  });

  test('1970 itself may be meant, in text or as zero', async () => {
    for (const text of ['0', '-0', '0.0', '"1970-01-01T00:00:00Z"', '"1970-03-01T00:00:00Z"']) {
      expect((await expectAlike('an instant', text)).codes).toEqual([]);
    }
  });
});

test('a page size that is a number with an exponent costs what it means', async () => {
  for (const text of ['1e8', '100000000.0', '100000000']) {
    const selection = Array.from({ length: 90 }, (_, index) => `a${index}: cld`).join(' ');
    const { errors } = await gateway.query(`{ cdrs(first: ${text}) { nodes { ${selection} } } }`);
    expect(errors![0]!.extensions).toMatchObject({ code: 'QUERY_TOO_LARGE', limit: 'cost' });
  }
});
