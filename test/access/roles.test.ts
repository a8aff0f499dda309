import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  mayUse,
  type Permission,
  type Role,
  roleNames,
  roleTraits,
  scopeOf,
} from '../../src/access/roles.ts';
import { cdrFilters } from '../../src/db/calls/cdr-filter.ts';
import { encodeNodeId } from '../../src/streaming/node-id.ts';
import { aCustomer, anAccount, anXdr } from '../support/builders.ts';
import { createTestGateway, type TestGateway } from '../support/gateway.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { type Caller, callerPrincipals, callers, tokenOf } from './callers.ts';

/** In numbers of calls, and nowhere else. */
const SECRET = '5550';
const NUMBERS = ['cli', 'cld', 'cliIn', 'cldIn', 'assertedIdentity'];

let database: TestDatabase;
let gateway: TestGateway;

beforeAll(async () => {
  database = await createTestDatabase();
  await database.insertCustomers([aCustomer(), aCustomer({ i_customer: '9', name: 'foreign' })]);
  await database.insertAccounts([
    anAccount(),
    anAccount({ i_account: '99', i_customer: '9', username: 'foreign' }),
  ]);
  const number = (start: string) => `${start}${SECRET}78`;
  const numbers = {
    cli: number('3361'),
    cld: number('4470'),
    cli_in: number('+331'),
    cld_in: number('0033'),
  };
  await database.insertXdrs([
    anXdr({ i_xdr: '1', ...numbers, p_asserted_id: number('sip:') }),
    anXdr({ i_xdr: '2', ...numbers, cli: '55501', p_asserted_id: null }),
    anXdr({ i_xdr: '9', i_account: '99', i_customer: '9', ...numbers, country: 'foreign' }),
  ]);
  gateway = await createTestGateway(database, { principals: callerPrincipals });
});
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
});

const send = async (caller: Caller, document: string, headers: Record<string, string> = {}) => {
  const response = await gateway.ask(document, {}, { token: tokenOf(caller), headers });
  return { status: response.status, text: await response.text() };
};
const list = `{ cdrs { nodes { id ${NUMBERS.join(' ')} } } }`;
/** Two lists are not streamed. */
const walked = `{ cdrs { nodes { id ${NUMBERS.join(' ')} } edges { node { cli } } } }`;
const call = `{ cdr(id: "1") { id ${NUMBERS.join(' ')} } }`;
const nodeId = encodeNodeId({ type: 'Cdr', id: '1' });
const node = `{ node(nodeId: "${nodeId}") { ... on Cdr { id ${NUMBERS.join(' ')} } } }`;
const nodes = `{ nodes(nodeIds: ["${nodeId}"]) { ... on Cdr { id ${NUMBERS.join(' ')} } } }`;
const ways: readonly (readonly [string, string, Record<string, string>])[] = [
  ['streamed', list, {}],
  ['executed', walked, {}],
  ['CSV', list, { accept: 'text/csv' }],
  ['NDJSON', list, { accept: 'application/x-ndjson' }],
  ['one call', call, {}],
  ['node', node, {}],
  ['nodes', nodes, {}],
];

describe.each(callers)('$role of $scope', (caller) => {
  const { role } = caller;
  const may = (permission: Permission) => mayUse(role, permission);

  test.each(ways)('sees of numbers what the role may: %s', async (_, document, headers) => {
    const { status, text } = await send(caller, document, headers);
    if (!may('CALLS')) {
      expect(status).toBe(403);
      expect(text).toContain('FORBIDDEN');
      return;
    }
    expect(status).toBe(200);
    expect(text.includes(SECRET)).toBe(may('NUMBERS'));
    expect(text.includes('3361****78')).toBe(may('MASKED_NUMBERS') && !may('NUMBERS'));
    if (caller.scope !== 'all') expect(text).not.toMatch(/"id":"9"|^9,/m);
  });

  test('searches by numbers only where it sees them, on every path', async () => {
    const names = Object.entries(cdrFilters).flatMap(([name, { kind }]) => (kind === 'number' ? [name] : []));
    expect(names).toEqual(expect.arrayContaining(['cli', 'cld', 'cliIn', 'cldIn']));
    for (const name of names) {
      const part = `{ ${name}: { contains: "${SECRET}" } }`;
      for (const filter of [part, `{ not: ${part} }`, `{ anyOf: [{ countries: ["x"] }, ${part}] }`]) {
        for (const document of [
          `{ cdrs(filter: ${filter}) { nodes { id } } }`,
          `{ cdrs(filter: ${filter}) { totalCount } }`,
          `{ cdrs(filter: ${filter}) { estimatedCount } }`,
          `{ cdrStats(filter: ${filter}) { totals { attempts } } }`,
        ]) {
          const isAllowed = may('NUMBERS');
          const { status, text } = await send(caller, document);
          expect(status, document).toBe(isAllowed ? 200 : 403);
          if (!isAllowed) expect(text).toContain('FORBIDDEN');
        }
      }
    }
  });

  test('groups by numbers only where it sees them', async () => {
    const { status, text } = await send(caller, '{ cdrStats(groupBy: [CLD]) { rows { cld attempts } } }');
    expect(status).toBe(may('NUMBERS') ? 200 : 403);
    expect(text.includes(SECRET)).toBe(may('NUMBERS'));
  });

  test('gets statistics, and through Grafana no number that it does not see', async () => {
    expect(
      (await send(caller, '{ cdrStats(groupBy: [COUNTRY]) { rows { country attempts chargedAmount } } }'))
        .status,
    ).toBe(200);
    const target = (payload: object) => ({
      range: { from: '2026-01-01T00:00:00Z', to: '2026-02-01T00:00:00Z' },
      targets: [{ refId: 'A', target: 'calls_table', payload }],
    });
    for (const payload of [{ groupBy: 'CLD' }, { cld: '4470' }]) {
      const response = await gateway.fetch(
        new Request('http://gateway/grafana/query', {
          method: 'POST',
          headers: { authorization: `Bearer ${tokenOf(caller)}`, 'content-type': 'application/json' },
          body: JSON.stringify(target(payload)),
        }),
      );
      expect(response.status).toBe(may('NUMBERS') ? 200 : 403);
      if (!may('NUMBERS')) expect(await response.text()).not.toContain(SECRET);
    }
  });

  test('learns by "viewer" what it may', async () => {
    const { data } = await gateway.query(
      '{ viewer { role permissions scope } }',
      {},
      { token: tokenOf(caller) },
    );
    expect(data.viewer).toEqual({
      role,
      permissions: roleTraits(role).permissions,
      scope: caller.scope.toUpperCase(),
    });
  });
});

test('only roles that see numbers whole have a scope that shows them', () => {
  const shown = roleNames.filter((role: Role) => scopeOf(role, { kind: 'all' }).numbers === undefined);
  expect(shown).toEqual(['ADMIN', 'CUSTOMER', 'ACCOUNT', 'ANALYST']);
});
