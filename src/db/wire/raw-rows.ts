import type { PoolClient } from 'pg';
import utils from 'pg/lib/utils.js';
import { explain } from '../failures.ts';
import type { Executor } from '../reader.ts';
import type { BoundStatement, SlotValues, Statement } from '../statement.ts';
import { encodeClose, encodeExecution, type Format, together } from './bind-message.ts';
import { cancelBackend } from './cancel-backend.ts';
import { planEach, planOnce, planSwitch } from './plan-once.ts';
import { type RowSink, RowTap, type WireConnection } from './row-tap.ts';
import { encodeScope } from './scope-messages.ts';
import { isSessionChange, isStalePlan } from './statement-names.ts';

/** Where the rows go, which may be slower than PostgreSQL. */
export interface Flow {
  /** True while what was taken so far is still waiting to go on. */
  isFull(): boolean;
  /** Resolves when it no longer is. Throws when the rows are not taken any more. */
  drained(): Promise<void>;
}

export interface RawResult {
  /** Rows that the sink was given. */
  readonly rows: number;
  /** True when the statement was ended early because its rows were taken too slowly: there may be more. */
  readonly isStopped: boolean;
}

/** A statement that waits for its reader holds a snapshot, and with it replay or vacuum. It may wait for so long. */
const MAX_WAIT_MS = 250;
/** A statement older than this is ended at the first wait. */
const MAX_AGE_MS = 2000;
const CANCELLED = '57014';

export interface RawRequest extends RawOptions {
  readonly statement: Statement<unknown>;
  readonly values?: SlotValues;
}

interface BoundQuery extends RawOptions, BoundStatement {
  /** What is sent before it in the same transaction: a statement that returns no rows. */
  readonly prelude: Buffer | undefined;
}

interface RawOptions {
  /** Whether PostgreSQL shall plan it once for all values on this connection, not for each anew. */
  readonly hasOnePlan?: boolean;
  /** One per column. */
  readonly formats: readonly Format[];
  readonly sink: RowSink;
  readonly flow?: Flow | undefined;
}

/**
 * Executes the statement for the reader's scope on one connection, and hands its rows to `sink` as they arrive. Throws
 * GatewayErrors for what we can explain; the reader's signal cancels the statement in PostgreSQL.
 */
export async function readRawRows(
  { pool, source, scope, signal }: Executor,
  { statement, values, ...options }: RawRequest,
): Promise<RawResult> {
  const prelude = source.hasScopePolicies ? encodeScope(scope) : undefined;
  const bound = { ...options, ...statement.bind(scope, values), prelude };
  let client: PoolClient | undefined;
  try {
    signal?.throwIfAborted();
    client = await pool.connect();
    signal?.throwIfAborted();
    return await runNamed(client, bound, signal);
  } catch (error) {
    throw explain(error, signal);
  } finally {
    // node-postgres itself throws away a client whose connection broke.
    client?.release();
  }
}

/**
 * Once more without a name where the session behind the connection is another one, and prepared anew where the table is:
 * nothing has run then.
 */
async function runNamed(
  client: PoolClient,
  bound: BoundQuery,
  signal: AbortSignal | undefined,
): Promise<RawResult> {
  try {
    return await new RawQuery(client, bound).run(signal);
  } catch (error) {
    if (isStalePlan(error)) closeStatement(client, bound.text);
    else if (isSessionChange(error)) RowTap.of(client).statements.giveUp();
    else throw error;
    return await new RawQuery(client, bound).run(signal);
  }
}

function closeStatement(client: PoolClient, text: string): void {
  const { connection } = client as unknown as { connection: WireConnection };
  const name = RowTap.of(client).statements.forget(text);
  if (name === undefined) return;
  connection.stream.write(encodeClose(name));
  delete connection.parsedStatements[name];
}

/** A query as node-postgres takes it, whose rows go to a tap. Their shape is known, so it is not described again. */
class RawQuery {
  readonly name: string;
  readonly text: string;
  /** Set so that node-postgres does not set its own. */
  readonly callback: (error: Error | null) => void;
  readonly #client: PoolClient;
  /** Undefined when it has ended: node-postgres keeps a query for longer, and with this all of the request. */
  #bound: BoundQuery | undefined;
  readonly #tap: RowTap;
  /** Only what is kept on the connection can keep its plan. */
  readonly #isPlannedOnce: boolean;
  readonly #replaced: string | undefined;
  readonly #end = Promise.withResolvers<RawResult>();
  #rows = 0;
  #isStopped = false;
  /** What the sink threw at a row. It ends the statement, and leaves the connection alone. */
  #failure: unknown;
  #cancelling: Promise<void> | undefined;
  /** Runs while PostgreSQL waits. */
  #waiting: NodeJS.Timeout | undefined;
  #startedAt = 0;
  /** Whether it is parsed with this execution; always where it has no name. */
  #isNew = false;

  constructor(client: PoolClient, bound: BoundQuery) {
    this.#client = client;
    this.#tap = RowTap.of(client);
    this.#bound = bound;
    this.text = bound.text;
    const { name, replaced } = this.#tap.statements.of(this.text);
    this.name = name;
    this.#replaced = replaced;
    this.#isPlannedOnce = bound.hasOnePlan === true && this.name !== '';
    this.callback = (error) => this.#finish(error);
  }

  async run(signal: AbortSignal | undefined): Promise<RawResult> {
    const leave = () => this.#stop();
    signal?.addEventListener('abort', leave, { once: true });
    try {
      this.#client.query(this as never);
      const result = await this.#end.promise;
      signal?.throwIfAborted();
      return result;
    } finally {
      signal?.removeEventListener('abort', leave);
      // A cancellation that comes late would hit whatever runs on this connection next.
      await this.#cancelling;
    }
  }

  submit(connection: WireConnection): Error | null {
    this.#startedAt = performance.now();
    this.#tap.sink = (bytes, start, end) => this.#take(bytes, start, end);
    const { formats, values: given, prelude } = this.#bound!;
    this.#tap.sinkFormats = formats;
    const values = given.map((value) => utils.prepareValue(value) as string | null);
    if (!prelude) {
      this.#send(connection, values);
      return null;
    }
    // In one piece: each one would wake the server.
    connection.stream.cork();
    try {
      // Before the statement is parsed: both may be without a name, of which there is one at a time.
      connection.stream.write(prelude);
      this.#send(connection, values);
    } finally {
      connection.stream.uncork();
    }
    return null;
  }

  #send(connection: WireConnection, values: readonly (string | null)[]): void {
    if (this.#replaced !== undefined) {
      connection.stream.write(encodeClose(this.#replaced));
      delete connection.parsedStatements[this.#replaced];
    }
    this.#isNew = connection.parsedStatements[this.name] === undefined;
    if (this.#isNew) {
      connection.parse({ name: this.name, text: this.text, types: [] });
    }
    const execution = encodeExecution({ statement: this.name, values, formats: this.#bound!.formats });
    const parts = this.#isPlannedOnce ? [planOnce, execution, planEach] : [execution];
    if (this.#isPlannedOnce && !this.#tap.hasPlanSwitch) parts.unshift(planSwitch);
    connection.stream.write(together(...parts));
  }

  handleCommandComplete({ text }: { text: string }): void {
    if (!this.#isStopped && text.startsWith('SELECT')) this.#rows = Number(text.slice(7));
  }

  handleReadyForQuery(): void {
    this.#tap.hasPlanSwitch ||= this.#isPlannedOnce;
    this.#finish(null);
  }

  handleError(error: Error): void {
    // What came before it was parsed, and node-postgres took that for the statement itself.
    if (this.#isNew) {
      delete (this.#client as unknown as { connection: WireConnection }).connection.parsedStatements[
        this.name
      ];
    }
    const isOurs = this.#isStopped && (error as { code?: unknown }).code === CANCELLED;
    this.#finish(isOurs ? null : error);
  }

  #take(bytes: Buffer, start: number, end: number): void {
    if (this.#isStopped || !this.#bound) return;
    const { sink, flow } = this.#bound;
    // Called by the socket, where an exception would end the process.
    try {
      sink(bytes, start, end);
      if (flow?.isFull() && !this.#waiting) this.#wait(flow);
    } catch (error) {
      this.#failure = error ?? new Error('A row was thrown back.');
      this.#stop();
    }
  }

  /** Lets PostgreSQL wait for a moment; when that is not enough, ends the statement, to be taken up later. */
  #wait(flow: Flow): void {
    if (performance.now() - this.#startedAt > MAX_AGE_MS) {
      this.#stop();
      return;
    }
    this.#tap.pause();
    const waiting = setTimeout(() => this.#stop(), MAX_WAIT_MS);
    this.#waiting = waiting;
    const stillWaiting = (act: () => void) => () => {
      if (this.#waiting === waiting) act();
    };
    flow.drained().then(
      stillWaiting(() => this.#goOn()),
      stillWaiting(() => this.#stop()),
    );
  }

  #goOn(): void {
    clearTimeout(this.#waiting);
    this.#waiting = undefined;
    this.#tap.resume();
  }

  /** From now on rows are thrown away; PostgreSQL is told to send no more. It must be read to notice. */
  #stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#cancelling = cancelBackend(this.#client);
    this.#goOn();
  }

  /** A statement may end while its rows wait: the next one on this connection must find it flowing. */
  #finish(error: Error | null): void {
    if (this.#waiting) this.#goOn();
    this.#tap.sink = undefined;
    this.#bound = undefined;
    if (this.#failure !== undefined) this.#end.reject(this.#failure);
    else if (error) this.#end.reject(error);
    else this.#end.resolve({ rows: this.#rows, isStopped: this.#isStopped });
  }
}
