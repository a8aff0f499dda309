import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Source, SourceName } from '../../src/db/sources/sources.ts';
import { createOwnDatabase, createScopeDatabase, type ScopeDatabase } from '../access/scope-oracle.ts';
import { withoutPredicate } from '../access/without-predicate.ts';
import { sourceNames } from '../db/source-databases.ts';
import { Random } from '../fuzz/random.ts';
import type { TestGateway } from '../support/gateway.ts';
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
const OPEN_TIMEOUT_MS = 600_000;
const AT_ONCE = 8;
/** Several tenants ask at once. */
const tuning = { poolSize: 8 };
/** Until a standby that a busy machine did not let answer is back. */
const RETURN_MS = 60_000;
/** Who has very many calls is asked less often: each answer takes as long as those of a hundred others. */
const BUSY_SHARE = 0.2;
const PROGRESS_MS = 10_000;
const KEPT_CURSORS = 60;
const MAX_SHOWN = 5;
const MAX_UNTIL_FOUND = 300;
const MAX_ATTEMPTS = 10;
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
  const database = opened.use(await createScopeDatabase(source));
  const gateway = opened.use(await openForTenants(database, { source, tuning }));
  const { data } = await gateway.query('{ cdrs(first: 40) { edges { cursor } } }', {}, { token: EVERYBODY });
  const cursors = data.cdrs.edges.map(({ cursor }: { cursor: string }) => cursor);
  return { database, gateway, cursors };
}

interface Difference {
  readonly operation: RandomOperation;
  readonly among: Answer;
  readonly alone: Answer;
}

const isDifferent = ([among, alone]: readonly [Answer, Answer]) => among.comparable !== alone.comparable;

const shareOf = (tenant: string) => (tenant === 'busy-customer' ? BUSY_SHARE : 1);
const shares = sourceNames.length * tenantNames.reduce((sum, tenant) => sum + shareOf(tenant), 0);
const places = sourceNames.flatMap((source) =>
  tenantNames.map((tenant) => ({
    source,
    tenant,
    count: Math.ceil(((OPERATIONS / shares) * shareOf(tenant)) / AT_ONCE) * AT_ONCE,
  })),
);

const everybodyOf = new Map<SourceName, Everybody>();
/** Gateways over the calls of one tenant alone, in the order of the places. */
const aloneOf: TestGateway[] = [];
const opened = new AsyncDisposableStack();
// One after the other: a standby that is not answered while rows are written counts as out of reach.
beforeAll(async () => {
  for (const source of sourceNames) everybodyOf.set(source, await openEverybody(source));
  for (const { source, tenant } of places) {
    const { database } = everybodyOf.get(source)!;
    const own = opened.use(await createOwnDatabase(source, scopedTenants[tenant]!.scope, database));
    aloneOf.push(opened.use(await openForTenants(own, { source, tuning })));
  }
}, OPEN_TIMEOUT_MS);
afterAll(() => opened.disposeAsync());

/** What was tried in all places so far. */
const tried = { operations: 0, answered: 0, since: 0, saidAt: 0 };
const wanted = places.reduce((sum, { count }) => sum + count, 0);

function tell(answers: readonly Answer[]): void {
  const now = performance.now();
  tried.since ||= now;
  tried.operations += answers.length;
  tried.answered += answers.filter(({ status }) => status === 200).length;
  if (now - tried.saidAt < PROGRESS_MS) return;
  tried.saidAt = now;
  const { operations, answered, since } = tried;
  const rate = (operations / ((now - since) / 1000)).toFixed(0);
  console.log(`${operations} of ${wanted} operations, ${answered} answered, ${rate} a second`);
}

interface Sides {
  readonly tenant: string;
  readonly among: TestGateway;
  readonly alone: TestGateway;
}

/** Again while the machine is too busy for one of them: a refusal would show nothing. */
async function answersOf(
  { tenant, among, alone }: Sides,
  operation: RandomOperation,
): Promise<readonly [Answer, Answer]> {
  for (let attempt = 1; ; attempt++) {
    const answers = await Promise.all([
      answerOf(among, tenant, operation),
      answerOf(alone, tenant, operation),
    ]);
    if (!answers.some(isOfMoment) || attempt === MAX_ATTEMPTS) return answers;
    await Promise.allSettled([among, alone].map(untilAnswered));
  }
}

const untilAnswered = ({ replicas }: TestGateway) =>
  vi.waitFor(async () => (await replicas.choose()).release(), { timeout: RETURN_MS, interval: 100 });

/** Several tenants at once: one that waits for a standby leaves the processor to another. */
test.concurrent.for(places.map((place, number) => ({ ...place, number })))(
  `$tenant, from $source, is answered the same with and without everybody else, seed ${SEED}`,
  { timeout: TIMEOUT_MS },
  async ({ source, tenant, count, number }, { expect }) => {
    const { gateway: among, cursors: foreignCursors } = everybodyOf.get(source)!;
    const sides = { tenant, among, alone: aloneOf[number]! };
    const random = new Random(SEED * 1000 + number);
    const differences: Difference[] = [];
    const internal: RandomOperation[] = [];
    let cursors: readonly string[] = [];
    let answered = 0;
    for (let done = 0; done < count; done += AT_ONCE) {
      const known = { cursors: [...foreignCursors, ...cursors] };
      const operations = Array.from({ length: AT_ONCE }, () => randomOperation(random, known));
      const answers = await Promise.all(operations.map((operation) => answersOf(sides, operation)));
      for (const [index, pair] of answers.entries()) {
        const operation = operations[index]!;
        // Asked twice: what a busy machine does to one of them is no difference.
        if (isDifferent(pair)) {
          const [among, alone] = await answersOf(sides, operation);
          if (isDifferent([among, alone])) differences.push({ operation, among, alone });
        }
        const [answer] = pair;
        if (answer.comparable.includes('"INTERNAL"')) internal.push(operation);
        if (answer.status === 200) answered++;
        cursors = [...answer.cursors.slice(0, 3), ...cursors].slice(0, KEPT_CURSORS);
      }
      tell(answers.map(([answer]) => answer));
    }
    console.log(
      `${tenant}, ${source}: ${count} operations, ${answered} answered, ${differences.length} differences`,
    );
    for (const { operation, among, alone } of differences.slice(0, MAX_SHOWN)) {
      const answer = alone.comparable;
      expect.soft({ operation, answer: among.comparable }).toEqual({ operation, answer });
    }
    expect(differences.length).toBe(0);
    expect(internal).toEqual([]);
    // Refusals alone would show nothing.
    expect(answered).toBeGreaterThan(count / 4);
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
