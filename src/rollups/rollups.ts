import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { keyOfCalls, selectParts, selectWhyNot, whyUncounted } from '../db/catalogue/publication.ts';
import { createDatabase, type Reader } from '../db/reader.ts';
import { fingerprintOf } from '../db/sources/fingerprint.ts';
import type { Source } from '../db/sources/sources.ts';
import {
  type ChangeStreamsOptions,
  describeFailure,
  type FeedLog,
  loginTo,
  UnsoundPublicationError,
} from '../feed/change-streams.ts';
import { ageOfStandby, isReadable } from '../feed/feed-age.ts';
import { abortable } from '../replicas/abortable.ts';
import type { Replica, Replicas } from '../replicas/replicas.ts';
import type { ServerPosition } from '../replicas/replication-connection.ts';
import { countAll, countPlaces } from './counting.ts';
import { lockFile } from './file-lock.ts';
import { FileWriter } from './file-writer.ts';
import { textOfSecond } from './quarters.ts';
import { type Snapshot, withSnapshot } from './snapshot-reader.ts';
import { FORMAT } from './tables.ts';
import { TouchedStream } from './touched-stream.ts';

export interface RollupsOptions {
  readonly path: string;
  readonly changes: ChangeStreamsOptions;
  readonly replicas: Replicas;
  readonly source: (replica: Replica) => Source;
  readonly logger: FeedLog;
  /** Between two looks at least; 1000 where it is not given. */
  readonly lookMillis?: number | undefined;
}

/** For metrics. */
export interface RollupFigures {
  /** Kept sums of an account and a quarter of an hour, when the file was built last. */
  rows: number;
  builds: number;
  /** Of the last one. */
  buildSeconds: number | null;
  /** Places that were counted again. */
  recounted: number;
  /** Places of which what is kept was compared with the calls. */
  audited: number;
  mismatched: number;
}

/** Between two looks, and no less than the last one has taken. */
const LOOK_MILLIS = 1000;
const RETRY_MILLIS = 2000;
/** How long the stream may take to tell what the standby has replayed. */
const REACH_MILLIS = 30_000;

/** What one standby is counted with. */
interface Lease {
  readonly replica: Replica;
  readonly reader: Reader;
  readonly stream: TouchedStream;
  readonly server: ServerPosition;
  readonly fingerprint: string;
  /** See `selectParts`. */
  readonly parts: string;
}

/**
 * Keeps sums of the calls in a file. All are counted once; then what a change has touched is counted again as a whole, in one
 * look, so that nothing is ever added to a sum or taken from it. What was touched is known from a temporary slot: when that is
 * lost, everything is counted anew.
 */
export class Rollups {
  readonly #options: RollupsOptions;
  readonly figures: RollupFigures = {
    rows: 0,
    builds: 0,
    buildSeconds: null,
    recounted: 0,
    audited: 0,
    mismatched: 0,
  };
  #countedAt: { readonly seconds: number | null; readonly at: number } | undefined;
  #reason: string | undefined = 'Nothing is counted yet.';

  constructor(options: RollupsOptions) {
    this.#options = options;
  }

  /** Why the file is not kept up to date; undefined: it is. */
  get reason(): string | undefined {
    return this.#reason;
  }

  /** Upper bound of the age of what is kept; null when unknown. */
  get ageSeconds(): number | null {
    if (this.#countedAt?.seconds == null) return null;
    return this.#countedAt.seconds + (performance.now() - this.#countedAt.at) / 1000;
  }

  /** Until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { path, logger } = this.#options;
    if (existsSync(path))
      logger.info({ path }, 'everything is counted anew: what has changed meanwhile is not known');
    while (!signal.aborted) {
      await this.#follow(signal).catch((error: unknown) => {
        if (signal.aborted) return;
        const reason = describe(error);
        // What an administrator must mend is said once.
        if (reason !== this.#reason) {
          logger.warn({ err: error }, `the rollups are not kept up to date: ${reason}`);
        }
        this.#reason = reason;
      });
      await delay(RETRY_MILLIS, undefined, { signal, ref: false }).catch(() => {});
    }
  }

  /** Rejects when what was touched is not known any more. */
  async #follow(signal: AbortSignal): Promise<void> {
    const { replicas, path } = this.#options;
    using _ = lockFile(path);
    const replica = await replicas.choose({ purpose: 'stream', signal });
    await using opened = new AsyncDisposableStack();
    opened.defer(() => replica.release());
    const stream = opened.adopt(await this.#createStream(replica), (each) => each.close());
    const close = () => stream.close();
    signal.addEventListener('abort', close, { once: true });
    opened.defer(() => signal.removeEventListener('abort', close));
    const server = await stream.open();
    const source = this.#options.source(replica);
    const reader: Reader = { pool: replica.pool, source, scope: { kind: 'all' }, signal };
    const parts = await selectParts(reader, source.name);
    const lease = { replica, reader, stream, server, parts, fingerprint: fingerprintOf(source) };
    const file = opened.adopt(new FileWriter(path), (each) => each.close());
    await this.#build(file, lease);
    await this.#keepUp(file, lease, signal);
  }

  async #createStream(replica: Replica): Promise<TouchedStream> {
    const { changes, source } = this.#options;
    const { publication } = changes;
    const { name } = source(replica);
    const why = await selectWhyNot(whyUncounted, createDatabase(replica.pool), publication, name);
    if (why !== undefined) throw new UnsoundPublicationError(why);
    return new TouchedStream({
      connectionString: loginTo(replica, changes),
      publication,
      slot: `cdr_gateway_rollups_${randomBytes(6).toString('hex')}`,
      verify: replica.verify,
      keyColumn: keyOfCalls[name],
    });
  }

  /** Parts of the table are counted at moments of their own: what has changed meanwhile is touched, and counted again. */
  async #build(file: FileWriter, lease: Lease): Promise<void> {
    const startedAt = performance.now();
    const parts = countAll(lease.reader);
    // The standby counts the next part while this one is written.
    let next = parts.next();
    for (let part = await next; !part.done; part = await next) {
      next = parts.next();
      file.fill(part.value);
    }
    file.finish();
    await this.#look(file, lease);
    file.publish();
    const seconds = (performance.now() - startedAt) / 1000;
    Object.assign(this.figures, { rows: file.rows, builds: this.figures.builds + 1, buildSeconds: seconds });
    this.#options.logger.info({ seconds, rows: this.figures.rows }, 'the rollups are built');
    this.#reason = undefined;
  }

  async #keepUp(file: FileWriter, lease: Lease, signal: AbortSignal): Promise<void> {
    const { lookMillis = LOOK_MILLIS } = this.#options;
    let lastMillis = 0;
    for (;;) {
      await delay(Math.max(lookMillis, lastMillis), undefined, { signal, ref: false });
      const startedAt = performance.now();
      await this.#look(file, lease);
      lastMillis = performance.now() - startedAt;
    }
  }

  /** Counts again what was touched, and writes it as of one moment. */
  async #look(file: FileWriter, lease: Lease): Promise<void> {
    const { replica, reader, stream, server, fingerprint, parts } = lease;
    const { replicas, source } = this.#options;
    if (fingerprintOf(source(replica)) !== fingerprint) throw new Error('The table of calls was altered.');
    const status = replicas.snapshot();
    if (!isReadable(status, replica.name)) throw new Error('The standby cannot be read.');
    const { asOf, maxSeconds, at } = ageOfStandby(status, replica.name);
    const countedAt = Date.now();
    await withSnapshot(replica, reader, async (snapshot) => {
      const { lsn, timeline = server.timeline } = snapshot.from;
      if (timeline !== server.timeline) throw new Error('The standby follows another timeline.');
      if ((await selectParts(snapshot.reader, reader.source.name)) !== parts) {
        throw new Error('The table of calls has other parts.');
      }
      await reachEnd(stream, snapshot);
      const { places } = stream;
      const counted = await countPlaces(snapshot.reader, places);
      const state = {
        format: FORMAT,
        fingerprint,
        systemIdentifier: server.systemIdentifier,
        timeline,
        lsn: String(lsn),
        asOf,
        stalenessSeconds: maxSeconds,
        countedAt,
      };
      file.write({ ...counted, places, state });
      stream.forget(places, lsn);
      this.figures.recounted += places.length;
      this.#countedAt = { seconds: maxSeconds, at };
      await this.#audit(file, snapshot.reader);
    });
  }

  /** Counts one place again of which nothing was said: where it is not what is kept, nothing of that can be trusted. */
  async #audit(file: FileWriter, reader: Reader): Promise<void> {
    const place = file.somePlace(Math.random());
    if (!place) return;
    const { rows } = await countPlaces(reader, [place]);
    this.figures.audited++;
    if (file.holds(place, rows)) return;
    this.figures.mismatched++;
    const about = { account: String(place.account), quarter: textOfSecond(place.second) };
    this.#options.logger.warn(about, 'a sum is not what the calls add up to');
    throw new Error('What is kept is not what the calls add up to.');
  }
}

/**
 * Waits until the stream has told all that the snapshot may show. Twice: a commit is seen a little before the standby counts
 * it as replayed.
 */
async function reachEnd(stream: TouchedStream, { replayed }: Snapshot): Promise<void> {
  for (let times = 0; times < 2; times++) {
    const { lsn } = await replayed();
    await abortable(stream.reach(lsn), AbortSignal.timeout(REACH_MILLIS));
  }
}

/** For administrators, without addresses. */
function describe(error: unknown): string {
  const { code, errcode } = error as { readonly code?: string; readonly errcode?: number };
  if (code === 'ERR_SQLITE_ERROR')
    return `${errcode === SQLITE_FULL ? 'The disk is full' : (error as Error).message}.`;
  const known = describeFailure(error);
  return known === OTHER && error instanceof Error ? error.message : known;
}

const SQLITE_FULL = 13;
const OTHER = describeFailure(undefined);
