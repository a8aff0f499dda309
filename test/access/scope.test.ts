import { globSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Scope, ScopeKind } from '../../src/db/scope.ts';
import type { SourceName } from '../../src/db/sources/sources.ts';
import { sourceNames } from '../db/source-databases.ts';
import type { Call } from '../schema/calls-oracle.ts';
import { createTestGateway, type TestGateway } from '../support/gateway.ts';
import type { TestDatabase } from '../support/postgres.ts';
import { everyKindOfScope, type NamedScopes, principalsOf } from '../support/scoped-principals.ts';
import { type SentStatement, startWireTap, type WireTap } from '../support/wire-tap.ts';
import { type Operation, operationsFor } from './scope-operations.ts';
import { createScopeDatabase, visibleTo } from './scope-oracle.ts';

const scopes: NamedScopes = {
  ...everyKindOfScope,
  'another-account': { kind: 'accounts', accountIds: ['15'] },
  'busy-account': { kind: 'accounts', accountIds: ['19'] },
  'no-customer': { kind: 'customers', customerIds: [] },
  'busy-customer': { kind: 'customers', customerIds: ['6'] },
};
const tokens = Object.keys(scopes);

const principals = principalsOf(scopes, 'ACCOUNT');

const sources = globSync('src/**/*.ts').map((file) => readFileSync(file, 'utf8'));

/** The statements that the code of the product declares, by the names that are in their text. */
const declared = sources
  .flatMap((code) => [
    ...code.matchAll(
      /Statement\.(?:build|ofServer|overRows)(?:<[^>]*>)?\(\s*(?:(?:\w+|\{[^}]*\}),\s*)?'(\w+)'/g,
    ),
  ])
  .map(([, name]) => name!);

/** Those that read no table, so that there is nothing to restrict. */
const aboutServer = ['replayedLsn', 'timeZone', 'bucketStarts'];

/**
 * Those of the feed, which reads every call once, for nobody in particular, and tells each subscriber its own: see
 * `test/feed/subscriptions.test.ts`.
 */
const ofFeed = ['replayedMoment', 'largestKey', 'smallestKey', 'keys', 'arrivedCalls'];

/**
 * Those of the process that keeps rollups, which counts every call for nobody in particular, and of statistics that are worked
 * out from what it keeps: see `test/rollups/rollups.test.ts`.
 */
const ofRollups = [
  'keptBetween',
  'keptOfNoTime',
  'keptAt',
  'firstTime',
  'keptAccounts',
  'partsOfCalls',
  'cdrStatsOfKept',
];

/** Whose text tells one catalogue from another; it is never executed. */
const neverSent = ['calls'];

const nameOf = ({ text }: SentStatement) =>
  /^\s*(?:explain \(format json\) )?\w+ \/\* (\w+) \*\//.exec(text)?.[1];

const everyKind: readonly ScopeKind[] = ['all', 'accounts', 'customers'];
/** Who sees everything is told what the planner expects, everybody else what was counted. */
const onlyFor: Readonly<Record<string, readonly ScopeKind[]>> = {
  planRows: ['all'],
  countFirst: ['accounts', 'customers'],
  countPieces: ['accounts', 'customers'],
};

/** Not what asks the server about itself, its sessions and its catalogue. */
const isAboutCalls = (statement: SentStatement) =>
  declared.includes(nameOf(statement)!) || TABLE.test(plain(statement.text));

/** Tables are named with their schema, lest the search path of a role decide. */
const TABLE = /\b(?:from|join|table) (?:only )?(?:\w+\.)?(?:xdrs|cdrs|calls|accounts|customers)\b(?!\.)/;
/** A statement as it is compared here. */
const plain = (text: string) => text.replaceAll('"', '').replaceAll(/\s+/g, ' ');

/** A relation up to its condition, with no other relation in between. */
const upTo = (table: string) =>
  `from public\\.${table}\\b(?:(?!\\bfrom public\\.(?:xdrs|cdrs|accounts|customers)\\b).)*? where `;
const ids = (column: string) => `${column} (?:= \\$(\\d+)::bigint|= any\\(\\$(\\d+)::bigint\\[\\]\\))`;
const throughAccounts = (column: string, by: string) =>
  `${column} in \\(select accounts\\.${column.split('.')[1]} from public\\.accounts(?: as accounts)? where ${ids(`accounts.${by}`)}\\)`;

/** What every relation must say before anything of it may be read, for whom it is read. */
const predicates: Readonly<Record<SourceName, Record<Exclude<ScopeKind, 'all'>, readonly string[]>>> = {
  xdrs: {
    accounts: [
      upTo('customers') + throughAccounts('customers.i_customer', 'i_account'),
      upTo('xdrs') + ids('xdrs.i_account'),
      upTo('accounts') + ids('accounts.i_account'),
    ],
    customers: [
      upTo('customers') + ids('customers.i_customer'),
      upTo('xdrs') + ids('xdrs.i_customer'),
      upTo('accounts') + ids('accounts.i_customer'),
    ],
  },
  sippy: {
    accounts: [upTo('cdrs') + ids('cdrs.i_account'), upTo('accounts') + ids('accounts.i_account')],
    customers: [
      upTo('cdrs') + throughAccounts('cdrs.i_account', 'i_customer'),
      upTo('accounts') + ids('accounts.i_customer'),
    ],
  },
};

/** Throws unless each table in the statement is restricted to this scope, by its ids as PostgreSQL got them. */
function expectRestricted({ text, values }: SentStatement, source: SourceName, scope: Scope): void {
  const restricted = plain(text);
  if (scope.kind === 'all') {
    expect(restricted).not.toMatch(/\$\d+::bigint/);
    return;
  }
  const wanted = scope.kind === 'accounts' ? scope.accountIds : scope.customerIds;
  let rest = restricted;
  let found = 0;
  for (const predicate of predicates[source][scope.kind]) {
    rest = rest.replaceAll(new RegExp(predicate, 'g'), (_, one?: string, many?: string) => {
      const sent = values[Number(one ?? many) - 1];
      const given = sent?.startsWith('{') ? sent.slice(1, -1).split(',').filter(Boolean) : [sent];
      expect(given.map((id) => id?.replaceAll('"', ''))).toEqual(wanted);
      found++;
      return '(restricted)';
    });
  }
  expect(rest).not.toMatch(TABLE);
  if (!aboutServer.includes(nameOf({ text, values })!)) expect(found).toBeGreaterThan(0);
}

test('each statement of the product has its name in the code, where this file finds it', () => {
  const built = sources.flatMap((code) => code.match(/\bStatement\.(?:build|ofServer|overRows)\b/g) ?? []);
  expect(declared).toHaveLength(built.length);
});

describe.each(sourceNames)('over the source %s', (source) => {
  let database: TestDatabase & { readonly calls: Call[] };
  let tap: WireTap;
  let gateway: TestGateway;
  let operations: Operation[];

  beforeAll(async () => {
    database = await createScopeDatabase(source);
    tap = await startWireTap(database.replicaUrls[0]!);
    gateway = await openGateway();
    const { data } = await gateway.query(
      '{ cdrs(first: 100) { edges { cursor } } }',
      {},
      { token: 'everybody' },
    );
    const cursors = [11, 60].map((place) => [place, data.cdrs.edges[place].cursor] as const);
    operations = operationsFor(database.calls, new Map(cursors));
  });
  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]();
    await tap?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
  });

  const openGateway = (plantSource?: Parameters<typeof createTestGateway>[1]) =>
    createTestGateway(
      { replicaUrls: [tap.url] },
      { settings: { CDR_SOURCE: source }, principals, ...plantSource },
    );

  /** Asks, and holds the answer to what this principal may see. */
  async function answer(token: string, operation: Operation): Promise<void> {
    const visible = visibleTo(scopes[token]!, database.calls);
    const answered = await operation.run(gateway, token);
    expect({ token, operation: operation.name, answered }).toEqual({
      token,
      operation: operation.name,
      answered: operation.expected(visible, source),
    });
  }

  /** Everybody asks everything twice: what was built for one is then there for the next. */
  async function inRandomOrder(
    seed: number,
    ask: (asked: readonly (readonly [string, Operation])[]) => Promise<void>,
  ): Promise<void> {
    const each = tokens.flatMap((token) => operations.map((operation) => [token, operation] as const));
    const twice = [...each, ...each];
    const order = fc.shuffledSubarray([...twice.keys()], { minLength: twice.length });
    await fc.assert(
      fc.asyncProperty(order, (indexes) => ask(indexes.map((index) => twice[index]!))),
      { numRuns: 1, seed, endOnFailure: true },
    );
  }

  test('every statement has the predicate of its principal, the first time and later', {
    timeout: 120_000,
  }, async () => {
    const seen = new Map<string, number>();
    await inRandomOrder(9, async (asked) => {
      for (const [token, operation] of asked) {
        const start = tap.sent.length;
        await answer(token, operation);
        const scope = scopes[token]!;
        for (const statement of tap.sent.slice(start).filter(isAboutCalls)) {
          const name = nameOf(statement);
          expect(declared).toContain(name);
          expectRestricted(statement, source, scope);
          seen.set(`${scope.kind} ${name}`, (seen.get(`${scope.kind} ${name}`) ?? 0) + 1);
        }
      }
    });
    // A zone is looked up once, whoever comes first: PostgreSQL knows it for everybody.
    const absent = [
      'timeZone',
      ...neverSent,
      ...ofFeed,
      ...ofRollups,
      ...(source === 'sippy' ? ['customers'] : []),
    ];
    const expected = [...new Set(declared)]
      .filter((name) => !absent.includes(name))
      .flatMap((name) => (onlyFor[name] ?? everyKind).map((kind) => `${kind} ${name}`));
    expect(expected.filter((each) => (seen.get(each) ?? 0) < 2)).toEqual([]);
  });

  test.each(tokens)('the viewer %s is told whose calls it sees', async (token) => {
    const scope = scopes[token]!;
    const { data } = await gateway.query('{ viewer { scope accountIds customerIds } }', {}, { token });
    expect(data.viewer).toEqual({
      scope: scope.kind.toUpperCase(),
      accountIds: scope.kind === 'accounts' ? scope.accountIds : null,
      customerIds: scope.kind === 'customers' ? scope.customerIds : null,
    });
  });

  test('every statement has a name behind its first word, but for those that only set or end something', () => {
    const nameless = tap.sent.filter(
      (statement) => !nameOf(statement) && !/^\s*(set|show|begin|commit|rollback)\b/i.test(statement.text),
    );
    expect(nameless.map(({ text }) => text)).toEqual([]);
    expect(tap.sent.length).toBeGreaterThan(100);
  });

  test('everybody is answered with what they may see, at the same time', { timeout: 120_000 }, async () => {
    await inRandomOrder(10, async (asked) => {
      for (let start = 0; start < asked.length; start += 8) {
        const together = asked.slice(start, start + 8);
        await Promise.all(together.map(([token, operation]) => answer(token, operation)));
      }
    });
  });

  test('where a relation has lost its predicate, no statement is sent to those who see a part', async () => {
    await using planted = await openGateway({
      plantSource: (found) => ({
        ...found,
        cdrs: () => found.cdrs({ kind: 'all' }),
        accounts: found.accounts && (() => found.accounts!({ kind: 'all' })),
        customers: found.customers && (() => found.customers!({ kind: 'all' })),
      }),
    });
    for (const token of tokens.filter((each) => scopes[each]!.kind !== 'all')) {
      for (const operation of operations) {
        const start = tap.sent.length;
        await operation.run(planted, token).catch(() => {});
        expect(tap.sent.slice(start).filter(({ text }) => TABLE.test(plain(text)))).toEqual([]);
      }
    }
    expect(await operations[0]!.run(planted, 'everybody')).toEqual(
      operations[0]!.expected(visibleTo({ kind: 'all' }, database.calls), source),
    );
  });
});
