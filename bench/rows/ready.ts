import { cpuSeconds } from '../cpu.ts';
import { startGateway } from '../gateway.ts';
import { judge, millis, type Row, shortMillis } from '../line.ts';
import type { Stage } from '../stage.ts';
import { median } from '../statistics.ts';

const TARGET_MILLIS = 1000;

export const readyRow: Row = {
  name: 'ready',
  title: 'ready after start',
  workloads: ({ database, scratchDir }) => [
    {
      title: 'process ready after start (node src/cli.ts serve)',
      unit: 'ms',
      prepare: async ({ directory }) => ({
        async run() {
          await using gateway = await startGateway({ databaseUrl: database.url, scratchDir, directory });
          const { pid, readyAfter } = gateway.process;
          return { value: readyAfter, ownCpu: 1000 * cpuSeconds(pid), databaseCpu: 0 };
        },
      }),
    },
  ],
  async measure(stage) {
    const npm: number[] = [];
    const node: number[] = [];
    for (let turn = 0; turn < Math.max(3, stage.settings.repeats); turn++) {
      npm.push(await readyAfter(stage, 'npm'));
      node.push(await readyAfter(stage, 'node'));
    }
    return [
      {
        title: 'process ready after start (npm start)',
        target: `≤ ${TARGET_MILLIS / 1000} s to the first 200 of /readyz`,
        measured: `${shortMillis(median(npm))} ms`,
        verdict: judge(median(npm) <= TARGET_MILLIS),
        notes: [`npm start ${millis(npm)}`, `node src/cli.ts serve, without npm ${millis(node)}`],
      },
    ];
  },
};

async function readyAfter({ database, scratchDir }: Stage, through: 'npm' | 'node'): Promise<number> {
  await using gateway = await startGateway({ databaseUrl: database.url, scratchDir, through });
  return gateway.process.readyAfter;
}
