import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Source, SourceName } from '../../src/db/sources/sources.ts';
import { createOwnDatabase, createScopeDatabase, type ScopeDatabase } from '../access/scope-oracle.ts';
import { withoutPredicate } from '../access/without-predicate.ts';
import { sourceNames } from '../db/source-databases.ts';
import { Random } from '../fuzz/random.ts';
import type { TestGateway } from '../support/gateway.ts';
import type { TestDatabase } from '../support/postgres.ts';
import { type Answer, answerOf } from './comparable-answer.ts';
import { type RandomOperation, randomOperation, untriedParts } from './random-operation.ts';
import { EVERYBODY, openForTenants, scopedTenants, tenantNames } from './scoped-tenants.ts';

/**
 * What a tenant is answered depends on nothing of anybody else's: over a database with everybody's calls it is, byte for
 * byte but for positions and times, what it is over one with the tenant's own. What it is told as calls come and change is
 * in `feed-non-interference.test.ts`.
 * `npm run test:security -- --operations 100000 --seed 7` makes it as long.
 */
const OPERATIONS = Number(process.env.SECURITY_OPERATIONS ?? 480);
const SEED = Number(process.env.SECURITY_SEED ?? 1);
/** Each takes some milliseconds on each side, and much longer on a machine that is busy. */
const TIMEOUT_MS = 120_000 + OPERATIONS * 60;
const AT_ONCE = 8;
/** Who has very many calls is asked less often: each answer takes as long as those of a hundred others. */
const BUSY_SHARE = 0.2;
const PROGRESS_MS = 10_000;
const KEPT_CURSORS = 60;
const MAX_SHOWN = 5;
const MAX_UNTIL_FOUND = 300;
const MAX_ATTEMPTS = 5;
/** Says that the machine was busy, or how a standby is doing: of no tenant. */
const isOfMoment = ({ comparable }: Answer) =>
  /"(NO_REPLICA_AVAILABLE|OVERLOADED|QUERY_TIMEOUT|REPLICA_\w+)"|"status":"(?!OK|STREAMING)\w+"/.test(
    comparable,
  );

/** Everybody's calls behind a gateway, and places in everybody's list. */
interface Everybody {
  readonly database: ScopeDatabase;
  readonly gateway: TestGateway;
  readonly cursors: readonly string[];
}

async function openEverybody(source: SourceName): Promise<Everybody> {
  const database = await createScopeDatabase(source);
  const gateway = await openForTenants(database, { source });
  const { data } = await gateway.query('{ cdrs(first: 40) { edges { cursor } } }', {}, { token: EVERYBODY });
  const cursors = data.cdrs.edges.map(({ cursor }: { cursor: string }) => cursor);
  return { database, gateway, cursors };
}

const everybodyOf = new Map<SourceName, Everybody>();
beforeAll(async () => {
  for (const source of sourceNames) everybodyOf.set(source, await openEverybody(source));
});
afterAll(async () => {
  for (const { gateway, database } of everybodyOf.values()) {
    await gateway[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  }
});

interface Difference {
  readonly operation: RandomOperation;
  readonly among: string;
  readonly alone: string;
}

const shareOf = (tenant: string) => (tenant === 'busy-customer' ? BUSY_SHARE : 1);
const shares = sourceNames.length * tenantNames.reduce((sum, tenant) => sum + shareOf(tenant), 0);
const places = sourceNames.flatMap((source) =>
  tenantNames.map((tenant) => ({
    source,
    tenant,
    count: Math.ceil(((OPERATIONS / shares) * shareOf(tenant)) / AT_ONCE) * AT_ONCE,
  })),
);

/** What was tried in all places so far. */
const total = { operations: 0, answered: 0, differences: 0, seconds: 0 };
const wanted = places.reduce((sum, { count }) => sum + count, 0);

function say(place: string): void {
  const { operations, answered, differences, seconds } = total;
  const rate = seconds > 0 ? (operations / seconds).toFixed(0) : '-';
  console.log(
    `${place}: ${operations} of ${wanted} operations, ${answered} answered, ${differences} differences, ${rate} a second`,
  );
}

describe.each(places.map((place, number) => ({ ...place, number })))(
  '$tenant, from $source,',
  ({ source, tenant, number, count }) => {
    let full: TestGateway;
    let own: TestDatabase;
    let alone: TestGateway;
    beforeAll(async () => {
      const everybody = everybodyOf.get(source)!;
      full = everybody.gateway;
      own = await createOwnDatabase(source, scopedTenants[tenant]!.scope, everybody.database);
      alone = await openForTenants(own, { source });
    });
    afterAll(async () => {
      await alone?.[Symbol.asyncDispose]();
      await own?.[Symbol.asyncDispose]();
    });

    const both = (operation: RandomOperation) =>
      Promise.all([answerOf(full, tenant, operation), answerOf(alone, tenant, operation)]);

    /** Once more, one after the other: what a busy machine does to one of them is no difference. */
    async function differenceOf(operation: RandomOperation): Promise<Difference | undefined> {
      for (let attempt = 1; ; attempt++) {
        const [among, only] = [
          await answerOf(full, tenant, operation),
          await answerOf(alone, tenant, operation),
        ];
        if (among.comparable === only.comparable) return undefined;
        if (![among, only].some(isOfMoment) || attempt === MAX_ATTEMPTS) {
          return { operation, among: among.comparable, alone: only.comparable };
        }
        await Promise.all(
          [full, alone].map(({ replicas }) => replicas.choose().then((lease) => lease.release())),
        );
      }
    }

    test(
      `is answered the same with and without everybody else, seed ${SEED}`,
      async () => {
        const random = new Random(SEED * 1000 + number);
        const differences: Difference[] = [];
        const internal: RandomOperation[] = [];
        let cursors: readonly string[] = [];
        let answered = 0;
        let saidAt = performance.now();
        for (let done = 0; done < count; done += AT_ONCE) {
          const since = performance.now();
          const known = { cursors: [...everybodyOf.get(source)!.cursors, ...cursors] };
          const operations = Array.from({ length: AT_ONCE }, () => randomOperation(random, known));
          const answers = await Promise.all(operations.map(both));
          for (const [index, [among, only]] of answers.entries()) {
            if (among.comparable !== only.comparable) {
              const difference = await differenceOf(operations[index]!);
              if (difference) {
                differences.push(difference);
                total.differences++;
              }
            }
            if (among.comparable.includes('"INTERNAL"')) internal.push(operations[index]!);
            if (among.status === 200) {
              answered++;
              total.answered++;
            }
            cursors = [...among.cursors.slice(0, 3), ...cursors].slice(0, KEPT_CURSORS);
          }
          const now = performance.now();
          total.operations += AT_ONCE;
          total.seconds += (now - since) / 1000;
          if (now - saidAt < PROGRESS_MS) continue;
          say(`${tenant}, ${source}`);
          saidAt = now;
        }
        say(`${tenant}, ${source}: done`);
        for (const { operation, among, alone: answer } of differences.slice(0, MAX_SHOWN)) {
          expect.soft({ operation, answer: among }).toEqual({ operation, answer });
        }
        expect(differences.length).toBe(0);
        expect(internal).toEqual([]);
        // Refusals alone would show nothing.
        expect(answered).toBeGreaterThan(count / 4);
      },
      TIMEOUT_MS,
    );
  },
);

test.each([
  ['xdrs', 'cdrs'],
  ['xdrs', 'accounts'],
  ['xdrs', 'customers'],
  ['sippy', 'cdrs'],
  ['sippy', 'accounts'],
] as const)('a gateway of %s that forgets whose %s they are is found out', async (source, relation) => {
  const { database, cursors } = everybodyOf.get(source)!;
  await using own = await createOwnDatabase(source, scopedTenants['one-customer']!.scope, database);
  await using alone = await openForTenants(own, { source });
  await using leaking = await openForTenants(database, {
    source,
    plantSource: (sound) => ({
      ...sound,
      [relation]: withoutPredicate(sound[relation] as Source['cdrs'], relation as never),
    }),
  });
  const random = new Random(SEED);
  let differences = 0;
  for (let count = 0; count < MAX_UNTIL_FOUND && differences === 0; count++) {
    const operation = randomOperation(random, { cursors });
    const [among, only] = await Promise.all(
      [leaking, alone].map((gateway) => answerOf(gateway, 'one-customer', operation)),
    );
    if (among!.comparable !== only!.comparable) differences++;
  }
  expect(differences).toBe(1);
});

test('every part of a filter is tried', () => {
  expect(untriedParts()).toEqual([]);
});
