import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CallWriter, isTheirs, type Owner, ownerOf } from '../feed/call-writer.ts';
import { type EventClient, subscribe } from '../feed/event-client.ts';
import { feedPlaces, type OpenedPlace, openFeedPlace, startDecodableCluster } from '../feed/feed-places.ts';
import { corrected, deleted, gaps, knownCalls } from '../feed/known-calls.ts';
import { Random } from '../fuzz/random.ts';
import type { TestCluster } from '../support/postgres.ts';

/**
 * What a tenant is told depends on no call that is never one of its own: among the calls of everybody, which come, are corrected, move
 * and go at random, it is told what it is told where there are only those that are its own at some time.
 */
const OPERATIONS = Number(process.env.SECURITY_OPERATIONS ?? 480);
const SEED = Number(process.env.SECURITY_SEED ?? 1);
const CHANGES_PER_ROUND = 60;
/** Operations for each change that subscribers are told. */
const SHARE = 10;
/** As the feed tells all of a class, and one by one. */
const tenants = ['one-customer', 'support-of-accounts'];
const accounts = ['14', '15', '16', '17', '18', '19'];

/** In a short run of each level one, and each source. */
const places = feedPlaces.filter(({ level, source, namesCustomers }) => {
  if (level === 'LEDGER') return source === 'sippy' || OPERATIONS > 1000;
  return level === 'LOGICAL' && !namesCustomers && (source === 'xdrs' || OPERATIONS > 1000);
});
const ROUNDS = Math.max(3, Math.ceil(OPERATIONS / SHARE / places.length / CHANGES_PER_ROUND));

const CALLS = `subscription ($after: String) {
  cdrs(after: $after) {
    inserted { id accountId customerId chargedAmount account { username } }
    corrected { id accountId customerId chargedAmount account { username } }
    deletedIds departures { cdrId accountId } gap { reason }
  }
}`;

/** A call that may move between two owners. */
interface MovingCall {
  readonly id: string;
  readonly owners: readonly [Owner, Owner];
  at: 0 | 1;
}

/** One gateway, and who subscribes there. */
interface Side {
  readonly opened: OpenedPlace;
  readonly writer: CallWriter;
  readonly clients: Map<string, EventClient>;
  readonly isWritten: (call: MovingCall) => boolean;
}

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startDecodableCluster();
});
afterAll(() => cluster?.[Symbol.asyncDispose]());

const isEverOf = (tenant: string, { owners }: MovingCall) => owners.some((owner) => isTheirs(tenant, owner));

/** What somebody was told, whatever messages it came in. */
function toldTo(client: EventClient) {
  const sorted = (values: readonly unknown[]) =>
    [...new Set(values.map((value) => JSON.stringify(value)))].toSorted();
  return {
    inserted: sorted(client.messages.flatMap(({ inserted }) => inserted)),
    corrected: sorted(corrected(client)),
    deleted: sorted(deleted(client)),
    departures: sorted(client.messages.flatMap(({ departures }) => departures)),
    gaps: gaps(client),
    known: sorted([...knownCalls(client).values()]),
  };
}

describe.each(places)('subscribers at level $level, from $source,', (place) => {
  let everybody: Side;
  let alone: ReadonlyMap<string, Side>;

  async function openSide(isWritten: Side['isWritten']): Promise<Side> {
    const opened = await openFeedPlace(cluster, place);
    const writer = new CallWriter(opened.database, place.source);
    return { opened, writer, clients: new Map(), isWritten };
  }

  beforeAll(async () => {
    everybody = await openSide(() => true);
    const opening = tenants.map(
      async (tenant) => [tenant, await openSide((call) => isEverOf(tenant, call))] as const,
    );
    alone = new Map(await Promise.all(opening));
  });
  afterAll(async () => {
    for (const { opened } of [everybody, ...(alone?.values() ?? [])]) await opened?.[Symbol.asyncDispose]();
  });

  const sides = () => [everybody, ...alone.values()];

  async function join(side: Side, tenant: string): Promise<void> {
    const variables = { after: side.clients.get(tenant)?.lastId };
    side.clients.get(tenant)?.leave();
    const client = await subscribe(side.opened.gateway.fetch, CALLS, { token: tenant, variables });
    side.clients.set(tenant, await client.until(({ events }) => events.length > 0, 60));
  }

  async function forEachSubscriber(act: (side: Side, tenant: string) => Promise<void>): Promise<void> {
    await Promise.all(tenants.flatMap((tenant) => [act(everybody, tenant), act(alone.get(tenant)!, tenant)]));
  }

  /** On every side where the call is. */
  async function write(call: MovingCall, act: (writer: CallWriter) => Promise<void>): Promise<void> {
    for (const { writer, isWritten } of sides()) if (isWritten(call)) await act(writer);
  }

  let nextId = 1;
  async function insert(owners: readonly MovingCall['owners'][]): Promise<readonly MovingCall[]> {
    const calls = owners.map((each): MovingCall => ({ id: String(nextId++), owners: each, at: 0 }));
    for (const { writer, isWritten } of sides()) {
      await writer.insert(new Map(calls.filter(isWritten).map(({ id, owners: [owner] }) => [id, owner])));
    }
    return calls;
  }

  /** At most one change of each call, so that it does not matter what comes in one message. Returns those that are left. */
  async function changeSome(random: Random, calls: readonly MovingCall[]): Promise<MovingCall[]> {
    const changed = [...calls];
    const left: MovingCall[] = [];
    const pickOwner = () => ownerOf(random.pick(accounts));
    const arrived = Array.from({ length: CHANGES_PER_ROUND / 2 }, () => [pickOwner(), pickOwner()] as const);
    left.push(...(await insert(arrived)));
    for (let count = CHANGES_PER_ROUND / 2; count > 0 && changed.length > 0; count--) {
      const [call] = changed.splice(random.below(changed.length), 1) as [MovingCall];
      const kind = random.next();
      if (kind < 0.4) {
        const amount = random.below(1000);
        await write(call, (writer) => writer.correct(call.id, amount));
      } else if (kind < 0.7) {
        call.at = call.at === 0 ? 1 : 0;
        await write(call, (writer) => writer.move(call.id, call.owners[call.at]));
      } else await write(call, (writer) => writer.delete(call.id));
      if (kind < 0.7) left.push(call);
    }
    return [...changed, ...left];
  }

  /** What was written before has been told when this has. */
  async function writeMarks(): Promise<void> {
    const marks = await insert(accounts.map((account) => [ownerOf(account), ownerOf(account)]));
    await forEachSubscriber(async ({ clients }, tenant) => {
      const own = marks.filter((mark) => isEverOf(tenant, mark)).map(({ id }) => id);
      await clients.get(tenant)!.until(({ ids }) => own.every((id) => ids.includes(id)), 60);
    });
    for (const mark of marks) await write(mark, (writer) => writer.correct(mark.id, 7));
    await forEachSubscriber(async ({ clients }, tenant) => {
      const own = marks.filter((mark) => isEverOf(tenant, mark)).map(({ id }) => id);
      const told = (client: EventClient) => new Set(corrected(client).map(({ id }) => id));
      await clients.get(tenant)!.until((client) => own.every((id) => told(client).has(id)), 60);
    });
  }

  test(`are told the same with and without everybody else, seed ${SEED}`, {
    timeout: 120_000 + ROUNDS * 30_000,
  }, async () => {
    const random = new Random(SEED * 1000);
    let calls: readonly MovingCall[] = [];
    let differences = 0;
    await forEachSubscriber(join);
    for (let round = 0; round < ROUNDS; round++) {
      // Every second round is told to those who were away.
      const isAway = round % 2 === 1;
      if (!isAway) calls = await changeSome(random, calls);
      else {
        for (const { clients } of sides()) for (const client of clients.values()) client.leave();
        calls = await changeSome(random, calls);
        await forEachSubscriber(join);
      }
      await writeMarks();
      for (const tenant of tenants) {
        const [among, only] = [everybody, alone.get(tenant)!].map(({ clients }) =>
          toldTo(clients.get(tenant)!),
        );
        if (JSON.stringify(among) !== JSON.stringify(only)) differences++;
        expect.soft({ tenant, round, told: among }).toEqual({ tenant, round, told: only });
      }
      await forEachSubscriber(join);
    }
    console.log(
      `${place.level}, ${place.source}: ${ROUNDS * CHANGES_PER_ROUND} changes told to ${tenants.length} tenants, ${differences} differences`,
    );
    expect(differences).toBe(0);
  });
});
