import { statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { type KeptAnswer, type KeptQuery, type KeptRefusal, keptRefusals } from '../db/calls/kept-stats.ts';
import type { KeptAnswers, KeptFile, KeptMoment } from '../replicas/kept-file.ts';
import { readSums } from './read-sums.ts';
import { type FileState, FORMAT } from './tables.ts';

export interface RollupFileOptions {
  readonly path: string;
  readonly maxAgeSeconds: number;
  readonly logger: { warn(facts: object, message: string): void; info(facts: object, message: string): void };
}

interface OpenFile {
  readonly db: DatabaseSync;
  /** Of the file on the disk: another one has taken its place where it differs. */
  readonly identity: string;
}

/** The file as a gateway reads it: whatever is wrong with it, the table answers. */
export class RollupFile implements KeptFile {
  readonly maxAgeSeconds: number;
  readonly #options: RollupFileOptions;
  #open: OpenFile | undefined;
  /** When this version was seen first, in milliseconds of the process: it is at least so old, whatever the clock is set to. */
  #seen: { readonly countedAt: number; readonly at: number } | undefined;
  #problem: string | undefined;
  /** For metrics: statistics that were answered from it, and from the calls by why they were. */
  readonly answers: KeptAnswers = {
    kept: 0,
    refused: Object.fromEntries(keptRefusals.map((refusal) => [refusal, 0])) as KeptAnswers['refused'],
  };

  constructor(options: RollupFileOptions) {
    this.#options = options;
    this.maxAgeSeconds = options.maxAgeSeconds;
  }

  readNow<Result>(use: (moment: KeptMoment) => Result): Result | undefined {
    try {
      const db = this.#find();
      if (!db) return undefined;
      db.exec('begin');
      try {
        const state = readState(db);
        this.#note(undefined);
        return state && use(this.#momentOf(db, state));
      } finally {
        if (db.isTransaction) db.exec('rollback');
      }
    } catch (error) {
      if (!isOfSqlite(error)) throw error;
      this.#note(error.message);
      this.close();
      return undefined;
    }
  }

  noteAnswer(refusal: KeptRefusal | undefined): void {
    if (refusal) this.answers.refused[refusal]++;
    else this.answers.kept++;
  }

  close(): void {
    const opened = this.#open;
    this.#open = undefined;
    opened?.db.close();
  }

  #find(): DatabaseSync | undefined {
    const { path } = this.#options;
    const stats = statSync(path, { throwIfNoEntry: false });
    const identity = stats && `${stats.dev}/${stats.ino}`;
    if (this.#open && this.#open.identity !== identity) this.close();
    if (identity === undefined) {
      this.#note('there is no file yet');
      return undefined;
    }
    this.#open ??= { db: new DatabaseSync(path, { readOnly: true }), identity };
    return this.#open.db;
  }

  #momentOf(db: DatabaseSync, state: FileState): KeptMoment {
    if (this.#seen?.countedAt !== state.countedAt) {
      this.#seen = { countedAt: state.countedAt, at: performance.now() };
    }
    const { fingerprint, systemIdentifier, timeline, lsn, asOf } = state;
    return {
      position: { systemIdentifier, timeline, lsn: BigInt(lsn) },
      fingerprint,
      asOf,
      stalenessSeconds: stalenessOf(state, performance.now() - this.#seen.at),
      read: (query: KeptQuery): KeptAnswer | undefined => readSums(db, query),
    };
  }

  /** Each problem once. */
  #note(problem: string | undefined): void {
    if (problem === this.#problem) return;
    this.#problem = problem;
    const { logger, path } = this.#options;
    if (problem === undefined) logger.info({ path }, 'statistics are answered from the rollups');
    else logger.warn({ path, problem }, 'the rollups cannot be read: statistics are answered from the table');
  }
}

/** Undefined: of another version, or nothing is counted yet. */
function readState(db: DatabaseSync): FileState | undefined {
  const [row] = db.prepare('select state from state').all();
  if (!row) return undefined;
  const state = JSON.parse(String(row.state)) as FileState;
  return state.format === FORMAT ? state : undefined;
}

/** Null where a clock that was set back does not allow to say it. */
function stalenessOf({ stalenessSeconds, countedAt }: FileState, seenMillis: number): number | null {
  const millis = Date.now() - countedAt;
  if (stalenessSeconds === null || millis < 0) return null;
  return stalenessSeconds + Math.max(millis, seenMillis) / 1000;
}

function isOfSqlite(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && error.code === 'ERR_SQLITE_ERROR';
}
