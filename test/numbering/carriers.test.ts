import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTrafficModel } from '../../src/demo/traffic-model.ts';
import type { CarrierSource } from '../../src/numbering/carrier.ts';
import { createNumbering } from '../../src/numbering/numbering.ts';
import { anXdr } from '../support/builders.ts';
import { ACCOUNT_TOKEN, createTestGateway, type TestGateway } from '../support/gateway.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

const settings = {
  NUMBERING_PLAN: 'src/demo/numbering-plan.sample.csv',
  NUMBERING_OPERATORS: 'src/demo/numbering-operators.sample.csv',
};
/** Numbers that the demo calls. */
const DEMO_CALLS = 3000;
const CARRIER = '{ blockHolder blockHolderCode territory country lineKind prefix }';

const ofAMobile = {
  blockHolder: 'Bruyère Mobile (sample)',
  blockHolderCode: 'EX02',
  territory: 'Métropole',
  country: 'FR',
  lineKind: 'MOBILE',
  prefix: '0612',
};
const ofLondon = {
  blockHolder: null,
  blockHolderCode: null,
  territory: null,
  country: 'GB',
  lineKind: 'FIXED',
  prefix: null,
};

let database: TestDatabase;
let gateway: TestGateway;

beforeAll(async () => {
  database = await createTestDatabase();
  await database.insertXdrs([
    ...['33612345678', '442071838750', 'anonymous', null, '', '+33612345678'].map((cld, index) =>
      anXdr({ i_xdr: String(index + 1), cld, connect_time: `2026-01-05 09:00:0${index}+00` }),
    ),
    ...Array.from({ length: 300 }, (_, index) =>
      anXdr({ i_xdr: String(100 + index), i_account: '15', cld: `336123${10_000 + index}` }),
    ),
  ]);
  gateway = await createTestGateway(database, { settings });
});

afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

describe('Cdr.carrier', () => {
  test('is that of the called number; null where nothing is known', async () => {
    const { data, errors } = await gateway.query(
      `{ cdrs(filter: { accountIds: [14] }, orderBy: OLDEST_FIRST) { nodes { cld carrier ${CARRIER} } } }`,
    );
    expect(errors).toBeUndefined();
    expect(data.cdrs.nodes).toEqual([
      { cld: '33612345678', carrier: ofAMobile },
      { cld: '442071838750', carrier: ofLondon },
      { cld: 'anonymous', carrier: null },
      { cld: null, carrier: null },
      { cld: '', carrier: null },
      { cld: '+33612345678', carrier: ofAMobile },
    ]);
  });

  test('stands in edges, in a single call, and beside other fields too', async () => {
    const { data } = await gateway.query(
      `{ cdr(id: 1) { carrier ${CARRIER} }
         cdrs(last: 1, filter: { accountIds: [14] }) { edges { cursor node { id carrier { prefix } } } pageInfo { hasPreviousPage } } }`,
    );
    expect(data.cdr.carrier).toEqual(ofAMobile);
    expect(data.cdrs.edges[0].node).toEqual({ id: '1', carrier: { prefix: '0612' } });
    expect(data.cdrs.pageInfo).toEqual({ hasPreviousPage: true });
  });

  test('leaves every other field as it is in a list without it', async () => {
    const ask = (more: string) =>
      `{ cdrs(first: 500) { nodes { id cld chargedAmount connectTime ${more} } } }`;
    const plain = await gateway.query(ask(''));
    const adorned = await gateway.query(ask('carrier { country }'));
    const without = adorned.data.cdrs.nodes.map(({ carrier, ...node }: { carrier: unknown }) => node);
    expect(without).toEqual(plain.data.cdrs.nodes);
    expect(without).toHaveLength(306);
  });

  test('is that of calls the principal may see, and of no others', async () => {
    const { data } = await gateway.query(
      '{ cdrs(first: 500) { nodes { accountId carrier { prefix } } } foreign: cdr(id: 100) { carrier { prefix } } }',
      {},
      { token: ACCOUNT_TOKEN },
    );
    expect(data.cdrs.nodes).toHaveLength(6);
    expect(data.foreign).toBeNull();
  });

  test('looks each number up once per request, all of a list together', async () => {
    const batches: (readonly string[])[] = [];
    const numbering = createNumbering();
    const carriers: CarrierSource = {
      lookUp(numbers) {
        batches.push(numbers);
        return numbering.lookUp(numbers);
      },
    };
    await using listening = await createTestGateway(database, { carriers });
    await listening.query(
      '{ cdrs(first: 500) { nodes { carrier { country } again: carrier { lineKind } } } }',
    );
    // Once per batch from the wire: as many as the socket makes of these rows, which is a few and not one per row.
    expect(batches.length).toBeLessThanOrEqual(10);
    expect(batches.flat()).toHaveLength(304);
    expect(new Set(batches.flat()).size).toBe(304);
  });

  test('is the same whether it is found at once, looked up, or resolved by the ordinary executor', async () => {
    const model = createTrafficModel(3);
    await using own = await createTestDatabase();
    await own.insertXdrs(
      Array.from({ length: DEMO_CALLS }, (_, index) =>
        anXdr({ i_xdr: String(index + 1), cld: model.callEndingIn(index).called.translated }),
      ),
    );
    const numbering = createNumbering({
      planPath: settings.NUMBERING_PLAN,
      operatorsPath: settings.NUMBERING_OPERATORS,
    });
    await numbering.firstRead;
    const onlyLookedUp: CarrierSource = { lookUp: (numbers) => numbering.lookUp(numbers) };
    await using findingNow = await createTestGateway(own, { carriers: numbering });
    await using lookingUp = await createTestGateway(own, { carriers: onlyLookedUp });
    const query = `{ cdrs(first: ${DEMO_CALLS}) { nodes { id cld carrier ${CARRIER} } } }`;
    const ordinary = await findingNow.ask(query, {}, { headers: { accept: 'multipart/mixed' } });
    const parts = await ordinary.text();
    const expected = JSON.parse(parts.slice(parts.indexOf('{'), parts.lastIndexOf('}') + 1)).data;
    expect(expected.cdrs.nodes).toHaveLength(DEMO_CALLS);
    // Twice: the first batch of the first list is looked up, and every later one found at once.
    for (const way of [findingNow, findingNow, lookingUp]) {
      const text = await (await way.ask(query)).text();
      expect(text.startsWith(`{"data":${JSON.stringify(expected)}`)).toBe(true);
    }
    numbering.close();
  });

  test('shows what the variables of its own request leave, whatever was kept before', async () => {
    const query = `query ($all: Boolean!) {
      cdrs(first: 1, filter: { accountIds: [15] }) { nodes { carrier { country ...Block } } }
    }
    fragment Block on Carrier { prefix @include(if: $all) }`;
    for (const all of [true, false, true, false]) {
      const { data } = await gateway.query(query, { all });
      expect(data.cdrs.nodes).toEqual([
        { carrier: all ? { country: 'FR', prefix: '0612' } : { country: 'FR' } },
      ]);
    }
  });

  test('is columns of a file', async () => {
    const response = await gateway.ask(
      '{ cdrs(filter: { accountIds: [14] }, orderBy: OLDEST_FIRST, first: 1) { nodes { cld carrier { prefix country } } } }',
      {},
      { headers: { accept: 'text/csv' } },
    );
    const [header, line] = (await response.text()).split('\r\n');
    expect(header).toBe('cld,carrier.prefix,carrier.country');
    expect(line).toMatch(/^"\d+","0612","FR"$/);
  });
});

describe('a look-up that fails', () => {
  const failing: CarrierSource = { lookUp: () => Promise.reject(new Error('the disk is on fire')) };
  const throwing: CarrierSource = {
    lookUp() {
      throw new Error('the disk is on fire');
    },
  };

  const throwingAtOnce: CarrierSource = {
    ...failing,
    findNow() {
      throw new Error('the memory is on fire');
    },
  };

  test.each([
    ['rejects', failing],
    ['throws', throwing],
    ['throws where it is to answer at once', throwingAtOnce],
  ])('is null and a line in the log, whether it %s; the page is whole', async (_, carriers) => {
    const logged: Record<string, unknown>[] = [];
    await using broken = await createTestGateway(database, { carriers, onLog: (line) => logged.push(line) });
    const { data, errors } = await broken.query(
      '{ cdrs(first: 300) { nodes { id carrier { country } } } carriers(numbers: ["33612345678"]) { country } }',
    );
    expect(errors).toBeUndefined();
    expect(data.cdrs.nodes).toHaveLength(300);
    expect(new Set(data.cdrs.nodes.map(({ carrier }: { carrier: unknown }) => carrier))).toEqual(
      new Set([null]),
    );
    expect(data.carriers).toEqual([null]);
    const lines = logged.filter(({ msg }) => msg === 'numbers cannot be looked up');
    expect(lines.length).toBeGreaterThan(0);
    expect(lines[0]).toMatchObject({ level: 'error', err: { message: 'the disk is on fire' } });
  });
});

describe('Query.carriers', () => {
  const ask = (numbers: readonly string[], token?: string) =>
    gateway.query(
      `query ($numbers: [String!]!) { carriers(numbers: $numbers) ${CARRIER} }`,
      { numbers },
      { token },
    );

  test('answers position by position; repeated and unknown numbers included', async () => {
    const { data, errors } = await ask([
      'anonymous',
      '33612345678',
      '',
      '442071838750',
      '0612345678',
      '33612345678',
    ]);
    expect(errors).toBeUndefined();
    expect(data.carriers).toEqual([null, ofAMobile, null, ofLondon, ofAMobile, ofAMobile]);
  });

  test('answers an account, which sees no calls but its own: numbers are no secret', async () => {
    const { data } = await ask(['33612345678'], ACCOUNT_TOKEN);
    expect(data.carriers).toEqual([ofAMobile]);
  });

  test('asks who asks', async () => {
    const response = await gateway.ask(
      '{ carriers(numbers: []) { country } }',
      {},
      { token: 'nobody-knows-this-token' },
    );
    expect(response.status).toBe(401);
  });

  test('answers a thousand numbers, and none', async () => {
    const { data } = await ask(Array.from({ length: 1000 }, (_, index) => `3361234${1000 + index}`));
    expect(data.carriers).toHaveLength(1000);
    expect((await ask([])).data.carriers).toEqual([]);
  });

  test('refuses more than a thousand, and says how many it takes', async () => {
    const { errors } = await ask(Array.from({ length: 1001 }, () => '33612345678'));
    expect(errors).toMatchObject([
      {
        extensions: { code: 'INVALID_ARGUMENT', retryable: false },
        message: expect.stringContaining('at most 1000'),
      },
    ]);
  });

  test('a number that is a megabyte long is unknown', async () => {
    expect((await ask(['3'.repeat(900_000)])).data.carriers).toEqual([null]);
  });

  test('answers when every standby is down, and chooses none', async () => {
    await using alone = await createTestDatabase();
    await using cut = await createTestGateway(alone, { settings });
    await cut.replicas.close();
    const { data, errors, extensions } = await cut.query(`{ carriers(numbers: ["33612345678"]) ${CARRIER} }`);
    expect(errors).toBeUndefined();
    expect(data.carriers).toEqual([ofAMobile]);
    expect(extensions?.replica ?? null).toBeNull();
    expect((await cut.query('{ cdr(id: 1) { id } }')).errors?.[0]?.extensions.code).toBe(
      'NO_REPLICA_AVAILABLE',
    );
  });
});

describe('what carriers cost', () => {
  const columns = Array.from({ length: 20 }, (_, index) => `c${index}: cld`).join(' ');
  const lists = (selection: string) =>
    ['a', 'b', 'c'].map((name) => `${name}: cdrs(first: 1000000) { nodes { ${selection} } }`).join(' ');
  const measure = async (document: string) => {
    await using small = await createTestGateway(database, { settings: { ADMIN_MAX_PAGE: '1000000' } });
    const { errors } = await small.query(document);
    expect(errors?.[0]?.extensions.code).toBe('QUERY_TOO_LARGE');
    return errors![0]!.extensions.measured as number;
  };

  test('counts for every call of a list', async () => {
    const plain = await measure(`{ ${lists(columns)} }`);
    const adorned = await measure(`{ ${lists(`${columns} carrier { country }`)} }`);
    expect(adorned - plain).toBe(3 * 1_000_000 * 11);
  });

  test('counts for a list of numbers', async () => {
    const plain = await measure(`{ ${lists(columns)} }`);
    const more = await measure(`{ ${lists(columns)} carriers(numbers: []) { country } }`);
    expect(more - plain).toBeGreaterThan(20_000);
  });
});
