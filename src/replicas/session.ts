import { setTimeout as delay } from 'node:timers/promises';
import type { Principal } from '../access/principals.ts';
import { selectReplayedLsn } from '../db/calls/cdrs.ts';
import type { KeptAnswer, KeptQuery, KeptRefusal } from '../db/calls/kept-stats.ts';
import type { Reader } from '../db/reader.ts';
import { fingerprintOf } from '../db/sources/fingerprint.ts';
import type { Source } from '../db/sources/sources.ts';
import type { Lender } from '../db/wire/lender.ts';
import {
  PositionLostError,
  ReplicaFailureError,
  ReplicaLockedError,
  ReplicaTooStaleError,
  RequestCancelledError,
  TableChangedError,
} from '../errors.ts';
import { type Borrower, ConnectionUse } from './connections.ts';
import { type KeptFile, type KeptMoment, refusalOf } from './kept-file.ts';
import type { ReplayPosition, Replica, Replicas } from './replicas.ts';
import type { Purpose } from './routing.ts';
import type { Token } from './token.ts';

/** What sessions are made of; the same for every request. */
export interface SessionDeps {
  readonly replicas: Replicas;
  /** Of this standby. Throws NoReplicaAvailableError until the catalogue of a standby was seen. */
  source(replica: Replica): Source;
  /** After a statement did not fit the tables: whether the standby now has another source. Without it, never. */
  reread?(replica: Replica, failed: Source, error: unknown): Promise<boolean>;
  /** What is kept of the calls. Without it statistics are always read from the table. */
  readonly kept?: KeptFile | undefined;
}

/** What is particular to the session of one request. */
export interface SessionOptions {
  readonly principal: Principal;
  /** From X-Max-Staleness and X-Read-After. */
  readonly freshness: {
    readonly maxStalenessSeconds?: number | undefined;
    readonly readAfter?: Token | undefined;
  };
  /** Aborted when the client goes away, the gateway stops waiting for it, or the right of the principal ends. */
  readonly signal: AbortSignal;
  /** Told each standby that the session is pinned to. */
  onPin(replica: Replica): void;
  /** Told once, when the session ends, for how long its statements had connections, all together. */
  onEnd?(connectionMillis: number): void;
  /** Told how many rows each statement returned; those that are streamed are counted where they are written. */
  readonly onRows?: ((rows: number) => void) | undefined;
}

export interface ReaderRequirement {
  /** The tokens of cursors. */
  readonly readAfter?: readonly string[];
  readonly purpose?: Purpose;
  /** For statements that another statement of this session waits for, which keeps its connection meanwhile. */
  readonly isNested?: boolean;
  /** For statements that read every call of a range. Those that are wanted at once see the same calls. */
  readonly isHeavy?: boolean;
}

/** `extensions.replica` of a response. */
export interface ReplicaInfo {
  readonly name: string;
  /** RFC 3339; everything committed before is in the answer. Null when unknown. */
  readonly asOf: string | null;
  /** Upper bound of the answer's age; null when unknown, never 0 for that. */
  readonly stalenessSeconds: number | null;
  /** Give it as X-Read-After to read nothing older. */
  readonly token: string;
}

/** `extensions.stats` of a response: where its statistics were read. */
export interface StatsInfo {
  readonly source: 'ROLLUPS' | 'TABLE';
  /** RFC 3339; everything that was committed before is counted. Null when unknown. */
  readonly asOf: string | null;
  /** Kept sums that were merged; 0 where the calls themselves were read. */
  readonly bucketsRead: number;
  /** Rows that were worked out from them; null where the calls themselves were read. */
  readonly rowsRead: number | null;
}

/** What was read of what is kept. */
type KeptReading = Pick<KeptMoment, 'position' | 'asOf' | 'stalenessSeconds'> &
  Pick<StatsInfo, 'bucketsRead' | 'rowsRead'> & {
    /** In milliseconds of the process. */
    readonly readAt: number;
  };

/** A standby before it is read from. */
export interface Standing {
  readonly position: ReplayPosition;
  /** Since it was seen there. */
  readonly secondsAgo: number;
  /** RFC 3339; null when unknown. */
  readonly asOf: string | null;
  /** Upper bound; null when unknown. */
  readonly stalenessSeconds: number | null;
  /** Of the tables as they were when its catalogue was read. */
  readonly fingerprint: string;
}

/** Standbys a request may try before anything is sent, the first one included. */
const MAX_REPLICAS = 3;
/** Wait before the only standby is used again after a recovery conflict, so that replay can advance. */
const MIN_RETRY_MILLIS = 50;
const MAX_RETRY_MILLIS = 250;

/**
 * The one standby that a request reads from. It is chosen when the first reader is wanted, so that a request which
 * needs no calls is answered when every standby is down; it is replaced when it fails.
 */
export class ReplicaSession {
  readonly #deps: SessionDeps;
  readonly #options: SessionOptions;
  readonly #failed = new Set<string>();
  #attempts = 1;
  /** Of the cursors of this request. */
  readonly #readAfter: Token[] = [];
  #choosing: Promise<Replica> | undefined;
  #leaving: Promise<boolean> | undefined;
  /** The one chosen last; given back, but still good for a token, while another is looked for. */
  #pinned: Replica | undefined;
  /** How far the standby had replayed at the last read, and whether the statement itself returned it. */
  #replayedLsn: string | undefined;
  #isToldByStatement = false;
  #replacements = 0;
  /** Something was read before the standby was replaced, and is kept: what is read now must not be older. */
  #isKept = false;
  /** Statements until then of which nothing is kept. */
  #unkeptCount = 0;
  /** Of the reader that was given last. */
  #source: Source | undefined;
  /** Aborted with the request, and when the answer has ended while statements go on, whose rows are then of no use. */
  #statements: AbortController | undefined;
  /** As the connections know it, once something is read. */
  #borrower: Borrower | undefined;
  /** Of the standby that the session is pinned to. */
  #lenders: { readonly plain: Lender; readonly nested: Lender; heavy?: Lender } | undefined;
  /** Whether statistics were asked for, and what was kept has answered them. */
  #stats: { readonly kept: KeptReading | undefined } | undefined;
  #hasEnded = false;

  constructor(deps: SessionDeps, options: SessionOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  /** How often the standby was replaced: what was loaded from an earlier one may be older than what is read now. */
  get replacements(): number {
    return this.#replacements;
  }

  /** Reads calls on the standby of this session, which must have replayed what the cursors' tokens name. */
  async reader({ readAfter = [], purpose, ...how }: ReaderRequirement = {}): Promise<Reader> {
    if (this.#hasEnded) throw new RequestCancelledError();
    const { positions } = this.#deps.replicas;
    const tokens = readAfter.map((token) => positions.decodeOfCursor(token));
    this.#readAfter.push(...tokens);
    if (this.#choosing && tokens.length > 0) await this.#catchUp(await this.#choosing, tokens);
    this.#choosing ??= this.#pin(tokens, purpose);
    const replica = await this.#choosing;
    this.#borrower ??= this.#enrol();
    this.#lenders ??= {
      plain: replica.connections.lenderFor(this.#borrower),
      nested: replica.connections.lenderFor(this.#borrower, { isNested: true }),
    };
    if (how.isHeavy) this.#lenders.heavy ??= replica.connections.momentLenderFor(this.#borrower);
    this.#source = this.#deps.source(replica);
    return {
      pool: (how.isHeavy && this.#lenders.heavy) || this.#lenders[how.isNested ? 'nested' : 'plain'],
      source: this.#source,
      scope: this.#options.principal.scope,
      signal: this.#borrower.signal,
      onRows: this.#options.onRows,
    };
  }

  /** Answers of one moment that satisfies the request, or why the table must be read. */
  readKept({ source }: Reader, queries: readonly KeptQuery[]): readonly KeptAnswer[] | KeptRefusal {
    const { kept } = this.#deps;
    const standby = this.#pinned?.position();
    if (!kept) return 'file';
    if (!standby) return 'age';
    const { freshness } = this.#options;
    const demand = {
      standby,
      fingerprint: fingerprintOf(source),
      maxSeconds: Math.min(kept.maxAgeSeconds, freshness.maxStalenessSeconds ?? kept.maxAgeSeconds),
      readAfter: freshness.readAfter ? [freshness.readAfter, ...this.#readAfter] : this.#readAfter,
    };
    const read = kept.readNow((moment) => {
      const refusal = refusalOf(moment, demand);
      if (refusal) return refusal;
      const answers = queries.map((query) => moment.read(query));
      if (!answers.every((answer) => answer !== undefined)) return 'sums';
      this.#noteKept(moment, answers);
      return answers;
    });
    return read ?? 'file';
  }

  #noteKept({ position, asOf, stalenessSeconds }: KeptMoment, answers: readonly KeptAnswer[]): void {
    const sum = (of: (answer: KeptAnswer) => number) => answers.reduce((total, each) => total + of(each), 0);
    const counts = { bucketsRead: sum((each) => each.bucketsRead), rowsRead: sum((each) => each.rows) };
    this.#stats = { kept: { position, asOf, stalenessSeconds, readAt: performance.now(), ...counts } };
  }

  /** Whether statistics are answered from what was read of it: the calls themselves are read for the given reason. */
  noteStats(refusal: KeptRefusal | undefined): void {
    const { kept } = this.#deps;
    if (!kept) return;
    if (refusal) this.#stats = { kept: undefined };
    kept.noteAnswer(refusal);
  }

  /**
   * Another reader after this one failed, of a standby that is no older than what was read so far: `hasRows` says whether
   * the failed one has read anything. Throws when there is none, or the failure is final: PositionLostError when what the
   * request demands went with the standby.
   */
  async replaceReader(failed: Reader, error: unknown, { hasRows = true } = {}): Promise<Reader> {
    // Lists and counts of one request read from the same standby: the first to see it fail leaves it for all.
    if (Object.values(this.#lenders ?? {}).includes(failed.pool)) {
      const hasRead = hasRows || this.#hasRead();
      if (hasRead) this.#isKept = true;
      else this.#discard();
      const leave = () =>
        this.#leave(error, hasRead ? [this.#pinned!.readAfter(this.#replayedLsn)] : this.#readAfter);
      this.#leaving ??= leave().finally(() => {
        this.#leaving = undefined;
      });
    }
    if (this.#leaving && !(await this.#leaving)) throw error;
    return this.reader();
  }

  /**
   * Pins the session to another standby so that the request can be repeated; false when none is left to try. Nothing of
   * what was read is kept, so the other may be older, within what the request allows. Throws PositionLostError when what the
   * request demands went with the standby.
   */
  async tryAnotherReplica(error: unknown): Promise<boolean> {
    this.#discard();
    const isEarly = error instanceof ReplicaLockedError && error.isEarly;
    if (!isEarly) this.#attempts++;
    return this.#attempts <= MAX_REPLICAS && this.#leave(error, this.#readAfter);
  }

  /**
   * The standby of this session as it stands before anything is read: what is read from it has all that it had replayed.
   * Undefined where no position says what it shows. Rejects where there is no standby, as `reader` then does.
   */
  async standing(): Promise<Standing | undefined> {
    if (this.#hasEnded) throw new RequestCancelledError();
    this.#choosing ??= this.#pin([], undefined);
    const replica = await this.#choosing;
    const seen = replica.position();
    if (!seen) return undefined;
    const { secondsAgo, ...position } = seen;
    const { asOf, stalenessSeconds } = replica.freshness();
    return {
      position,
      secondsAgo,
      asOf,
      stalenessSeconds,
      fingerprint: fingerprintOf(this.#deps.source(replica)),
    };
  }

  /** Whether all that was read is of the standby that stood there, and lacks nothing that it had replayed. */
  hasReadSince({ position }: Standing): boolean {
    // Another moment than the standby's.
    if (this.#stats?.kept) return false;
    const now = this.#replacements === 0 ? this.#pinned?.position() : undefined;
    if (now?.systemIdentifier !== position.systemIdentifier || now.timeline !== position.timeline)
      return false;
    if (this.#replayedLsn === undefined) return false;
    // A standby that has crashed, or has followed a promotion, before it was polled again says so itself.
    const { lsn, timeline = position.timeline } = this.#pinned!.parseReplayed(this.#replayedLsn);
    return lsn >= position.lsn && timeline === position.timeline;
  }

  /** Whether a statement may have read what is kept: all but the one that failed count, however they ended. */
  #hasRead(): boolean {
    return this.#isKept || this.#isToldByStatement || this.#statementCount - this.#unkeptCount > 1;
  }

  get #statementCount(): number {
    return this.#borrower?.use.wanted ?? 0;
  }

  /** Nothing of what was read so far is kept. */
  #discard(): void {
    this.#isKept = false;
    this.#unkeptCount = this.#statementCount;
  }

  /** The freshness token of what is read, when the standby has replayed so far. */
  tokenAt(replayedLsn: string): string {
    this.#replayedLsn = replayedLsn;
    this.#isToldByStatement = true;
    return this.#pinned!.token(replayedLsn);
  }

  /** The same; reads how far the standby has replayed when that is not known yet. */
  async token(): Promise<string> {
    await this.#readReplayedLsn();
    return this.#pinned!.token(this.#replayedLsn);
  }

  /** The standby of this session and how old its answer is; null when none was needed. */
  async answeredBy(): Promise<ReplicaInfo | null> {
    // What was kept has a position of its own, of which the standby's says nothing.
    if (!this.#stats?.kept) await this.#readReplayedLsn();
    await this.#pinned?.settle();
    return this.readFrom();
  }

  /** The same, as known before anything was read. */
  readFrom(): ReplicaInfo | null {
    const pinned = this.#pinned;
    if (!pinned) return null;
    const reading = { isToldByStatement: this.#isToldByStatement, secondsAgo: this.#secondsSinceReading() };
    const info = { name: pinned.name, ...pinned.freshness(this.#replayedLsn, reading) };
    const kept = this.#stats?.kept;
    return kept ? olderOf(info, kept, this.#deps.replicas.positions) : info;
  }

  /** Where statistics were read; undefined where none were wanted, or nothing is kept. */
  statsReadFrom(info: ReplicaInfo | null): StatsInfo | undefined {
    if (!this.#stats) return undefined;
    const { kept } = this.#stats;
    if (!kept) return { source: 'TABLE', asOf: info?.asOf ?? null, bucketsRead: 0, rowsRead: null };
    const { asOf, bucketsRead, rowsRead } = kept;
    return { source: 'ROLLUPS', asOf, bucketsRead, rowsRead };
  }

  /**
   * To be called when everything is read, or when the first of it is there, and nothing is sent: a statement may have
   * waited, so that what it read is older than the request allows. False when it is not. True: the session is pinned to a
   * standby that is fresh enough, and the request can be repeated. Throws ReplicaTooStaleError when there is none.
   */
  async leavesStaleReplica(): Promise<boolean> {
    const limit = this.#options.freshness.maxStalenessSeconds;
    if (limit === undefined || !this.#pinned) return false;
    await this.#pinned.settle();
    const { stalenessSeconds } = this.readFrom()!;
    if (stalenessSeconds !== null && stalenessSeconds <= limit) return false;
    this.#attempts++;
    if (this.#attempts <= MAX_REPLICAS) {
      this.#discard();
      this.#replacements++;
      this.#choosing = this.#pin(this.#readAfter, undefined);
      await this.#choosing;
      return true;
    }
    throw new ReplicaTooStaleError({ stalenessSeconds, etaSeconds: null });
  }

  /** Of a request with a limit, which holds for what was read when it was read. */
  #secondsSinceReading(): number {
    const hasLimit = this.#options.freshness.maxStalenessSeconds !== undefined;
    return hasLimit && this.#borrower ? (performance.now() - this.#borrower.use.begunAt) / 1000 : 0;
  }

  /** Ends what still runs or waits, and gives the standby back. Nothing can be read after this. */
  end(): void {
    if (!this.#hasEnded) this.#options.onEnd?.(this.#borrower?.use.millis ?? 0);
    this.#hasEnded = true;
    if (this.#borrower && this.#borrower.statements > 0) this.#statements?.abort(new RequestCancelledError());
    this.#pinned?.release();
  }

  #enrol(): Borrower {
    const { principal, signal } = this.#options;
    const statements = new AbortController();
    this.#statements = statements;
    const abort = () => statements.abort(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
    return {
      principal: principal.name,
      role: principal.role,
      signal: statements.signal,
      statements: 0,
      use: new ConnectionUse(),
    };
  }

  async #pin(readAfter: readonly Token[], purpose: Purpose | undefined): Promise<Replica> {
    const { freshness, signal, onPin } = this.#options;
    this.#pinned?.release();
    this.#pinned = await this.#deps.replicas.choose({
      maxStalenessSeconds: freshness.maxStalenessSeconds,
      readAfter: freshness.readAfter ? [freshness.readAfter, ...readAfter] : readAfter,
      avoid: this.#failed,
      purpose,
      signal,
    });
    this.#replayedLsn = undefined;
    this.#isToldByStatement = false;
    this.#lenders = undefined;
    onPin(this.#pinned);
    return this.#pinned;
  }

  /** More cursors in the same request: the standby it is pinned to must have replayed their pages too. */
  async #catchUp({ name }: Replica, readAfter: readonly Token[]): Promise<void> {
    const exclude = new Set(this.#otherNames(name));
    const { signal } = this.#options;
    (await this.#deps.replicas.choose({ readAfter, exclude, signal })).release();
  }

  #otherNames(name: string): string[] {
    const { replicas } = this.#deps.replicas.snapshot();
    return replicas.flatMap((replica) => (replica.name === name ? [] : [replica.name]));
  }

  /** The standby is well: it only has other tables than when its catalogue was read. */
  async #reread(replica: Replica, error: TableChangedError): Promise<boolean> {
    if (!this.#source || !this.#deps.reread) return false;
    const isReplaced = await this.#deps.reread(replica, this.#source, error.cause).catch(() => false);
    if (isReplaced) this.#replacements++;
    return isReplaced;
  }

  /** Leaves the standby that failed for one that has replayed these. Throws PositionLostError where none ever will. */
  async #leave(error: unknown, readAfter: readonly Token[]): Promise<boolean> {
    const left = this.#pinned;
    if (!left || !(error instanceof ReplicaFailureError) || this.#options.signal.aborted) return false;
    if (error instanceof TableChangedError) return this.#reread(left, error);
    left.report(error);
    this.#failed.add(left.name);
    if (this.#otherNames(left.name).every((name) => this.#failed.has(name))) {
      // Every standby was tried: each may have recovered, and a conflict was never the standby's fault.
      this.#failed.clear();
      await delay(MIN_RETRY_MILLIS + Math.random() * (MAX_RETRY_MILLIS - MIN_RETRY_MILLIS));
    }
    this.#replacements++;
    this.#choosing = this.#pin(readAfter, 'page');
    return this.#choosing.then(
      () => true,
      (failure) => {
        if (this.#isLostForRequest(failure)) throw failure;
        return false;
      },
    );
  }

  /** Not only what was read in its answer is lost, which may be read again elsewhere, but what the request demands. */
  #isLostForRequest(failure: unknown): boolean {
    if (!(failure instanceof PositionLostError)) return false;
    const { readAfter } = this.#options.freshness;
    return [readAfter, ...this.#readAfter].some((position) => position === failure.position);
  }

  async #readReplayedLsn(): Promise<void> {
    if (!this.#pinned || this.#isToldByStatement) return;
    // What the watcher saw last will do when the standby no longer answers, and no other does.
    const begunAt = this.#borrower?.use.begunAt;
    const lsn = await this.reader()
      .then(selectReplayedLsn)
      .catch(() => null);
    this.#replayedLsn = lsn ?? this.#replayedLsn;
    // What counts is when the calls were read.
    if (this.#borrower && begunAt !== undefined) this.#borrower.use.begunAt = begunAt;
  }
}

/** Of an answer that shows what was kept, and perhaps names that the standby has. */
function olderOf(
  info: ReplicaInfo,
  { position, asOf, stalenessSeconds, readAt }: KeptReading,
  positions: Replicas['positions'],
): ReplicaInfo {
  const { systemIdentifier, timeline, lsn } = position;
  const seconds = stalenessSeconds! + (performance.now() - readAt) / 1000;
  return {
    name: info.name,
    // RFC 3339 in one form: texts are in the order of time.
    asOf: asOf === null || info.asOf === null ? null : asOf < info.asOf ? asOf : info.asOf,
    stalenessSeconds: info.stalenessSeconds === null ? null : Math.max(seconds, info.stalenessSeconds),
    token: positions.encode({ systemIdentifier: BigInt(systemIdentifier), timeline, lsn }),
  };
}
