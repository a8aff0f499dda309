import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSourceDatabase } from '../db/source-databases.ts';
import { anXdr } from '../support/builders.ts';
import { createTestGateway, type GraphQLAnswer, type TestGateway } from '../support/gateway.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

/** Tables whose columns are not of the types that the model has, and what is stored in them. */

/** Whoever accepts nothing but parts is answered by the ordinary executor. */
async function ordinary(gateway: TestGateway, document: string): Promise<GraphQLAnswer> {
  const response = await gateway.ask(document, {}, { headers: { accept: 'multipart/mixed' } });
  const text = await response.text();
  return JSON.parse(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1));
}

const file = async (gateway: TestGateway, document: string, accept: string) =>
  (await gateway.ask(document, {}, { headers: { accept } })).text();

describe.each(['smallint', 'integer', 'bigint'])('keys of type %s', (type) => {
  let database: TestDatabase;
  let gateway: TestGateway;

  beforeAll(async () => {
    database = await createTestDatabase();
    await database.pool.query(`
      alter table xdrs alter i_xdr drop identity if exists, alter i_xdr type ${type},
        alter i_account type ${type}, alter i_customer type ${type}`);
    await database.insertXdrs(
      Array.from({ length: 25 }, (_, index) =>
        anXdr({ i_xdr: String(100 + index), connect_time: `2026-01-05 09:00:0${index % 3}Z` }),
      ),
    );
    await database.insertXdrs([anXdr({ i_xdr: '-32768', connect_time: '2026-01-04Z' })]);
    gateway = await createTestGateway(database, { tuning: { poolSize: 2 } });
  });
  afterAll(async () => {
    await gateway[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });

  const expected = [2, 1, 0]
    .flatMap((second) =>
      Array.from({ length: 25 }, (_, index) => index)
        .filter((index) => index % 3 === second)
        .reverse(),
    )
    .map((index) => String(100 + index))
    .concat('-32768');

  test('are the ids of calls, whichever way a list is answered', async () => {
    const document = '{ cdrs { nodes { id accountId customerId cli } } }';
    for (const answer of [await gateway.query(document), await ordinary(gateway, document)]) {
      expect(answer.errors).toBeUndefined();
      expect(answer.data.cdrs.nodes.map(({ id }: { id: string }) => id)).toEqual(expected);
      expect(answer.data.cdrs.nodes[0]).toMatchObject({ accountId: '14', customerId: '3' });
    }
    const csv = await file(gateway, '{ cdrs { nodes { id } } }', 'text/csv');
    expect(csv.trim().split('\r\n').slice(1)).toEqual(expected.map((id) => `"${id}"`));
  });

  test.each([
    ['first', 'after', 'endCursor', 'hasNextPage'],
    ['last', 'before', 'startCursor', 'hasPreviousPage'],
  ])('are in cursors, by which a list is walked with %s', async (size, place, cursor, more) => {
    const ids: string[] = [];
    let at: string | null = null;
    for (let pages = 0; pages < 10; pages++) {
      const { data, errors } = (await gateway.query(
        `query ($at: String) { cdrs(${size}: 4, ${place}: $at) { edges { cursor node { id } } pageInfo { ${cursor} ${more} } } }`,
        { at },
      )) as GraphQLAnswer;
      expect(errors).toBeUndefined();
      const page = data.cdrs.edges.map(({ node }: { node: { id: string } }) => node.id);
      if (size === 'first') ids.push(...page);
      else ids.unshift(...page);
      at = data.cdrs.pageInfo[cursor];
      if (!data.cdrs.pageInfo[more]) break;
    }
    expect(ids).toEqual(expected);
  });

  test('find one call, and the calls of an account or customer', async () => {
    const { data } = await gateway.query(
      '{ cdr(id: 103) { id } none: cdr(id: 9999999999) { id } cdrs(filter: { accountIds: [14], customerIds: [3] }) { nodes { id } totalCount } }',
    );
    expect([data.cdr, data.none, data.cdrs.nodes.length, data.cdrs.totalCount]).toEqual([
      { id: '103' },
      null,
      26,
      26,
    ]);
  });
});

describe('numbers beyond the type of their field', () => {
  let database: TestDatabase;
  let gateway: TestGateway;

  beforeAll(async () => {
    database = await createTestDatabase();
    await database.pool.query(`
      alter table xdrs alter charged_quantity type double precision, alter disconnect_cause type bigint,
        alter i_customer type numeric, alter pdd type double precision, alter duration type double precision`);
    const rows = [
      ['61', '16', '3', '1.5', '60'],
      ['3000000000', '9999999999', '7.5', 'NaN', 'NaN'],
      ['NaN', '17', '1e30', 'Infinity', '-Infinity'],
      ['61.5', '-2147483648', '9223372036854775807', '1e300', '0.1'],
      ['2147483647.4', '2147483648', 'NaN', null, '0'],
      [null, null, null, null, '0'],
      ['-Infinity', '0', '9223372036854775808', '-0.25', '1e-7'],
      // The last that an integer can say is even, so that half below is rounded to it.
      ['-2147483648.5', '0', '3', null, '0'],
    ];
    for (const [index, values] of rows.entries()) {
      await database.pool.query(
        `insert into xdrs (i_xdr, i_account, connect_time, charged_quantity, disconnect_cause, i_customer, pdd, duration)
         values ($1, 14, '2026-01-05Z', $2::float8, $3, $4, $5::float8, $6::float8)`,
        [index + 1, ...values],
      );
    }
    await database.replayed();
    gateway = await createTestGateway(database);
  });
  afterAll(async () => {
    await gateway[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });

  const document =
    '{ cdrs(orderBy: OLDEST_FIRST) { nodes { billedSeconds disconnectCause customerId pddSeconds durationSeconds } } }';
  const expected = [
    [61, 16, '3', '1.5', '60'],
    [null, null, null, null, null],
    [null, 17, null, null, null],
    [62, -2_147_483_648, '9223372036854775807', `1${'0'.repeat(300)}`, '0.1'],
    [2_147_483_647, null, null, null, '0'],
    [null, null, null, null, '0'],
    [null, 0, null, '-0.25', '0.0000001'],
    [-2_147_483_648, 0, '3', null, '0'],
  ];
  const unreadable = [
    '1.billedSeconds',
    '1.customerId',
    '1.disconnectCause',
    '1.durationSeconds',
    '1.pddSeconds',
    '2.billedSeconds',
    '2.customerId',
    '2.durationSeconds',
    '2.pddSeconds',
    '4.customerId',
    '4.disconnectCause',
    '6.billedSeconds',
    '6.customerId',
  ];

  test('are each null with an error, and nothing beside them is', async () => {
    for (const answer of [await gateway.query(document), await ordinary(gateway, document)]) {
      expect(answer.data.cdrs.nodes.map(Object.values)).toEqual(expected);
      const errors = answer.errors!.map(({ path, extensions }) => [
        path!.slice(2).join('.'),
        extensions.code,
      ]);
      expect(errors.sort()).toEqual(unreadable.map((path) => [path, 'UNREADABLE_VALUE']));
    }
  });

  test('are empty cells of a file, and counted in its last line', async () => {
    const lines = (await file(gateway, document, 'text/csv')).trim().split('\r\n');
    expect(lines[2]).toBe(',,,,');
    expect(lines.at(-1)).toContain('rows=8 unreadableCalls=0 unreadableValues=13');
    const ndjson = (await file(gateway, document, 'application/x-ndjson')).trim().split('\n');
    expect(ndjson.slice(0, 8).map((line) => Object.values(JSON.parse(line)))).toEqual(expected);
  });

  test('do not void the filters, counts and single calls beside them', async () => {
    const { data, errors } = await gateway.query(`{
      causes: cdrs(filter: { disconnectCauses: [17] }) { nodes { id } totalCount }
      customer: cdrs(filter: { customerIds: ["9223372036854775807"] }) { nodes { id } }
      cdr(id: 4) { billedSeconds customerId }
    }`);
    expect(errors).toBeUndefined();
    expect(data).toEqual({
      causes: { nodes: [{ id: '3' }], totalCount: 1 },
      customer: { nodes: [{ id: '4' }] },
      cdr: { billedSeconds: 62, customerId: '9223372036854775807' },
    });
  });
});

test('what a Sippy stores beyond the model costs itself alone', async () => {
  await using database = await createSourceDatabase('sippy');
  const rows = [
    [1, '0', '60', '60'],
    [2, '99999999999', 'NaN', '60'],
    [3, '200', '1e10', 'NaN'],
    [4, '486', '136298900000', '0'],
  ];
  for (const values of rows) {
    await database.pool.query(
      `insert into cdrs (i_cdr, i_call, i_account, result, billed_duration, duration, connect_time)
       values ($1, $1, 14, $2, $3::float8, $4::float8, '2026-01-05Z')`,
      values,
    );
  }
  await database.pool.query('grant select on all tables in schema public to gateway_reader');
  await database.replayed();
  await using gateway = await createTestGateway(database, { settings: { CDR_SOURCE: 'sippy' } });
  const document =
    '{ cdrs(orderBy: OLDEST_FIRST) { nodes { id billedSeconds durationSeconds disconnectCause } } }';
  for (const { data, errors } of [await gateway.query(document), await ordinary(gateway, document)]) {
    expect(data.cdrs.nodes.map(Object.values)).toEqual([
      ['1', 60, '60', 0],
      ['2', null, '60', null],
      ['3', null, null, 200],
      ['4', null, '0', 486],
    ]);
    expect(errors!.map(({ extensions }) => extensions.code)).toEqual(Array(5).fill('UNREADABLE_VALUE'));
  }
});
