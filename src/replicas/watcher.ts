import type { Client } from 'pg';
import { classify, isLoss } from '../db/failures.ts';
import { statementNameOf } from '../db/wire/statement-names.ts';
import { type Clock, sleep } from './clock.ts';
import type { Connection } from './connection-url.ts';
import { IdentityWatch } from './identity-watch.ts';
import { PoolingWatch } from './pooling-watch.ts';
import { type Failure, isSample, type Observation, type Sample } from './sample.ts';
import { parseStatus, STATUS_STATEMENT, type StatusRow } from './status-statement.ts';
import { TimelineReader } from './timeline-reader.ts';
import type { Tuning } from './tuning.ts';
import { WatcherConnections } from './watcher-connections.ts';

export interface WatcherOptions {
  readonly connection: Connection;
  readonly clock: Clock;
  readonly tuning: Pick<Tuning, 'pollIntervalSeconds' | 'pollTimeoutSeconds' | 'reconnectAfterSeconds'>;
  readonly onObservation: (observation: Observation) => void;
}

/** A process that serves a connection. */
export interface Backend {
  /** A statement runs, and waits neither for its client to take rows nor for it to send something. */
  readonly isAtWork: boolean;
  /** It waits for a lock: on a standby, for one that was replayed. */
  readonly isLocked: boolean;
  /** Since it began or ended its statement. */
  readonly stateSeconds: number;
}

const BACKENDS_STATEMENT = `select /* backends */ pid, state, wait_event as "waitEvent", wait_event_type as "waitType",
  extract(epoch from clock_timestamp() - state_change)::float8 as "stateSeconds"
from pg_stat_get_activity(null) where pid = any($1::int[])`;

function parseBackend({ state, waitEvent, waitType, stateSeconds }: StatusRow): Backend {
  // Where its state is hidden from us, it is given the benefit of the doubt.
  const isBusy = state === null || state === 'active' || state === 'fastpath function call';
  const waitsForClient = waitEvent === 'ClientWrite' || waitEvent === 'ClientRead';
  return {
    isAtWork: isBusy && !waitsForClient,
    isLocked: waitType === 'Lock',
    stateSeconds: Number(stateSeconds ?? 0),
  };
}

const STATUS_NAME = statementNameOf(STATUS_STATEMENT);

const SECOND_LOOK_SECONDS = 0.05;
/** A server that is gone, and may be back in a moment, is tried again so soon. */
const RETRY_SECONDS = 0.2;
/** One that has been gone for longer is polled as any other. */
const MAX_RETRYING_SECONDS = 10;
/** What is left of a look when the poll before it has been without an answer for as long. */
const MIN_LOOK_SECONDS = 0.1;
/** What a pooler in between says of a prepared statement it lost. */
const NOT_PREPARED = /^(26000|42P05)$/;
/** Beyond this a timer is not merely late. */
const MAX_TIMER_DELAY_SECONDS = 0.2;
/** The server changed its role while it answered. */
const WRONG_ROLE = '55000';

/** Polls the status of one server, on a connection of its own, until it is closed. */
export class Watcher {
  readonly #clock: Clock;
  readonly #tuning: WatcherOptions['tuning'];
  readonly #onObservation: WatcherOptions['onObservation'];
  readonly #connections: WatcherConnections;
  readonly #pooling: PoolingWatch;
  readonly #identity: IdentityWatch;
  readonly #timelines = new TimelineReader();
  #isPrepared = true;
  #polling: Promise<void> | undefined;
  #pollingSince = 0;
  /** Ends the poll under way, on a connection there was, as one without an answer. */
  #endPoll: ((error: Error) => void) | undefined;
  #looking: Promise<unknown> | undefined;
  /** Polls in a row that failed. */
  #failures = 0;
  #failingSince = 0;
  /** The last one that failed did so in its time, so that the gateway itself is not held up. */
  #isHurried = false;
  #cancelNext = () => {};
  #isStarted = false;
  #isClosed = false;

  constructor({ connection, clock, tuning, onObservation }: WatcherOptions) {
    this.#clock = clock;
    this.#tuning = tuning;
    this.#onObservation = onObservation;
    this.#connections = new WatcherConnections({
      connection,
      clock,
      timeoutSeconds: tuning.pollTimeoutSeconds,
      onLost: () => this.#noteLoss(),
    });
    this.#pooling = new PoolingWatch(this.#connections);
    this.#identity = new IdentityWatch(this.#connections, clock);
  }

  /** Begins the regular polls with one at once. */
  start(): void {
    this.#isStarted = true;
    void this.poll();
  }

  /** After each poll, whoever wanted it. */
  #scheduleNext(): void {
    this.#cancelNext();
    if (this.#isClosed || !this.#isStarted) return;
    const jitter = 0.9 + Math.random() * 0.2;
    const seconds = Math.min(this.#secondsUntilNext(), this.#tuning.pollIntervalSeconds);
    this.#cancelNext = this.#clock.after(seconds * jitter, () => void this.poll());
  }

  #secondsUntilNext(): number {
    // One failure may mean nothing: the second look, which decides, comes at once.
    if (this.#failures === 1) return SECOND_LOOK_SECONDS;
    const isGoneLately = this.#failures > 1 && this.#clock.now() - this.#failingSince < MAX_RETRYING_SECONDS;
    return isGoneLately ? RETRY_SECONDS : Number.POSITIVE_INFINITY;
  }

  /** One poll now, or the one that is under way. Never rejects: a failure is an observation too. */
  poll(): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    if (!this.#polling) this.#pollingSince = this.#clock.now();
    this.#polling ??= this.#pollOnce().finally(() => {
      this.#polling = undefined;
      this.#scheduleNext();
    });
    return this.#polling;
  }

  /** For how long the poll under way has had no answer; 0 between polls. */
  get waitingSeconds(): number {
    return this.#polling ? this.#clock.now() - this.#pollingSince : 0;
  }

  /** A poll that begins after this call. */
  async pollAfresh(): Promise<void> {
    await this.#polling;
    await this.poll();
  }

  /** Whether a pooler that lends sessions stands in between: settings must then be made by statements. */
  get isPooled(): boolean {
    const { inUse } = this.#connections;
    return inUse !== undefined && this.#pooling.isPooled(inUse);
  }

  /** A new connection led to another server than the one that is polled: finds out why, at once. */
  doubtIdentity(): void {
    this.#identity.doubt();
    void this.pollAfresh();
  }

  /** A new connection failed: tries one, and another one when that fails too, while the one in use may still answer. */
  async tryToConnect(): Promise<void> {
    for (let attempt = 1; attempt <= 2 && !this.#isClosed; attempt++) {
      await this.#connections.replace((old) => this.#retire(old));
      if (this.#connections.refused === 0) break;
    }
    if (this.#connections.refused > 0) await this.pollAfresh();
  }

  /** What these processes of the server do; undefined when it does not answer in that time. */
  async lookAt(
    pids: readonly number[],
    maxSeconds: number,
  ): Promise<ReadonlyMap<number, Backend> | undefined> {
    const look = new AbortController();
    const looking = this.#selectBackends(pids, look.signal).catch(() => undefined);
    this.#looking = looking;
    // The silence of a poll under way counts.
    const seconds = Math.max(MIN_LOOK_SECONDS, maxSeconds - this.waitingSeconds);
    const begunAt = this.#clock.now();
    const wait = (limit: number) => Promise.race([looking, sleep(this.#clock, limit).then(() => undefined)]);
    let found = await wait(seconds);
    // A gateway that is starved itself cannot tell whether the server is.
    if (!found && this.#isLate(begunAt, seconds)) found = await wait(maxSeconds);
    if (!found) {
      look.abort();
      this.#noteSilence(begunAt);
    }
    return found;
  }

  /** As good as a poll without an answer, as the one under way is: the next one, on another connection, decides. */
  #noteSilence(begunAt: number): void {
    if (this.#polling) this.#endPoll?.(new Error('Query read timeout: others have found the server silent'));
    const { inUse } = this.#connections;
    if (this.#isClosed || this.#polling || !inUse) return;
    this.#connections.drop(inUse);
    this.#noteFailure(begunAt);
    this.#observe({ kind: 'hanging', code: null, failedAt: this.#clock.now() });
    void this.poll();
  }

  #noteFailure(begunAt: number): void {
    if (this.#failures === 0) this.#failingSince = this.#clock.now();
    this.#failures += 1;
    this.#isHurried = !this.#isLate(begunAt, this.#tuning.pollTimeoutSeconds);
  }

  /** Whether what began then, and was to end within so many seconds, ended late. */
  #isLate(begunAt: number, seconds: number): boolean {
    return this.#clock.now() - begunAt > seconds + MAX_TIMER_DELAY_SECONDS;
  }

  async #selectBackends(pids: readonly number[], signal: AbortSignal): Promise<ReadonlyMap<number, Backend>> {
    // One statement at a time on its connection.
    await Promise.all([this.#polling, this.#looking]);
    signal.throwIfAborted();
    const client = this.#connections.inUse;
    // The next poll, which waits for the end of this look, decides.
    if (!client) throw new Error('The last poll had no answer');
    const { rows } = await client.query<StatusRow>({ text: BACKENDS_STATEMENT, values: [pids] });
    return new Map(rows.map((row) => [Number(row.pid), parseBackend(row)]));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelNext();
    this.#connections.close();
    await this.#polling;
  }

  /** The server may have crashed, or our connection was ended: better noticed at once than at the next poll. */
  #noteLoss(): void {
    if (this.#polling) return;
    this.#observe({ kind: 'gone', code: null, failedAt: this.#clock.now() });
    void this.poll();
  }

  #observe(result: Sample | Failure): void {
    this.#onObservation({ result, refusedConnections: this.#connections.refused });
  }

  async #pollOnce(): Promise<void> {
    await this.#looking;
    // A postmaster that is stuck lets old connections live and new ones hang, so now and then a new one is tried.
    // One that was refused is tried again with every poll, until it is accepted.
    const isDue = this.#connections.ageSeconds > this.#tuning.reconnectAfterSeconds;
    if (isDue || this.#connections.refused > 0) {
      void this.#connections.replace((old) => this.#retire(old));
    }
    const begunAt = this.#clock.now();
    const result = await this.#readStatus();
    if (isSample(result)) this.#failures = 0;
    else this.#noteFailure(begunAt);
    if (!this.#connections.inUse) this.#connections.refused = 0;
    if (!this.#isClosed) this.#observe(result);
  }

  /** The poll under way may still be using it. */
  #retire(old: Client): void {
    void (this.#polling ?? Promise.resolve()).then(() => this.#connections.drop(old));
  }

  async #readStatus(): Promise<Sample | Failure> {
    for (let attempt = 1; ; attempt++) {
      const old = this.#connections.inUse;
      const startedAt = this.#clock.now();
      try {
        if (old) return await this.#sampleUnlessSilent(old);
        // In a hurry where this decides whether the server is there.
        const isHurried = this.#failures === 1 && this.#isHurried;
        return await this.#sample(await this.#connections.use({ isHurried }));
      } catch (error) {
        const failure = { kind: classify(error), code: codeOf(error), failedAt: this.#clock.now() };
        if (attempt === 1 && failure.kind === 'hanging' && this.#stoodStillSince(startedAt, old ? 1 : 2)) {
          if (old) this.#connections.drop(old);
          continue;
        }
        if (this.#isPrepared && NOT_PREPARED.test(failure.code ?? '')) {
          this.#isPrepared = false;
          continue;
        }
        if (!old || attempt === 2 || this.#isClosed || !isWorthRetrying(failure)) {
          const { inUse } = this.#connections;
          if (inUse && (isLoss(failure.kind) || failure.kind === 'other')) this.#connections.drop(inUse);
          return failure;
        }
        if (failure.kind === 'gone') this.#connections.drop(old);
      }
    }
  }

  /** A limit of time that ended late: nobody looked meanwhile, and the answer may have come. */
  #stoodStillSince(startedAt: number, limits: number): boolean {
    return this.#isLate(
      startedAt,
      limits * this.#tuning.pollTimeoutSeconds + (limits - 1) * MAX_TIMER_DELAY_SECONDS,
    );
  }

  async #sampleUnlessSilent(client: Client): Promise<Sample> {
    const { promise: silence, reject } = Promise.withResolvers<never>();
    this.#endPoll = reject;
    try {
      return await Promise.race([this.#sample(client), silence]);
    } finally {
      this.#endPoll = undefined;
    }
  }

  async #sample(client: Client): Promise<Sample> {
    const sentAt = this.#clock.now();
    const { rows } = await client.query<StatusRow>({
      text: STATUS_STATEMENT,
      ...(this.#isPrepared && { name: STATUS_NAME }),
    });
    const sample = parseStatus(rows[0]!, { sentAt, answeredAt: this.#clock.now() });
    await this.#pooling.check(client, Number(rows[0]!.backendPid));
    await this.#identity.check(client, sample);
    // The sample holds without it, and a connection that has just broken is found out by the next poll.
    const switches = await this.#timelines.read(client, sample).catch(() => undefined);
    return switches ? { ...sample, switches } : sample;
  }
}

/**
 * A connection that ended while it was idle says little about now, but a server that hangs says enough. A change of
 * role while it answered is over at the next attempt.
 */
function isWorthRetrying({ kind, code }: Failure): boolean {
  return kind === 'gone' || code === WRONG_ROLE;
}

function codeOf(error: unknown): string | null {
  const { code, errors } = error as { code?: unknown; errors?: unknown };
  if (typeof code === 'string') return code;
  return Array.isArray(errors) && errors.length > 0 ? codeOf(errors[0]) : null;
}
