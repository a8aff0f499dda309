import type { Client } from 'pg';
import { classify, isLoss } from '../db/failures.ts';
import { statementNameOf } from '../db/wire/statement-names.ts';
import type { Clock } from './clock.ts';
import type { Connection } from './connection-url.ts';
import { PoolingWatch } from './pooling-watch.ts';
import type { Failure, Observation, Sample } from './sample.ts';
import { parseStatus, STATUS_STATEMENT, type StatusRow } from './status-statement.ts';
import type { Tuning } from './tuning.ts';
import { WatcherConnections } from './watcher-connections.ts';

export interface WatcherOptions {
  readonly connection: Connection;
  readonly clock: Clock;
  readonly tuning: Pick<Tuning, 'pollIntervalSeconds' | 'pollTimeoutSeconds' | 'reconnectAfterSeconds'>;
  readonly onObservation: (observation: Observation) => void;
}

const STATUS_NAME = statementNameOf(STATUS_STATEMENT);

/** What a pooler in between says of a prepared statement it lost. */
const NOT_PREPARED = /^(26000|42P05)$/;
/** The server changed its role while it answered. */
const WRONG_ROLE = '55000';

/** Polls the status of one server, on a connection of its own, until it is closed. */
export class Watcher {
  readonly #clock: Clock;
  readonly #tuning: WatcherOptions['tuning'];
  readonly #onObservation: WatcherOptions['onObservation'];
  readonly #connections: WatcherConnections;
  readonly #pooling: PoolingWatch;
  #isPrepared = true;
  #polling: Promise<void> | undefined;
  #cancelNext = () => {};
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
  }

  /** Begins the regular polls with one at once. */
  start(): void {
    void this.poll().then(() => {
      if (this.#isClosed) return;
      const jitter = 0.9 + Math.random() * 0.2;
      this.#cancelNext = this.#clock.after(this.#tuning.pollIntervalSeconds * jitter, () => this.start());
    });
  }

  /** One poll now, or the one that is under way. Never rejects: a failure is an observation too. */
  poll(): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    this.#polling ??= this.#pollOnce().finally(() => {
      this.#polling = undefined;
    });
    return this.#polling;
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
    // A postmaster that is stuck lets old connections live and new ones hang, so now and then a new one is tried.
    if (this.#connections.ageSeconds > this.#tuning.reconnectAfterSeconds) {
      void this.#connections.replace((old) => this.#retire(old));
    }
    const result = await this.#readStatus();
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
      try {
        return await this.#sample(old ?? (await this.#connections.use()));
      } catch (error) {
        const failure = { kind: classify(error), code: codeOf(error), failedAt: this.#clock.now() };
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

  async #sample(client: Client): Promise<Sample> {
    const sentAt = this.#clock.now();
    const { rows } = await client.query<StatusRow>({
      text: STATUS_STATEMENT,
      ...(this.#isPrepared && { name: STATUS_NAME }),
    });
    const sample = parseStatus(rows[0]!, { sentAt, answeredAt: this.#clock.now() });
    await this.#pooling.check(client, Number(rows[0]!.backendPid));
    return sample;
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
