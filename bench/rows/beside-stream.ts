import { Client } from '../client/client.ts';
import type { LoadResult } from '../client/jobs.ts';
import { count, judge, type Row, shortMillis, times } from '../line.ts';
import { gatewayList } from '../requests.ts';
import type { Stage } from '../stage.ts';
import { median } from '../statistics.ts';
import type { Endpoint } from '../wire.ts';
import { CONNECTIONS, loadWorkload, type Workload } from '../workload.ts';
import { gatewayPages, pageRequests } from './pages.ts';

const TARGET = 2;

/** Pages alone, pages while a long answer streams, in turns. */
export const besideStreamRow: Row = {
  name: 'beside-stream',
  title: 'pages while a long answer streams',
  workloads: (stage) => [besideStreamWorkload(stage)],
  async measure(stage) {
    const alone = await gatewayPages(stage);
    const { endpoint } = await stage.gateway();
    const results: { readonly alone: LoadResult[]; readonly beside: LoadResult[] } = {
      alone: [],
      beside: [],
    };
    await alone.warmUp?.();
    for (let turn = 0; turn < stage.settings.repeats; turn++) {
      results.alone.push(await alone.run());
      results.beside.push(await pagesBesideStream(stage, endpoint, () => alone.run()));
    }
    const p99 = (sample: readonly LoadResult[]) => median(sample.map((result) => result.p99));
    const perSecond = (sample: readonly LoadResult[]) => median(sample.map((result) => result.perSecond));
    const describe = (sample: readonly LoadResult[]) =>
      `p99 ${shortMillis(p99(sample))} ms, ${Math.round(perSecond(sample))} requests/s`;
    const ratio = p99(results.beside) / p99(results.alone);
    return [
      {
        title: `${titleOf(stage)}, p99`,
        target: `≤ ${TARGET}× the same pages alone`,
        measured: times(ratio),
        verdict: judge(ratio <= TARGET),
        notes: [
          `alone ${describe(results.alone)}`,
          `beside the stream ${describe(results.beside)}`,
          `${CONNECTIONS} connections that ask again at once`,
        ],
      },
    ];
  },
};

const titleOf = ({ settings }: Stage): string => `pages while ${count(settings.sizes.longList)} calls stream`;

/** The processor's time is that of pages and stream together, per page. */
function besideStreamWorkload(stage: Stage): Workload {
  const pages = loadWorkload(stage, titleOf(stage), pageRequests);
  return {
    ...pages,
    async prepare(gateway) {
      const side = await pages.prepare(gateway);
      return { ...side, run: () => pagesBesideStream(stage, gateway.endpoint, side.run) };
    },
  };
}

/** The pages last as long as the stream does, or as a load does, whichever ends first. */
async function pagesBesideStream<T>(stage: Stage, endpoint: Endpoint, load: () => Promise<T>): Promise<T> {
  const reader = new Client();
  try {
    const request = gatewayList(endpoint, { first: stage.settings.sizes.longList });
    const stream = reader.read(request).finally(() => stage.client.stopLoad());
    const [result] = await Promise.all([load(), stream]);
    return result;
  } finally {
    reader.close();
  }
}
