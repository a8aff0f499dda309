import { interleave } from './interleave.ts';
import { judge, type Line, millis, type Row, shortMillis, times } from './line.ts';
import type { Stage } from './stage.ts';
import { median } from './statistics.ts';
import { UnansweredError, type Workload, type WorkloadRun } from './workload.ts';

/** What the older gateway's time is at least of ours: noise and no more. */
const TARGET = 0.97;
/** A load warms up by itself. */
const WARMUPS = { ms: 3, 'requests/s': 1 } as const;

/** The gateway of the other checkout and ours, in pairs: each line is about the ratios within the pairs. */
export async function measureAgainst(row: Row, stage: Stage): Promise<readonly Line[]> {
  const lines: Line[] = [];
  for (const workload of (await row.workloads?.(stage)) ?? []) {
    lines.push(...(await compareGateways(workload, stage)));
  }
  return lines;
}

async function compareGateways(workload: Workload, stage: Stage): Promise<readonly Line[]> {
  const { title } = workload;
  const after = await workload.prepare(await stage.gateway());
  const older = await stage.olderGateway();
  const before = await workload.prepare(older).catch((error: Error) => {
    if (error instanceof UnansweredError) return error;
    throw error;
  });
  if (before instanceof UnansweredError) {
    const notes = [`The other checkout does not answer it: ${before.message}`];
    return [{ title, target: '', measured: '', verdict: 'not run', notes }];
  }
  const sides = [
    { name: 'before', ...before },
    { name: 'after', ...after },
  ];
  const runs = await interleave(sides, { repeats: stage.settings.pairs, warmups: WARMUPS[workload.unit] });
  return buildLines(workload, { before: runs.get('before')!, after: runs.get('after')! });
}

type Pairs = Readonly<Record<'before' | 'after', readonly WorkloadRun[]>>;

function buildLines({ title, unit }: Workload, pairs: Pairs): readonly Line[] {
  const values = (side: keyof Pairs) => pairs[side].map(({ value }) => value);
  const cpu = (side: keyof Pairs) => pairs[side].map(({ ownCpu }) => ownCpu);
  const database = (side: keyof Pairs) =>
    `PostgreSQL's ${side} ${shortMillis(median(pairs[side].map(({ databaseCpu }) => databaseCpu)))} ms`;
  // More requests are better, more milliseconds are worse.
  const [above, below] = unit === 'ms' ? (['before', 'after'] as const) : (['after', 'before'] as const);
  const describe = (sample: readonly number[]) =>
    unit === 'ms' ? millis(sample) : `${Math.round(median(sample))} requests/s`;
  return [
    {
      title,
      target: unit === 'ms' ? `time, before/after ≥ ${TARGET}` : `rate, after/before ≥ ${TARGET}`,
      ...judgePairs(values(above), values(below)),
      notes: [
        `before ${describe(values('before'))}, after ${describe(values('after'))}`,
        spreadOf(values(above), values(below)),
      ],
    },
    {
      title: 'the same, processor',
      target: `before/after ≥ ${TARGET}`,
      ...judgePairs(cpu('before'), cpu('after')),
      notes: [
        `before ${millis(cpu('before'))}, after ${millis(cpu('after'))}; ${database('before')}, ${database('after')}`,
        spreadOf(cpu('before'), cpu('after')),
      ],
    },
  ];
}

function judgePairs(above: readonly number[], below: readonly number[]): Pick<Line, 'measured' | 'verdict'> {
  const ratio = median(ratiosOf(above, below));
  // What is measured nowhere (the processor, without /proc) is no failure.
  if (!Number.isFinite(ratio)) return { measured: '', verdict: 'not run' };
  return { measured: times(ratio), verdict: judge(ratio >= TARGET) };
}

function spreadOf(above: readonly number[], below: readonly number[]): string {
  const ratios = ratiosOf(above, below);
  return `${ratios.length} pairs, ${times(Math.min(...ratios))}–${times(Math.max(...ratios))}`;
}

function ratiosOf(above: readonly number[], below: readonly number[]): number[] {
  return above.map((value, index) => value / below[index]!);
}
