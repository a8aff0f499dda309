import { HEAVY_ACCOUNT_ID } from '../../src/demo/accounts.ts';
import type { WireRequest } from '../client/jobs.ts';
import { interleave, type Side } from '../interleave.ts';
import { computeRatio, count, judge, type Line, millis, type Row, shortMillis, times } from '../line.ts';
import type { Stage } from '../stage.ts';
import { median, quantile } from '../statistics.ts';
import { WrongAnswerError } from '../verify.ts';
import { type Endpoint, fetchWire, postGraphql } from '../wire.ts';
import { pageWorkload, readWorkload } from '../workload.ts';

const DAY_TARGET_MILLIS = 15;
const ALL_TARGET = 1.1;
/** Of the statement of a day, before each of the runs that do not count. */
const WARM_UP_DAYS = 100;
const WARMUPS = 5;

const measures = 'attempts answered asr acdSeconds minutes chargedAmount';

/** The same measures by hand: what `measures` means, in one pass. */
const answered = '(disconnect_cause = 16 or disconnect_cause is null) and duration > 0';
const measuresSql = `count(*) as attempts, count(*) filter (where ${answered}) as answered,
  (100.0 * count(*) filter (where ${answered}) / count(*))::float8 as asr,
  (sum(duration) filter (where ${answered}) / nullif(count(*) filter (where ${answered}), 0))::float8 as acd,
  sum(duration) / 60 as minutes, sum(charged_amount) as amount`;

/** The same per group and account, to be added up where all accounts are in one currency, as the gateway does. */
const byAccount = (bucket: string) => `select bucket, sum(attempts) as attempts, sum(answered) as answered,
  (100.0 * sum(answered) / sum(attempts))::float8 as asr,
  (sum(answered_seconds) / nullif(sum(answered), 0))::float8 as acd, sum(seconds) / 60 as minutes,
  case when min(coalesce(currency, '')) = max(coalesce(currency, '')) then sum(amount) end as amount
  from (
    select ${bucket} as bucket, i_account, count(*) as attempts,
      count(*) filter (where ${answered}) as answered, sum(duration) filter (where ${answered}) as answered_seconds,
      sum(duration) as seconds, sum(charged_amount) as amount
    from xdrs group by 1, 2
  ) as accounts_of_buckets left join accounts using (i_account) group by 1 order by 1`;

export const statsDayRow: Row = {
  name: 'stats-day',
  title: 'statistics of one account and one day',
  async workloads(stage) {
    const days = await findAccounts(stage);
    return days.map(([which, accountId]) => {
      const makeRequest = (endpoint: Endpoint) => dayRequest(stage, endpoint, accountId);
      const rounds = Math.ceil(stage.settings.pageRounds / 10);
      return pageWorkload(stage, `cdrStats of ${which}, one day`, makeRequest, {
        rounds,
        warmUpRounds: WARM_UP_DAYS,
      });
    });
  },
  async measure(stage) {
    const lines: Line[] = [];
    for (const [which, accountId] of await findAccounts(stage)) {
      lines.push(await statsOfDay(stage, which, accountId));
    }
    return lines;
  },
};

async function findAccounts(stage: Stage): Promise<readonly (readonly [which: string, id: string])[]> {
  return [
    ['the busiest account', String(HEAVY_ACCOUNT_ID)],
    ['a middling account', await middlingAccount(stage)],
  ];
}

function dayOf({ database }: Stage): { readonly from: Date; readonly to: Date } {
  const from = new Date(database.from.getTime() + 14 * 86_400_000);
  return { from, to: new Date(from.getTime() + 86_400_000) };
}

function dayRequest(stage: Stage, endpoint: Endpoint, accountId: string): WireRequest {
  return postGraphql(endpoint, {
    query: `query Day($filter: CdrFilter) { cdrStats(filter: $filter) { totals { ${measures} } } }`,
    variables: { filter: { accountIds: [accountId], ...dayOf(stage) } },
  });
}

async function statsOfDay(stage: Stage, which: string, accountId: string): Promise<Line> {
  const { client, database, settings } = stage;
  const { endpoint } = await stage.gateway();
  const { from, to } = dayOf(stage);
  const request = dayRequest(stage, endpoint, accountId);
  const [expected] = await database.query(
    `select count(*) from xdrs where i_account = ${accountId}
      and connect_time >= '${from.toISOString()}' and connect_time < '${to.toISOString()}'`,
  );
  const { data } = (await (await fetchWire(request)).json()) as {
    data?: { cdrStats: { totals: { attempts: number } } };
  };
  if (data?.cdrStats.totals.attempts !== Number(expected!.count)) {
    throw new WrongAnswerError(
      `The gateway counted ${data?.cdrStats.totals.attempts} calls instead of ${expected!.count}.`,
    );
  }
  await client.alternate([request], WARMUPS);
  const [latencies = []] = await client.alternate([request], Math.ceil(settings.pageRounds / 10));
  return {
    title: `cdrStats of ${which}, one day (${count(Number(expected!.count))} calls)`,
    target: `≤ ${DAY_TARGET_MILLIS} ms`,
    measured: `${shortMillis(median(latencies))} ms`,
    verdict: judge(median(latencies) <= DAY_TARGET_MILLIS),
    notes: [`p95 ${shortMillis(quantile(latencies, 0.95))} ms`],
  };
}

/** Whose calls are nearest to an equal share of what the busiest account leaves to others. */
async function middlingAccount({ database }: Stage): Promise<string> {
  const [row] = await database.query(
    `select i_account from xdrs group by 1 order by count(*) offset (select count(distinct i_account) / 2 from xdrs) limit 1`,
  );
  return row!.i_account!;
}

/** Every way to write it by hand that might be the quickest; the quickest is what counts. */
const byHand = {
  HOUR: [
    byAccount("date_trunc('hour', connect_time)"),
    byAccount("date_bin('1 hour', connect_time, '2000-01-01Z')"),
  ],
  ACCOUNT: [`select i_account, ${measuresSql} from xdrs group by 1 order by 1`],
} as const;

export const statsAllRow: Row = {
  name: 'stats-all',
  title: 'statistics of all calls',
  workloads: (stage) =>
    (['HOUR', 'ACCOUNT'] as const).map((dimension) =>
      readWorkload(stage, allTitle(stage, dimension), (endpoint) => allRequest(endpoint, dimension)),
    ),
  async measure(stage) {
    return [await statsOfAll(stage, 'HOUR'), await statsOfAll(stage, 'ACCOUNT')];
  },
};

type Dimension = keyof typeof byHand;

function allTitle({ settings }: Stage, dimension: Dimension): string {
  return `cdrStats by ${dimension.toLowerCase()} over all ${count(settings.sizes.calls)} calls`;
}

function allRequest(endpoint: Endpoint, dimension: Dimension): WireRequest {
  const field = dimension === 'HOUR' ? 'bucket' : 'accountId';
  return postGraphql(endpoint, {
    query: `{ cdrStats(groupBy: ${dimension}) { rows { ${field} ${measures} } } }`,
  });
}

async function statsOfAll(stage: Stage, dimension: Dimension): Promise<Line> {
  const { endpoint } = await stage.gateway();
  const psql = stage.psql();
  const request = allRequest(endpoint, dimension);
  await verifyRows(stage, request, byHand[dimension][0]);
  const statements: Side<number>[] = byHand[dimension].map((statement, index) => ({
    name: `psql ${index + 1}`,
    run: () => psql.query(statement),
  }));
  const gateway = { name: 'gateway', run: async () => (await stage.client.read(request)).total };
  const runs = await interleave([...statements, gateway], { repeats: stage.settings.repeats, warmups: 1 });
  const best = statements.map(({ name }) => runs.get(name)!).toSorted((a, b) => median(a) - median(b))[0]!;
  const { ratio, spread } = computeRatio(runs.get('gateway')!, best);
  return {
    title: allTitle(stage, dimension),
    target: `≤ ${ALL_TARGET}× the best SQL by hand`,
    measured: times(ratio),
    verdict: judge(ratio <= ALL_TARGET),
    notes: [...[...runs].map(([name, sample]) => `${name} ${millis(sample)}`), spread],
  };
}

/** Undefined where there are several currencies. */
const amountOf = (text: string | null | undefined) => (text ? Number(text) : undefined);

/** As many groups as by hand, and the same sum of money in them. */
async function verifyRows(stage: Stage, request: WireRequest, statement: string): Promise<void> {
  const expected = await stage.database.query(statement);
  const { data } = (await (await fetchWire(request)).json()) as {
    data?: { cdrStats: { rows: { attempts: number; chargedAmount: string | null }[] } };
  };
  const rows = data?.cdrStats.rows ?? [];
  const isSame = rows.every(
    ({ attempts, chargedAmount }, index) =>
      attempts === Number(expected[index]?.attempts) &&
      amountOf(chargedAmount) === amountOf(expected[index]?.amount),
  );
  if (rows.length !== expected.length || !isSame) {
    throw new WrongAnswerError('The gateway answers other statistics than the SQL by hand.');
  }
}
