import { HEAVY_ACCOUNT_ID } from '../../src/demo/accounts.ts';
import { callsSql } from '../calls.ts';
import { interleave, type Side } from '../interleave.ts';
import { computeRatio, count, judge, type Line, millis, type Row, shortMillis, times } from '../line.ts';
import type { MeasuredRun } from '../measured-run.ts';
import { peerTitles } from '../peers.ts';
import { psqlProcess } from '../psql.ts';
import { gatewayList, type ListRequest } from '../requests.ts';
import { SideMissingError, type Stage } from '../stage.ts';
import { median } from '../statistics.ts';
import type { Endpoint } from '../wire.ts';
import { readWorkload, type Workload } from '../workload.ts';
import {
  COPY,
  copySide,
  GATEWAY,
  gatewaySide,
  missing,
  orMissing,
  peerSide,
  withFilter,
} from './list-sides.ts';

const COPY_TARGET = 1.15;
const PEER_TARGET = 5;
/** Of the processor time that PostgreSQL needs for the same answer. */
const MAX_OWN_SHARE = 0.8;

/** The list that is compared with COPY, and with every peer. */
export const listRow: Row = {
  name: 'list',
  title: 'a list, whole answer',
  workloads: (stage) => [listWorkload(stage, { first: stage.settings.sizes.list }, 'calls × 15 fields')],
  async measure(stage) {
    const list = { first: stage.settings.sizes.list };
    const title = `${count(list.first)} calls × 15 fields, whole answer`;
    const peers = ['postgraphile', 'naive'] as const;
    const sides = [
      await gatewaySide(stage, list),
      await orMissing(() => copySide(stage, list)),
      await orMissing(() => peerSide(stage, 'postgraphile', list)),
      await orMissing(() => peerSide(stage, 'naive', list)),
    ];
    const present = sides.filter((side): side is Side<MeasuredRun> => !(side instanceof SideMissingError));
    const runs = await interleave(present, { repeats: stage.settings.repeats, warmups: 2 });
    const copy = sides[1]!;
    return [
      copy instanceof SideMissingError
        ? missing(title, copyTarget, copy)
        : { ...againstCopy(title, runs), notes: [...describeRuns(runs), wholeProcess(stage, list)] },
      ...peers.map((name, index) => {
        const side = sides[2 + index]!;
        const target = `≥ ${PEER_TARGET}× faster than ${peerTitles[name]}`;
        if (side instanceof SideMissingError) return missing('the same', target, side);
        const { ratio, spread } = computeRatio(totals(runs, side.name), totals(runs, GATEWAY));
        return {
          title: 'the same',
          target,
          measured: `${times(ratio)} faster`,
          verdict: judge(ratio >= PEER_TARGET),
          notes: [spread],
        };
      }),
      ownShare(runs),
    ];
  },
};

function ownShare(runs: ReadonlyMap<string, readonly MeasuredRun[]>): Line {
  const cpu = (part: 'ownCpu' | 'databaseCpu') => median(runs.get(GATEWAY)!.map((run) => run[part]));
  const share = cpu('ownCpu') / cpu('databaseCpu');
  return {
    title: "the same, the gateway's own processor time",
    target: `≤ ${MAX_OWN_SHARE}× PostgreSQL's`,
    measured: times(share),
    verdict: judge(share <= MAX_OWN_SHARE),
    notes: [],
  };
}

/** The same of one heavy account: the wrong index would read twice the calls and more. */
export const accountListRow: Row = {
  name: 'account-list',
  title: 'a list of the busiest account',
  workloads: (stage) => [listWorkload(stage, listOfAccount(stage), 'calls of the busiest account')],
  measure: (stage) => {
    const list = listOfAccount(stage);
    return besideCopy(stage, list, `${count(list.first)} calls of the busiest account`);
  },
};

export function listOfAccount({ settings }: Stage): ListRequest {
  return { first: settings.sizes.list, accountId: String(HEAVY_ACCOUNT_ID) };
}

export const longListRow: Row = {
  name: 'long-list',
  title: 'a long list, whole answer',
  workloads: (stage) => [listWorkload(stage, { first: stage.settings.sizes.longList }, 'calls × 15 fields')],
  measure: (stage) => {
    const list = { first: stage.settings.sizes.longList };
    return besideCopy(stage, list, `${count(list.first)} calls × 15 fields`);
  },
};

export const firstByteRow: Row = {
  name: 'first-byte',
  title: 'first byte of a list',
  workloads: (stage) => {
    const { list } = stage.settings.sizes;
    const makeRequest = (endpoint: Endpoint) => gatewayList(endpoint, { first: list });
    return [readWorkload(stage, `first byte of ${count(list)} calls`, makeRequest, 'firstByte')];
  },
  async measure(stage) {
    const { list } = stage.settings.sizes;
    const side = await gatewaySide(stage, { first: list });
    const runs = await interleave([side], { repeats: stage.settings.repeats * 3, warmups: 2 });
    const firstBytes = runs.get(GATEWAY)!.map(({ firstByte }) => firstByte);
    return [
      {
        title: `first byte of ${count(list)} calls`,
        target: '≤ 10 ms after the request',
        measured: `${shortMillis(median(firstBytes))} ms`,
        verdict: judge(median(firstBytes) <= 10),
        notes: [`${GATEWAY} ${millis(firstBytes)}`],
      },
    ];
  },
};

function listWorkload(stage: Stage, list: ListRequest, what: string): Workload {
  return readWorkload(stage, `${count(list.first)} ${what}`, (endpoint) =>
    gatewayList(endpoint, withFilter(list)),
  );
}

const copyTarget = `≤ ${COPY_TARGET}× COPY of the same select`;

async function besideCopy(stage: Stage, list: ListRequest, title: string): Promise<Line[]> {
  const sides = [copySide(stage, list), await gatewaySide(stage, list)];
  const runs = await interleave(sides, { repeats: stage.settings.repeats, warmups: 1 });
  return [againstCopy(title, runs)];
}

function againstCopy(title: string, runs: ReadonlyMap<string, readonly MeasuredRun[]>): Line {
  const { ratio, spread } = computeRatio(totals(runs, GATEWAY), totals(runs, COPY));
  return {
    title,
    target: copyTarget,
    measured: times(ratio),
    verdict: judge(ratio <= COPY_TARGET),
    notes: [...describeRuns(runs), spread],
  };
}

/** A line per side: how long it took, and where the work was done. */
export function describeRuns(runs: ReadonlyMap<string, readonly MeasuredRun[]>): string[] {
  return [...runs].map(([name, sample]) => {
    const cpu = (part: 'ownCpu' | 'databaseCpu') => shortMillis(median(sample.map((run) => run[part])));
    const took = `${name} ${millis(sample.map(({ total }) => total))}`;
    const bytes = median(sample.map((run) => run.bytes));
    const size = Number.isNaN(bytes) ? '' : `, ${(bytes / 1e6).toFixed(1)} MB`;
    return `${took}, processor: own ${cpu('ownCpu')} ms + PostgreSQL ${cpu('databaseCpu')} ms${size}`;
  });
}

function wholeProcess(stage: Stage, { first, accountId }: ListRequest): string {
  const runs = Array.from({ length: 3 }, () => psqlProcess(stage.database.url, callsSql(first, accountId)));
  return `psql as a whole process, start and login included: ${millis(runs)}`;
}

export const totals = (runs: ReadonlyMap<string, readonly MeasuredRun[]>, name: string): number[] =>
  runs.get(name)!.map(({ total }) => total);
