import { getIntrospectionQuery } from 'graphql';
import { afterAll, beforeAll, expect, test } from 'vitest';
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

/** What a client may send: plain requests, and all that is refused or goes another way. */
const requests: Record<string, { body: unknown; headers?: Record<string, string> }> = {
  'a page': { body: page({ first: 5 }) },
  'a page of another size': { body: page({ first: 7 }) },
  'fewer fields': { body: page({ first: 5, withCld: false }) },
  'a filter': { body: page({ first: 50, filter: { cld: { startsWith: '33612341' } } }) },
  'a principal of an account': {
    body: page({ first: 50 }),
    headers: { authorization: `Bearer ${ACCOUNT_TOKEN}` },
  },
  statistics: { body: { query: '{ cdrStats { totals { attempts answered } } }' } },
  'the schema': { body: { query: getIntrospectionQuery() } },
  'the schema of a type that is given': {
    body: { query: 'query ($name: String!) { __type(name: $name) { name } }', variables: { name: 'Cdr' } },
  },
  'the schema as an event': {
    body: { query: '{ __schema { queryType { name } } }' },
    headers: { accept: 'text/event-stream' },
  },
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
  'a list of queries': { body: [page({ first: 5 })] },
  'a media type in other letters': {
    body: page({ first: 5 }),
    headers: { 'content-type': 'Application/JSON; charset=utf-8' },
  },
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

test.for(Object.keys(requests))('%s is answered alike when the document is known', async (name) => {
  const { body, headers = {} } = requests[name]!;
  const ask = async (RequestClass: typeof Request) => {
    const request = new RequestClass('http://gateway/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${ADMIN_TOKEN}`, ...headers },
      body: JSON.stringify(body),
    });
    const response = await gateway.fetch(request);
    const id = response.headers.get('x-request-id');
    const answer = await comparable(response);
    const lineOf = () => lines.find(({ requestId }) => requestId === id);
    await expect.poll(lineOf).toBeDefined();
    const { requestId: _, ms: __, time: ___, replica: ____, ...line } = lineOf()!;
    return { ...answer, line };
  };
  const first = await ask(gateway.Request);
  expect(await ask(gateway.Request)).toEqual(first);
  // A request of the web's own class is answered like one of Yoga's.
  expect(await ask(Request)).toEqual(first);
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
    'retry-after',
  ];
  const headers = [...response.headers].filter(([name]) => !changing.includes(name)).sort();
  return { status: response.status, headers, body: withoutMoment(await response.text()) };
}

function withoutMoment(text: string): string {
  return text
    .replaceAll(/"(name|asOf|token|endCursor|reference)":"[^"]*"/g, '"$1":"…"')
    .replaceAll(/"(stalenessSeconds|etaSeconds)":([\d.]+|null)/g, '"$1":0')
    .replaceAll(/(replica-)\d/g, '$1…')
    .replaceAll(/[\d.]+ s old/g, '… s old');
}
