import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SourceName } from '../../src/db/sources/sources.ts';
import { createScopeDatabase, type ScopeDatabase } from '../access/scope-oracle.ts';
import { sourceNames } from '../db/source-databases.ts';
import { Random } from '../fuzz/random.ts';
import type { TestGateway } from '../support/gateway.ts';
import { type SentStatement, startWireTap, type WireTap } from '../support/wire-tap.ts';
import { filterOfEachPart } from './random-operation.ts';
import { EVERYBODY, openForTenants } from './scoped-tenants.ts';

/**
 * How long an answer takes must not depend on the calls of others. So PostgreSQL finds the calls of a tenant by whose they are, or by the
 * keys of those that were found: an index on anything else, searched by that alone, has everybody's calls in it.
 */
const tenants = ['two-accounts', 'one-customer', 'finance-of-customers', 'busy-customer'];
/** Has nearly all the calls: its are found by reading all. */
const hasMost = (tenant: string) => tenant === 'busy-customer';

/** What indexes of the tables of calls may be searched by. A Sippy's numbers are looked up of calls that were found. */
const allowed: Readonly<Record<SourceName, Readonly<Record<string, readonly string[]>>>> = {
  xdrs: { xdrs: ['i_account', 'i_customer', 'connect_time', 'i_xdr'] },
  sippy: { cdrs: ['i_account', 'connect_time', 'i_cdr'], calls: ['i_call'] },
};

/** A node of EXPLAIN (FORMAT JSON). */
interface PlanNode {
  readonly 'Index Name'?: string;
  readonly 'Index Cond'?: string;
  readonly Plans?: readonly PlanNode[];
}

/** An index of a table, and the columns that it is searched by. A table that is small enough is read from end to end. */
interface Search {
  readonly table: string;
  readonly by: readonly string[];
}

const nodesOf = (node: PlanNode): readonly PlanNode[] => [node, ...(node.Plans ?? []).flatMap(nodesOf)];

const readsCalls = ({ text }: SentStatement) =>
  /^select \/\* \w+ \*\/ .*"public"\."(?:xdrs|cdrs)"/s.test(text);

/** Rare ones too: for whoever sees everything an index finds them at once. */
const filters = [
  ...filterOfEachPart(new Random(1)),
  ...['{ cld: { is: "331004" } }', '{ cli: { startsWith: "331004" } }', '{ cldIn: { is: "441001" } }'],
  ...['{ customerIds: ["4"] }', '{ customerIds: ["77"] }', '{ accountIds: ["19"] }'],
];

/** Every way in which calls are found by a filter. */
const documentOf = (filter: string) => `{
  cdrs(filter: ${filter}, first: 5) { nodes { id } totalCount estimatedCount }
  cdrStats(filter: ${filter}) { totals { attempts chargedAmount } }
}`;

describe.each(sourceNames)('over the source %s', (source) => {
  let database: ScopeDatabase;
  let tap: WireTap;
  let gateway: TestGateway;
  const columns = new Map<string, readonly string[]>();
  beforeAll(async () => {
    database = await createScopeDatabase(source);
    tap = await startWireTap(database.replicaUrls[0]!);
    gateway = await openForTenants({ replicaUrls: [tap.url] }, { source });
    for (const table of Object.keys(allowed[source])) {
      const { rows } = await database.pool.query(
        'select array_agg(attname::text) as names from pg_attribute where attrelid = $1::text::regclass and attnum > 0',
        [table],
      );
      columns.set(table, rows[0].names);
    }
  });
  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]();
    await tap?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
  });

  async function searchesOf({ text, values }: SentStatement): Promise<readonly Search[]> {
    const { rows } = await database.pool.query(`explain (format json) ${text}`, [...values]);
    return nodesOf(rows[0]['QUERY PLAN'][0].Plan).flatMap((node) => {
      const index = node['Index Name'];
      const table = index && [...columns.keys()].find((name) => index.startsWith(`${name}_`));
      if (!table) return [];
      const isNamed = (column: string) => new RegExp(`\\b${column}\\b`).test(node['Index Cond'] ?? '');
      return [{ table, by: columns.get(table)!.filter(isNamed) }];
    });
  }

  /** Searches that everybody's calls are in the way of, by statement, and how many searches there were. */
  async function lookAt(token: string, filter: string) {
    const start = tap.sent.length;
    await gateway.query(documentOf(filter), {}, { token });
    const strange: object[] = [];
    let searches = 0;
    for (const statement of tap.sent.slice(start).filter(readsCalls)) {
      const found = await searchesOf(statement);
      searches += found.length;
      const { [source]: fine } = allowed;
      const others = found.filter(({ table, by }) => {
        const isOwn = hasMost(token) || by.some((column) => column !== 'connect_time');
        return !isOwn || by.some((column) => !fine[table]!.includes(column));
      });
      if (others.length > 0) strange.push({ filter, statement: statement.text.slice(0, 40), others });
    }
    return { strange, searches };
  }

  test.each(tenants)('%s is found its calls by whose they are, whatever it asks for', async (tenant) => {
    let searches = 0;
    for (const filter of filters) {
      const found = await lookAt(tenant, filter);
      expect(found.strange).toEqual([]);
      searches += found.searches;
    }
    // Plans that use no index would show nothing.
    expect(searches).toBeGreaterThan(filters.length);
  });

  test('who sees everything is found calls by their numbers', async () => {
    const { strange } = await lookAt(EVERYBODY, '{ cld: { startsWith: "441001" } }');
    expect(strange).not.toEqual([]);
  });
});
