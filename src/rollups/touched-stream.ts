import type { ChangedRelation, ChangedValue, RowChange } from '../db/wire/pgoutput.ts';
import { hasColumns } from '../feed/change-streams.ts';
import {
  ReplicationConnection,
  type ReplicationOptions,
  type ServerPosition,
} from '../replicas/replication-connection.ts';
import type { TouchedPlace } from './file-writer.ts';
import { quarterOf } from './quarters.ts';

export interface TouchedStreamOptions
  extends Pick<ReplicationOptions, 'connectionString' | 'publication' | 'slot' | 'verify'> {
  readonly keyColumn: string;
}

/** More than are counted one by one: then everything is counted anew. */
const MAX_PLACES = 100_000;

interface Waiter {
  readonly lsn: bigint;
  resolve(): void;
  reject(error: Error): void;
}

/** Which places the calls that change on one standby lie in, or lay in before. */
export class TouchedStream {
  readonly #connection: ReplicationConnection;
  readonly #keyColumn: string;
  /** By account and quarter, with the last commit that has touched it. */
  readonly #touched = new Map<string, TouchedPlace & { readonly commitLsn: bigint }>();
  #upTo = 0n;
  #failure: Error | undefined;
  #waiting: Waiter[] = [];

  constructor({ keyColumn, ...options }: TouchedStreamOptions) {
    this.#keyColumn = keyColumn;
    this.#connection = new ReplicationConnection({ ...options, onEnd: (error) => this.#end(error) });
  }

  /** Resolves when every change that commits from now on will be told: that may take until the primary writes what runs. */
  async open(): Promise<ServerPosition> {
    await this.#connection.open();
    const position = await this.#connection.identify();
    const lsn = await this.#connection.createSlot();
    const wanted = ['i_account', 'connect_time'];
    this.#upTo = lsn;
    this.#connection.start(lsn, {
      wants: (relation) => (this.#isOfCalls(relation) ? wanted : undefined),
      change: (change) => this.#note(change),
      truncate: () => this.#end(new Error('The table of calls was emptied.')),
      commit: (end) => this.#noteCommit(end),
    });
    return position;
  }

  close(): void {
    this.#end(new Error('The stream was closed.'));
    this.#connection.close();
  }

  /** Resolves when every change is known that had committed before `lsn`. Rejects when that will never be. */
  reach(lsn: bigint): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    if (this.#failure) reject(this.#failure);
    else if (this.#upTo >= lsn) resolve();
    else this.#waiting.push({ lsn, resolve, reject });
    return promise;
  }

  get places(): readonly TouchedPlace[] {
    return [...this.#touched.values()];
  }

  /** Places are counted as they were when everything before `lsn` had committed, and perhaps more. */
  forget(places: readonly TouchedPlace[], lsn: bigint): void {
    for (const place of places) {
      const key = keyOf(place);
      const touched = this.#touched.get(key);
      // What commits from there on may be counted, or not yet.
      if (touched && touched.commitLsn < lsn) this.#touched.delete(key);
    }
  }

  #isOfCalls(relation: ChangedRelation): boolean {
    return hasColumns(relation, [this.#keyColumn, 'i_account', 'connect_time']);
  }

  #note({ row, old, commitLsn }: RowChange): void {
    for (const values of [row, old]) {
      if (!values) continue;
      const place = placeOf(values);
      if (!place) throw new Error('The WAL does not say whose call was changed, or when it was.');
      this.#touched.set(keyOf(place), { ...place, commitLsn });
    }
    if (this.#touched.size > MAX_PLACES)
      throw new Error(`Calls of more than ${MAX_PLACES} places have changed.`);
  }

  #noteCommit(end: bigint): void {
    this.#upTo = end;
    const reached = this.#waiting.filter(({ lsn }) => lsn <= end);
    if (reached.length === 0) return;
    this.#waiting = this.#waiting.filter(({ lsn }) => lsn > end);
    for (const { resolve } of reached) resolve();
  }

  #end(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#failure);
    this.#connection.close();
  }
}

const keyOf = ({ account, second }: TouchedPlace): string => `${account}/${second}`;

/** Undefined where the WAL has not both. */
function placeOf([account, time]: readonly ChangedValue[]): TouchedPlace | undefined {
  if (account == null || time == null) return undefined;
  return { account: BigInt(account), second: quarterOf(time) };
}
