import { globSync, readFileSync } from 'node:fs';
import {
  buildSchema,
  getIntrospectionQuery,
  OverlappingFieldsCanBeMergedRule,
  parse,
  validate,
} from 'graphql';
import { describe, expect, test } from 'vitest';
import { createExamples } from '../../src/graphiql/examples.ts';
import { checkDocument, documentLimits } from '../../src/graphql/document-limits.ts';
import { Documents } from '../../src/graphql/documents.ts';
import { RequestErrors } from '../../src/graphql/errors.ts';
import { countComparisons } from '../../src/graphql/field-comparisons.ts';
import { RequestFacts } from '../../src/http/request-facts.ts';
import { schema } from '../../src/schema/index.ts';

const times = (count: number, text: string | ((index: number) => string)) =>
  Array.from({ length: count }, (_, index) => (typeof text === 'string' ? text : text(index))).join(' ');
const calls = (fields: string) => `{ cdrs(first: 0) { nodes { ${fields} } } }`;

const find = (text: string) => {
  const facts = new RequestFacts(new Request('http://gateway/graphql'));
  return new Documents({ schema }).find(text, null, facts);
};

/** Each would take the only thread for a long time if it were validated: repeats are compared with one another. */
const repeats: Record<string, string> = {
  'the same field': calls(times(900, 'account { customer { id } }')),
  'the same leaf': calls(times(4900, 'id')),
  'the same field in inline fragments': calls(times(900, '... { account { id } }')),
  'the same field in nested inline fragments': calls(
    `${'... { '.repeat(70)}${times(900, 'account { id }')}${'}'.repeat(70)}`,
  ),
  'few fields at each of three levels': calls(
    times(20, `account { ${times(20, `customer { ${times(8, 'id')} }`)} }`),
  ),
  'the same field in two fragments': `${calls('...A ...B')} ${times(
    2,
    (index) => `fragment ${'AB'[index]} on Cdr { ${times(400, 'account { id }')} }`,
  )}`,
  'the same field in many fragments': `${calls(times(240, (index) => `...F${index}`))} ${times(
    240,
    (index) => `fragment F${index} on Cdr { account { customer { id } } }`,
  )}`,
  'a chain of fragments': `${calls('...F0')} ${times(
    240,
    (index) => `fragment F${index} on Cdr { id cli ...F${index + 1} }`,
  )} fragment F240 on Cdr { id }`,
  'fragments within one another': `${calls('...F0')} ${times(
    90,
    (index) => `fragment F${index} on Cdr { ${times(50, (other) => `...F${other}`)} }`,
  )}`,
  'fragments that do not exist': calls(times(3000, (index) => `...X${index}`)),
  'types that do not exist': calls(times(1200, (index) => `... on X${index} { id }`)),
  'a fragment that nobody spreads': `{ viewer { name } } fragment F on Cdr { ${times(900, 'account { id }')} }`,
  'the schema itself': `{ __schema { types { ${times(1200, 'fields { type { name } }')} } } }`,
  'lists that are streamed': `{ cdrs { nodes @stream { ${times(800, 'id')} } ${times(800, 'nodes @stream { id }')} } }`,
  'every operation of many': times(50, (index) => `query Q${index} { viewer { ${times(40, 'name')} } }`),
};

describe('a document that repeats itself is refused before it is validated', () => {
  test.each(Object.entries(repeats))('%s', (_, text) => {
    const document = parse(text);
    expect(countComparisons(document, documentLimits.comparisons)).toBe(documentLimits.comparisons + 1);
    expect(() => find(text)).toThrow(
      expect.objectContaining({
        code: 'QUERY_TOO_LARGE',
        details: { limit: 'comparisons', measured: 10_001, allowed: 10_000 },
      }),
    );
  });

  test.each(Object.entries(repeats))('soon: %s', (_, text) => {
    const before = process.cpuUsage();
    expect(() => find(text)).toThrow();
    const { user, system } = process.cpuUsage(before);
    // A few milliseconds; validation took up to six hundred.
    expect((user + system) / 1000).toBeLessThan(200);
  });
});

/** Each error says in which line it is, and to find that out the lines before it are counted again. */
const afterManyLines: Record<string, string> = {
  'values that do not fit': `cdrs(filter: { outcomes: [${times(100, (index) => `Z${index}`)}] }) { nodes { id } }`,
  'fields that do not exist': `cdrs { nodes { ${times(100, (index) => `z${index}`)} } }`,
  'variables that do not exist': `cdrs(filter: { countries: [${times(100, (index) => `$z${index}`)}] }) { nodes { id } }`,
  'an argument over and over': `cdrs(${times(1000, 'first: 1')}) { nodes { id } }`,
};
const lineBreaks = { '\\n': '\n', '\\r': '\r', '\\r\\n': '\r\n', 'a comment': '#\n' };

describe('a document of very many lines is refused before they are counted again and again', () => {
  const cases = Object.entries(afterManyLines).flatMap(([name, fields]) =>
    Object.entries(lineBreaks).map(
      ([shown, end]) => [name, shown, `{${end.repeat(300_000)}${fields}}`] as const,
    ),
  );

  test.each(cases)('%s, after lines that end in %s', (_name, _shown, text) => {
    const before = process.cpuUsage();
    expect(() => find(text)).toThrow(
      expect.objectContaining({
        code: 'QUERY_TOO_LARGE',
        details: { limit: 'lines', measured: 2001, allowed: 2000 },
      }),
    );
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(200);
  });

  test.each(Object.entries(afterManyLines))(
    'soon where there are just as many as may be: %s',
    (_, fields) => {
      const before = process.cpuUsage();
      expect(() => find(`{${'\n'.repeat(1_999)}${fields}}`)).toThrow(RequestErrors);
      expect(process.cpuUsage(before).user / 1000).toBeLessThan(500);
    },
  );
});

describe('a document may have', () => {
  test.each([
    ['50 operations', 'operations', 50, (n: number) => times(n, (i) => `query Q${i} { viewer { name } }`)],
    [
      '250 fragments',
      'fragments',
      250,
      (n: number) =>
        `{ viewer { name } } ${times(n, (i) => `fragment F${i} on ${i % 2 ? 'Cdr' : 'Viewer'} { a${i}: __typename }`)}`,
    ],
    [
      '250 variables',
      'variables',
      250,
      (n: number) => `query (${times(n, (i) => `$v${i}: Int`)}) { viewer { name } }`,
    ],
  ] as const)('%s', (_, limit, allowed, textOf) => {
    const limits = { ...documentLimits, aliases: 1000 };
    expect(() => checkDocument(parse(textOf(allowed)), limits)).not.toThrow();
    expect(() => checkDocument(parse(textOf(allowed + 1)), limits)).toThrow(
      expect.objectContaining({ details: { limit, measured: allowed + 1, allowed } }),
    );
  });
});

describe('comparisons are counted as graphql-js makes them', () => {
  const count = (text: string) => countComparisons(parse(text), 1_000_000);

  test.each([
    ['nothing', '{ a { b c } }', 0],
    ['two of a name', '{ a a }', 1],
    ['each with each', '{ a a a a }', 6],
    ['names, not fields', '{ a: x a: y b: x }', 1],
    ['what lies below both', '{ a { b } a { b } }', 2],
    ['each level by itself and as part of the one above', '{ a { b b } a { b b } }', 1 + 4 + 1 + 1],
    ['inline fragments as if they were not there', '{ a ... { a ... on T { a } } }', 3],
    ['a fragment with what stands beside it', '{ a ...F } fragment F on T { a }', 1 + 1],
    ['a fragment once, however often it is spread', '{ a ...F ...F ...F } fragment F on T { a }', 1 + 1],
    ['two fragments', '{ ...F ...G } fragment F on T { a } fragment G on T { a }', 2 + 1 + 1],
    ['a fragment in itself', '{ ...F } fragment F on T { ...F }', 3],
    ['a fragment that is not there', '{ a ...F }', 1],
  ])('%s', (_, text, expected) => {
    expect(count(text)).toBe(expected);
  });

  test('what is within the limit is validated in time', () => {
    const within = calls(times(80, 'account { customer { id } }'));
    expect(count(within)).toBeLessThan(documentLimits.comparisons);
    const before = process.cpuUsage();
    validate(schema, parse(within), [OverlappingFieldsCanBeMergedRule]);
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(500);
  });
});

describe('what is sent in earnest is far within every limit', () => {
  const facts = { now: new Date(), timeZone: 'Europe/Paris', accountId: '14' };
  const files = globSync(['test/consumers/*.graphql', 'examples/nextjs/src/operations/*.graphql']).sort();
  const texts: [string, string][] = [
    ...files.map((file): [string, string] => [file, readFileSync(file, 'utf8')]),
    ['introspection', getIntrospectionQuery({ inputValueDeprecation: true, oneOf: true })],
    ...createExamples(facts).map((text, index): [string, string] => [`GraphiQL's tab ${index + 1}`, text]),
  ];

  test.each(texts)('%s', (_, text) => {
    const half = Object.fromEntries(
      Object.entries(documentLimits).map(([limit, allowed]) => [
        limit,
        // GraphiQL's introspection needs 15 of 20 fields below one another.
        limit === 'depth' ? allowed : Math.floor(allowed / 2),
      ]),
    );
    expect(() => checkDocument(parse(text), half as unknown as typeof documentLimits)).not.toThrow();
  });

  test('there is something to look at', () => {
    expect(texts.length).toBeGreaterThan(15);
  });
});

test('large literals, many errors and long names are validated in time', () => {
  const ours: Record<string, string> = {
    list: `{ cdrs(filter: { accountIds: [${times(9900, '1')}] }) { nodes { id } } }`,
    string: `{ cdrs(filter: { accountIds: ["${'1'.repeat(900_000)}"] }) { nodes { id } } }`,
    unknown: calls(times(4900, (index) => `disconnectReaso${index}`)),
    long: calls('x'.repeat(900_000)),
    conflicting: calls(times(90, (index) => `account { x: ${index % 2 ? 'id' : 'username'} }`)),
    arguments: `{ cdrs(${times(3000, (index) => `x${index}: 1`)}) { nodes { id } } }`,
    directives: calls(times(2400, 'id @a')),
  };
  for (const [name, text] of Object.entries(ours)) {
    const before = process.cpuUsage();
    try {
      find(text);
    } catch {
      // Most of them are invalid.
    }
    expect(process.cpuUsage(before).user / 1000, name).toBeLessThan(500);
  }
});

test('an invalid document is told twenty of its mistakes at most', () => {
  const small = buildSchema('type Query { a: Int }');
  const documents = new Documents({ schema: small });
  const facts = new RequestFacts(new Request('http://gateway/graphql'));
  try {
    documents.find(`{ ${times(40, (index) => `x${index}`)} }`, null, facts);
    expect.unreachable();
  } catch (error) {
    expect((error as { errors: unknown[] }).errors).toHaveLength(21);
  }
});
