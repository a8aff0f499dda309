import type { LoadResult, WireRequest } from '../client/jobs.ts';
import { interleave, type Side } from '../interleave.ts';
import { computeRatio, judge, type Line, type Row, shortMillis, times } from '../line.ts';
import { type Cpu, withCpu } from '../measured-run.ts';
import { type PeerName, peerTitles } from '../peers.ts';
import { gatewayList, peerList } from '../requests.ts';
import { SideMissingError, type Stage } from '../stage.ts';
import { median } from '../statistics.ts';
import { verifyList } from '../verify.ts';
import type { Endpoint } from '../wire.ts';
import { CONNECTIONS, loadWorkload, MAX_WARM_UP_MILLIS, perRequest } from '../workload.ts';
import { GATEWAY, missing, orMissing } from './list-sides.ts';

export const PAGE = 50;

const TARGET = 2.5;
const pagesTitle = `page of ${PAGE} × 15 fields, ${CONNECTIONS} connections`;

/** Pages of every account, in an order without a pattern: the same for every side. */
const accountIds = Array.from({ length: 100 }, (_, index) => String(1 + ((index * 37) % 100)));

export const pagesRow: Row = {
  name: 'pages',
  title: `pages of ${PAGE} over ${CONNECTIONS} connections`,
  workloads: (stage) => [loadWorkload(stage, pagesTitle, pageRequests)],
  async measure(stage) {
    const sides = [
      await gatewayPages(stage),
      await orMissing(() => peerPages(stage, 'postgraphile')),
      await orMissing(() => peerPages(stage, 'bare')),
    ];
    const present = sides.filter((side): side is Side<PagesRun> => !(side instanceof SideMissingError));
    const results = await interleave(present, { repeats: stage.settings.repeats, warmups: 1 });
    const peer = sides[1]!;
    const title = pagesTitle;
    const targets = [
      `≥ ${TARGET}× requests/s of ${peerTitles.postgraphile}`,
      `p99 below that of ${peerTitles.postgraphile}`,
    ];
    if (peer instanceof SideMissingError) return targets.map((target) => missing(title, target, peer));
    return [throughput(title, targets[0]!, results), tail(targets[1]!, results)];
  },
};

/** A load, and what a page took of the processors. */
export type PagesRun = LoadResult & Cpu;

export async function gatewayPages(stage: Stage): Promise<Side<PagesRun>> {
  const { endpoint, process } = await stage.gateway();
  return loadSide(stage, { name: GATEWAY, pid: process.pid, requests: pageRequests(endpoint) });
}

/** A page of each account, of all fields or of this selection. */
export function pageRequests(endpoint: Endpoint, selection?: string): WireRequest[] {
  return accountIds.map((accountId) =>
    gatewayList(endpoint, {
      first: PAGE,
      filter: { accountIds: [accountId] },
      ...(selection !== undefined && { selection }),
    }),
  );
}

async function peerPages(stage: Stage, name: PeerName): Promise<Side<PagesRun>> {
  const { endpoint, process } = await stage.peer(name);
  const requests = accountIds.map((accountId) => peerList[name](endpoint, { first: PAGE, accountId }));
  return loadSide(stage, { name: peerTitles[name], pid: process.pid, requests });
}

async function loadSide(
  stage: Stage,
  { name, pid, requests }: { name: string; pid: number; requests: readonly WireRequest[] },
): Promise<Side<PagesRun>> {
  const { database, client, settings } = stage;
  for (const [index, request] of requests.slice(0, 3).entries()) {
    await verifyList(name, request, { database, first: PAGE, accountId: accountIds[index] });
  }
  const load = (milliseconds: number, pages?: number) =>
    client.load(requests, { connections: CONNECTIONS, milliseconds, pages });
  return {
    name,
    warmUp: () => load(MAX_WARM_UP_MILLIS, settings.warmUpPages),
    async run() {
      const { result, ...cpu } = await withCpu(stage, pid, () => load(settings.loadMilliseconds));
      return { ...result, ...perRequest(cpu, result.requests) };
    },
  };
}

type Results = ReadonlyMap<string, readonly PagesRun[]>;

function throughput(title: string, target: string, results: Results): Line {
  const perSecond = (name: string) => results.get(name)!.map((result) => result.perSecond);
  const reference = perSecond(peerTitles.postgraphile);
  const { ratio, spread } = computeRatio(perSecond(GATEWAY), reference);
  return {
    title,
    target,
    measured: times(ratio),
    verdict: judge(ratio >= TARGET),
    notes: [
      ...[...results.keys()].map((name) => {
        const ofReference = times(median(perSecond(name)) / median(reference));
        const cpu = (part: 'ownCpu' | 'databaseCpu') =>
          shortMillis(median(results.get(name)!.map((result) => result[part])));
        return (
          `${name} ${Math.round(median(perSecond(name)))} requests/s (${ofReference}), processor per page: ` +
          `own ${cpu('ownCpu')} ms + PostgreSQL ${cpu('databaseCpu')} ms`
        );
      }),
      spread,
    ],
  };
}

function tail(target: string, results: Results): Line {
  const p99 = (name: string) => median(results.get(name)!.map((result) => result.p99));
  const own = p99(GATEWAY);
  return {
    title: 'the same, p99',
    target,
    measured: `${shortMillis(own)} against ${shortMillis(p99(peerTitles.postgraphile))} ms`,
    verdict: judge(own < p99(peerTitles.postgraphile)),
    notes: [...results.keys()].map((name) => `${name} p99 ${shortMillis(p99(name))} ms`),
  };
}
