import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { anAccount, anXdr } from '../support/builders.ts';
import { createTestGateway, type TestGateway } from '../support/gateway.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

let database: TestDatabase;
let gateway: TestGateway;
const log: Record<string, unknown>[] = [];
const logOfAll: Record<string, unknown>[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  await database.insertAccounts([anAccount()]);
  await database.insertXdrs([anXdr({ i_xdr: '1', cli: '33612345678' })]);
  const onLog = (line: Record<string, unknown>) => {
    log.push(line);
    logOfAll.push(line);
  };
  gateway = await createTestGateway(database, { onLog });
});

afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

/** In place of the table is a view that cannot be read: a statement of it divides by zero. */
beforeEach(async () => {
  log.length = 0;
  await database.pool.query(`
    alter table xdrs rename to taken_away;
    create view xdrs as select * from taken_away where i_xdr / (i_xdr - 1) > 0;
    grant select on xdrs to gateway_reader`);
  await database.replayed();
});
afterEach(async () => {
  await database.pool.query('drop view xdrs; alter table taken_away rename to xdrs');
  await database.replayed();
});

/** Of all tests: a defect that an earlier one met within the same second is not logged again. */
const defects = (reference: unknown) =>
  logOfAll.filter((line) => line.msg === 'internal error' && line.reference === reference);

test.each([
  ['a list', '{ cdrs(filter: { cli: { is: "33612345678" } }) { nodes { id } } }'],
  ['a list with accounts', '{ cdrs(filter: { cli: { is: "33612345678" } }) { nodes { account { id } } } }'],
  ['statistics', '{ cdrStats(filter: { cli: { is: "33612345678" } }) { totals { attempts } } }'],
])(
  'a defect in %s is masked, and logged once with the reference that the caller can quote',
  async (_, document) => {
    const response = await gateway.ask(document);
    const { data, errors } = (await response.json()) as Awaited<ReturnType<TestGateway['query']>>;

    expect([response.status, Object.values(data)]).toEqual([500, [null]]);
    expect(errors).toHaveLength(1);
    const { message, extensions } = errors![0]!;
    expect(extensions).toEqual({
      code: 'INTERNAL',
      retryable: false,
      reference: expect.stringMatching(/^[0-9a-f]{10}$/),
    });
    expect(message).toContain(`"${extensions.reference}"`);
    expect(message).not.toMatch(/xdrs|division|zero|22012|select|error:/i);

    expect(defects(extensions.reference)).toHaveLength(1);
    expect(defects(extensions.reference)[0]).toMatchObject({
      level: 'error',
      reference: extensions.reference,
      err: { code: '22012' },
    });
    expect(log.find(({ msg }) => msg === 'request')).toMatchObject({
      outcome: 'error',
      codes: ['INTERNAL'],
      reference: extensions.reference,
    });
    // Neither the number that was asked for nor the statement.
    expect(JSON.stringify(log)).not.toMatch(/33612345678|select /);
  },
);

test('the rest of an answer is there when a nullable field fails', async () => {
  const { data, errors } = await gateway.query(
    '{ viewer { name } cdr(id: 1) { id } account(id: 14) { username } }',
  );
  expect(data).toEqual({ viewer: { name: 'admin' }, cdr: null, account: { username: 'acme-dialler' } });
  expect(errors).toHaveLength(1);
  expect(errors![0]).toMatchObject({ path: ['cdr'], extensions: { code: 'INTERNAL' } });
});

test('a count that fails is null beside its error, wherever the list comes from', async () => {
  const { data, errors } = await gateway.query('{ cdrs(first: 0) { totalCount } viewer { name } }');
  expect(data).toEqual({ cdrs: { totalCount: null }, viewer: { name: 'admin' } });
  expect(errors![0]).toMatchObject({ path: ['cdrs', 'totalCount'], extensions: { code: 'INTERNAL' } });
});

test('a file that cannot be begun is an error in JSON', async () => {
  const response = await gateway.ask('{ cdrs { nodes { id } } }', {}, { headers: { accept: 'text/csv' } });
  expect([response.status, response.headers.get('content-type')]).toEqual([
    500,
    expect.stringMatching(/^application\/json/),
  ]);
  expect(await response.json()).toMatchObject({ data: null, errors: [{ extensions: { code: 'INTERNAL' } }] });
});

test('the same defect a hundred times is a line of the log, not a hundred', async () => {
  const answers = await Promise.all(
    Array.from({ length: 100 }, () => gateway.query('{ cdr(id: 1) { id } }')),
  );
  const references = new Set(answers.map(({ errors }) => errors![0]!.extensions.reference));
  expect(references.size).toBeLessThanOrEqual(3);
  for (const reference of references) expect(defects(reference)).toHaveLength(1);
});
