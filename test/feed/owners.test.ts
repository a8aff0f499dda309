import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { customerOf } from '../access/scope-oracle.ts';
import { EVERYBODY, tenantNames } from '../security/scoped-tenants.ts';
import type { TestCluster } from '../support/postgres.ts';
import { CallWriter, isTheirs, type Owner, ownerOf } from './call-writer.ts';
import { type EventClient, subscribe } from './event-client.ts';
import {
  type FeedPlace,
  feedPlaces,
  type OpenedPlace,
  openFeedPlace,
  startDecodableCluster,
} from './feed-places.ts';
import { corrected, deleted, gaps, knownCalls } from './known-calls.ts';

const CALLS = `subscription ($after: String) {
  cdrs(after: $after) { inserted { id } corrected { id } deletedIds gap { reason } }
}`;

const subscribers = [EVERYBODY, ...tenantNames];
const allOwners = Object.keys(customerOf).map(ownerOf);
/** Of a call that stays with a customer who had the account before. */
const FORMER: Owner = { account: '14', customer: '4' };

/** A call, and whose it has been since it came; the last owner has it now, unless it is gone. */
interface OwnedCall {
  readonly id: string;
  readonly owners: Owner[];
  isGone: boolean;
}

const wasTheirs = (token: string, { owners }: OwnedCall) => owners.some((owner) => isTheirs(token, owner));
const hasNow = (token: string, { owners, isGone }: OwnedCall) => !isGone && isTheirs(token, owners.at(-1)!);

let nextId = 1;

/** Calls of all owners, and what becomes of them. */
class Calls {
  readonly all: OwnedCall[] = [];
  readonly owners: readonly Owner[];
  readonly #writer: CallWriter;
  readonly #hasFormer: boolean;

  constructor({ source, level, namesCustomers }: FeedPlace, { database }: OpenedPlace) {
    this.#writer = new CallWriter(database, source);
    this.#hasFormer = namesCustomers && level !== 'INSERTS';
    // A column of an identity cannot be null: no call is nobody's.
    const isOfSomebody = level === 'LOGICAL' && namesCustomers;
    this.owners = allOwners.filter(({ customer }) => customer !== null || !isOfSomebody);
  }

  /** One of each. */
  async insert(owners: readonly Owner[]): Promise<readonly OwnedCall[]> {
    const calls = owners.map((owner) => ({ id: String(nextId++), owners: [owner], isGone: false }));
    this.all.push(...calls);
    await this.#writer.insert(new Map(calls.map(({ id, owners: [owner] }) => [id, owner!])));
    return calls;
  }

  correct({ id }: OwnedCall): Promise<void> {
    return this.#writer.correct(id, 2);
  }

  async move(call: OwnedCall, owner: Owner): Promise<void> {
    await this.#writer.move(call.id, owner);
    call.owners.push(owner);
  }

  async delete(call: OwnedCall): Promise<void> {
    await this.#writer.delete(call.id);
    call.isGone = true;
  }

  /** As many of each owner as `changeAll` needs. */
  insertAll(): Promise<readonly OwnedCall[]> {
    const wanted = this.owners.flatMap((owner) => new Array<Owner>(this.owners.length + 3).fill(owner));
    if (this.#hasFormer) wanted.push(FORMER, FORMER, FORMER, FORMER);
    return this.insert(wanted);
  }

  /** What can become of a call of each owner: one stays, one goes, one goes to each other owner, one comes back, one goes from there. */
  async changeAll(calls: readonly OwnedCall[]): Promise<void> {
    for (const owner of this.owners) {
      const others = this.owners.filter((other) => other !== owner);
      const own = calls.filter(({ owners }) => owners[0] === owner);
      const [staying, going, restless, lost, ...moving] = own as [OwnedCall, OwnedCall, OwnedCall, OwnedCall];
      await this.correct(staying);
      await this.delete(going);
      for (const other of [...others.slice(0, 2), owner]) await this.move(restless, other);
      await this.move(lost, others[0]!);
      await this.delete(lost);
      for (const [index, call] of (moving as OwnedCall[]).entries()) await this.move(call, others[index]!);
    }
    const [staying, going, ...moving] = calls.filter(({ owners }) => owners[0] === FORMER);
    if (staying) await this.correct(staying);
    if (going) await this.delete(going);
    for (const [index, call] of moving.entries()) await this.move(call, ownerOf(['14', '16'][index]!));
  }
}

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startDecodableCluster();
});
afterAll(() => cluster?.[Symbol.asyncDispose]());

describe.each(feedPlaces)('at level $level, from $source, customers named: $namesCustomers,', (place) => {
  let opened: OpenedPlace;
  let calls: Calls;
  beforeAll(async () => {
    opened = await openFeedPlace(cluster, place);
    calls = new Calls(place, opened);
  });
  afterAll(() => opened?.[Symbol.asyncDispose]());

  /** Everybody, each behind its cursor. */
  async function follow(
    cursors: ReadonlyMap<string, string> = new Map(),
  ): Promise<ReadonlyMap<string, EventClient>> {
    const following = subscribers.map(async (token) => {
      const variables = { after: cursors.get(token) };
      const client = await subscribe(opened.gateway.fetch, CALLS, { token, variables });
      return [token, await client.until(({ events }) => events.length > 0, 30)] as const;
    });
    return new Map(await Promise.all(following));
  }

  const leave = (clients: ReadonlyMap<string, EventClient>) => {
    for (const client of clients.values()) client.leave();
  };

  /** Everything before has been told when what comes last has been. */
  async function untilTold(clients: ReadonlyMap<string, EventClient>): Promise<void> {
    const marks = await calls.insert(calls.owners);
    const until = async (idsOf: (client: EventClient) => readonly string[]) => {
      for (const [token, client] of clients) {
        const own = marks.filter((mark) => hasNow(token, mark)).map(({ id }) => id);
        await client.until(() => own.every((id) => idsOf(client).includes(id)), 60);
      }
    };
    await until(({ ids }) => ids);
    if (place.level !== 'INSERTS') {
      for (const mark of marks) await calls.correct(mark);
      await until((client) => corrected(client).map(({ id }) => id));
    }
    // Whoever has no call is told that nothing has come.
    const quiet = clients.get('no-account')!;
    const { length } = quiet.messages;
    await quiet.until(({ messages }) => messages.length > length, 60);
  }

  /** It was told of its own calls alone, and knows of those that were changed what it has. */
  function expectOwn(token: string, client: EventClient, changed: readonly OwnedCall[]): void {
    const byId = new Map(calls.all.map((call) => [call.id, call]));
    const told = [...client.ids, ...corrected(client).map(({ id }) => id), ...deleted(client)];
    const foreign = told.filter((id) => !wasTheirs(token, byId.get(id)!));
    expect({ token, foreign, gaps: gaps(client) }).toEqual({ token, foreign: [], gaps: [] });
    const isChanged = new Set(changed.map(({ id }) => id));
    const known = [...knownCalls(client).keys()].filter((id) => isChanged.has(id));
    const own = changed.filter((call) => hasNow(token, call)).map(({ id }) => id);
    expect({ token, known: known.toSorted() }).toEqual({ token, known: own.toSorted() });
    const gone = changed.filter((call) => isTheirs(token, call.owners[0]!) && !hasNow(token, call));
    const untold = gone.filter(({ id }) => !deleted(client).includes(id));
    expect({ token, untold }).toEqual({ token, untold: [] });
  }

  test('each is told what becomes of its calls, and nothing of those of others', async () => {
    const clients = await follow();
    const changed = await calls.insertAll();
    await untilTold(clients);
    await calls.changeAll(changed);
    await untilTold(clients);
    for (const [token, client] of clients) {
      if (place.level !== 'INSERTS') expectOwn(token, client, changed);
      else
        expect({ token, told: [...corrected(client), ...deleted(client), ...gaps(client)] }).toEqual({
          token,
          told: [],
        });
    }
    leave(clients);
  });

  // There nothing is known of what was.
  if (place.level === 'INSERTS') return;

  test('and what became of them while it was away', async () => {
    const before = await follow();
    const inserted = await calls.insertAll();
    await untilTold(before);
    const cursors = new Map([...before].map(([token, client]) => [token, client.lastId!]));
    leave(before);
    await calls.changeAll(inserted);
    const clients = await follow(cursors);
    await untilTold(clients);
    for (const [token, client] of clients) expectOwn(token, client, inserted);
    leave(clients);
  });
});
