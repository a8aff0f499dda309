import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { anAccount, anXdr } from '../support/builders.ts';
import { columnFields } from '../support/cdr-fields.ts';
import { createTestGateway, type TestGateway } from '../support/gateway.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

let database: TestDatabase;
let gateway: TestGateway;

/** What breaks careless writers of CSV and JSON, and what a spreadsheet would run. */
const awkward = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.string({
    unit: fc.constantFrom('"', ',', '\n', '\r', '\r\n', '\t', ';', '\\', ' ', 'é', '😀', '\u2028', "'"),
    maxLength: 6,
  }),
  fc
    .tuple(
      fc.constantFrom('=', '+', '-', '@', '\t', '\r', "'="),
      fc.constantFrom('', '1', '33123', '1+1', 'SUM(A1)', '33-1'),
    )
    .map(([first, rest]) => first + rest),
  fc.constantFrom('', 'null', '0044', '1e5', 'anonymous', 'INCOMPLETE'),
);
const text = fc.option(
  awkward.map((value) => value.replaceAll('\0', '').toWellFormed()),
  { freq: 6 },
);

const calls = fc
  .sample(fc.record({ cli: text, cld: text, call_id: text, country: text, user_agent: text }), {
    numRuns: 400,
    seed: 91,
  })
  .map((texts, index) =>
    anXdr({
      ...texts,
      i_xdr: String(index + 1),
      connect_time: `2026-01-05 09:00:${String(index % 60).padStart(2, '0')}.00000${index % 10}+00`,
      setup_time: index % 9 === 0 ? null : '2026-01-05 08:59:59+00',
      duration: ['0', '60.250', '0.000001', '12345678901234567890.5'][index % 4]!,
      charged_amount: ['0.0125', '-1e-10', '0'][index % 3]!,
      charged_quantity: index % 8 === 0 ? null : index,
      pdd: index % 5 === 0 ? null : '1.840',
      post_call_surcharge: ['0', null, '-0.000001'][index % 3]!,
      i_protocol: [1, null, -2][index % 3]!,
    }),
  );

beforeAll(async () => {
  database = await createTestDatabase();
  await database.insertAccounts([anAccount()]);
  await database.insertXdrs(calls);
  gateway = await createTestGateway(database);
});

afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

/** RFC 4180, read to the letter. A cell is a text in quotes, a bare value, or null where there is nothing. */
function parseCsv(file: string): (string | null)[][] {
  const rows: (string | null)[][] = [];
  let at = 0;
  while (at < file.length) {
    const row: (string | null)[] = [];
    for (;;) {
      if (file[at] === '"') {
        let value = '';
        for (at += 1; file[at] !== '"' || file[at + 1] === '"'; at += file[at] === '"' ? 2 : 1)
          value += file[at];
        at += 1;
        row.push(value);
      } else {
        const end = /[,\r]/.exec(file.slice(at))!.index + at;
        const bare = file.slice(at, end);
        expect(bare).not.toMatch(/["\n]/);
        row.push(bare === '' ? null : bare);
        at = end;
      }
      if (file[at] === ',') at += 1;
      else break;
    }
    expect(file.slice(at, at + 2)).toBe('\r\n');
    at += 2;
    rows.push(row);
  }
  return rows;
}

/** What a spreadsheet would run begins with an apostrophe; a telephone number with its sign does not. */
function guarded(value: string): string {
  const visible = value.replace(/^[\s\u200b-\u200d\u2060\ufeff]+/, '').normalize('NFKC');
  const isFormula =
    /^\p{Cc}/u.test(value) ||
    /^[=@]/.test(visible) ||
    (/^[+-]/.test(visible) &&
      !/^\d*$/.test([...value].slice([...value].indexOf([...value.trimStart()][0]!) + 1).join('')));
  return isFormula || value.startsWith('# INCOMPLETE') ? `'${value}` : value;
}

const fields = [...columnFields.map(({ name }) => name), '__typename'];
const texts = new Set(
  columnFields.filter(({ definition }) => String(definition.type) === 'String').map(({ name }) => name),
);

/** Fields in any order, some of them renamed. */
const selection = fc
  .tuple(
    fc.shuffledSubarray(fields, { minLength: 1 }),
    fc.array(fc.boolean(), { minLength: fields.length, maxLength: fields.length }),
  )
  .map(([names, renamed]) =>
    names.map((name, index) => ({ name, key: renamed[index] ? `my_${name}` : name })),
  );

const listOf = (members: readonly { name: string; key: string }[], given: string) =>
  `{ cdrs(${given}) { nodes { ${members.map(({ name, key }) => (name === key ? name : `${key}: ${name}`)).join(' ')} } } }`;

const download = async (document: string, accept: string, headers: Record<string, string> = {}) =>
  gateway.ask(document, {}, { headers: { accept, ...headers } });

const given = fc.constantFrom(
  'first: 400',
  'last: 150, orderBy: OLDEST_FIRST',
  'first: 3',
  'first: 0',
  'first: 400, filter: { cld: { startsWith: "+" } }',
);

test('a CSV file read by the letter of RFC 4180 is the JSON answer', async () => {
  await fc.assert(
    fc.asyncProperty(selection, given, async (members, args) => {
      const document = listOf(members, args);
      const [file, { data }] = [
        await (await download(document, 'text/csv')).text(),
        await gateway.query(document),
      ];
      const [header, ...rows] = parseCsv(file);
      const expected = data.cdrs.nodes.map((node: Record<string, string | number | null>) =>
        members.map(({ name, key }) => {
          const value = node[key]!;
          // Many readers skip an empty line.
          if (value === null) return members.length === 1 ? '' : null;
          return texts.has(name) ? guarded(String(value)) : String(value);
        }),
      );
      expect(header).toEqual(members.map(({ key }) => key));
      expect(rows).toEqual(expected);
    }),
    { numRuns: 40, seed: 92 },
  );
});

test('an NDJSON file read line by line is the JSON answer', async () => {
  await fc.assert(
    fc.asyncProperty(selection, given, async (members, args) => {
      const document = listOf(members, args);
      const file = await (await download(document, 'application/x-ndjson')).text();
      const { data } = await gateway.query(document);
      const lines = file.split('\n');
      expect(lines.pop()).toBe('');
      expect(lines.map((line) => JSON.parse(line))).toEqual(data.cdrs.nodes);
      expect(lines.map((line) => Object.keys(JSON.parse(line)))).toEqual(
        lines.map(() => members.map(({ key }) => key)),
      );
    }),
    { numRuns: 40, seed: 93 },
  );
});

test('edges are lines of NDJSON too, with their cursors, and a column of cursors is CSV', async () => {
  const edges = '{ cdrs(first: 5) { edges { cursor node { id } } } }';
  const lines = (await (await download(edges, 'application/x-ndjson')).text()).trim().split('\n');
  const { data } = await gateway.query(edges);
  const placeOf = (cursor: string) => cursor.slice(-22);
  expect(lines.map((line) => JSON.parse(line)).map(({ cursor, node }) => [placeOf(cursor), node])).toEqual(
    data.cdrs.edges.map(({ cursor, node }: { cursor: string; node: object }) => [placeOf(cursor), node]),
  );

  const [header, first] = parseCsv(
    await (await download('{ cdrs(first: 1) { edges { place: cursor } } }', 'text/csv')).text(),
  );
  expect(header).toEqual(['place']);
  const next = await gateway.query(
    'query ($after: String) { cdrs(first: 1, after: $after) { nodes { id } } }',
    { after: first![0] },
  );
  expect(next.data.cdrs.nodes).toEqual([data.cdrs.edges[1].node]);
});

test('what a spreadsheet would run begins with an apostrophe, a telephone number does not', async () => {
  const cells = {
    '=1+1': "'=1+1",
    '@SUM(A1)': "'@SUM(A1)",
    '+33123456789': '+33123456789',
    '-33123456789': '-33123456789',
    '+33 1 23': "'+33 1 23",
    '-1+cmd|x': "'-1+cmd|x",
    '\t=1': "'\t=1",
    '\r=1': "'\r=1",
    '\n=1': "'\n=1",
    ' =1+1': "' =1+1",
    '\u00a0\u3000=1+1': "'\u00a0\u3000=1+1",
    '＝1+1': "'＝1+1",
    '＠SUM(A1)': "'＠SUM(A1)",
    '＋1+1': "'＋1+1",
    '＋33123456789': '＋33123456789',
    ' +33123456789': ' +33123456789',
    '# INCOMPLETE code=OVERLOADED rows=0': "'# INCOMPLETE code=OVERLOADED rows=0",
    '#31#0612345678': '#31#0612345678',
    '+': '+',
    '1=1': '1=1',
    '': '',
  };
  const filter = { from: '2030-01-01T00:00:00Z' };
  const rows = Object.keys(cells).map((cli, index) =>
    anXdr({ i_xdr: String(1000 + index), cli, connect_time: '2030-01-01Z' }),
  );
  await database.insertXdrs(rows);
  const response = await gateway.ask(
    'query ($filter: CdrFilter) { cdrs(filter: $filter, orderBy: OLDEST_FIRST) { nodes { cli } } }',
    { filter },
    { headers: { accept: 'text/csv' } },
  );
  await database.primary.deleteFrom('xdrs').where('i_xdr', '>=', '1000').execute();
  await database.replayed();
  expect(parseCsv(await response.text())).toEqual([['cli'], ...Object.values(cells).map((cell) => [cell])]);
});

describe('the headers', () => {
  test.each([
    ['text/csv', 'csv', 'text/csv; charset=utf-8; header=present'],
    ['application/x-ndjson', 'ndjson', 'application/x-ndjson; charset=utf-8'],
    ['text/csv; charset=utf-8, */*;q=0.1', 'csv', 'text/csv; charset=utf-8; header=present'],
  ])('of %s name the file, its type, and how old it is', async (accept, extension, type) => {
    const before = Date.now() - 1000;
    const { status, headers } = await download('{ calls: cdrs(first: 1) { nodes { id } } }', accept);
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe(type);
    const [, stamp] = new RegExp(`^attachment; filename="calls-(\\d{8}T\\d{6}Z)\\.${extension}"$`).exec(
      headers.get('content-disposition')!,
    )!;
    const written = Date.parse(
      stamp!.replace(/(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/, '$1-$2-$3T$4:$5:$6Z'),
    );
    expect(written).toBeGreaterThanOrEqual(before);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('x-replica')).toMatch(/^replica-\d$/);
    expect(headers.get('x-data-as-of')).toMatch(/^\d{4}-.*Z$/);
    const again = await gateway.query(
      '{ cdrs(first: 1) { nodes { id } } }',
      {},
      { headers: { 'x-read-after': headers.get('x-read-token')! } },
    );
    expect(again.errors).toBeUndefined();
  });

  test('JSON is preferred when it is named first', async () => {
    const { headers } = await download('{ cdrs(first: 1) { nodes { id } } }', 'application/json, text/csv');
    expect(headers.get('content-type')).toMatch(/^application\/json/);
  });
});

describe('what is no file is refused as JSON, with the reason', () => {
  test.each([
    ['two lists', '{ one: cdrs { nodes { id } } two: cdrs { nodes { id } } }', 'one list'],
    ['two lists of one field', '{ cdrs { nodes { id } edges { cursor } } }', 'one list'],
    ['a list and something else', '{ cdrs { nodes { id } } viewer { name } }', 'one list'],
    ['a list and its count', '{ cdrs { nodes { id } totalCount } }', 'rows only'],
    ['a list and page info', '{ cdrs { nodes { id } pageInfo { hasNextPage } } }', 'rows only'],
    ['no list', '{ viewer { name } }', 'one list'],
    ['statistics without groups', '{ cdrStats { totals { attempts } } }', 'one list'],
    ['statistics and a list', '{ cdrStats { rows { attempts } } cdrs { nodes { id } } }', 'one list'],
    ['groups and totals', '{ cdrStats { rows { attempts } totals { attempts } } }', 'rows only'],
    ['groups twice', '{ cdrStats { rows { attempts } again: rows { asr } } }', 'one list'],
  ])('%s', async (_, document, sentence) => {
    for (const accept of ['text/csv', 'application/x-ndjson']) {
      const { status, code, message } = await refusalOf(document, accept);
      expect([status, code]).toEqual([406, 'NOT_ACCEPTABLE']);
      expect(message).toContain(sentence);
    }
  });

  test('edges with their calls, as CSV, which is flat', async () => {
    const { status, code, message } = await refusalOf(
      '{ cdrs { edges { cursor node { id } } } }',
      'text/csv',
    );
    expect([status, code]).toEqual([406, 'NOT_ACCEPTABLE']);
    expect(message).toContain('flat');
  });

  test('a type that we cannot write', async () => {
    const { status, code, message } = await refusalOf('{ cdrs { nodes { id } } }', 'image/png');
    expect([status, code]).toEqual([406, 'NOT_ACCEPTABLE']);
    expect(message).toMatch(/text\/csv.*application\/x-ndjson/);
  });

  test.each([
    ['a bad argument', '{ cdrs(first: -1) { nodes { id } } }', 'INVALID_ARGUMENT'],
    ['a page that is too large', '{ cdrs(first: 2000000000) { nodes { id } } }', 'QUERY_TOO_LARGE'],
    ['a foreign cursor', '{ cdrs(after: "x") { nodes { id } } }', 'INVALID_CURSOR'],
    ['an unknown field', '{ cdrs { nodes { cost } } }', 'GRAPHQL_VALIDATION_FAILED'],
    ['no GraphQL', '{ cdrs(', 'GRAPHQL_PARSE_FAILED'],
  ])('%s', async (_, document, code) => {
    for (const accept of ['text/csv', 'application/x-ndjson', 'text/csv, application/json;q=0.1']) {
      expect(await refusalOf(document, accept)).toMatchObject({ status: 400, code });
    }
  });

  async function refusalOf(document: string, accept: string) {
    const response = await download(document, accept);
    expect(response.headers.get('content-type')).toMatch(/^application\/json/);
    expect(response.headers.get('content-disposition')).toBeNull();
    const { errors } = (await response.json()) as Awaited<ReturnType<TestGateway['query']>>;
    const { message, extensions } = errors![0]!;
    return { status: response.status, code: extensions.code, message };
  }

  test('and without a token nothing is a file', async () => {
    const response = await gateway.ask(
      '{ cdrs { nodes { id } } }',
      {},
      { token: 'nobody-knows-this-one', headers: { accept: 'text/csv' } },
    );
    expect([response.status, response.headers.get('content-type')]).toEqual([
      401,
      expect.stringMatching(/^application\/json/),
    ]);
  });
});
