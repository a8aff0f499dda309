import type { WireRequest } from '../client/jobs.ts';
import { type Gateway, startGateway } from '../gateway.ts';
import { judge, type Line, millis, type Row, times } from '../line.ts';
import { gatewayList } from '../requests.ts';
import type { Stage } from '../stage.ts';
import { median } from '../statistics.ts';
import { type Endpoint, postGraphql } from '../wire.ts';
import { PAGE } from './pages.ts';

const ACCOUNT_ID = '38';
const ACCOUNT_TOKEN = 'token-of-the-account-of-the-benchmark';
/** Of a gateway that answers the account too. */
export const accountSettings = { ACCOUNT_ID, ACCOUNT_TOKEN, RATE_LIMIT: '0' };
const MAX_RATIO = 1.1;
const WARMUPS = 300;
/** Statistics take so much longer than a page. */
const PAGES_PER_STATS = 10;

/** What is sent, as whom, and how much longer it may take. */
export interface Kind {
  readonly title: string;
  readonly isAccount: boolean;
  readonly target: number | undefined;
  readonly rounds: number;
  request(endpoint: Endpoint): WireRequest;
}

const statsByDay = '{ cdrStats(groupBy: [DAY]) { rows { bucket attempts answered minutes } } }';

export const kindsOf = ({ settings: { pageRounds } }: Stage): readonly Kind[] => [
  {
    title: `page of ${PAGE} of an account`,
    isAccount: true,
    target: MAX_RATIO,
    rounds: pageRounds,
    request: (endpoint) => gatewayList(endpoint, { first: PAGE }),
  },
  {
    title: `page of ${PAGE} of who sees everything`,
    isAccount: false,
    target: MAX_RATIO,
    rounds: pageRounds,
    request: (endpoint) => gatewayList(endpoint, { first: PAGE, filter: { accountIds: [ACCOUNT_ID] } }),
  },
  {
    title: 'statistics by day of an account',
    isAccount: true,
    target: undefined,
    rounds: Math.ceil(pageRounds / PAGES_PER_STATS),
    request: (endpoint) => postGraphql(endpoint, { query: statsByDay }),
  },
];

/** The same requests where PostgreSQL itself keeps tenants apart, and where it does not, one after the other in turns. */
export const rowSecurityRow: Row = {
  name: 'row-security',
  title: 'row security on and off',
  async measure(stage) {
    const { database, scratchDir } = stage;
    await using off = await startGateway({
      databaseUrl: database.url,
      scratchDir,
      settings: accountSettings,
    });
    await using on = await startGateway({
      databaseUrl: await database.secured(),
      scratchDir,
      settings: accountSettings,
    });
    const lines: Line[] = [];
    for (const kind of kindsOf(stage)) {
      lines.push(await compareInTurns(stage, { ...kind, title: `row security: ${kind.title}` }, [off, on]));
    }
    return lines;
  },
};

export async function compareInTurns(
  { client }: Stage,
  { title, isAccount, target, rounds, request }: Kind,
  gateways: readonly [off: Gateway, on: Gateway],
): Promise<Line> {
  const requests = gateways.map(({ endpoint }) =>
    request(isAccount ? { ...endpoint, token: ACCOUNT_TOKEN } : endpoint),
  );
  await client.alternate(requests, Math.min(rounds, WARMUPS));
  const [off, on] = (await client.alternate(requests, rounds)) as [number[], number[]];
  const ratio = median(on) / median(off);
  return {
    title,
    target: target === undefined ? '' : `≤ ${target}× without`,
    measured: times(ratio),
    verdict: target === undefined ? '' : judge(ratio <= target),
    notes: [`with ${millis(on)}, without ${millis(off)}, ${rounds} of each in turns`],
  };
}
