import { randomBytes } from 'node:crypto';
import { keyOfCalls, selectWhyNot, whyUnsound } from '../db/catalogue/publication.ts';
import { createDatabase } from '../db/reader.ts';
import type { Source } from '../db/sources/sources.ts';
import type { ChangedRelation } from '../db/wire/pgoutput.ts';
import type { Replica, Replicas } from '../replicas/replicas.ts';
import { refusalOf } from '../replicas/replication-connection.ts';
import { ChangeStream } from './change-stream.ts';

export interface ChangeStreamsOptions {
  readonly publication: string;
  /** Who decodes; without it the role that reads, which then must have REPLICATION. */
  readonly user?: string | undefined;
  readonly password?: string | undefined;
}

/** A place in the commits of one history. */
export interface ChangePosition {
  /** Every change of a transaction that committed before has been told. */
  readonly lsn: bigint;
  readonly timeline: number;
}

/** A stream that tells every change from some place on. */
export interface StartedStream {
  readonly stream: ChangeStream;
  readonly from: ChangePosition;
  /** It goes on where another has ended. */
  readonly isContinued: boolean;
}

interface OpenedStream {
  readonly name: string;
  readonly stream: ChangeStream;
  readonly abandoned: AbortController;
  /** Known when the slot is there. */
  slot: ChangePosition | undefined;
  started: StartedStream | undefined;
}

export interface ChangeStreamsDeps {
  readonly replicas: Pick<Replicas, 'choose' | 'snapshot'>;
  readonly logger?: FeedLog | undefined;
}

export interface FeedLog {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
}

/** After a failure, and between two looks at whether a spare is wanted. */
const RETRY_MILLIS = 2000;
/** After a refusal that only an administrator ends. */
const REFUSED_MILLIS = 10_000;
/** The spare lets go of WAL that often. */
const ADVANCE_MILLIS = 2000;

const WAITS =
  'Corrections and deletions are not told yet: the slot waits until the primary writes which transactions run, which it does every ' +
  '15 seconds while anything is written.';

/**
 * Decodes the WAL of the standby that is read, and keeps a slot in reserve on another: it holds what has not been told yet, so
 * that the loss of a standby loses no correction.
 */
export class ChangeStreams {
  readonly #options: ChangeStreamsOptions;
  readonly #replicas: Pick<Replicas, 'choose' | 'snapshot'>;
  readonly #logger: FeedLog | undefined;
  #main: OpenedStream | undefined;
  #spare: OpenedStream | undefined;
  #mainDueAt = 0;
  #spareDueAt = 0;
  #reason: string | undefined = WAITS;

  constructor(options: ChangeStreamsOptions, { replicas, logger }: ChangeStreamsDeps) {
    this.#options = options;
    this.#replicas = replicas;
    this.#logger = logger;
  }

  /** Why no changes are told now; undefined: they are. */
  get reason(): string | undefined {
    return this.#main?.started ? undefined : this.#reason;
  }

  /** The standby that can go on where the one that is read may end. */
  get spareName(): string | undefined {
    return this.#spare?.slot ? this.#spare.name : undefined;
  }

  /** The stream of this standby, as soon as there is one. `told`: how far changes have been told. */
  async of(
    replica: Replica,
    source: Source,
    told: ChangePosition | undefined,
  ): Promise<StartedStream | undefined> {
    if (this.#main && (this.#main.name !== replica.name || !this.#main.stream.isOpen)) this.#dropMain();
    if (!this.#main && this.#spare?.name === replica.name && this.#spare.slot) {
      this.#main = this.#spare;
      this.#spare = undefined;
    }
    const now = performance.now();
    if (!this.#main && now >= this.#mainDueAt) this.#main = this.#open(replica, source);
    if (now >= this.#spareDueAt) this.#tendSpare(replica, source, told);
    const main = this.#main;
    if (main?.slot && !main.started) await this.#start(main, told);
    return main?.started;
  }

  close(): void {
    this.#dropMain();
    this.#dropSpare();
    this.#reason = WAITS;
  }

  #open(replica: Replica, source: Source): OpenedStream {
    const { publication } = this.#options;
    const keyColumn = keyOfCalls[source.name];
    const opened: OpenedStream = {
      name: replica.name,
      abandoned: new AbortController(),
      slot: undefined,
      started: undefined,
      stream: new ChangeStream({
        connectionString: loginTo(replica, this.#options),
        publication,
        slot: `cdr_gateway_feed_${randomBytes(6).toString('hex')}`,
        verify: replica.verify,
        keyColumn,
        isOfCalls: (relation) => hasColumns(relation, [keyColumn, 'i_account']),
        onEnd: (error) => this.#note(opened, error),
      }),
    };
    this.#makeSlot(opened, replica, source).catch((error: unknown) => this.#note(opened, error));
    return opened;
  }

  async #makeSlot(opened: OpenedStream, replica: Replica, source: Source): Promise<void> {
    const unsound = await selectWhyNot(
      whyUnsound,
      createDatabase(replica.pool),
      this.#options.publication,
      source.name,
    );
    if (unsound !== undefined) throw new UnsoundPublicationError(unsound);
    if (opened.abandoned.signal.aborted) return;
    const { connection } = opened.stream;
    await connection.open();
    if (opened === this.#main) this.#reason = WAITS;
    const { timeline } = await connection.identify();
    const lsn = await connection.createSlot();
    opened.slot = { lsn, timeline };
  }

  /** Where what was told ends, if the slot reaches back so far; otherwise where the slot begins. */
  async #start(opened: OpenedStream, told: ChangePosition | undefined): Promise<void> {
    const slot = opened.slot!;
    try {
      const { timeline } = await opened.stream.connection.identify();
      const isContinued =
        told !== undefined && slot.lsn <= told.lsn && (await isInHistory(opened.stream, timeline, told));
      if (opened.abandoned.signal.aborted) return;
      const from = { lsn: isContinued ? told.lsn : slot.lsn, timeline };
      opened.stream.start(from.lsn);
      opened.started = { stream: opened.stream, from, isContinued };
      this.#logger?.info({ replica: opened.name, isContinued }, 'the feed reads the WAL');
    } catch (error) {
      this.#note(opened, error);
    }
  }

  #tendSpare(replica: Replica, source: Source, told: ChangePosition | undefined): void {
    const spare = this.#spare;
    this.#spareDueAt = performance.now() + ADVANCE_MILLIS;
    if (spare?.slot && told && spare.stream.isOpen) {
      spare.stream.connection.advance(told.lsn).then(
        (lsn) => {
          if (spare.slot) spare.slot = { ...spare.slot, lsn: lsn > spare.slot.lsn ? lsn : spare.slot.lsn };
        },
        (error: unknown) => this.#note(spare, error),
      );
      return;
    }
    // The first comes first.
    if (spare || !this.#main?.started) return;
    const { replicas } = this.#replicas.snapshot();
    const other = replicas.find(({ name, routing }) => name !== replica.name && routing.tier !== null);
    if (!other) return;
    const exclude = new Set(replicas.flatMap(({ name }) => (name === other.name ? [] : [name])));
    this.#replicas.choose({ exclude, purpose: 'stream' }).then(
      (chosen) => {
        const isWanted = chosen.name === other.name && !this.#spare && this.#main?.name !== chosen.name;
        if (isWanted) this.#spare = this.#open(chosen, source);
        chosen.release();
      },
      () => {},
    );
  }

  #note(opened: OpenedStream, error: unknown): void {
    if (opened.abandoned.signal.aborted) return;
    const now = performance.now();
    const isRefused = error instanceof UnsoundPublicationError || refusalOf(error) !== undefined;
    const dueAt = now + (isRefused ? REFUSED_MILLIS : RETRY_MILLIS);
    if (opened === this.#spare) {
      this.#spareDueAt = dueAt;
      this.#dropSpare();
      return;
    }
    if (opened !== this.#main) return;
    const reason = describeFailure(error);
    if (reason !== this.#reason) this.#logger?.warn({ replica: opened.name, err: error }, reason);
    this.#reason = reason;
    this.#mainDueAt = dueAt;
    this.#dropMain();
  }

  #dropMain(): void {
    if (this.#main) abandon(this.#main);
    this.#main = undefined;
  }

  #dropSpare(): void {
    if (this.#spare) abandon(this.#spare);
    this.#spare = undefined;
  }
}

/** To the server of the replica, with the login that decodes. */
export function loginTo(
  { pool }: Replica,
  { user, password }: Omit<ChangeStreamsOptions, 'publication'>,
): string {
  const { connectionString } = pool.options as { readonly connectionString?: string };
  const url = new URL(connectionString!);
  if (user !== undefined) {
    url.username = encodeURIComponent(user);
    url.password = encodeURIComponent(password ?? '');
  }
  return url.href;
}

/** Whether the position lies in the history of a server that is on timeline `current`. */
async function isInHistory(
  { connection }: ChangeStream,
  current: number,
  { lsn, timeline }: ChangePosition,
): Promise<boolean> {
  if (timeline === current) return true;
  if (timeline > current) return false;
  const left = await connection.switchedAt(timeline, current);
  return left !== undefined && lsn <= left;
}

/** A publication that must not, or cannot, be read from. */
export class UnsoundPublicationError extends Error {
  override readonly name = 'UnsoundPublicationError';
}

function abandon({ abandoned, stream }: OpenedStream): void {
  abandoned.abort();
  stream.close();
}

export function hasColumns({ columns }: ChangedRelation, names: readonly string[]): boolean {
  return names.every((name) => columns.some((column) => column.name === name));
}

/** For administrators, without addresses. */
export function describeFailure(error: unknown): string {
  if (error instanceof UnsoundPublicationError) return error.message;
  switch (refusalOf(error)) {
    case 'privilege':
      return 'The role that decodes the WAL has no REPLICATION: see FEED_USER.';
    case 'login':
      return 'The role that decodes the WAL cannot log in: see FEED_USER and pg_hba.conf.';
    case 'prerequisite':
      return `The WAL cannot be decoded: ${(error as Error).message}.`;
    default:
      return 'The stream of changes was interrupted.';
  }
}
