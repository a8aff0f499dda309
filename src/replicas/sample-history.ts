import { parseLsn } from './lsn.ts';
import { type Confidence, confidences, type ReplicaState, replicaStates } from './states.ts';
import type { ReplicaStatus } from './status.ts';

/**
 * What one standby was like during one interval. Figures are null while they were unknown, never 0 for that.
 * Positions are bytes since the beginning of WAL, exact up to 9 petabytes.
 */
export interface HistoryPoint {
  /** Milliseconds since 1970: when the interval began. */
  readonly time: number;
  /** Upper bound of staleness: the worst of the interval. */
  readonly lagSeconds: number | null;
  /** Lower bound of staleness: the worst of the interval. */
  readonly stalenessMinSeconds: number | null;
  /** The worst of the interval. */
  readonly lagBytes: number | null;
  readonly receivedBytes: number | null;
  readonly replayedBytes: number | null;
  readonly upstreamBytes: number | null;
  readonly timeline: number | null;
  /** 1 when it answered every poll, else 0. */
  readonly up: number | null;
  /** 1 when its WAL receiver was seen connected at every poll, else 0. */
  readonly streaming: number | null;
  /** At the end of the interval. */
  readonly state: ReplicaState | null;
  readonly confidence: Confidence | null;
}

export type HistoryField = Exclude<keyof HistoryPoint, 'time'>;

/** A standby's state became another one. */
export interface StatusChange {
  readonly replica: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly state: ReplicaState;
  /** Null for the first state that was seen. */
  readonly before: ReplicaState | null;
  readonly reason: string | null;
}

/** Milliseconds since 1970, half-open. */
export interface TimeSpan {
  readonly from: number;
  readonly to: number;
}

export interface HistoryQuery extends TimeSpan {
  /** Length of an interval; it is rounded up to the resolution that was kept of that time. */
  readonly stepMillis: number;
}

/**
 * The last 24 hours of every standby, in memory that depends only on the number of standbys. Recent hours are
 * kept finely, older ones coarsely; samples of one interval are merged so that the worst stays visible.
 */
export interface SampleHistory {
  note(status: ReplicaStatus): void;
  /**
   * One point per interval, oldest first; all nulls where nothing was sampled, so that a line has a gap there.
   * Intervals begin at multiples of their length. Empty for a name that is not known.
   */
  points(replica: string, query: HistoryQuery): HistoryPoint[];
  /** Oldest first. At most the latest thousand of each standby. */
  changes(span: TimeSpan): StatusChange[];
  /** Of the samples; the changes come on top. */
  readonly byteLength: number;
}

export interface SampleHistoryOptions {
  /** Between two samples of a standby; a poll that times out makes it two seconds longer. */
  readonly pollIntervalSeconds?: number;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

const HOUR_MILLIS = 3_600_000;
const KEPT_MILLIS = 24 * HOUR_MILLIS;
const FINE_MILLIS = 6 * HOUR_MILLIS;
const MAX_CHANGES = 1000;

interface Remembered {
  readonly fine: Ring;
  readonly coarse: Ring;
  readonly changes: StatusChange[];
}

export function createSampleHistory(options: SampleHistoryOptions = {}): SampleHistory {
  const { pollIntervalSeconds = 1, now = Date.now } = options;
  // So long that an interval without a sample means that sampling had stopped.
  const fineStep = Math.ceil(Math.max(5, 3 * pollIntervalSeconds + 2)) * 1000;
  const coarseStep = Math.max(30_000, fineStep);
  const standbys = new Map<string, Remembered>();

  function remembered(name: string): Remembered {
    const known = standbys.get(name);
    if (known) return known;
    const fine = new Ring(fineStep, FINE_MILLIS);
    const made = { fine, coarse: new Ring(coarseStep, KEPT_MILLIS), changes: [] };
    standbys.set(name, made);
    return made;
  }

  return {
    note(status) {
      const at = now();
      const { fine, coarse, changes } = remembered(status.name);
      const values = readValues(status);
      fine.note(at, values);
      coarse.note(at, values);
      const before = changes.at(-1)?.state ?? null;
      if (before === status.status) return;
      changes.push({ replica: status.name, at, state: status.status, before, reason: status.reason });
      if (changes.length > MAX_CHANGES) changes.shift();
    },
    points(replica, { from, to, stepMillis }) {
      const standby = standbys.get(replica);
      if (!standby) return [];
      const end = now() + 1;
      const isRecent = from >= end - FINE_MILLIS && stepMillis < coarseStep;
      const span = { from: Math.max(from, end - KEPT_MILLIS), to: Math.min(to, end) };
      return (isRecent ? standby.fine : standby.coarse).points(span, stepMillis, end);
    },
    changes({ from, to }) {
      const all = [...standbys.values()].flatMap(({ changes }) => changes);
      return all.filter(({ at }) => at >= from && at < to).toSorted((a, b) => a.at - b.at);
    },
    get byteLength() {
      const rings = [...standbys.values()].flatMap(({ fine, coarse }) => [fine, coarse]);
      return rings.reduce((sum, ring) => sum + ring.byteLength, 0);
    },
  };
}

/** Whether it answered the last poll; null before the first. */
export function isAnswering({ status }: ReplicaStatus): boolean | null {
  return status === 'UNKNOWN' ? null : status !== 'UNREACHABLE' && status !== 'STARTING';
}

/**
 * Whether its WAL receiver was seen connected at the last poll, with something coming through; null before the first.
 * A lag beside a false is only as good as what was known before.
 */
export function isStreaming(replica: ReplicaStatus): boolean | null {
  const isUp = isAnswering(replica);
  return isUp && replica.receiverStatus === 'streaming' && replica.status !== 'STALLED';
}

/** What two values of one interval become. NaN is unknown, and gives way to what is known. */
type Merge = (kept: number, added: number) => number;
const worst: Merge = (kept, added) => (added > kept || Number.isNaN(kept) ? added : kept);
const every: Merge = (kept, added) => (added < kept || Number.isNaN(kept) ? added : kept);
const last: Merge = (kept, added) => (Number.isNaN(added) ? kept : added);

interface Column {
  readonly merge: Merge;
  readonly valueOf: (status: ReplicaStatus) => number | bigint | boolean | null;
  /** What small numbers stand for. */
  readonly labels?: readonly string[];
}

const states = Object.keys(replicaStates);
const levels = Object.keys(confidences);
const position = (lsn: string | null) => (lsn === null ? null : parseLsn(lsn));

const columns: Readonly<Record<HistoryField, Column>> = {
  lagSeconds: { merge: worst, valueOf: ({ lagSeconds }) => lagSeconds },
  stalenessMinSeconds: { merge: worst, valueOf: ({ staleness }) => staleness?.minSeconds ?? null },
  lagBytes: { merge: worst, valueOf: ({ lagBytes }) => lagBytes },
  receivedBytes: { merge: last, valueOf: ({ receivedLsn }) => position(receivedLsn) },
  replayedBytes: { merge: last, valueOf: ({ replayedLsn }) => position(replayedLsn) },
  upstreamBytes: { merge: last, valueOf: ({ upstreamLsn }) => position(upstreamLsn) },
  timeline: { merge: last, valueOf: ({ timeline }) => timeline },
  up: { merge: every, valueOf: isAnswering },
  streaming: { merge: every, valueOf: isStreaming },
  state: { merge: last, valueOf: ({ status }) => states.indexOf(status), labels: states },
  confidence: { merge: last, valueOf: ({ confidence }) => levels.indexOf(confidence), labels: levels },
};

export const historyFields = Object.keys(columns) as HistoryField[];
const merges = historyFields.map((field) => columns[field].merge);
const WIDTH = historyFields.length;

function readValues(status: ReplicaStatus): number[] {
  return historyFields.map((field) => Number(columns[field].valueOf(status) ?? Number.NaN));
}

function buildPoint(time: number, values: readonly number[] | undefined): HistoryPoint {
  const named = historyFields.map((field, index) => {
    const value = values?.[index] ?? Number.NaN;
    return [field, Number.isNaN(value) ? null : (columns[field].labels?.[value] ?? value)];
  });
  return { time, ...Object.fromEntries(named) };
}

/** One row of figures per interval; a row is overwritten when its turn comes again. */
class Ring {
  readonly #stepMillis: number;
  readonly #values: Float64Array;
  /** Number of the interval, since 1970, that a row holds. */
  readonly #intervals: Float64Array;

  constructor(stepMillis: number, keptMillis: number) {
    const rows = Math.ceil(keptMillis / stepMillis) + 1;
    this.#stepMillis = stepMillis;
    this.#values = new Float64Array(rows * WIDTH);
    this.#intervals = new Float64Array(rows).fill(-1);
  }

  get byteLength(): number {
    return this.#values.byteLength + this.#intervals.byteLength;
  }

  note(at: number, values: readonly number[]): void {
    const interval = Math.floor(at / this.#stepMillis);
    const row = interval % this.#intervals.length;
    const known = this.#intervals[row] === interval ? this.#row(row) : undefined;
    this.#intervals[row] = interval;
    this.#values.set(known ? merged(known, values) : values, row * WIDTH);
  }

  points({ from, to }: TimeSpan, wantedStep: number, now: number): HistoryPoint[] {
    const step = Math.max(wantedStep, this.#stepMillis);
    const buckets = new Map<number, readonly number[]>();
    for (let interval = Math.floor(from / this.#stepMillis); interval * this.#stepMillis < to; interval++) {
      const row = interval % this.#intervals.length;
      if (this.#intervals[row] !== interval) continue;
      const bucket = Math.floor((interval * this.#stepMillis) / step);
      const known = buckets.get(bucket);
      buckets.set(bucket, known ? merged(known, this.#row(row)) : this.#row(row));
    }
    const first = Math.floor(from / step);
    let end = Math.ceil(to / step);
    // The sample of an interval that has just begun may yet come: its absence is no gap.
    const settled = now - 2 * this.#stepMillis;
    while (end > first && !buckets.has(end - 1) && (end - 1) * step > settled) end -= 1;
    const points: HistoryPoint[] = [];
    for (let bucket = first; bucket < end; bucket++) {
      // The first one may have begun before the span: it is drawn at its beginning.
      points.push(buildPoint(Math.max(bucket * step, from), buckets.get(bucket)));
    }
    return points;
  }

  #row(row: number): number[] {
    return Array.from(this.#values.subarray(row * WIDTH, (row + 1) * WIDTH));
  }
}

function merged(kept: readonly number[], added: readonly number[]): number[] {
  return merges.map((merge, index) => merge(kept[index]!, added[index]!));
}
