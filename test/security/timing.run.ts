import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Principals } from '../../src/access/principals.ts';
import { UnauthenticatedError } from '../../src/errors.ts';
import { encodeNodeId } from '../../src/streaming/node-id.ts';
import { createScopeDatabase } from '../access/scope-oracle.ts';
import { createTestGateway, type TestGateway } from '../support/gateway.ts';
import type { TestDatabase } from '../support/postgres.ts';

/** Pairs of each kind: of something foreign, and of the same that does not exist. */
const PAIRS = Number(process.env.SECURITY_PAIRS ?? 2000);
const WARMUPS = 200;
/** Of the median of one request. Below it nobody tells the two apart over a network. */
const MAX_SHARE = 0.02;
/** Of the normal distribution, for an interval that holds the true median in 99.9 of 100 cases. */
const Z = 3.3;

const FOREIGN = { account: '15', call: '7920', customer: '4', number: '442071838750' };
const ABSENT = { account: '999', call: '7921000', customer: '77', number: '442071838759' };

const principals: Principals = {
  async authenticate({ authorization }) {
    const name = authorization?.slice('Bearer '.length) ?? '';
    if (name === 'everybody') return { name, role: 'ADMIN', scope: { kind: 'all' }, maxPage: 1000 };
    if (name !== 'tenant') throw new UnauthenticatedError();
    return { name, role: 'ACCOUNT', scope: { kind: 'accounts', accountIds: ['14'] }, maxPage: 1000 };
  },
};

type Ids = typeof FOREIGN;
const kinds: Readonly<Record<string, (ids: Ids) => string>> = {
  'a call by its id': ({ call }) => `{ cdr(id: "${call}") { id cld } }`,
  'an account by its id': ({ account }) => `{ account(id: "${account}") { id username } }`,
  'a node': ({ call }) => `{ node(nodeId: "${encodeNodeId({ type: 'Cdr', id: call })}") { nodeId } }`,
  'calls of an account': ({ account }) =>
    `{ cdrs(filter: { accountIds: ["${account}"] }) { nodes { id } totalCount } }`,
  'calls of a customer': ({ customer }) =>
    `{ cdrs(filter: { customerIds: ["${customer}"] }) { nodes { id } } }`,
  'calls to a number': ({ number }) =>
    `{ cdrs(filter: { cld: { is: "${number}" } }) { nodes { id } totalCount } }`,
  'statistics of a number': ({ number }) =>
    `{ cdrStats(filter: { cld: { is: "${number}" } }) { totals { attempts } } }`,
  'statistics of an account': ({ account }) =>
    `{ cdrStats(filter: { accountIds: ["${account}"] }) { totals { attempts } } }`,
};

let database: TestDatabase;
let gateway: TestGateway;
beforeAll(async () => {
  database = await createScopeDatabase('xdrs');
  const [replicaUrl] = database.replicaUrls;
  gateway = await createTestGateway(
    { replicaUrls: [replicaUrl!] },
    { principals, settings: { RATE_LIMIT: '0' } },
  );
});
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]();
  await database?.[Symbol.asyncDispose]();
});

async function microsOf(query: string): Promise<number> {
  const before = process.hrtime.bigint();
  await (await gateway.ask(query, {}, { token: 'tenant' })).text();
  return Number(process.hrtime.bigint() - before) / 1000;
}

const medianOf = (sorted: readonly number[]) => sorted[Math.floor(sorted.length / 2)]!;

test('what is foreign is foreign, and what is absent is absent', async () => {
  for (const [query, ids] of [
    ['a call by its id', FOREIGN],
    ['an account by its id', FOREIGN],
    ['a call by its id', ABSENT],
    ['an account by its id', ABSENT],
  ] as const) {
    const { data } = await gateway.query(kinds[query]!(ids), {}, { token: 'everybody' });
    expect(Object.values(data)[0] === null).toBe(ids === ABSENT);
  }
});

test.each(Object.entries(kinds))(
  '%s takes as long where it is foreign as where there is none',
  {
    timeout: 600_000,
  },
  async (kind, queryOf) => {
    const queries = [queryOf(FOREIGN), queryOf(ABSENT)] as const;
    for (let count = 0; count < WARMUPS; count++) for (const query of queries) await microsOf(query);
    const differences: number[] = [];
    const absent: number[] = [];
    for (let pair = 0; pair < PAIRS; pair++) {
      // The first of a pair alternates: what one leaves behind falls on both.
      const isForeignFirst = pair % 2 === 0;
      const first = await microsOf(queries[isForeignFirst ? 0 : 1]);
      const second = await microsOf(queries[isForeignFirst ? 1 : 0]);
      differences.push(isForeignFirst ? first - second : second - first);
      absent.push(isForeignFirst ? second : first);
    }
    const sorted = differences.toSorted((a, b) => a - b);
    const reach = Math.ceil((Z * Math.sqrt(PAIRS)) / 2);
    const [low, high] = [-reach, reach].map((by) => sorted[Math.floor(PAIRS / 2) + by]!) as [number, number];
    const usual = medianOf(absent.toSorted((a, b) => a - b));
    console.log(
      `${kind}: absent ${usual.toFixed(0)} µs; foreign ${medianOf(sorted).toFixed(1)} µs more ` +
        `(${low.toFixed(1)} to ${high.toFixed(1)} in 99.9 of 100 cases), ${PAIRS} pairs`,
    );
    // What is surely there must be too little to be seen.
    const surely = low > 0 ? low : high < 0 ? -high : 0;
    expect(surely).toBeLessThan(usual * MAX_SHARE);
  },
);
