import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { buildSchema, GraphQLError } from 'graphql';
import { describe, expect, test } from 'vitest';
import { ByteCache } from '../../src/graphql/byte-cache.ts';
import { Documents } from '../../src/graphql/documents.ts';
import { RequestFacts } from '../../src/http/request-facts.ts';
import { createBareGateway, post } from './bare-gateway.ts';

const schema = buildSchema(`
  directive @defer on FRAGMENT_SPREAD | INLINE_FRAGMENT
  type Query { calls(first: Int, ids: [ID!]): [Call] }
  type Call { id: ID cli: String cld: String account: Account }
  type Account { id: ID }
`);

const factsOfNobody = () => new RequestFacts(new Request('http://gateway/graphql'));
const times = (count: number, text: string) => Array.from({ length: count }, () => text).join(' ');

describe('a cache that is bounded by bytes', () => {
  test('forgets what was not used for a long time, and never holds more than it may', () => {
    const cache = new ByteCache<string>(100);
    for (const key of ['a', 'b', 'c', 'd']) cache.add(key, key, 25);
    cache.get('a');
    cache.add('e', 'e', 30);
    expect(['a', 'b', 'c', 'd', 'e'].map((key) => cache.get(key))).toEqual([
      'a',
      undefined,
      undefined,
      'd',
      'e',
    ]);
    expect([cache.size, cache.bytes]).toEqual([3, 80]);
  });

  test('counts what a value comes to hold later', () => {
    const cache = new ByteCache<string>(100);
    cache.add('a', 'a', 10);
    cache.add('b', 'b', 10);
    cache.grow('b', 85);
    expect([cache.get('a'), cache.get('b'), cache.bytes]).toEqual([undefined, 'b', 95]);
    cache.grow('b', 85);
    expect([cache.get('b'), cache.bytes]).toEqual([undefined, 0]);
    cache.grow('b', 85);
    expect(cache.bytes).toBe(0);
  });

  test('holds one value for a key', () => {
    const cache = new ByteCache<string>(100);
    cache.add('a', 'one', 60);
    cache.add('a', 'two', 30);
    expect([cache.get('a'), cache.size, cache.bytes]).toEqual(['two', 1, 30]);
  });
});

describe('a document that was seen before', () => {
  test('is not parsed again', () => {
    const documents = new Documents({ schema });
    const text = 'query A { calls { id } } query B { calls { cli } }';
    const one = documents.find(text, 'A', factsOfNobody());
    expect(documents.find(text, 'A', factsOfNobody())).toBe(one);
    expect(documents.find(text, 'B', factsOfNobody()).document).toBe(one.document);
    expect(documents.find(`${text} `, 'A', factsOfNobody()).document).not.toBe(one.document);
  });

  test('without @defer and @stream only once, whatever number of operations it has, and counts that', () => {
    const find = (documents: Documents, text: string, name: string) =>
      documents.find(text, name, factsOfNobody()).whole.document;
    const text = 'query A { calls { id ... { cli } } } query B { calls { id ... { cld } } }';
    const [plain, inParts] = [new Documents({ schema }), new Documents({ schema })];
    expect(find(plain, text, 'A')).toBe(find(plain, text, 'B'));
    const deferred = text.replaceAll('...', '... @defer');
    expect(find(inParts, deferred, 'A')).toBe(find(inParts, deferred, 'B'));
    expect(inParts.kept.bytes).toBeGreaterThan(1.8 * plain.kept.bytes - 4000);
  });

  test('names its operation to each request', () => {
    const documents = new Documents({ schema });
    for (let time = 0; time < 2; time++) {
      const facts = factsOfNobody();
      documents.find('query Calls { calls { id } }', null, facts);
      expect(facts.operation).toEqual({ name: 'Calls', type: 'query', field: 'calls' });
    }
  });

  test('does not answer for an operation that it does not have', () => {
    const documents = new Documents({ schema });
    for (const name of ['B', '', '__proto__', 'constructor']) {
      documents.find('query A { calls { id } }', 'A', factsOfNobody());
      expect(() => documents.find('query A { calls { id } }', name, factsOfNobody())).toThrow('operation');
    }
  });

  const costing = (points: number) => ({ points, kept: 0 });

  test('keeps what it costs and how it is planned for a few variables only', () => {
    const documents = new Documents({ schema });
    const operation = documents.find('query ($n: Int) { calls(first: $n) { id } }', null, factsOfNobody());
    for (let n = 0; n < 10_000; n++) operation.costs.get(String(n), () => costing(n));
    operation.costs.get('x'.repeat(100_000), () => costing(1));
    expect(documents.kept.bytes).toBeLessThan(50_000);
    expect(operation.costs.get('9999', () => costing(-1))).toEqual(costing(9999));
    expect(operation.costs.get('0', () => costing(-1))).toEqual(costing(-1));
  });
});

describe('nothing is kept', () => {
  const refused: Record<string, string> = {
    'of a document that is no GraphQL': '{ calls { id }',
    'of a document that does not fit the schema': '{ calls { nothing } }',
    'of a document beyond the limits': `{ calls { ${times(101, 'x: id')} } }`,
    'of a document that is very large': `{ calls { ${times(5000, 'id')} } }`,
    'of a document with a comment of a megabyte': `# ${'x'.repeat(1_000_000)}\n{ calls { id } }`,
    'of a document with a megabyte in a string': `{ calls(ids: ["${'x'.repeat(1_000_000)}"]) { id } }`,
  };

  test.each(Object.entries(refused))('%s', (_, text) => {
    const documents = new Documents({ schema });
    try {
      documents.find(text, null, factsOfNobody());
    } catch (error) {
      expect(error).not.toBeInstanceOf(TypeError);
    }
    expect(documents.kept).toEqual({ documents: 0, bytes: 0 });
  });
});

/** Of the heap, when nothing is left to collect. */
function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  return process.memoryUsage().heapUsed;
}

const MEGABYTE = 1024 * 1024;

describe('memory stays flat', () => {
  const documents: Record<string, (index: number) => object> = {
    'after distinct documents of 20 kB': (index) => ({
      query: `query Q${index} { calls { ${times(4000, 'id')} } }`,
    }),
    'after distinct documents of 2 kB': (index) => ({
      query: `query Q${index} { calls { ${times(400, 'id')} } }`,
    }),
    'after distinct documents that are invalid': (index) => ({
      query: `query Q${index} { calls { ${times(2000, 'no')} } }`,
    }),
    'after distinct documents that are no GraphQL': (index) => ({
      query: `query Q${index} { calls { ${times(4000, 'id')}`,
    }),
    'after distinct comments of a megabyte': (index) => ({
      query: `# ${index} ${'x'.repeat(1_000_000)}\n{ calls { id } }`,
    }),
    'after distinct variables of a megabyte': (index) => ({
      query: 'query ($ids: [ID!]) { calls(ids: $ids) { id } }',
      variables: { ids: [`${index} ${'x'.repeat(1_000_000)}`] },
    }),
    'after distinct names of operations': (index) => ({
      query: 'query A { calls { id } }',
      operationName: `${index} ${'x'.repeat(100_000)}`,
    }),
  };

  test.each(Object.entries(documents))('%s', async (_, bodyOf) => {
    const gateway = createBareGateway(schema);
    const ask = (index: number) => post(gateway, bodyOf(index));
    for (let index = 0; index < 20; index++) await ask(index);
    const before = heapBytes();
    for (let index = 20; index < 320; index++) await ask(index);
    expect(gateway.documents.kept.bytes).toBeLessThanOrEqual(32 * MEGABYTE);
    expect(heapBytes() - before).toBeLessThan(40 * MEGABYTE);
  });
});

test('an error of parsing says where', () => {
  const documents = new Documents({ schema });
  try {
    documents.find('{ calls(', null, factsOfNobody());
    expect.unreachable();
  } catch (error) {
    const [first] = (error as { errors: GraphQLError[] }).errors;
    expect(first).toBeInstanceOf(GraphQLError);
    expect(first?.locations).toEqual([{ line: 1, column: 9 }]);
  }
});
