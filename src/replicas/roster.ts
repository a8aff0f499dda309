import type { Clock } from './clock.ts';
import type { Connection } from './connection-url.ts';
import type { Node } from './node.ts';
import type { Observatory, Observed } from './observatory.ts';
import type { ExpectedServer, PoolListeners, StandbyPool } from './pools.ts';
import type { NamedServer } from './sources/source-watch.ts';
import { Standby } from './standby.ts';
import type { Tuning } from './tuning.ts';

export interface RosterDeps {
  readonly role: Node['role'];
  readonly observatory: Observatory;
  readonly clock: Clock;
  readonly tuning: Pick<Tuning, 'breakAfterSeconds' | 'drainSeconds' | 'returnAfterSeconds'>;
  createPool(
    connection: Connection,
    observed: Observed,
    server: ExpectedServer,
    told: PoolListeners,
  ): StandbyPool;
  /** Whether another standby can answer what this one does not; of those that it may be. */
  hasAlternative(standby: Standby, mayBe?: (other: Standby) => boolean): boolean;
  readonly logger?: { info(facts: object, message: string): void } | undefined;
}

/** A server of the list. Its URL may change, as a password does, without it becoming another server. */
interface Entry {
  readonly key: string;
  readonly standby: Standby;
  url: string;
  connection: Connection;
}

/** Between two looks at whether the requests of a server that left have ended. */
const DRAIN_LOOK_SECONDS = 0.2;

/** Two servers have one name, which answers and metrics could not tell apart. */
export class NamedTwiceError extends Error {
  override readonly name = 'NamedTwiceError';
}

/** The servers that are named now, as requests use them, and those that are not named any more and still drain. */
export class Roster {
  readonly #deps: RosterDeps;
  #entries: readonly Entry[] = [];
  readonly #leaving = new Set<Entry>();
  /** Which server has had which name: one that comes back is called as before. */
  readonly #names = new Map<string, string>();
  #isClosed = false;

  constructor(deps: RosterDeps) {
    this.#deps = deps;
  }

  /** In the order of the list. */
  standbys: readonly Standby[] = [];

  /** Those that may be chosen and those that drain. */
  find(observed: Observed): Standby | undefined {
    return [...this.#entries, ...this.#leaving].find(({ standby }) => standby.observed === observed)?.standby;
  }

  /** A server that is named twice counts as it is named first. Throws a plain Error when two servers are given one name. */
  apply(named: readonly NamedServer[]): void {
    if (this.#isClosed) return;
    const isFirst = this.#entries.length === 0;
    const servers = named.filter(({ connection }, index) => {
      const key = keyOf(connection);
      return named.findIndex((other) => keyOf(other.connection) === key) === index;
    });
    const names = this.#nameAll(servers);
    const before = new Map(this.#entries.map((entry) => [entry.key, entry]));
    this.#entries = servers.map((server, index) => {
      const key = keyOf(server.connection);
      const known = before.get(key) ?? this.#takeBack(key);
      before.delete(key);
      return known ? this.#redirect(known, server) : this.#join(server, names[index]!, !isFirst);
    });
    this.standbys = this.#entries.map(({ standby }) => standby);
    for (const entry of before.values()) this.#leave(entry);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#entries, ...this.#leaving].map(({ standby }) => standby.close()));
  }

  #join({ url, connection }: NamedServer, name: string, isJoining: boolean): Entry {
    const { observatory, clock, tuning, role, createPool, hasAlternative, logger } = this.#deps;
    const current = { connection };
    const followed: Connection = {
      ...connection,
      url: (session) => current.connection.url(session),
    };
    const observed = observatory.add(name, followed, role);
    const standby: Standby = new Standby({
      observed,
      clock,
      breakAfterSeconds: tuning.breakAfterSeconds,
      isJoining,
      createPool: (server, told) => createPool(followed, observed, server, told),
      returnAfterSeconds: tuning.returnAfterSeconds,
      hasAlternative: (mayBe) => hasAlternative(standby, mayBe),
    });
    standby.place(connection);
    if (isJoining) logger?.info({ replica: name, role }, 'server has joined');
    return {
      key: keyOf(connection),
      standby,
      url,
      get connection() {
        return current.connection;
      },
      set connection(changed) {
        current.connection = changed;
      },
    };
  }

  /** Another password, zone or weight. Connections that are open stay open; new ones are made the new way. */
  #redirect(entry: Entry, { url, connection }: NamedServer): Entry {
    if (entry.url === url) return entry;
    entry.url = url;
    entry.connection = connection;
    entry.standby.place(connection);
    entry.standby.renewPool();
    return entry;
  }

  #takeBack(key: string): Entry | undefined {
    const entry = [...this.#leaving].find((each) => each.key === key);
    if (entry) this.#leaving.delete(entry);
    return entry;
  }

  /** It gets no new request, and is watched until those that it has have ended. */
  #leave(entry: Entry): void {
    const { clock, tuning, role, logger } = this.#deps;
    this.#leaving.add(entry);
    const { name } = entry.standby;
    logger?.info({ replica: name, role, requests: entry.standby.inFlight }, 'server has left, and drains');
    const until = clock.now() + tuning.drainSeconds;
    const look = () => {
      if (!this.#leaving.has(entry) || this.#isClosed) return;
      if (entry.standby.inFlight > 0 && clock.now() < until) {
        clock.after(DRAIN_LOOK_SECONDS, look);
        return;
      }
      this.#leaving.delete(entry);
      void this.#deps.observatory.remove(entry.standby.observed);
      void entry.standby.close();
    };
    look();
  }

  /** Of each server in its order: its label, the name it had, that of its place in the list, or the next that is free. */
  #nameAll(servers: readonly NamedServer[]): readonly string[] {
    const word = this.#deps.role === 'replica' ? 'replica' : 'primary';
    const taken = new Set(this.#names.values());
    const labels = servers.flatMap(({ connection }) => connection.label ?? []);
    const twice = labels.find((label, index) => labels.indexOf(label) !== index);
    if (twice !== undefined) {
      throw new NamedTwiceError(`Two replicas are named "${twice}"; give each URL another #name.`);
    }
    for (const label of labels) taken.add(label);
    return servers.map(({ connection }, index) => {
      const key = keyOf(connection);
      const known = connection.label ?? this.#names.get(key);
      if (known !== undefined) return known;
      const isAlone = word === 'primary' && servers.length === 1 && !taken.has(word);
      let number = index + 1;
      while (taken.has(`${word}-${number}`)) number++;
      const name = isAlone ? word : `${word}-${number}`;
      taken.add(name);
      this.#names.set(key, name);
      return name;
    });
  }
}

/** What makes it the same server: where it is, which database is read there, and the name it was given. */
function keyOf({ address, database, label }: Connection): string {
  return [address.host, address.port, database, label ?? ''].join(' ');
}
