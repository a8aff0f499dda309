import {
  buildSchema,
  type FragmentDefinitionNode,
  getIntrospectionQuery,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  parse,
} from 'graphql';
import { describe, expect, test } from 'vitest';
import { allowanceOf, costOf, fieldPoints } from '../../src/graphql/cost.ts';
import { MAX_NODES } from '../../src/resolvers/nodes.ts';
import { schema as ourSchema } from '../../src/schema/index.ts';
import { createBareGateway, post } from './bare-gateway.ts';

/** The parts of our schema that cost depends on, and a field that leads back to the root. */
const schema = buildSchema(`
  type Query {
    cdr(id: ID!): Cdr
    cdrs(first: Int, after: String, last: Int): CdrConnection!
    cdrStats(first: Int): CdrStats!
    replicas: [Replica!]!
    again: Query
  }
  type CdrConnection { edges: [Edge]! nodes: [Cdr]! pageInfo: PageInfo! totalCount: Int estimatedCount: Int }
  type Edge { cursor: String node: Cdr }
  type PageInfo { hasNextPage: Boolean }
  type Cdr { id: ID cli: String cld: String account: Account }
  type Account { username: String }
  type CdrStats { rows: [Row!]! totals: Row! }
  type Row { attempts: Int asr: Float }
  type Replica { name: String }
`);

const app = createBareGateway(schema);

async function ask(query: string, variables: object = {}) {
  const { body } = await post(app, { query, variables });
  return body.errors?.[0];
}

function tooLarge(limit: string, measured: number, allowed: number) {
  return expect.objectContaining({
    message: expect.stringContaining(String(allowed)),
    extensions: { code: 'QUERY_TOO_LARGE', retryable: false, limit, measured, allowed },
  });
}

const times = (count: number, text: (index: number) => string) =>
  Array.from({ length: count }, (_, i) => text(i));

describe('a document', () => {
  test('of introspection passes', async () => {
    expect(await ask(getIntrospectionQuery({ inputValueDeprecation: true, oneOf: true }))).toBeUndefined();
  });

  test('may have 10,000 tokens and not one more', async () => {
    const query = (tokens: number) => `{${' cdr'.repeat(tokens - 2)} }`;

    expect(await ask(query(10_000))).not.toEqual(tooLarge('tokens', 10_001, 10_000));
    expect(await ask(query(10_001))).toEqual(tooLarge('tokens', 10_001, 10_000));
  });

  test('may be 20 fields deep and not one more', async () => {
    const query = (depth: number) => `${'{ again '.repeat(depth - 1)} { __typename ${'}'.repeat(depth)}`;

    expect(await ask(query(20))).toBeUndefined();
    expect(await ask(query(21))).toEqual(tooLarge('depth', 21, 20));
  });

  test('that hides its depth in fragments is measured all the same', async () => {
    const steps = times(20, (i) => `fragment F${i} on Query { again { ...F${i + 1} } }`);

    expect(await ask(`{ ...F0 } ${steps.join(' ')} fragment F20 on Query { __typename }`)).toEqual(
      tooLarge('depth', 21, 20),
    );
  });

  test.each(['{ a', '[', '(a: '])('of thousands of open "%s" never reaches the parser', async (open) => {
    expect(await ask(`{ a ${open.repeat(3000)}`)).toEqual(tooLarge('nesting', 81, 80));
  });

  test('may have 100 aliases', async () => {
    const query = (count: number) => `{ again { ${times(count, (i) => `a${i}: __typename`).join(' ')} } }`;

    expect(await ask(query(100))).toBeUndefined();
    expect(await ask(query(101))).toEqual(tooLarge('aliases', 101, 100));
  });

  test('may have 50 fields at the root of an operation, fragments spread', async () => {
    const fragment = `fragment F on Query { ${times(26, (i) => `f${i}: cdr(id: 1) { id }`).join(' ')} }`;
    const query = (count: number) =>
      `{ ...F ${times(count, (i) => `q${i}: cdr(id: 1) { id }`).join(' ')} } ${fragment}`;

    expect(await ask(query(24))).toBeUndefined();
    expect(await ask(query(25))).toEqual(tooLarge('rootFields', 51, 50));
  });

  test('may have 4 directives on a field', async () => {
    const query = (count: number) => `{ replicas { name ${'@include(if: true) '.repeat(count)} } }`;

    expect(await ask(query(5))).toEqual(tooLarge('directives', 5, 4));
    expect((await ask(query(4)))?.extensions.code).toBe('GRAPHQL_VALIDATION_FAILED');
  });

  test('whose fragments double it a hundred times is refused at once', async () => {
    const doubling = times(
      15,
      (i) => `fragment F${i} on Query { a: again { ...F${i + 1} } b: again { ...F${i + 1} } }`,
    );
    const started = performance.now();
    const error = await ask(`{ ...F0 } ${doubling.join(' ')} fragment F15 on Query { __typename }`);

    expect(error).toEqual(tooLarge('fields', 2 ** 16 - 2 + 2 ** 15, 5000));
    expect(performance.now() - started).toBeLessThan(1000);
  });

  test('whose fragments go in a circle is left to validation', async () => {
    const query = '{ ...A } fragment A on Query { again { ...B } } fragment B on Query { again { ...A } }';

    expect((await ask(query)).extensions.code).toBe('GRAPHQL_VALIDATION_FAILED');
  });

  test('that is no GraphQL is left to the parser, which says where', async () => {
    const error = await ask('{ cdr(id: "unfinished');

    expect(error).toMatchObject({ extensions: { code: 'GRAPHQL_PARSE_FAILED' }, locations: [{ line: 1 }] });
  });

  test('that is refused is refused again when it is sent again', async () => {
    const query = `{ again { ${times(101, (i) => `x${i}: __typename`).join(' ')} } }`;

    expect(await ask(query)).toEqual(await ask(query));
  });
});

function cost(query: string, variables: Record<string, unknown> = {}): number {
  const { definitions } = parse(query);
  const operation = definitions.find((definition) => definition.kind === Kind.OPERATION_DEFINITION)!;
  const fragments = definitions.filter(
    (definition): definition is FragmentDefinitionNode => definition.kind === Kind.FRAGMENT_DEFINITION,
  );
  const byName = new Map(fragments.map((fragment) => [fragment.name.value, fragment]));
  return costOf({ schema, operation, fragments: byName, variables }).points;
}

describe('the cost of a query', () => {
  test('is items of a list times 10 and what is selected of each', () => {
    expect(cost('{ cdrs(first: 1000) { nodes { id cli } } }')).toBe(2 + 1000 * 12);
    expect(cost('{ cdrs(last: 1000) { edges { cursor node { id account { username } } } } }')).toBe(
      2 + 1000 * 15,
    );
  });

  test('takes page sizes from variables, their defaults, or the usual page', () => {
    const query = 'query ($n: Int = 200) { cdrs(first: $n) { nodes { id } } }';

    expect(cost(query, { n: 300 })).toBe(2 + 300 * 11);
    expect(cost(query)).toBe(2 + 200 * 11);
    expect(cost(query, { n: null })).toBe(2 + 50 * 11);
    expect(cost('{ cdrs { nodes { id } } }')).toBe(2 + 50 * 11);
  });

  test('counts fragments wherever they are spread', () => {
    const nodes = 'fragment N on Cdr { id cli }';
    const page = 'fragment P on CdrConnection { nodes { ...N } }';

    expect(cost(`{ cdrs(first: 10) { ...P } } ${page} ${nodes}`)).toBe(2 + 10 * 12);
    expect(cost(`{ a: cdrs(first: 10) { ...P } b: cdrs(first: 20) { ...P } } ${page} ${nodes}`)).toBe(
      4 + 30 * 12,
    );
    expect(cost('{ cdrs(first: 10) { ... on CdrConnection { nodes { ... { id } } } } }')).toBe(2 + 10 * 11);
  });

  test('leaves out what @skip and @include leave out', () => {
    const query = 'query ($all: Boolean = false) { cdrs(first: 1) { totalCount @include(if: $all) } }';

    expect(cost(query)).toBe(1);
    expect(cost(query, { all: true })).toBe(2_000_001);
    expect(cost('{ cdrs(first: 9) @skip(if: true) { nodes { id } } }')).toBe(0);
  });

  test.each(Object.keys(fieldPoints))('names a field of ours where it is dear: %s', (coordinate) => {
    const [type, field] = coordinate.split('.') as [string, string];
    const parent = ourSchema.getType(type);

    expect(isObjectType(parent) && parent.getFields()[field]).toBeTruthy();
  });

  test('of objects by their ids is that of as many as may be given, in whatever fragments', () => {
    const costOfOurs = (query: string) => {
      const operation = parse(query).definitions[0] as OperationDefinitionNode;
      return costOf({ schema: ourSchema, operation, fragments: new Map(), variables: {} }).points;
    };
    expect(costOfOurs('{ node(nodeId: "x") { nodeId ... on Cdr { id } ... on Account { id } } }')).toBe(
      10_003,
    );
    expect(costOfOurs('{ nodes(nodeIds: []) { nodeId ... on Cdr { carrier { prefix } } } }')).toBe(
      100_000 + MAX_NODES * (10 + 1 + 11),
    );
  });

  test('stays within bounds whatever number is sent', () => {
    const query = 'query ($n: Int) { cdrs(first: $n) { nodes { id } } }';

    expect(cost(query, { n: -5 })).toBe(2 + 50 * 11);
    expect(cost(query, { n: 1e308 })).toBeLessThan(1e11);
  });
});

describe('one request', () => {
  const columns = times(25, (i) => `c${i}: id`).join(' ');
  const list = (name: string) => `${name}: cdrs(first: 1000000) { nodes { ${columns} } }`;

  test('may ask for a page of the largest size with 25 fields', async () => {
    expect((await ask(`{ ${list('a')} }`))?.extensions.code).not.toBe('QUERY_TOO_LARGE');
  });

  test('may not ask for three of them under aliases', async () => {
    const query = `query ($n: Int!) { ${['a', 'b', 'c']
      .map((name) => `${name}: cdrs(first: $n) { nodes { ...C } }`)
      .join(' ')} } fragment C on Cdr { ${columns} }`;
    const measured = 6 + 3 * 1_000_000 * 35;

    expect(await ask(query, { n: 1_000_000 })).toEqual(tooLarge('cost', measured, 70_000_000));
    expect((await ask(query, { n: 1000 }))?.extensions.code).not.toBe('QUERY_TOO_LARGE');
  });

  test('may ask for a page of tiles, and not for every aggregation at once', async () => {
    const tiles = (count: number) =>
      `{ ${times(count, (i) => `t${i}: cdrStats { totals { attempts } }`).join(' ')} }`;

    expect((await ask(tiles(20)))?.extensions.code).not.toBe('QUERY_TOO_LARGE');
    expect((await ask(tiles(40)))?.extensions.code).toBe('QUERY_TOO_LARGE');
  });

  test('of a principal with a small page may still ask for twenty aggregations', () => {
    expect(allowanceOf({ maxPage: 10 })).toBeGreaterThanOrEqual(20 * 2_000_000);
    expect(allowanceOf({ maxPage: 5_000_000 })).toBe(350_000_000);
  });
});
