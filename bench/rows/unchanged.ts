import { HEAVY_ACCOUNT_ID } from '../../src/demo/accounts.ts';
import { fields } from '../calls.ts';
import type { WireRequest } from '../client/jobs.ts';
import type { Gateway } from '../gateway.ts';
import { interleave } from '../interleave.ts';
import { count, judge, type Line, type Row, shortMillis } from '../line.ts';
import { withCpu } from '../measured-run.ts';
import type { Stage } from '../stage.ts';
import { median } from '../statistics.ts';
import { WrongAnswerError } from '../verify.ts';
import { type Endpoint, fetchWire, getGraphql } from '../wire.ts';
import { CONNECTIONS, MAX_WARM_UP_MILLIS, perRequest } from '../workload.ts';
import { PAGE } from './pages.ts';

const MAX_OWN_MILLIS = 0.15;
const MAX_STATEMENTS_PER_SECOND = 1.2;
/** Between two changes, as of a switch with some calls a second. */
const WRITE_MILLIS = 50;
/** A gateway looks at its standbys once a second. */
const MIN_DASHBOARD_MILLIS = 5000;
/** A primary that has just started writes by itself for a while. */
const MAX_QUIET_MILLIS = 20_000;

const pageQuery = `query Page($filter: CdrFilter) { cdrs(first: ${PAGE}, filter: $filter) { nodes { ${Object.keys(fields).join(' ')} } } }`;
const variables = { filter: { accountIds: [String(HEAVY_ACCOUNT_ID)] } };

/** What has not changed, for clients that have it, and for many that look at the same. */
export const unchangedRow: Row = {
  name: 'unchanged',
  title: 'what has not changed, requested again',
  async measure(stage) {
    const gateway = await stage.gateway();
    return [
      await measureNotModified(stage, gateway),
      await measureDashboards(stage, gateway, 'calls of an account'),
      await measureDashboards(stage, gateway, 'hours of an account'),
    ];
  },
};

async function measureNotModified(stage: Stage, { endpoint, process }: Gateway): Promise<Line> {
  const known = await requestAgain(endpoint, { query: pageQuery, variables });
  const whole = getGraphql(endpoint, { query: pageQuery, variables, headers: ['cache-control: no-cache'] });
  const side = (name: string, request: WireRequest) => {
    const load = (job: { readonly milliseconds: number; readonly pages?: number }) =>
      stage.client.load([request], { connections: CONNECTIONS, ...job });
    return {
      name,
      warmUp: () => load({ milliseconds: MAX_WARM_UP_MILLIS, pages: stage.settings.warmUpPages }),
      async run() {
        const milliseconds = stage.settings.loadMilliseconds;
        const { result, ...cpu } = await withCpu(stage, process.pid, () => load({ milliseconds }));
        return { perSecond: result.perSecond, ...perRequest(cpu, result.requests) };
      },
    };
  };
  const sides = [side('304', known), side('read each time', whole)];
  const runs = await interleave(sides, { repeats: stage.settings.repeats, warmups: 1 });
  const own = median(runs.get('304')!.map(({ ownCpu }) => ownCpu));
  return {
    title: `page of ${PAGE} that has not changed, ${CONNECTIONS} connections`,
    target: `≤ ${MAX_OWN_MILLIS} ms of the gateway's own processor`,
    measured: `${own.toFixed(3)} ms`,
    verdict: judge(own <= MAX_OWN_MILLIS),
    notes: [...runs].map(
      ([name, sample]) =>
        `${name}: ${Math.round(median(sample.map(({ perSecond }) => perSecond)))} requests/s, own ` +
        `${shortMillis(median(sample.map(({ ownCpu }) => ownCpu)))} ms + PostgreSQL ` +
        `${shortMillis(median(sample.map(({ databaseCpu }) => databaseCpu)))} ms`,
    ),
  };
}

/** What dashboards show; statistics say in a statement of their own how far their standby had replayed. */
const dashboards = {
  'calls of an account': { query: pageQuery, variables: () => variables, isJudged: true },
  'hours of an account': {
    query:
      'query Hours($filter: CdrFilter) { cdrStats(filter: $filter, groupBy: [HOUR]) { rows { bucket attempts asr } } }',
    variables: dayOf,
    isJudged: false,
  },
} as const;

async function measureDashboards(
  stage: Stage,
  { endpoint }: Gateway,
  which: keyof typeof dashboards,
): Promise<Line> {
  const { query, isJudged, ...dashboard } = dashboards[which];
  const operation = { query, variables: dashboard.variables(stage) };
  const request = await requestAgain(endpoint, operation, ['cache-control: max-age=1']);
  await using writing = await stage.database.write(WRITE_MILLIS);
  const milliseconds = Math.max(MIN_DASHBOARD_MILLIS, stage.settings.loadMilliseconds);
  const before = await countStatements(endpoint);
  const load = { connections: CONNECTIONS, milliseconds };
  const { requests, perSecond, p99 } = await stage.client.load([request], load);
  const statements = (await countStatements(endpoint)) - before;
  const rate = statements / (milliseconds / 1000);
  return {
    title: `statements while dashboards request the same ${which} and the primary commits`,
    target: isJudged ? `≤ ${MAX_STATEMENTS_PER_SECOND} a second for 1,000 requests a second` : '',
    measured: `${rate.toFixed(2)} a second for ${count(Math.round(perSecond))} requests a second`,
    verdict: isJudged ? judge(rate <= MAX_STATEMENTS_PER_SECOND && perSecond >= 1000) : '',
    notes: [
      `${count(requests)} requests, p99 ${shortMillis(p99)} ms; ${writing.writes} commits on the primary meanwhile`,
    ],
  };
}

function dayOf({ database }: Stage) {
  const from = new Date(database.from.getTime() + 14 * 86_400_000);
  const to = new Date(from.getTime() + 86_400_000);
  return { filter: { accountIds: [String(HEAVY_ACCOUNT_ID)], from, to } };
}

/** The request of a client that has the answer, once the standby has nothing more to replay. */
async function requestAgain(
  endpoint: Endpoint,
  operation: { readonly query: string; readonly variables: Readonly<Record<string, unknown>> },
  headers: readonly string[] = [],
): Promise<WireRequest> {
  const giveUpAt = performance.now() + MAX_QUIET_MILLIS;
  for (;;) {
    const response = await fetchWire(getGraphql(endpoint, { ...operation, headers }));
    const etag = response.headers.get('etag');
    const text = await response.text();
    if (!etag || text.includes('"errors"')) {
      throw new WrongAnswerError(`The gateway gave no tag with its answer: ${text.slice(0, 300)}`);
    }
    const again = getGraphql(endpoint, { ...operation, headers: [...headers, `if-none-match: ${etag}`] });
    const { status } = await fetchWire(again);
    if (status === 304) return again;
    if (performance.now() > giveUpAt) {
      throw new WrongAnswerError(`The gateway answered ${status} to what has not changed.`);
    }
  }
}

/** Statements of requests so far, whoever sent them. */
async function countStatements({ port }: Endpoint): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const counts = text.matchAll(/^gateway_pg_pool_acquire_duration_seconds_count\S* (\d+)$/gm);
  return [...counts].reduce((sum, [, value]) => sum + Number(value), 0);
}
