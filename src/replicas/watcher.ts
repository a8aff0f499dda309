import { Client } from 'pg';
import { isServedDirectly, shareSessions, TransactionPoolingError } from '../db/wire/pooling.ts';
import { statementNameOf } from '../db/wire/statement-names.ts';
import { classify, isLoss } from './classify.ts';
import type { Clock } from './clock.ts';
import type { Connection } from './connection-url.ts';
import type { Failure, Observation, Sample } from './sample.ts';
import { parseStatus, STATUS_STATEMENT, type StatusRow } from './status-statement.ts';

export interface WatcherOptions {
  readonly connection: Connection;
  readonly clock: Clock;
  readonly tuning: WatcherTuning;
  readonly onObservation: (observation: Observation) => void;
}

interface WatcherTuning {
  readonly pollInterval: number;
  readonly pollTimeout: number;
  readonly freshConnect: number;
}

/** Asks one server how it is, on a connection of its own, for as long as it lives and whatever happens. */
export interface Watcher {
  /** Begins the regular polls with one at once. */
  start(): void;
  /** One poll now, or the one that is under way. Never rejects: a failure is an observation too. */
  poll(): Promise<void>;
  /** A poll that begins after this call. */
  pollAfresh(): Promise<void>;
  /** Whether a pooler that lends sessions stands in between: settings must then be made by statements. */
  readonly isPooled: boolean;
  close(): Promise<void>;
}

/** The pool's session settings would do, but the watcher must not wait for a lock or a client. */
const SESSION = {
  TimeZone: 'UTC',
  DateStyle: 'ISO',
  default_transaction_read_only: 'on',
  idle_in_transaction_session_timeout: '10s',
};

/** Every value as PostgreSQL's text. */
const types = { getTypeParser: () => (value: string) => value };

const STATUS_NAME = statementNameOf(STATUS_STATEMENT);

/** What a pooler in between says of a prepared statement it lost. */
const NOT_PREPARED = /^(26000|42P05)$/;
/** The server changed its role while it answered. */
const WRONG_ROLE = '55000';

export function createWatcher({ connection, clock, tuning, onObservation }: WatcherOptions): Watcher {
  let client: Client | undefined;
  let connectedAt = 0;
  let isReplacing = false;
  let refusedConnections = 0;
  let isPrepared = true;
  /** The process that serves each connection on which there is a pooler. */
  const backends = new WeakMap<Client, number>();
  let polling: Promise<void> | undefined;
  let cancelNext = () => {};
  let isClosed = false;
  const open = new Set<Client>();

  function connect(): Promise<Client> {
    const created = new Client({
      connectionString: connection.url({ ...SESSION, statement_timeout: `${tuning.pollTimeout * 1000}` }),
      application_name: 'cdr-gateway watcher',
      connectionTimeoutMillis: tuning.pollTimeout * 1000,
      query_timeout: tuning.pollTimeout * 1000,
      keepAlive: true,
      types: types as never,
    });
    // Without a listener, the end of an idle connection would end the process.
    created.on('error', () => {});
    created.once('end', () => lose(created));
    open.add(created);
    return new Promise((resolve, reject) => {
      // Closing a client that is still connecting leaves node-postgres's own promise pending for ever.
      created.once('end', () => reject(new Error('Connection terminated')));
      created.connect().then(
        () => resolve(created),
        (error) => {
          drop(created);
          reject(error);
        },
      );
    });
  }

  /** The server may have crashed, or our connection was ended: better said at once than at the next poll. */
  function lose(lost: Client): void {
    const wasInUse = client === lost;
    drop(lost);
    if (!wasInUse || isClosed || polling) return;
    onObservation({ result: { kind: 'gone', code: null, failedAt: clock.now() }, refusedConnections });
    void poll();
  }

  function drop(dropped: Client): void {
    if (client === dropped) client = undefined;
    if (open.delete(dropped)) hangUp(dropped);
  }

  async function connected(): Promise<Client> {
    if (client) return client;
    const created = await connect();
    if (isClosed) throw new Error('Connection terminated');
    client = created;
    connectedAt = clock.now();
    return created;
  }

  async function ask(asked: Client): Promise<Sample> {
    const sentAt = clock.now();
    const { rows } = await asked.query<StatusRow>({
      text: STATUS_STATEMENT,
      ...(isPrepared && { name: STATUS_NAME }),
    });
    const sample = parseStatus(rows[0]!, { sentAt, answeredAt: clock.now() });
    await refuseTransactionPooling(asked, Number(rows[0]!.backendPid));
    return sample;
  }

  /** Throws TransactionPoolingError when it is seen; it is looked for once per connection, and noticed at any poll. */
  async function refuseTransactionPooling(asked: Client, backendPid: number): Promise<void> {
    if (isServedDirectly(asked, backendPid)) return;
    const before = backends.get(asked);
    if (before === backendPid) return;
    backends.set(asked, backendPid);
    if (before !== undefined || (await sharesWithAnother(asked))) throw new TransactionPoolingError();
  }

  async function sharesWithAnother(asked: Client): Promise<boolean> {
    let other: Client | undefined;
    try {
      other = await connect();
      return await shareSessions(asked, other);
    } catch {
      // A pooler that has no second session to lend keeps the first one for its connection.
      return false;
    } finally {
      if (other) drop(other);
    }
  }

  async function observe(): Promise<Sample | Failure> {
    for (let attempt = 1; ; attempt++) {
      const old = client;
      try {
        return await ask(old ?? (await connected()));
      } catch (error) {
        const failure = { kind: classify(error), code: codeOf(error), failedAt: clock.now() };
        if (isPrepared && NOT_PREPARED.test(failure.code ?? '')) {
          isPrepared = false;
          continue;
        }
        if (!old || attempt === 2 || isClosed || !isWorthAnother(failure)) {
          if (client && (isLoss(failure.kind) || failure.kind === 'other')) drop(client);
          return failure;
        }
        if (failure.kind === 'gone') drop(old);
      }
    }
  }

  /**
   * A postmaster that is stuck lets old connections live and new ones hang, so now and then the connection is
   * replaced by another. The old one answers until then.
   */
  async function replaceConnection(): Promise<void> {
    if (isReplacing || !client) return;
    isReplacing = true;
    try {
      const replacement = await connect();
      refusedConnections = 0;
      connectedAt = clock.now();
      const old = client;
      client = isClosed ? undefined : replacement;
      if (isClosed) drop(replacement);
      else if (old) retire(old);
    } catch {
      refusedConnections += 1;
    } finally {
      isReplacing = false;
    }
  }

  /** The poll under way may still be using it. */
  function retire(old: Client): void {
    void (polling ?? Promise.resolve()).then(() => drop(old));
  }

  async function pollOnce(): Promise<void> {
    if (client && clock.now() - connectedAt > tuning.freshConnect) void replaceConnection();
    const result = await observe();
    if (!client) refusedConnections = 0;
    if (!isClosed) onObservation({ result, refusedConnections });
  }

  function poll(): Promise<void> {
    if (isClosed) return Promise.resolve();
    polling ??= pollOnce().finally(() => {
      polling = undefined;
    });
    return polling;
  }

  function schedule(): void {
    const jitter = 0.9 + Math.random() * 0.2;
    cancelNext = clock.after(tuning.pollInterval * jitter, tick);
  }

  function tick(): void {
    void poll().then(() => {
      if (!isClosed) schedule();
    });
  }

  return {
    start: tick,
    poll,
    async pollAfresh() {
      await polling;
      await poll();
    },
    get isPooled() {
      return client !== undefined && backends.has(client);
    },
    async close() {
      isClosed = true;
      cancelNext();
      for (const each of open) drop(each);
      await polling;
    },
  };
}

/**
 * A connection that ended while it was idle says little about now, but a server that hangs says enough. A change of
 * role while it answered is over when it is asked again.
 */
function isWorthAnother({ kind, code }: Failure): boolean {
  return kind === 'gone' || code === WRONG_ROLE;
}

/** A goodbye if the line is open, and an end to the socket in any case: the other side may be frozen. */
function hangUp(client: Client): void {
  const { stream } = (client as unknown as { connection: { stream: { destroy(): void } } }).connection;
  const timer = setTimeout(() => stream.destroy(), 100);
  client.end().then(
    () => clearTimeout(timer),
    () => clearTimeout(timer),
  );
}

function codeOf(error: unknown): string | null {
  const { code, errors } = error as { code?: unknown; errors?: unknown };
  if (typeof code === 'string') return code;
  return Array.isArray(errors) && errors.length > 0 ? codeOf(errors[0]) : null;
}
