import {
  GraphQLError,
  GraphQLInputObjectType,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLScalarType,
  GraphQLSchema,
  GraphQLString,
} from 'graphql';
import { expect, test } from 'vitest';
import { InvalidArgumentError, NoReplicaAvailableError, UnauthenticatedError } from '../../src/errors.ts';
import { createBareGateway, post } from './bare-gateway.ts';

/** A scalar that refuses everything but "ok", as ours refuse: with a GraphQLError of their own. */
const Picky = new GraphQLScalarType({
  name: 'Picky',
  serialize: (value) => {
    if (value !== 'ok') throw new GraphQLError(`Picky cannot show ${value}`);
    return value;
  },
  parseValue: (value) => {
    if (value !== 'ok') throw new GraphQLError('A Picky is "ok".');
    return value;
  },
});

const failures: Record<string, () => unknown> = {
  fine: () => 'fine',
  defect: () => {
    throw new TypeError('cannot read 33123456789 of undefined');
  },
  down: () => {
    throw new NoReplicaAvailableError(['replica-1: unreachable']);
  },
  argument: () => {
    throw new InvalidArgumentError('"first" must not be negative.');
  },
  given: () => {
    throw new DOMException('gone', 'AbortError');
  },
};

const Filter = new GraphQLInputObjectType({ name: 'Filter', fields: { picky: { type: Picky } } });
const schema = new GraphQLSchema({
  query: new GraphQLObjectType({
    name: 'Query',
    fields: {
      ...Object.fromEntries(
        Object.entries(failures).map(([name, resolve]) => [name, { type: GraphQLString, resolve }]),
      ),
      unshowable: { type: Picky, resolve: () => 'secret' },
      rows: {
        type: new GraphQLList(
          new GraphQLObjectType({ name: 'Row', fields: { bad: { type: GraphQLInt, resolve: badRow } } }),
        ),
        resolve: () => Array.from({ length: 500 }, () => ({})),
      },
      echo: {
        type: GraphQLString,
        args: {
          picky: { type: Picky },
          filter: { type: Filter },
          count: { type: new GraphQLNonNull(GraphQLInt), defaultValue: 1 },
        },
        resolve: () => 'echo',
      },
    },
  }),
});

function badRow(): never {
  throw new Error('every row');
}

const reports: { error: unknown; reference: string }[] = [];
const app = createBareGateway(schema, { report: (error, reference) => reports.push({ error, reference }) });
const asGraphql = { accept: 'application/graphql-response+json' };

async function firstError(query: string, variables?: object) {
  const { status, body } = await post(app, { query, variables });
  const { status: specStatus } = await post(app, { query, variables }, asGraphql);
  return { status, specStatus, ...body.errors[0] };
}

test('a failure we understand keeps its message and gets its code', async () => {
  const { message, extensions, path } = await firstError('{ fine argument }');

  expect(message).toBe('"first" must not be negative.');
  expect(extensions).toEqual({ code: 'INVALID_ARGUMENT', retryable: false });
  expect(path).toEqual(['argument']);
});

test('a defect is masked, and its report carries the reference that the caller sees', async () => {
  reports.length = 0;
  const { body, status } = await post(app, { query: '{ defect }' });

  const { message, extensions } = body.errors[0];
  expect(status).toBe(500);
  expect(extensions).toEqual({
    code: 'INTERNAL',
    retryable: false,
    reference: expect.stringMatching(/^\w{10}$/),
  });
  expect(message).toContain(extensions.reference);
  expect(JSON.stringify(body)).not.toContain('33123456789');
  expect(reports).toEqual([{ error: expect.any(TypeError), reference: extensions.reference }]);
});

test('what a scalar throws while a value is shown is a defect, not the words of the answer', async () => {
  const { extensions, message } = await firstError('{ unshowable }');

  expect(extensions.code).toBe('INTERNAL');
  expect(message).not.toContain('secret');
});

test('a defect that every row meets is reported once', async () => {
  reports.length = 0;
  const { body } = await post(app, { query: '{ rows { bad } }' });

  expect(body.errors).toHaveLength(500);
  expect(new Set(body.errors.map(referenceOf)).size).toBe(1);
  expect(reports).toHaveLength(1);
});

function referenceOf(error: { extensions: { reference: string } }): string {
  return error.extensions.reference;
}

test('no standby at all is 503 with Retry-After for every client', async () => {
  const { status, headers, body } = await post(app, { query: '{ down }' });

  expect(status).toBe(503);
  expect(headers.get('retry-after')).toBe('1');
  expect(body.errors[0].extensions).toEqual({ code: 'NO_REPLICA_AVAILABLE', retryable: true });
  expect((await post(app, { query: '{ down }' }, asGraphql)).status).toBe(503);
});

test('an answer that is there in part is 200', async () => {
  const { status, body } = await post(app, { query: '{ fine down }' });

  expect(status).toBe(200);
  expect(body.data).toEqual({ fine: 'fine', down: null });
});

test('an unknown token is 401, whatever the client accepts', async () => {
  const strict = createBareGateway(schema, {
    authenticate: async () => {
      throw new UnauthenticatedError();
    },
  });
  const { status, headers, body } = await post(strict, { query: '{ fine }' });

  expect(status).toBe(401);
  expect(headers.get('www-authenticate')).toBe('Bearer');
  expect(body.errors[0].extensions.code).toBe('UNAUTHENTICATED');
  expect(body).not.toHaveProperty('data');
});

test('a request that was given up is no defect', async () => {
  reports.length = 0;
  const { extensions, status } = await firstError('{ given }');

  expect(extensions).toEqual({ code: 'REQUEST_CANCELLED', retryable: true });
  expect(status).toBe(503);
  expect(reports).toEqual([]);
});

test.each([
  ['{', 'GRAPHQL_PARSE_FAILED'],
  ['{ nothing }', 'GRAPHQL_VALIDATION_FAILED'],
  ['mutation { fine }', 'GRAPHQL_VALIDATION_FAILED'],
  ['{ echo(picky: "no") }', 'INVALID_ARGUMENT'],
  ['{ echo(filter: { picky: "no" }) }', 'INVALID_ARGUMENT'],
  ['{ echo(count: "no") }', 'INVALID_ARGUMENT'],
  ['query ($count: Int! = 1.5) { echo(count: $count) }', 'INVALID_ARGUMENT'],
])('%s is %s: 200 for application/json, 400 for GraphQL responses', async (query, code) => {
  expect(await firstError(query)).toMatchObject({
    extensions: { code, retryable: false },
    status: 200,
    specStatus: 400,
  });
});

test.each([
  { $picky: 'Picky', variables: { picky: 'no' }, given: 'picky: $picky' },
  { $picky: 'Picky!', variables: {}, given: 'picky: $picky' },
  { $picky: 'Int!', variables: { picky: 3_000_000_000 }, given: 'count: $picky' },
])(
  'a variable of type $$picky given as $variables is INVALID_ARGUMENT',
  async ({ $picky, variables, given }) => {
    const query = `query ($picky: ${$picky}) { echo(${given}) }`;

    expect(await firstError(query, variables)).toMatchObject({
      extensions: { code: 'INVALID_ARGUMENT', retryable: false },
      status: 200,
      specStatus: 400,
    });
  },
);

test('null for an argument that has a default but may not be null is INVALID_ARGUMENT', async () => {
  const query = 'query ($count: Int = 2) { echo(count: $count) }';

  expect(await firstError(query, { count: null })).toMatchObject({
    extensions: { code: 'INVALID_ARGUMENT' },
  });
});

const json = { 'content-type': 'application/json' };
const form = { 'content-type': 'application/x-www-form-urlencoded' };

test.each<[string, number, string, RequestInit]>([
  ['malformed JSON', 400, '', { method: 'POST', headers: json, body: '{' }],
  ['a body that is a number', 400, '', { method: 'POST', headers: json, body: '1' }],
  ['a list of queries', 400, '', { method: 'POST', headers: json, body: '[{"query":"{fine}"}]' }],
  ['no query', 400, '', { method: 'POST', headers: json, body: '{}' }],
  ['no query in a URL', 400, '', {}],
  ['a query that is a list', 400, '', { method: 'POST', headers: json, body: '{"query":["{fine}"]}' }],
  ['variables in a URL that are not JSON', 400, '?query={fine}&variables={', {}],
  ['a form whose extensions are not JSON', 400, '', { method: 'POST', headers: form, body: 'extensions=x' }],
  ['an unknown parameter', 400, '', { method: 'POST', headers: json, body: '{"query":"{fine}","x":1}' }],
  ['an operation that is not there', 400, '?query={fine}&operationName=x', {}],
  ['two operations and no name', 400, '?query=query A{fine} query B{fine}', {}],
  [
    'a text/plain body',
    415,
    '',
    { method: 'POST', headers: { 'content-type': 'text/plain' }, body: '{fine}' },
  ],
  ['PUT', 405, '', { method: 'PUT', headers: json, body: '{}' }],
])('%s is BAD_REQUEST with status %i', async (_what, status, search, init) => {
  const response = await app.fetch(`http://gateway/graphql${search}`, init);
  const body = (await response.json()) as { errors: { extensions: object }[] };

  expect(response.status).toBe(status);
  expect(body.errors[0]?.extensions).toEqual({ code: 'BAD_REQUEST', retryable: false });
  if (status === 405) expect(response.headers.get('allow')).toBe('GET, POST');
});

test('a media type we do not write is 406, with the ones we do', async () => {
  const { status, headers, body } = await post(app, { query: '{ fine }' }, { accept: 'image/png' });

  expect(status).toBe(406);
  expect(headers.get('content-type')).toContain('application/json');
  expect(body.errors[0].extensions.code).toBe('NOT_ACCEPTABLE');
  expect(body.errors[0].message).toContain('application/graphql-response+json');
});
