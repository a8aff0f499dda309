import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Binaries } from './binaries.ts';
import { type OrphanGuard, startOrphanGuard } from './orphan-guard.ts';
import { findFreePort } from './ports.ts';
import { PostgresNode } from './postgres-node.ts';
import { makeRunDir, removeDir } from './run-dir.ts';
import type { ServerAccount } from './server-account.ts';

export interface NodeOptions {
  readonly name: string;
  /** Default: a free one. */
  readonly port: number | undefined;
  readonly binaries: Binaries;
  readonly password: string;
  readonly settings: Readonly<Record<string, string>>;
}

/** The place of one cluster: its directories, its nodes, and all that must be ended or removed at the end. */
export class Site {
  readonly account: ServerAccount;
  /** Sockets and secrets of this run. */
  readonly runDir: string;
  /** Where each node has a directory of its name. */
  readonly nodesDir: string;
  readonly isKept: boolean;
  /** What is in `nodesDir` was made in this run, and may be removed when the start fails. */
  isNew = false;
  readonly #closing = new AbortController();
  readonly #tasks = new Set<Promise<unknown>>();
  readonly #nodes: PostgresNode[] = [];
  #creating: Promise<unknown> = Promise.resolve();
  #guard: OrphanGuard | undefined;
  #stopping: Promise<void> | undefined;

  constructor(account: ServerAccount, runDir: string, dataDir: string | undefined) {
    this.account = account;
    this.runDir = runDir;
    this.isKept = dataDir !== undefined;
    this.nodesDir = dataDir === undefined ? runDir : resolve(dataDir);
  }

  static async open(account: ServerAccount, dataDir: string | undefined): Promise<Site> {
    return new Site(account, await makeRunDir(account), dataDir);
  }

  /** From now on our servers end when we do, however that happens. Not before the directory is known to be ours. */
  guard(): void {
    this.#guard ??= startOrphanGuard({
      account: this.account,
      nodesDir: this.nodesDir,
      signal: this.isKept ? 'INT' : 'QUIT',
      remove: [this.runDir],
    });
  }

  /** The primary first. */
  get nodes(): readonly PostgresNode[] {
    return this.#nodes;
  }

  /** Does something that `stop` must wait for, and whose signal `stop` aborts. */
  async during<T>(task: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.#closing.signal.throwIfAborted();
    const running = task(this.#closing.signal);
    this.#tasks.add(running);
    try {
      return await running;
    } finally {
      this.#tasks.delete(running);
    }
  }

  /** One after the other, so that names and ports differ. */
  createNode(options: (nodes: readonly PostgresNode[]) => NodeOptions): Promise<PostgresNode> {
    const created = this.#creating.then(() => this.#createNode(options(this.#nodes)));
    this.#creating = created.catch(() => {});
    return created;
  }

  async #createNode({ name, port, ...rest }: NodeOptions): Promise<PostgresNode> {
    if (this.#nodes.some((node) => node.name === name))
      throw new Error(`There is a node named ${name} already.`);
    const node = new PostgresNode({
      ...rest,
      name,
      port: port ?? (await findFreePort(this.#nodes.map((other) => other.port))),
      dataDir: join(this.nodesDir, name),
      socketDir: this.runDir,
      logFile: join(this.nodesDir, `${name}.log`),
      account: this.account,
    });
    this.#closing.signal.throwIfAborted();
    this.#nodes.push(node);
    return node;
  }

  /** Ends every process; of the data only a kept primary's stay. May be called twice. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /** As `stop`, and leaves a kept directory as empty as it was found. */
  async discard(): Promise<void> {
    await this.stop();
    if (!this.isKept) return;
    const names = await readdir(this.nodesDir).catch(() => []);
    await Promise.all(names.map((name) => removeDir(join(this.nodesDir, name))));
  }

  async #stop(): Promise<void> {
    this.#closing.abort(new Error('The cluster is being stopped.'));
    const [primary, ...standbys] = this.#nodes;
    await Promise.all(standbys.map((standby) => standby.retire('immediate')));
    await primary?.retire(this.isKept ? 'fast' : 'immediate');
    await Promise.allSettled(this.#tasks);
    await Promise.all(standbys.map((standby) => removeDir(standby.dataDir)));
    await removeDir(this.runDir);
    this.#guard?.dismiss();
  }
}
