import { buildSchema, parse, print } from 'graphql';
import { createYoga } from 'graphql-yoga';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRepeatedQuestions } from '../../src/graphql/known-documents.ts';
import { anXdr } from '../support/builders.ts';
import {
  ACCOUNT_ID,
  ACCOUNT_TOKEN,
  ADMIN_TOKEN,
  createTestGateway,
  type TestGateway,
} from '../support/gateway.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

let database: TestDatabase;
let gateway: TestGateway;
const lines: Record<string, unknown>[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  await database.insertXdrs(
    Array.from({ length: 60 }, (_, index) =>
      anXdr({ i_account: index % 2 === 0 ? ACCOUNT_ID : '99', cld: `3361234${1000 + index}` }),
    ),
  );
  gateway = await createTestGateway(database, { onLog: (line) => lines.push(line) });
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

const PAGE = `query Page($first: Int, $filter: CdrFilter, $withCld: Boolean = true) {
  cdrs(first: $first, filter: $filter) { nodes { id cld @include(if: $withCld) } pageInfo { hasNextPage endCursor } }
}`;
const page = (variables: object) => ({ query: PAGE, variables });

/** What a client may send, once it is known: plain questions, and all that is refused or goes another way. */
const questions: Record<string, { body: unknown; headers?: Record<string, string> }> = {
  'a page': { body: page({ first: 5 }) },
  'a page of another size': { body: page({ first: 7 }) },
  'fewer fields': { body: page({ first: 5, withCld: false }) },
  'a filter': { body: page({ first: 50, filter: { cld: { startsWith: '33612341' } } }) },
  'an account of its own': {
    body: page({ first: 50 }),
    headers: { authorization: `Bearer ${ACCOUNT_TOKEN}` },
  },
  statistics: { body: { query: '{ cdrStats { totals { attempts answered } } }' } },
  'one call that is not there': { body: { query: '{ cdr(id: "1") { id } }' } },
  'its name': { body: { query: `${PAGE} query Other { viewer { role } }`, operationName: 'Other' } },
  'a list through the ordinary executor': {
    body: { query: '{ cdrs(first: 3) { nodes { id account { id } } } }' },
  },
  'JSON as GraphQL calls it': {
    body: page({ first: 5 }),
    headers: { accept: 'application/graphql-response+json, application/json;q=0.9' },
  },
  'JSON as it is called otherwise': {
    body: page({ first: 5 }),
    headers: { accept: 'application/json, */*' },
  },
  anything: { body: page({ first: 5 }), headers: { accept: '*/*' } },
  compression: { body: page({ first: 50 }), headers: { 'accept-encoding': 'gzip' } },
  'a file': { body: { query: '{ cdrs(first: 3) { nodes { id cld } } }' }, headers: { accept: 'text/csv' } },
  'nothing that we can make': { body: page({ first: 5 }), headers: { accept: 'image/png' } },
  'a page that is too large': { body: page({ first: 2_000_000_000 }) },
  'a page that is less than nothing': { body: page({ first: -1 }) },
  'a cursor of nowhere': { body: { query: '{ cdrs(first: 3, after: "x") { nodes { id } } }' } },
  'a variable of the wrong type': { body: page({ first: 'five' }) },
  'a filter that does not exist': { body: page({ filter: { colour: 'red' } }) },
  'an operation that does not exist': { body: { ...page({ first: 5 }), operationName: 'Nobody' } },
  'variables that are none': { body: { query: PAGE, variables: 'first' } },
  'more than GraphQL knows': { body: { ...page({ first: 5 }), colour: 'red' } },
  'a list of questions': { body: [page({ first: 5 })] },
  'no token': { body: page({ first: 5 }), headers: { authorization: '' } },
  'an unknown token': { body: page({ first: 5 }), headers: { authorization: 'Bearer nobody' } },
  'a limit of age that is none': { body: page({ first: 5 }), headers: { 'x-max-staleness': 'young' } },
  'a limit of age that nothing meets': { body: page({ first: 5 }), headers: { 'x-max-staleness': '0' } },
  'what it costs': {
    body: {
      query: `{ ${Array.from({ length: 25 }, (_, n) => `s${n}: cdrStats { totals { asr } }`).join(' ')} }`,
    },
    headers: { authorization: `Bearer ${ACCOUNT_TOKEN}` },
  },
};

test.for(Object.keys(questions))('%s is answered alike when it is asked again', async (name) => {
  const { body, headers = {} } = questions[name]!;
  const ask = async (RequestClass: typeof Request) => {
    const request = new RequestClass('http://gateway/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${ADMIN_TOKEN}`, ...headers },
      body: JSON.stringify(body),
    });
    const answer = await comparable(await gateway.fetch(request));
    const { requestId: _, ms: __, time: ___, ...line } = lines.at(-1)!;
    return { ...answer, line };
  };
  // Requests of the web's own class cannot be read twice, so they always take the long way.
  const byYoga = await ask(Request);
  await ask(gateway.Request);
  expect(await ask(gateway.Request)).toEqual(byYoga);
});

/** Without what differs from one moment to the next. */
async function comparable(response: Response) {
  const changing = [
    'x-request-id',
    'x-data-as-of',
    'x-read-token',
    'content-disposition',
    'x-replica',
    'content-length',
  ];
  const headers = [...response.headers].filter(([name]) => !changing.includes(name)).sort();
  const text = Buffer.from(await response.arrayBuffer()).toString(
    response.headers.has('content-encoding') ? 'hex' : 'utf8',
  );
  return {
    status: response.status,
    headers,
    body: response.headers.has('content-encoding') ? '' : withoutMoment(text),
  };
}

function withoutMoment(text: string): string {
  return text
    .replaceAll(/"(name|asOf|token|endCursor|reference)":"[^"]*"/g, '"$1":"…"')
    .replaceAll(/"(stalenessSeconds|etaSeconds)":[\d.]+/g, '"$1":0')
    .replaceAll(/(replica-)\d/g, '$1…');
}

test('only what is asked again, word for word, goes the short way, and the oldest are forgotten', async () => {
  const executed: string[] = [];
  const yoga = createYoga({ schema: buildSchema('type Query { hello: String }') });
  const repeated = createRepeatedQuestions({
    schema: buildSchema('type Query { hello: String }'),
    fetchAPI: () => yoga.fetchAPI,
    openContext: () => ({}) as never,
    checkCost() {},
    noteOperation() {},
    async execute({ document }) {
      executed.push(print(document));
      return { data: { hello: 'again' } };
    },
    finish: (_, result) => result,
  });
  const learn = (query: string) =>
    repeated.plugin.onExecute!({
      args: { document: parse(query), contextValue: { params: { query } } },
    } as never);
  const ask = (query: string) => {
    const body = JSON.stringify({ query });
    const headers = { 'content-type': 'application/json' };
    const url = 'http://gateway/graphql';
    return repeated.route(new yoga.fetchAPI.Request(url, { method: 'POST', headers, body }), new URL(url));
  };

  expect(await ask('{ hello }')).toBeUndefined();
  learn('{ hello }');
  expect(await (await ask('{ hello }'))!.json()).toEqual({ data: { hello: 'again' } });
  expect(await ask('{ hello } ')).toBeUndefined();
  for (let other = 0; other < 500; other++) learn(`{ n${other}: hello }`);
  expect(await ask('{ hello }')).toBeUndefined();
  expect(await ask('{ n499: hello }')).toBeDefined();
  expect(executed).toEqual(['{\n  hello\n}', '{\n  n499: hello\n}']);
});
