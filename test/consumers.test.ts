import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { type DefinitionNode, Kind, type OperationDefinitionNode, parse, print, validate } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { allowanceOf, costOf } from '../src/graphql/cost.ts';
import { schema } from '../src/schema/index.ts';
import { aCustomer, aFailedXdr, anAccount, anXdr } from './support/builders.ts';
import { ACCOUNT_TOKEN, createTestGateway, type TestGateway } from './support/gateway.ts';
import { createTestDatabase, type TestDatabase } from './support/postgres.ts';

/** Plausible values for the variables of our consumers' operations, by name. */
const values: Readonly<Record<string, unknown>> = {
  filter: { accountIds: ['14'], from: '2026-01-01T00:00:00Z' },
  first: 50,
  after: null,
  orderBy: 'NEWEST_FIRST',
  id: '1',
  account: '14',
  from: 1_767_225_600_000,
  to: '2026-02-01T00:00:00Z',
};

const isOperation = (definition: DefinitionNode): definition is OperationDefinitionNode =>
  definition.kind === Kind.OPERATION_DEFINITION;

const operations = globSync('test/consumers/*.graphql')
  .sort()
  .flatMap((file) => {
    const document = parse(readFileSync(file, 'utf8'));
    return document.definitions.filter(isOperation).map((operation) => ({
      consumer: basename(file, '.graphql'),
      name: operation.name!.value,
      document,
      operation,
    }));
  });

let database: TestDatabase;
let gateway: TestGateway;

beforeAll(async () => {
  database = await createTestDatabase();
  await database.insertCustomers([aCustomer()]);
  await database.insertAccounts([anAccount()]);
  await database.insertXdrs([
    ...Array.from({ length: 30 }, (_, index) => anXdr({ i_xdr: String(index + 1) })),
    aFailedXdr({ i_xdr: '31' }),
  ]);
  gateway = await createTestGateway(database);
});

afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

test('every consumer asks something, by a name of its own', () => {
  const files = globSync('test/consumers/*.graphql').map((file) => basename(file, '.graphql'));
  expect(new Set(operations.map(({ consumer }) => consumer))).toEqual(new Set(files));
  expect(files.length).toBeGreaterThanOrEqual(3);
  expect(new Set(operations.map(({ name }) => name)).size).toBe(operations.length);
});

describe.each(operations)('$consumer: $name', ({ document, operation }) => {
  const variables = Object.fromEntries(
    (operation.variableDefinitions ?? []).map(({ variable }) => [
      variable.name.value,
      values[variable.name.value],
    ]),
  );

  test('fits the schema', () => {
    expect(validate(schema, document)).toEqual([]);
    for (const { variable } of operation.variableDefinitions ?? [])
      expect(values).toHaveProperty(variable.name.value);
  });

  test('is cheap enough for the smallest principal', () => {
    const { points } = costOf({ schema, operation, fragments: new Map(), variables });
    expect(points).toBeLessThan(allowanceOf({ maxPage: 1000 }));
  });

  test.each([
    ['the administrator', undefined],
    ['an account', ACCOUNT_TOKEN],
  ])('is answered in full for %s', async (_, token) => {
    const { data, errors, extensions } = await gateway.query(print(operation), variables, { token });
    expect(errors).toBeUndefined();
    expect(Object.keys(data).length).toBeGreaterThan(0);
    expect(extensions.complete).toBeUndefined();
    // Something is there to show: no operation of theirs asks for nothing.
    expect(Object.values(data).every((value) => value !== null)).toBe(true);
    expect(emptyLists(data)).toEqual([]);
  });
});

/** Paths of lists without items. */
function emptyLists(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) {
    return value.length === 0 ? [path] : value.flatMap((item, index) => emptyLists(item, `${path}.${index}`));
  }
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, part]) => emptyLists(part, `${path}.${key}`));
}

test('the call explorer pages through all calls with what it was given', async () => {
  const page = operations.find(({ name }) => name === 'CallPage')!;
  const ids: string[] = [];
  for (let after: string | null = null; ; ) {
    const { data } = await gateway.query(print(page.operation), {
      filter: { accountIds: ['14'] },
      first: 7,
      after,
      orderBy: 'OLDEST_FIRST',
    });
    ids.push(...data.cdrs.nodes.map(({ id }: { id: string }) => id));
    if (!data.cdrs.pageInfo.hasNextPage) break;
    after = data.cdrs.pageInfo.endCursor;
  }
  expect(ids).toEqual(Array.from({ length: 31 }, (_, index) => String(index + 1)));
});
