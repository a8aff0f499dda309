import { setTimeout as delay } from 'node:timers/promises';
import type { KnownSchemas } from '../db/catalogue/catalogue.ts';
import { type ExaminedSource, examineSource, SourceUnusableError } from '../db/catalogue/catalogue-check.ts';
import {
  selectZoneRules,
  warningAboutZones,
  type ZoneRules,
  zonesThatDiffer,
} from '../db/catalogue/catalogue-zones.ts';
import { createDatabase } from '../db/reader.ts';
import type { Source, SourceName } from '../db/sources/sources.ts';
import { NoReplicaAvailableError } from '../errors.ts';
import type { Replica, Replicas } from './replicas.ts';

export interface CatalogueWatchOptions {
  readonly replicas: Pick<Replicas, 'choose' | 'snapshot'>;
  readonly sourceName: SourceName;
  readonly logger: Log;
  /** Between two looks at the catalogue of one standby, where no statement has failed; 10 when missing. */
  readonly intervalSeconds?: number | undefined;
}

interface Log {
  info(facts: object, message: string): void;
  warn(facts: object | string, message?: string): void;
}

const INTERVAL_SECONDS = 10;
/** Statements may fail by the hundred for one reason, which is logged once in so long. */
const SAME_REASON_MILLIS = 10_000;
const RETRY_MILLIS = 50;
/** The files of time zones change with the system's packages, and a new connection reads the new ones. */
const ZONES_INTERVAL_MILLIS = 3_600_000;

/**
 * The table is not ours: it may be altered, renamed, or taken from our role while we read it. Each standby replays that
 * in its own time, so each has a source of its own; it is made anew when a statement fails for that reason, and when a
 * regular look finds another catalogue.
 */
export class CatalogueWatch {
  readonly #options: CatalogueWatchOptions;
  readonly #known = new Map<string, ExaminedSource>();
  /** When it was last logged that a statement failed and the catalogue was as before, in milliseconds of the process. */
  readonly #loggedAt = new Map<string, number>();
  readonly #reading = new Map<string, Promise<void>>();
  /** Of the standby that was looked at first: the others are its copies, until they are looked at themselves. */
  #first: Source | undefined;
  #schemas: KnownSchemas = new Map();
  readonly #zones = new Map<string, { readonly rules: ZoneRules; readonly readAt: number }>();

  constructor(options: CatalogueWatchOptions) {
    this.#options = options;
  }

  /** Looks until a standby has answered. Rejects with SourceUnusableError when it cannot serve. */
  async findFirst(stop: AbortSignal): Promise<void> {
    while (!this.#first && !stop.aborted) {
      await this.#lookFirst(stop).catch((error: unknown) => {
        if (error instanceof SourceUnusableError) throw error;
      });
      if (!this.#first) await delay(RETRY_MILLIS, undefined, { signal: stop, ref: false }).catch(() => {});
    }
  }

  /** Looks at every standby now and then, until it is told to stop. */
  async watch(stop: AbortSignal): Promise<void> {
    const { intervalSeconds = INTERVAL_SECONDS, replicas } = this.#options;
    while (!stop.aborted) {
      await delay(intervalSeconds * 1000, undefined, { signal: stop, ref: false }).catch(() => {});
      for (const { name } of replicas.snapshot().replicas) {
        if (!stop.aborted && this.#first) await this.#lookAt(name, stop).catch(() => {});
      }
    }
  }

  /** From which calls are read on this standby. Throws NoReplicaAvailableError when nothing can be. */
  sourceOf({ name }: Pick<Replica, 'name'>): Source {
    const known = this.#known.get(name);
    if (known && !known.source) throw new NoReplicaAvailableError(known.problems);
    const source = known?.source ?? this.#first;
    if (!source) throw new NoReplicaAvailableError(['no standby has answered since the start']);
    return source;
  }

  /** Reads the catalogue again after a statement failed. True when there is another source than the failed one. */
  async reread(replica: Replica, failed: Source, error: unknown): Promise<boolean> {
    if (this.#isReplaced(replica, failed)) return true;
    const { name } = replica;
    await this.#read(replica);
    if (this.#isReplaced(replica, failed)) return true;
    const loggedAt = this.#loggedAt.get(name) ?? Number.NEGATIVE_INFINITY;
    if (performance.now() - loggedAt < SAME_REASON_MILLIS) return false;
    this.#loggedAt.set(name, performance.now());
    this.#options.logger.warn({ err: error, replica: name }, 'a statement does not fit the table');
    return false;
  }

  /** What is wrong with the tables, one sentence each; empty when every query can be answered. */
  problems(): readonly string[] {
    return [...new Set([...this.#known.values()].flatMap(({ problems }) => problems))];
  }

  /** Whether calls can be listed on some standby: the columns that lists are ordered and owned by are there. */
  canList(): boolean {
    const known = [...this.#known.values()];
    if (known.length === 0) return this.#first !== undefined;
    return known.some(
      ({ source }) =>
        source && !['i_xdr', 'connect_time', 'i_account'].some((name) => source.gone.has(name as never)),
    );
  }

  #isReplaced({ name }: Replica, failed: Source): boolean {
    const known = this.#known.get(name);
    return known !== undefined && known.source !== undefined && known.source !== failed;
  }

  async #lookFirst(stop: AbortSignal): Promise<void> {
    const replica = await this.#options.replicas.choose({ signal: stop });
    try {
      await this.#read(replica);
      const { source, problems, warnings } = this.#known.get(replica.name)!;
      if (!source || problems.length > 0) throw new SourceUnusableError(this.#options.sourceName, problems);
      for (const warning of warnings) this.#options.logger.warn(warning);
      this.#first = source;
    } finally {
      replica.release();
    }
  }

  async #lookAt(name: string, stop: AbortSignal): Promise<void> {
    const { replicas } = this.#options;
    const others = replicas
      .snapshot()
      .replicas.map((each) => each.name)
      .filter((other) => other !== name);
    const replica = await replicas.choose({ exclude: new Set(others), signal: stop });
    try {
      await this.#read(replica);
      await this.#compareZones(replica);
    } finally {
      replica.release();
    }
  }

  /** Statistics are cut at midnight by the standby that answers: they are the same everywhere if the zones are. */
  async #compareZones({ name, pool }: Replica): Promise<void> {
    const known = this.#zones.get(name);
    const now = performance.now();
    if (known && now - known.readAt < ZONES_INTERVAL_MILLIS) return;
    const rules = await selectZoneRules(createDatabase(pool));
    const [first] = this.#zones;
    this.#zones.set(name, { rules, readAt: now });
    if (!first || first[0] === name) return;
    const warning = warningAboutZones([first[0], name], zonesThatDiffer(first[1].rules, rules));
    if (warning) this.#options.logger.warn(warning);
  }

  /** Once for all who want it at the same time. */
  #read(replica: Replica): Promise<void> {
    const { name } = replica;
    const running =
      this.#reading.get(name) ?? this.#readNow(replica).finally(() => this.#reading.delete(name));
    this.#reading.set(name, running);
    return running;
  }

  async #readNow(replica: Replica): Promise<void> {
    const { name } = replica;
    const found = await examineSource(createDatabase(replica.pool), this.#options.sourceName, this.#schemas);
    const before = this.#known.get(name);
    const isSame = before?.fingerprint === found.fingerprint;
    this.#schemas = found.schemas;
    if (isSame) return;
    this.#known.set(name, found);
    if (!before) return;
    const { logger } = this.#options;
    logger.info({ replica: name }, 'the tables of calls have been changed');
    for (const problem of found.problems) logger.warn({ replica: name }, problem);
    for (const warning of found.warnings.filter((each) => !before.warnings.includes(each)))
      logger.warn(warning);
  }
}
