import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { on } from '../gateway/served-gateway.ts';
import { aCustomer, anAccount, anXdr } from '../support/builders.ts';
import { ACCOUNT_TOKEN, createTestGateway, type TestGateway } from '../support/gateway.ts';
import { longestTurnOf, MAX_TURN_MILLIS } from '../support/loop-turns.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

/** More calls than one read from the wire, more accounts than are remembered. */
const CALLS = 60_000;
const ACCOUNTS = 15_000;
const CUSTOMERS = 200;

let database: TestDatabase;
let gateway: TestGateway;

beforeAll(async () => {
  database = await createTestDatabase();
  await database.pool.query(
    `insert into customers (i_customer, name) select number, 'Customer "' || number || '", SARL' from generate_series(1, ${CUSTOMERS}) as number`,
  );
  // Every tenth account is missing, as after a deletion on the switch.
  await database.pool.query(
    `insert into accounts (i_account, i_customer, username, currency, time_zone, blocked)
     select number, 1 + number % ${CUSTOMERS}, case number % 5 when 0 then '=cmd' || number else 'user ' || number end,
       'EUR', null, number % 2 = 0
     from generate_series(1, ${ACCOUNTS}) as number where number % 10 <> 0`,
  );
  await database.pool.query(
    `insert into xdrs (i_xdr, i_account, i_customer, cli, cld, connect_time, duration)
     select number, 1 + (number * 7919) % ${ACCOUNTS}, case when number % 6 = 0 then null else 1 + number % ${CUSTOMERS} end,
       '33' || number, case number % 3 when 0 then null when 1 then '3361' || (1000000 + number) else '4420' || (10000000 + number) end,
       '2026-01-05T09:00:00Z'::timestamptz + number * interval '1 second', 60
     from generate_series(1, ${CALLS}) as number`,
  );
  await database.pool.query('analyze');
  await database.replayed();
  gateway = await createTestGateway(database, { tuning: { poolSize: 4 } });
});
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
});

interface Node {
  readonly id: string;
  readonly account: {
    readonly username: string | null;
    readonly customer: { readonly name: string } | null;
  } | null;
  readonly customer: { readonly name: string } | null;
  readonly carrier: { readonly country: string | null } | null;
}

const NAMES = 'id account { username customer { name } } customer { name } carrier { country }';

/** What must be answered for the call with this number. */
function expectedOf(number: number): Node {
  const account = 1 + ((number * 7919) % ACCOUNTS);
  const nameOf = (customer: number) => `Customer "${customer}", SARL`;
  return {
    id: String(number),
    account:
      account % 10 === 0
        ? { username: null, customer: null }
        : {
            username: account % 5 === 0 ? `=cmd${account}` : `user ${account}`,
            customer: { name: nameOf(1 + (account % CUSTOMERS)) },
          },
    customer: number % 6 === 0 ? null : { name: nameOf(1 + (number % CUSTOMERS)) },
    carrier: number % 3 === 0 ? null : { country: number % 3 === 1 ? 'FR' : 'GB' },
  };
}

/** The numbers of calls that are not what they must be; a diff of thousands would say less. */
const wrongOf = (nodes: readonly Node[], first = 1) =>
  nodes
    .filter((node, index) => JSON.stringify(node) !== JSON.stringify(expectedOf(first + index)))
    .map(({ id }) => id);

const list = (first: number, more = '') =>
  `{ cdrs(first: ${first}, orderBy: OLDEST_FIRST ${more}) { nodes { ${NAMES} } } }`;

describe('a list with accounts, customers and carriers', () => {
  test('has the name of each call, however many accounts there are', async () => {
    const { data, errors, extensions } = await gateway.query(list(CALLS));
    expect(errors).toBeUndefined();
    expect(extensions.complete).toBeUndefined();
    expect(data.cdrs.nodes).toHaveLength(CALLS);
    expect(wrongOf(data.cdrs.nodes)).toEqual([]);
  });

  test('leaves the event loop to others while it is answered', async () => {
    const longest = await longestTurnOf(async () => {
      const response = await gateway.ask(list(CALLS));
      let bytes = 0;
      for await (const chunk of response.body!) bytes += chunk.length;
      expect(bytes).toBeGreaterThan(5_000_000);
    });
    // With the ordinary executor it was seconds.
    expect(longest).toBeLessThan(MAX_TURN_MILLIS);
  });

  test('looks each account up once, in few statements', async () => {
    const statements: string[] = [];
    const replica = await gateway.replicas.choose();
    const note = (client: unknown) => {
      const { query } = client as { query(statement: { text?: string }): unknown };
      (client as { query: unknown }).query = function (this: unknown, statement: { text?: string }) {
        statements.push(/\/\* (\w+) \*\//.exec(statement.text ?? '')?.[1] ?? '');
        return query.call(this, statement);
      };
    };
    replica.pool.on('acquire', note);
    await gateway.query(`{ cdrs(first: 50) { nodes { ${NAMES} } } }`);
    replica.pool.off('acquire', note);
    replica.release();
    expect(statements.filter((name) => name === 'accounts').length).toBeLessThanOrEqual(1);
    expect(statements.filter((name) => name === 'customers').length).toBeLessThanOrEqual(2);
  });

  test('is the same read from its end, as edges, and over one connection', async () => {
    const first = CALLS - 2000 + 1;
    const last = await gateway.query(`{ cdrs(last: 2000, orderBy: OLDEST_FIRST) { nodes { ${NAMES} } } }`);
    expect(wrongOf(last.data.cdrs.nodes, first)).toEqual([]);
    await using small = await createTestGateway(database, { tuning: { poolSize: 1 } });
    const { data, errors } = await small.query(
      `{ cdrs(first: ${CALLS / 2}, orderBy: OLDEST_FIRST) { edges { node { ${NAMES} } } } }`,
    );
    expect(errors).toBeUndefined();
    expect(wrongOf(data.cdrs.edges.map(({ node }: { node: Node }) => node))).toEqual([]);
    expect(data.cdrs.edges).toHaveLength(CALLS / 2);
  });

  test('is whole though its connections are broken while it is read', async () => {
    let isDone = false;
    const answer = gateway.query(list(CALLS)).finally(() => {
      isDone = true;
    });
    for (let round = 0; round < 5 && !isDone; round++) {
      for (const url of database.standbyUrls) {
        await on(
          url,
          `select pg_terminate_backend(pid) from pg_stat_activity
           where usename = 'gateway' and datname = current_database() and state = 'active'`,
        );
      }
    }
    const { data, errors } = await answer;
    expect(errors).toBeUndefined();
    expect(data.cdrs.nodes).toHaveLength(CALLS);
    expect(wrongOf(data.cdrs.nodes)).toEqual([]);
  });

  test('is a file whose names are columns', async () => {
    const selection =
      'id account { username customer { id n: name } blocked } customer { name } carrier { country }';
    const query = `{ cdrs(first: 12, orderBy: OLDEST_FIRST) { nodes { ${selection} } } }`;
    const csv = await gateway.ask(query, {}, { headers: { accept: 'text/csv' } });
    expect((await csv.text()).split('\r\n').slice(0, 4)).toEqual([
      'id,account.username,account.customer.id,account.customer.n,account.blocked,customer.name,carrier.country',
      // Account 7920 is one of those that are missing.
      '"1",,,,,"Customer ""2"", SARL","FR"',
      '"2","user 839","40","Customer ""40"", SARL",false,"Customer ""3"", SARL","GB"',
      '"3","user 8758","159","Customer ""159"", SARL",true,"Customer ""4"", SARL",',
    ]);
    const ndjson = await gateway.ask(list(CALLS), {}, { headers: { accept: 'application/x-ndjson' } });
    const lines = (await ndjson.text()).split('\n').filter(Boolean);
    expect(lines).toHaveLength(CALLS);
    expect(wrongOf(lines.map((line) => JSON.parse(line)))).toEqual([]);
  });

  test('has no name that a spreadsheet would run', async () => {
    const query = `{ cdrs(filter: { accountIds: [5] }) { nodes { account { username } } } }`;
    const response = await gateway.ask(query, {}, { headers: { accept: 'text/csv' } });
    expect(new Set((await response.text()).trim().split('\r\n'))).toEqual(
      new Set(['account.username', `"'=cmd5"`]),
    );
  });

  test('shows a tenant its own account and the customer who owns it', async () => {
    const { data, errors } = await gateway.query(
      `{ cdrs(first: 3) { nodes { account { id username customer { name } } } } }`,
      {},
      { token: ACCOUNT_TOKEN },
    );
    expect(errors).toBeUndefined();
    const own = { account: { id: '14', username: 'user 14', customer: { name: 'Customer "15", SARL' } } };
    expect(data.cdrs.nodes).toEqual([own, own, own]);
  });
});

describe('a list whose names cannot be had', () => {
  test('is complete without them, and says why: once per call, a hundred times at most', async () => {
    await using own = await createTestDatabase();
    await own.insertCustomers([aCustomer()]);
    await own.insertAccounts([anAccount()]);
    await own.insertXdrs(Array.from({ length: 300 }, (_, index) => anXdr({ i_xdr: String(index + 1) })));
    await using without = await createTestGateway(own);
    await own.pool.query('drop table customers');
    await own.replayed();

    const { data, errors } = await without.query(
      '{ cdrs(first: 300) { nodes { id account { username customer { name } } } } }',
    );
    expect(data.cdrs.nodes).toHaveLength(300);
    expect(data.cdrs.nodes[7].account).toEqual({ username: 'acme-dialler', customer: null });
    expect(errors).toHaveLength(100);
    expect(errors![7]).toMatchObject({ path: ['cdrs', 'nodes', 7, 'account', 'customer'] });

    const csv = await without.ask(
      '{ cdrs(first: 300) { nodes { id customer { name } } } }',
      {},
      { headers: { accept: 'text/csv' } },
    );
    const lines = (await csv.text()).trimEnd().split('\r\n');
    expect(lines).toHaveLength(1 + 300 + 1);
    expect(lines[1]).toMatch(/^"\d+",$/);
    expect(lines.at(-1)).toMatch(
      /^# INCOMPLETE code=NO_REPLICA_AVAILABLE rows=300 unreadableCalls=0 unreadableValues=300 /,
    );
  });

  test('keeps the place of calls that cannot be shown', async () => {
    await using own = await createTestDatabase();
    await own.insertAccounts([anAccount()]);
    await own.pool.query('alter table xdrs alter connect_time drop not null');
    await own.insertXdrs(
      Array.from({ length: 40 }, (_, index) =>
        anXdr({ i_xdr: String(index + 1), ...(index % 4 === 3 && { connect_time: null as never }) }),
      ),
    );
    await using odd = await createTestGateway(own);
    const ask = (headers: Record<string, string>) =>
      odd.ask('{ cdrs(first: 40) { nodes { id account { username } } } }', {}, { headers });
    const { data, errors } = (await (await ask({})).json()) as {
      data: { cdrs: { nodes: unknown[] } };
      errors: unknown[];
    };
    expect(data.cdrs.nodes.filter((node) => node === null)).toHaveLength(10);
    expect(data.cdrs.nodes.filter((node) => node !== null)).toHaveLength(30);
    expect(errors).toHaveLength(10);
    const ordinary = await (await ask({ accept: 'multipart/mixed' })).text();
    const whole = JSON.parse(ordinary.slice(ordinary.indexOf('{'), ordinary.lastIndexOf('}') + 1));
    expect(data).toEqual(whole.data);
  });
});
