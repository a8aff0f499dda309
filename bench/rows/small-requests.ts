import { interleave } from '../interleave.ts';
import { type Line, type Row, shortMillis } from '../line.ts';
import type { Stage } from '../stage.ts';
import { median } from '../statistics.ts';
import { postGraphql } from '../wire.ts';
import { CONNECTIONS, loadWorkload, type Workload } from '../workload.ts';
import { PAGE, pageRequests } from './pages.ts';

/** The least that a request can ask for: what every request costs. */
export const smallestRow = shown({
  name: 'smallest',
  title: 'the smallest requests',
  workloads: (stage) => [
    loadWorkload(stage, `{viewer{role}}, ${CONNECTIONS} connections`, (endpoint) => [
      postGraphql(endpoint, { query: '{viewer{role}}' }),
    ]),
  ],
});

export const namesPageRow = shown({
  name: 'names-page',
  title: `pages of ${PAGE} with names`,
  workloads: (stage) => [
    loadWorkload(stage, `page of ${PAGE} with account { username }, ${CONNECTIONS} connections`, (endpoint) =>
      pageRequests(endpoint, 'nodes { id cli cld connectTime durationSeconds account { username } }'),
    ),
  ],
});

/** A row without a target: measured, and shown. */
function shown(row: Pick<Row, 'name' | 'title'> & { workloads(stage: Stage): readonly Workload[] }): Row {
  return {
    ...row,
    measure: (stage) => Promise.all(row.workloads(stage).map((workload) => measureRate(workload, stage))),
  };
}

async function measureRate(workload: Workload, stage: Stage): Promise<Line> {
  const side = await workload.prepare(await stage.gateway());
  const runs = await interleave([{ name: '', ...side }], { repeats: stage.settings.repeats, warmups: 1 });
  const sample = runs.get('')!;
  const cpu = (part: 'ownCpu' | 'databaseCpu') => shortMillis(median(sample.map((run) => run[part])));
  return {
    title: workload.title,
    target: '',
    measured: `${Math.round(median(sample.map(({ value }) => value)))} ${workload.unit}`,
    verdict: '',
    notes: [`processor per request: own ${cpu('ownCpu')} ms + PostgreSQL ${cpu('databaseCpu')} ms`],
  };
}
