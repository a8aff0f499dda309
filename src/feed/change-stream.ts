import type { CallOwner } from '../db/scope.ts';
import type { ChangedRelation, RowChange } from '../db/wire/pgoutput.ts';
import { ReplicationConnection, type ReplicationOptions } from '../replicas/replication-connection.ts';

/** What became of one call, in the order of commits. */
export interface CallChange {
  readonly kind: 'insert' | 'update' | 'delete';
  readonly key: bigint;
  /** The change is of a transaction whose commit begins here. */
  readonly commitLsn: bigint;
  /** Before the change; of an insert nobody's. */
  readonly oldOwner: CallOwner;
}

/** What has come since the last time, and how far everything has come with it. */
export interface TakenChanges {
  readonly changes: readonly CallChange[];
  /** Every change of a transaction that committed before has been taken; undefined: no further than the last time. */
  readonly upTo: bigint | undefined;
  /** Ends within a transaction. */
  readonly isPartial: boolean;
  readonly hasMore: boolean;
  /** The table was emptied. */
  readonly isTruncated: boolean;
}

export interface ChangeStreamOptions
  extends Pick<ReplicationOptions, 'connectionString' | 'publication' | 'slot' | 'verify'> {
  /** Whether it is the table of calls, or a partition of it. */
  readonly isOfCalls: (relation: ChangedRelation) => boolean;
  readonly keyColumn: string;
  readonly onEnd: (error: Error) => void;
}

/** Changes that wait: then the server waits too. */
const MAX_WAITING = 50_000;
const RESUME_WAITING = 10_000;

type Waiting = CallChange | bigint | 'truncated';

/** The changes of the calls as one standby replays them. It keeps what has come until it is taken. */
export class ChangeStream {
  readonly #options: ChangeStreamOptions;
  readonly #connection: ReplicationConnection;
  #waiting: Waiting[] = [];
  #taken = 0;
  #isPaused = false;
  #isInTransaction = false;
  /** For metrics. */
  changes = 0;

  constructor(options: ChangeStreamOptions) {
    this.#options = options;
    this.#connection = new ReplicationConnection({
      connectionString: options.connectionString,
      publication: options.publication,
      slot: options.slot,
      verify: options.verify,
      onEnd: (error) => options.onEnd(error),
    });
  }

  get isOpen(): boolean {
    return this.#connection.isOpen;
  }

  get connection(): Pick<
    ReplicationConnection,
    'open' | 'identify' | 'switchedAt' | 'createSlot' | 'advance'
  > {
    return this.#connection;
  }

  /** Every transaction that commits from there on. */
  start(lsn: bigint): void {
    const wanted = [this.#options.keyColumn, 'i_account', 'i_customer'];
    this.#connection.start(lsn, {
      wants: (relation) => (this.#options.isOfCalls(relation) ? wanted : undefined),
      change: (change) => this.#note(change),
      truncate: () => this.#add('truncated'),
      commit: (end) => this.#noteCommit(end),
    });
  }

  close(): void {
    this.#connection.close();
  }

  /** Takes what has come, up to so many changes and the end of a transaction where that is near. */
  take(limit: number): TakenChanges {
    const changes: CallChange[] = [];
    let upTo: bigint | undefined;
    let isTruncated = false;
    while (this.#taken < this.#waiting.length && (changes.length < limit || this.#isCommitNext())) {
      const next = this.#waiting[this.#taken++]!;
      if (typeof next === 'bigint') upTo = next;
      else if (next === 'truncated') isTruncated = true;
      else changes.push(next);
      this.#isInTransaction = typeof next !== 'bigint';
    }
    if (this.#taken === this.#waiting.length || this.#taken > RESUME_WAITING) {
      this.#waiting = this.#waiting.slice(this.#taken);
      this.#taken = 0;
    }
    this.#letMoreCome();
    const hasMore = this.#waiting.length > this.#taken;
    return { changes, upTo, isPartial: this.#isInTransaction, hasMore, isTruncated };
  }

  #isCommitNext(): boolean {
    return typeof this.#waiting[this.#taken] === 'bigint';
  }

  #noteCommit(end: bigint): void {
    const last = this.#waiting.length - 1;
    // Where nothing of ours lies between, only the last one counts.
    if (last >= this.#taken && typeof this.#waiting[last] === 'bigint') this.#waiting[last] = end;
    else this.#add(end);
  }

  #note({ kind, relation, commitLsn, row, old }: RowChange): void {
    const [key] = row ?? old ?? [];
    // A key that the WAL does not have, or that is none, names no call.
    if (key == null || !/^-?\d{1,19}$/.test(key)) return;
    this.changes++;
    const [oldKey] = old ?? [];
    const wasOther = kind === 'update' && oldKey != null && oldKey !== key;
    if (wasOther) {
      // The call under the old key is gone, and one with the new key has come.
      this.#addChange('delete', oldKey, commitLsn, ownerOf(old));
      this.#addChange('insert', key, commitLsn, NOBODY);
    } else if (old || kind === 'delete') this.#addChange(kind, key, commitLsn, ownerOf(old));
    else if (kind === 'insert') this.#addChange(kind, key, commitLsn, NOBODY);
    // Without an old image nothing of the identity has changed.
    else this.#addChange(kind, key, commitLsn, unchangedOwner(relation, row));
  }

  #addChange(kind: CallChange['kind'], key: string, commitLsn: bigint, oldOwner: CallOwner): void {
    this.#add({ kind, key: BigInt(key), commitLsn, oldOwner });
  }

  #add(each: Waiting): void {
    this.#waiting.push(each);
    if (this.#waiting.length - this.#taken > MAX_WAITING && !this.#isPaused) {
      this.#isPaused = true;
      this.#connection.pause();
    }
  }

  #letMoreCome(): void {
    if (!this.#isPaused || this.#waiting.length - this.#taken > RESUME_WAITING) return;
    this.#isPaused = false;
    this.#connection.resume();
  }
}

const NOBODY: CallOwner = { account: null, customer: null };

/** Of a row without an old image: what is part of the identity is what it was. */
function unchangedOwner({ columns }: ChangedRelation, row: RowChange['row']): CallOwner {
  const isIdentified = (wanted: string) =>
    columns.some(({ name, isIdentity }) => isIdentity && name === wanted);
  const { account, customer } = ownerOf(row);
  return {
    account: isIdentified('i_account') ? account : undefined,
    customer: isIdentified('i_customer') ? customer : undefined,
  };
}

function ownerOf(values: RowChange['row']): CallOwner {
  return { account: values?.[1], customer: values?.[2] };
}
