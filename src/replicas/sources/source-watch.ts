import type { Clock } from '../clock.ts';
import {
  type Connection,
  expandHosts,
  parseConnection,
  parseServerUrl,
  type ServerUrl,
} from '../connection-url.ts';
import { createAddressSource, createServiceSource, type DnsSourceOptions } from './dns.ts';
import { createKubernetesSource, type KubernetesAccess } from './kubernetes.ts';
import { ListFile } from './list-file.ts';
import { createPatroniSource } from './patroni.ts';
import {
  codeOfError,
  SourceError,
  type SourceReport,
  type StandbySource,
  type WantedRole,
} from './source.ts';

export interface DiscoveryOptions extends DnsSourceOptions {
  readonly kubernetes: KubernetesAccess;
  /** Between two readings of what may change. */
  readonly intervalSeconds: number;
}

export interface SourceWatchOptions {
  /** URLs of servers, and of places where servers are named. */
  readonly urls: readonly string[];
  /** A file of such URLs, in place of `urls` once it could be read. */
  readonly file?: string | undefined;
  readonly wanted: WantedRole;
  readonly discovery: DiscoveryOptions;
  readonly clock: Clock;
  /** Told the servers that are named now, without those that are named twice; not when they are the same as before. */
  onServers(servers: readonly NamedServer[]): void;
  /** Told what is in the file each time that it was read. */
  onList?(items: readonly string[]): void;
  readonly logger?: Log | undefined;
}

export interface NamedServer {
  /** With the login: equal when nothing of it has changed. */
  readonly url: string;
  readonly connection: Connection;
}

interface Log {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
}

/** What is known of one item of the list that names servers itself. */
interface Discovered {
  readonly source: StandbySource;
  urls: readonly string[];
  readAt: number | null;
  problem: string | null;
}

/** Reads where servers are named, again and again, and tells when the servers have changed. */
export class SourceWatch {
  readonly #options: SourceWatchOptions;
  readonly #file: ListFile | undefined;
  readonly #discovered = new Map<string, Discovered>();
  readonly #closing = new AbortController();
  #items: readonly string[];
  #listReadAt: number | null = null;
  #listProblem: string | null = null;
  #told: string | undefined;
  #reading: Promise<void> | undefined;
  #isReadAgain = false;
  #cancelNext = () => {};
  #stopWatching = () => {};

  /** Throws a plain Error when an item of `urls` cannot be used, which shows none of them. */
  constructor(options: SourceWatchOptions) {
    this.#options = options;
    this.#items = options.urls.flatMap((item) => (isPlain(item) ? expandHosts(item) : [item]));
    this.#file = options.file === undefined ? undefined : new ListFile(options.file);
    for (const item of this.#items) this.#sourceOf(item);
    // Servers that the setting names itself are known at once.
    if (!this.#file || this.#items.length > 0) this.#tell();
  }

  /** Resolves when everything was read once, well or not. */
  async start(): Promise<void> {
    this.#stopWatching = this.#file?.watch(() => void this.refresh()) ?? this.#stopWatching;
    await this.refresh();
    this.#repeat();
  }

  /** Reads everything now. Never rejects: what cannot be read is in the reports. */
  async refresh(): Promise<void> {
    // What changed while it was being read is read again.
    if (this.#reading) this.#isReadAgain = true;
    this.#reading ??= this.#readAll().finally(() => {
      this.#reading = undefined;
    });
    await this.#reading;
  }

  reports(): readonly SourceReport[] {
    const { file } = this.#options;
    const plain = this.#items.filter((item) => !this.#discovered.has(item)).length;
    const list: SourceReport = {
      kind: file === undefined ? 'list' : 'file',
      place: file ?? 'REPLICA_URLS',
      servers: plain,
      readAt: this.#listReadAt,
      problem: this.#listProblem,
    };
    const discovered = [...this.#discovered.values()].map(({ source, urls, readAt, problem }) => {
      return { kind: source.kind, place: source.place, servers: urls.length, readAt, problem };
    });
    return plain > 0 || discovered.length === 0 || list.problem !== null ? [list, ...discovered] : discovered;
  }

  close(): void {
    this.#closing.abort();
    this.#cancelNext();
    this.#stopWatching();
  }

  #repeat(): void {
    const { clock, discovery } = this.#options;
    if (this.#closing.signal.aborted || (!this.#file && this.#discovered.size === 0)) return;
    const jitter = 0.9 + Math.random() * 0.2;
    this.#cancelNext = clock.after(discovery.intervalSeconds * jitter, () => {
      void this.refresh().then(() => this.#repeat());
    });
  }

  async #readAll(): Promise<void> {
    do {
      this.#isReadAgain = false;
      await this.#readList();
      await Promise.all([...this.#discovered.values()].map((each) => this.#readSource(each)));
      if (this.#closing.signal.aborted) return;
      try {
        this.#tell();
      } catch (error) {
        // Two servers of one name, say: those of before go on.
        this.#noteListProblem((error as Error).message);
      }
    } while (this.#isReadAgain && !this.#closing.signal.aborted);
  }

  async #readList(): Promise<void> {
    if (!this.#file) {
      this.#listReadAt ??= Date.now();
      return;
    }
    try {
      const { items, problem } = sortOut(await this.#file.read());
      this.#items = items;
      this.#options.onList?.(items);
      for (const known of this.#discovered.keys()) if (!items.includes(known)) this.#discovered.delete(known);
      for (const item of items) this.#sourceOf(item);
      this.#listReadAt = Date.now();
      this.#noteListProblem(problem);
    } catch (error) {
      const kept = this.#items.length > 0 ? ' The list of before is kept.' : '';
      this.#noteListProblem(`${explain(error, { place: this.#file.path })}${kept}`);
    }
  }

  #noteListProblem(problem: string | null): void {
    const before = this.#listProblem;
    this.#listProblem = problem;
    if (problem !== before) this.#log({ source: 'file', problem }, problem === null);
  }

  async #readSource(discovered: Discovered): Promise<void> {
    const { source, problem: before } = discovered;
    try {
      discovered.urls = await source.read(this.#closing.signal);
      discovered.readAt = Date.now();
      discovered.problem = null;
    } catch (error) {
      if (this.#closing.signal.aborted) return;
      const kept = discovered.urls.length > 0 ? ' The servers of before are kept.' : '';
      discovered.problem = `${explain(error, source)}${kept}`;
    }
    const { problem } = discovered;
    if (problem !== before)
      this.#log({ source: source.kind, place: source.place, problem }, problem === null);
  }

  #log(facts: object, isWell: boolean): void {
    const { logger } = this.#options;
    if (isWell) logger?.info(facts, 'the list of servers can be read again');
    else logger?.warn(facts, 'the list of servers cannot be read, or not all of it');
  }

  #sourceOf(item: string): void {
    if (isPlain(item)) {
      parseConnection(item);
      return;
    }
    if (this.#discovered.has(item)) return;
    const { wanted, discovery } = this.#options;
    const source = createSource(parseServerUrl(item), wanted, discovery);
    this.#discovered.set(item, { source, urls: [], readAt: null, problem: null });
  }

  #tell(): void {
    const urls = [
      ...new Set(
        this.#items.flatMap((item) => this.#discovered.get(item)?.urls ?? (isPlain(item) ? [item] : [])),
      ),
    ];
    const told = urls.join('\n');
    if (told === this.#told) return;
    this.#told = told;
    this.#options.onServers(urls.map((url) => ({ url, connection: parseConnection(url) })));
  }
}

/** What somebody answers may be of any shape: what it breaks is a problem of that source, and of nothing else. */
function explain(error: unknown, { place }: Pick<StandbySource, 'place'>): string {
  return error instanceof SourceError
    ? error.message
    : `${place} answers what cannot be read (${codeOfError(error)}).`;
}

const isPlain = (item: string): boolean => /^postgres(ql)?:\/\//.test(item);

/** The items that can be used, and in words those that cannot, by their place in the list. */
function sortOut(list: readonly string[]): {
  readonly items: readonly string[];
  readonly problem: string | null;
} {
  const items: string[] = [];
  const bad: number[] = [];
  for (const [index, item] of list.entries()) {
    try {
      if (isPlain(item)) for (const each of expandHosts(item)) parseConnection(each);
      else parseServerUrl(item);
      items.push(...(isPlain(item) ? expandHosts(item) : [item]));
    } catch {
      bad.push(index + 1);
    }
  }
  const numbers = bad.map((number) => `${number}`).join(', ');
  if (items.length === 0) throw new SourceError(`No URL of the list can be read (${numbers}): correct them.`);
  return {
    items,
    problem:
      bad.length > 0 ? `URL ${numbers} of the list cannot be read: correct it. The others are used.` : null,
  };
}

function createSource(url: ServerUrl, wanted: WantedRole, discovery: DiscoveryOptions): StandbySource {
  switch (url.scheme) {
    case 'postgresql+srv':
      return createServiceSource(url, discovery);
    case 'patroni+http':
    case 'patroni+https':
      return createPatroniSource(url, wanted);
    case 'kubernetes':
      return createKubernetesSource(url, discovery.kubernetes);
    default:
      return createAddressSource(url, discovery);
  }
}
