import { Client } from './client/client.ts';
import type { Database } from './database.ts';
import { type Gateway, startGateway } from './gateway.ts';
import { installPeers, type Peer, type PeerName, peerTitles, startPeer } from './peers.ts';
import { PsqlSession, psqlVersion } from './psql.ts';
import type { Settings } from './settings.ts';

/** A side that cannot take part, and why: its lines of the table say so, the others are measured all the same. */
export class SideMissingError extends Error {}

/** Of the older checkout and of this one. */
export interface BothGateways extends AsyncDisposable {
  readonly before: Gateway;
  readonly after: Gateway;
}

/** All that rows measure, started when first used. Everything ends with the stage. */
export class Stage implements AsyncDisposable {
  readonly database: Database;
  readonly settings: Settings;
  readonly scratchDir: string;
  readonly log: (line: string) => void;
  readonly client = new Client();
  readonly #stack = new AsyncDisposableStack();
  readonly #peers = new Map<PeerName, Promise<Peer>>();
  #gateway: Promise<Gateway> | undefined;
  #psql: PsqlSession | undefined;
  #peersMissing: string | undefined | null = null;

  constructor(deps: Pick<Stage, 'database' | 'settings' | 'scratchDir' | 'log'>) {
    this.database = deps.database;
    this.settings = deps.settings;
    this.scratchDir = deps.scratchDir;
    this.log = deps.log;
    this.#stack.defer(() => this.client.close());
  }

  /** The one gateway that most rows share. Throws ServerStartError: without it nothing can be measured. */
  gateway(): Promise<Gateway> {
    this.#gateway ??= this.#start(() =>
      startGateway({ databaseUrl: this.database.url, scratchDir: this.scratchDir }),
    );
    return this.#gateway;
  }

  /** Ours and that of the checkout to compare with, started anew. Throws ServerStartError. */
  async startBoth({ olderFirst }: { readonly olderFirst: boolean }): Promise<BothGateways> {
    const directory = this.settings.against;
    if (directory === undefined) throw new Error('There is no other checkout to compare with.');
    await using stack = new AsyncDisposableStack();
    const options = { databaseUrl: this.database.url, scratchDir: this.scratchDir };
    const start = async (more = {}) => stack.use(await startGateway({ ...options, ...more }));
    const older = olderFirst ? await start({ directory }) : undefined;
    const after = await start();
    const before = older ?? (await start({ directory }));
    const started = stack.move();
    return { before, after, [Symbol.asyncDispose]: () => started.disposeAsync() };
  }

  /** Throws SideMissingError where its packages cannot be had, or it does not start. */
  peer(name: PeerName): Promise<Peer> {
    if (this.#peersMissing === null) this.#peersMissing = installPeers(this.log);
    if (this.#peersMissing !== undefined) throw new SideMissingError(this.#peersMissing);
    const known = this.#peers.get(name);
    if (known) return known;
    this.log(`Starting ${peerTitles[name]}`);
    const peer = this.#start(() =>
      startPeer(name, { databaseUrl: this.database.url, scratchDir: this.scratchDir }),
    ).catch((error: Error) => {
      throw new SideMissingError(error.message);
    });
    this.#peers.set(name, peer);
    return peer;
  }

  /** Throws SideMissingError where psql is not installed. */
  psql(): PsqlSession {
    if (psqlVersion() === undefined) {
      throw new SideMissingError('psql is not installed (Debian: apt-get install postgresql-client)');
    }
    if (!this.#psql) {
      const psql = new PsqlSession(this.database.url);
      this.#psql = psql;
      this.#stack.defer(() => psql.close());
    }
    return this.#psql;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }

  async #start<T extends AsyncDisposable>(start: () => Promise<T>): Promise<T> {
    return this.#stack.use(await start());
  }
}
