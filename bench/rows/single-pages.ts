import { HEAVY_ACCOUNT_ID } from '../../src/demo/accounts.ts';
import type { WireRequest } from '../client/jobs.ts';
import { computeRatio, count, judge, type Line, millis, type Row, times } from '../line.ts';
import { gatewayList } from '../requests.ts';
import type { Stage } from '../stage.ts';
import { quantile } from '../statistics.ts';
import { type Endpoint, fetchWire } from '../wire.ts';
import { pageWorkload } from '../workload.ts';
import { PAGE } from './pages.ts';

const WARMUPS = 20;

export const deepPageRow: Row = {
  name: 'deep-page',
  title: 'a page deep in the list',
  workloads(stage) {
    const depth = stage.settings.sizes.longList;
    return [pageWorkload(stage, deepTitle(depth), (endpoint) => deepPage(endpoint, depth))];
  },
  async measure(stage) {
    const { endpoint } = await stage.gateway();
    const depth = stage.settings.sizes.longList;
    return comparePages(stage, {
      title: deepTitle(depth),
      target: { text: 'the first page', max: 1.1 },
      reference: gatewayList(endpoint, { first: PAGE }),
      measured: await deepPage(endpoint, depth),
    });
  },
};

const deepTitle = (depth: number): string => `page ${count(depth)} calls deep`;

async function deepPage(endpoint: Endpoint, depth: number): Promise<WireRequest> {
  const after = await cursorAt(gatewayList(endpoint, { first: depth, selection: 'pageInfo { endCursor }' }));
  return gatewayList(endpoint, { first: PAGE, after });
}

/** Accounts are numbered by their volume, the busiest first. */
const accounts = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => String(from + index));

/** Which index is quickest depends on how busy the accounts are: each kind is one that a planner may get wrong. */
const accountPages = [
  { title: `page of ${PAGE} over 50 accounts at once, the busiest`, accountIds: accounts(1, 50) },
  { title: `page of ${PAGE} over 50 accounts at once, the others`, accountIds: accounts(51, 100) },
  { title: `page of ${PAGE} over the 3 smallest accounts at once`, accountIds: accounts(98, 100) },
  { title: `page of ${PAGE} of the busiest account`, accountIds: [String(HEAVY_ACCOUNT_ID)] },
];

export const manyAccountsRow: Row = {
  name: 'many-accounts',
  title: 'a page of many accounts',
  workloads: (stage) =>
    accountPages.map(({ title, accountIds }) =>
      pageWorkload(stage, title, (endpoint) =>
        gatewayList(endpoint, { first: PAGE, filter: { accountIds } }),
      ),
    ),
  async measure(stage) {
    const { endpoint } = await stage.gateway();
    const lines: Line[] = [];
    for (const { title, accountIds } of accountPages) {
      lines.push(
        ...(await comparePages(stage, {
          title,
          target: { text: 'the page of one account', max: 3 },
          reference: pageOfOneAccount(endpoint),
          measured: gatewayList(endpoint, { first: PAGE, filter: { accountIds } }),
        })),
      );
    }
    return lines;
  },
};

export const rarePrefixRow: Row = {
  name: 'rare-prefix',
  title: 'a page of a rare called prefix',
  async workloads(stage) {
    const pages = await findPrefixPages(stage);
    return pages.map(({ title, filter }) =>
      pageWorkload(stage, title, (endpoint) => gatewayList(endpoint, { first: PAGE, filter })),
    );
  },
  async measure(stage) {
    const { endpoint } = await stage.gateway();
    const lines: Line[] = [];
    for (const { title, filter } of await findPrefixPages(stage)) {
      lines.push(
        ...(await comparePages(stage, {
          title,
          target: { text: 'the page of one account', max: 3 },
          reference: pageOfOneAccount(endpoint),
          measured: gatewayList(endpoint, { first: PAGE, filter }),
        })),
      );
    }
    return lines;
  },
};

/** A handful of pages of calls, and a thousandth of all: the first is found by the number, the second by the time as well. */
async function findPrefixPages(stage: Stage): Promise<{ readonly title: string; readonly filter: object }[]> {
  const pages = [];
  for (const calls of [4 * PAGE, Math.round(stage.settings.sizes.calls / 1000)]) {
    const { prefix, found } = await prefixOfAbout(stage, calls);
    const title = `page of ${PAGE} of a called prefix with ${count(found)} calls`;
    pages.push({ title, filter: { cld: { startsWith: prefix } } });
  }
  return pages;
}

/** In the middle of a hundred. */
const ORDINARY_ACCOUNT_ID = '50';

const pageOfOneAccount = (endpoint: Endpoint): WireRequest =>
  gatewayList(endpoint, { first: PAGE, filter: { accountIds: [ORDINARY_ACCOUNT_ID] } });

interface Comparison {
  readonly title: string;
  readonly target: { readonly text: string; readonly max: number };
  readonly reference: WireRequest;
  readonly measured: WireRequest;
}

/** One page at a time over one connection, in turns. */
async function comparePages(
  { client, settings }: Stage,
  { title, target, reference, measured }: Comparison,
): Promise<Line[]> {
  await client.alternate([reference, measured], WARMUPS);
  const [references = [], latencies = []] = await client.alternate(
    [reference, measured],
    settings.pageRounds,
  );
  const { ratio } = computeRatio(latencies, references);
  return [
    {
      title,
      target: `≤ ${target.max}× ${target.text}`,
      measured: times(ratio),
      verdict: judge(ratio <= target.max),
      notes: [
        `${target.text} ${described(references)}`,
        `this page ${described(latencies)}`,
        `${settings.pageRounds} pages each, in turns over one connection`,
      ],
    },
  ];
}

/** Single slow pages are the machine's: the largest says nothing, so the 95th percentile stands for it. */
function described(latencies: readonly number[]): string {
  const within = latencies.filter((latency) => latency <= quantile(latencies, 0.95));
  return `${millis(within)}, slowest twentieth left out`;
}

async function cursorAt(request: WireRequest): Promise<string> {
  const { data } = (await (await fetchWire(request)).json()) as {
    data: { cdrs: { pageInfo: { endCursor: string } } };
  };
  return data.cdrs.pageInfo.endCursor;
}

/** The beginning of called numbers that comes nearest to so many calls. */
async function prefixOfAbout({ database }: Stage, calls: number): Promise<{ prefix: string; found: number }> {
  const [row] = await database.query(`
    select prefix, count from (
      select left(cld, length) as prefix, count(*) as count
      from xdrs, generate_series(4, 7) as length where cld ~ '^[0-9]{8,}$' group by 1, length
    ) as prefixes order by abs(count - ${calls}), prefix limit 1`);
  return { prefix: row!.prefix!, found: Number(row!.count) };
}
