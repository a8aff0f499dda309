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

/** Of requests per second, over those of the peer. */
const rateTargets = { postgraphile: 2.5, bare: 0.92 } as const;
/** Of PostGraphile's. */
const MAX_P99_RATIO = 0.5;
const MAX_OWN_MILLIS = 0.42;
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
    return [
      ...(['postgraphile', 'bare'] as const).map((peer, index) => {
        const title = index === 0 ? pagesTitle : 'the same';
        const target = `≥ ${rateTargets[peer]}× requests/s of ${peerTitles[peer]}`;
        const side = sides[1 + index]!;
        return side instanceof SideMissingError
          ? missing(title, target, side)
          : { ...against(peer, results), title, target, notes: index === 0 ? describeLoads(results) : [] };
      }),
      ownProcessor(results),
      sides[1] instanceof SideMissingError ? missing('the same, p99', tailTarget, sides[1]) : tail(results),
    ];
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

const perSecond = (results: Results, name: string) => results.get(name)!.map((result) => result.perSecond);

function against(peer: keyof typeof rateTargets, results: Results): Pick<Line, 'measured' | 'verdict'> {
  const { ratio } = computeRatio(perSecond(results, GATEWAY), perSecond(results, peerTitles[peer]));
  return { measured: times(ratio), verdict: judge(ratio >= rateTargets[peer]) };
}

function describeLoads(results: Results): string[] {
  return [...results].map(([name, runs]) => {
    const { ratio, spread } = computeRatio(perSecond(results, GATEWAY), perSecond(results, name));
    const cpu = (part: 'ownCpu' | 'databaseCpu') => shortMillis(median(runs.map((run) => run[part])));
    const beside = name === GATEWAY ? '' : `; the gateway ${times(ratio)} of it, ${spread}`;
    return (
      `${name} ${Math.round(median(perSecond(results, name)))} requests/s, processor per page: ` +
      `own ${cpu('ownCpu')} ms + PostgreSQL ${cpu('databaseCpu')} ms${beside}`
    );
  });
}

function ownProcessor(results: Results): Line {
  const own = median(results.get(GATEWAY)!.map(({ ownCpu }) => ownCpu));
  return {
    title: 'the same, own processor per page',
    target: `≤ ${MAX_OWN_MILLIS} ms`,
    measured: `${shortMillis(own)} ms`,
    verdict: judge(own <= MAX_OWN_MILLIS),
    notes: [],
  };
}

const tailTarget = `p99 ≤ ${MAX_P99_RATIO}× that of ${peerTitles.postgraphile}`;

function tail(results: Results): Line {
  const p99 = (name: string) => median(results.get(name)!.map((result) => result.p99));
  const own = p99(GATEWAY);
  const reference = p99(peerTitles.postgraphile);
  return {
    title: 'the same, p99',
    target: tailTarget,
    measured: `${shortMillis(own)} against ${shortMillis(reference)} ms, ${times(own / reference)}`,
    verdict: judge(own <= MAX_P99_RATIO * reference),
    notes: [...results.keys()].map((name) => `${name} p99 ${shortMillis(p99(name))} ms`),
  };
}
