import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SourceName } from '../../src/db/sources/sources.ts';
import { createSourceDatabase, insertCalls } from '../db/source-databases.ts';
import type { CdrFilter } from '../generated/operations.ts';
import { aCustomer, anAccount } from '../support/builders.ts';
import { columnFieldNames } from '../support/cdr-fields.ts';
import { ACCOUNT_TOKEN, createTestGateway, type TestGateway } from '../support/gateway.ts';
import type { TestDatabase } from '../support/postgres.ts';
import { insertAccountsAsSippy } from '../support/sippy.ts';
import { aCall, type Call, callsOfEitherSwitch, places, rowOf } from './calls-oracle.ts';

const calls: Call[] = [
  ...callsOfEitherSwitch(200, 4),
  aCall(0n, '777', { ...places[33], prefix: '33', disconnect_cause: null, duration: '0' }),
];

interface Side {
  readonly database: TestDatabase;
  readonly gateway: TestGateway;
}

async function openSide(name: SourceName): Promise<Side> {
  const database = await createSourceDatabase(name);
  const accounts = ['14', '15', '16'].map((i_account) => {
    const i_customer = i_account === '16' ? '4' : '3';
    return anAccount({ i_account, i_customer, username: `account-${i_account}`, time_zone: null });
  });
  if (name === 'sippy') {
    await insertAccountsAsSippy(database.pool, accounts);
    await database.pool.query(
      'grant usage on schema public to gateway_reader; grant select on all tables in schema public to gateway_reader',
    );
  } else {
    await database.insertAccounts(accounts);
    await database.insertCustomers([aCustomer(), aCustomer({ i_customer: '4', name: 'Other' })]);
  }
  await insertCalls(database, name, calls.map(rowOf));
  await database.replayed();
  return { database, gateway: await createTestGateway(database, { settings: { CDR_SOURCE: name } }) };
}

let xdrs: Side;
let sippy: Side;

beforeAll(async () => {
  [xdrs, sippy] = await Promise.all([openSide('xdrs'), openSide('sippy')]);
});

afterAll(async () => {
  for (const { gateway, database } of [xdrs, sippy]) {
    await gateway[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  }
});

/** The same query to both; what they answer, without what differs by nature. */
async function askBoth(document: string, variables: object = {}, token?: string) {
  const answers = [];
  for (const { gateway } of [xdrs, sippy]) {
    const { data, errors } = await gateway.query(document, variables, { token });
    expect(errors).toBeUndefined();
    answers.push(data);
  }
  return answers as [(typeof answers)[0], (typeof answers)[0]];
}

/** What either switch has in a way of its own: a Sippy's causes, and money that is not the tariff's fraction. */
const ownFields = ['disconnectCause', 'disconnectReason', 'chargedAmount', 'postCallSurcharge'];
const FIELDS = columnFieldNames.filter((name) => !ownFields.includes(name)).join(' ');

const filters: readonly [string, CdrFilter][] = [
  ['what is left out', { not: { anyOf: [{ countries: ['FRANCE'] }, { outcomes: ['BUSY'] }] } }],
  ['no filter', {}],
  ['accounts', { accountIds: ['14', '16'] }],
  ['customers', { customerIds: ['3'] }],
  ['a time range', { from: '2026-01-05T09:00:05Z', to: '2026-01-05T09:00:20Z' }],
  ['a called number', { cld: { contains: '3' } }],
  ['a calling number', { cli: { startsWith: '3' } }],
  ['a called number as it arrived', { cldIn: { startsWith: '3' } }],
  ['a calling number as it arrived', { cliIn: { contains: '33' } }],
  ['any number', { anyOf: [{ cld: { startsWith: '3' } }, { cldIn: { is: '0033' } }] }],
  ['outcomes', { outcomes: ['ANSWERED', 'BUSY', 'REFUSED'] }],
  ['each type', { type: 'NON_ZERO_AND_ERRORS' }],
  ['errors', { type: 'ERRORS' }],
  ['complete calls', { type: 'COMPLETE' }],
  ['countries', { countries: ['FRANCE'] }],
  ['durations', { minDurationSeconds: '2.921805825', maxDurationSeconds: '60' }],
  ['Call-IDs', { callIds: calls.slice(0, 3).flatMap(({ call_id }) => call_id ?? []) }],
  ['prefixes', { prefixes: ['33', '442'] }],
  ['regions', { regions: ['Paris'] }],
  ['who hung up', { releaseSources: ['callee', ''] }],
  ['a post-dial delay', { minPddSeconds: '1.84' }],
  ['an address', { remoteIp: '192.0.2.10' }],
];

describe.each(filters)('filtered by %s, both sources', (_, filter) => {
  test.each(['NEWEST_FIRST', 'OLDEST_FIRST'])('list the same calls, %s, field by field', async (orderBy) => {
    const [one, other] = await askBoth(
      `query ($filter: CdrFilter, $orderBy: CdrOrder!) {
        cdrs(filter: $filter, orderBy: $orderBy, first: 500) { nodes { ${FIELDS} } totalCount }
      }`,
      { filter, orderBy },
    );
    expect(one.cdrs.nodes.length).toBeGreaterThan(0);
    expect(other).toEqual(one);
  });

  test('list the same calls through the ordinary executor, accounts and all', async () => {
    const document = `query ($filter: CdrFilter) {
      cdrs(filter: $filter, first: 500) {
        nodes { ${FIELDS} account { id username customerId currency timeZone blocked } }
      }
    }`;
    const [one, other] = await askBoth(document, { filter });
    expect(other).toEqual(one);
  });

  test('have the same statistics', async () => {
    const [one, other] = await askBoth(
      `query ($filter: CdrFilter) {
        cdrStats(filter: $filter, groupBy: [ACCOUNT, COUNTRY, REGION, REMOTE_IP, RELEASE_SOURCE, OUTCOME, HOUR]) {
          rows { bucket accountId country region remoteIp releaseSource outcome ...Measures }
          totals { ...Measures }
        }
      }
      fragment Measures on CdrStatsRow {
        attempts answered failed asr ner acdSeconds medianDurationSeconds pddSeconds p95PddSeconds minutes billedMinutes shortCalls peakCallsPerSecond
      }`,
      { filter },
    );
    expect(one.cdrStats.rows.length).toBeGreaterThan(0);
    expect(other).toEqual(one);
  });
});

test('pages go on behind a cursor in both', async () => {
  for (const { gateway } of [xdrs, sippy]) {
    const ids: string[] = [];
    for (let after: string | null = null; ; ) {
      const { data } = await gateway.query(
        'query ($after: String) { cdrs(first: 23, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } }',
        { after },
      );
      ids.push(...data.cdrs.nodes.map(({ id }: { id: string }) => id));
      if (!data.cdrs.pageInfo.hasNextPage) break;
      after = data.cdrs.pageInfo.endCursor;
    }
    expect(new Set(ids).size).toBe(calls.length);
    expect(ids).toHaveLength(calls.length);
  }
});

test('money is the same amount, though only one of them keeps the zeros that were written', async () => {
  const [one, other] = await askBoth(
    '{ cdrs(first: 500) { nodes { id chargedAmount } } cdrStats { totals { chargedAmount } } }',
  );
  const amounts = (data: typeof one) =>
    data.cdrs.nodes.map(({ chargedAmount }: { chargedAmount: string }) => Number(chargedAmount));
  expect(amounts(other)).toEqual(amounts(one));
  expect(Number(other.cdrStats.totals.chargedAmount)).toBe(Number(one.cdrStats.totals.chargedAmount));
});

test('an account sees its own calls and no trace of others, in both', async () => {
  const [one, other] = await askBoth(
    `{
      cdrs(first: 500) { nodes { id accountId account { username } } totalCount }
      cdrStats(groupBy: [ACCOUNT]) { rows { accountId attempts } totals { attempts } }
      own: account(id: 14) { username } foreign: account(id: 15) { username }
      viewer { accountIds }
    }`,
    {},
    ACCOUNT_TOKEN,
  );
  const own = calls.filter(({ i_account }) => i_account === '14').length;
  expect(other).toEqual(one);
  expect(one).toMatchObject({
    cdrs: { totalCount: own },
    cdrStats: { rows: [{ accountId: '14', attempts: own }], totals: { attempts: own } },
    own: { username: 'account-14' },
    foreign: null,
  });
  expect(new Set(one.cdrs.nodes.map(({ accountId }: { accountId: string }) => accountId))).toEqual(
    new Set(['14']),
  );
});

describe('what differs, as the descriptions say', () => {
  test.each([
    [16, 0, 'Success'],
    [17, 486, 'Busy here'],
    [1, 404, 'Not found'],
    [21, 603, 'Declined'],
  ])('cause %i of Q.850 is the result %i on a Sippy: "%s"', async (cause, result, reason) => {
    const listed = async ({ gateway }: Side, causes: number[]) => {
      const { data } = await gateway.query(
        'query ($causes: [Int!]) { cdrs(first: 500, filter: { disconnectCauses: $causes }) { nodes { id disconnectCause disconnectReason } } }',
        { causes },
      );
      return data.cdrs.nodes as { id: string; disconnectCause: number; disconnectReason: string }[];
    };
    const [ofXdrs, ofSippy] = [await listed(xdrs, [cause]), await listed(sippy, [result])];

    expect(ofXdrs.length).toBeGreaterThan(0);
    expect(ofXdrs.every(({ disconnectCause }) => disconnectCause === cause)).toBe(true);
    expect(ofSippy.map(({ id }) => id)).toEqual(ofXdrs.map(({ id }) => id));
    expect(ofSippy[0]).toMatchObject({ disconnectCause: result, disconnectReason: reason });
  });

  test('a Sippy has no customers to name', async () => {
    const [one, other] = await askBoth('{ account(id: 14) { customerId customer { id name } } }');
    expect(one.account).toEqual({ customerId: '3', customer: { id: '3', name: 'Acme Telecom' } });
    expect(other.account).toEqual({ customerId: '3', customer: { id: '3', name: null } });
  });

  test('a description of the schema names the difference', async () => {
    const { data } = await xdrs.gateway.query('{ __type(name: "Cdr") { fields { name description } } }');
    const { description } = data.__type.fields.find(
      ({ name }: { name: string }) => name === 'disconnectCause',
    );
    expect(description).toContain('Sippy');
  });
});
