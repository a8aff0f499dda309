import type { Gateway } from './gateway.ts';
import { interleave } from './interleave.ts';
import { judge, type Line, millis, type Row, shortMillis, times } from './line.ts';
import { readMemory } from './resident-memory.ts';
import type { Stage } from './stage.ts';
import { median } from './statistics.ts';
import { UnansweredError, type Workload, type WorkloadRun } from './workload.ts';

/** What the older gateway's time is at least of ours: noise and no more. */
const TARGET = 0.97;
/** A load warms up by itself. */
const WARMUPS = { ms: 3, 'requests/s': 1 } as const;

/**
 * Two processes of the same code differ by some percent for as long as they live, and the one that was started first is
 * often the slower. So the pairs are shared out among so many starts, which begin with the one and the other in turn.
 */
const STARTS = 4;

/** The gateway of the other checkout and ours, in pairs: each line is about the ratios within the pairs. */
export async function measureAgainst(row: Row, stage: Stage): Promise<readonly Line[]> {
  const workloads = (await row.workloads?.(stage)) ?? [];
  const compared = workloads.map((workload) => new Comparison(workload));
  const peaks: Record<keyof Pairs, number> = { before: 0, after: 0 };
  for (let start = 0; start < STARTS; start++) {
    await using gateways = await stage.startBoth({ olderFirst: start % 2 === 1 });
    for (const comparison of compared) await comparison.run(gateways, stage);
    for (const side of ['before', 'after'] as const) {
      peaks[side] = Math.max(peaks[side], readMemory(gateways[side].process.pid).peak);
    }
  }
  const [first, ...more] = compared.flatMap((comparison) => comparison.lines());
  if (!first) return [];
  const megabytes = (side: keyof Pairs) => `${side} ${Math.round(peaks[side] / 1e6)} MB`;
  const resident = `resident at most: ${megabytes('before')}, ${megabytes('after')}`;
  return [{ ...first, notes: [...first.notes, resident] }, ...more];
}

/** One workload, and what both gateways have taken for it so far. */
class Comparison {
  readonly #workload: Workload;
  readonly #pairs: Pairs = { before: [], after: [] };
  /** Why the older gateway does not take part. */
  #unanswered: string | undefined;

  constructor(workload: Workload) {
    this.#workload = workload;
  }

  async run(gateways: Readonly<Record<keyof Pairs, Gateway>>, { settings }: Stage): Promise<void> {
    const after = await this.#workload.prepare(gateways.after);
    const before = await this.#workload.prepare(gateways.before).catch((error: Error) => {
      if (error instanceof UnansweredError) return error;
      throw error;
    });
    if (before instanceof UnansweredError) {
      this.#unanswered = before.message;
      return;
    }
    const sides = [
      { name: 'before', ...before },
      { name: 'after', ...after },
    ];
    const repeats = Math.ceil(settings.pairs / STARTS);
    const runs = await interleave(sides, { repeats, warmups: WARMUPS[this.#workload.unit] });
    for (const side of ['before', 'after'] as const) this.#pairs[side].push(...runs.get(side)!);
  }

  lines(): readonly Line[] {
    if (this.#unanswered === undefined) return buildLines(this.#workload, this.#pairs);
    const notes = [`The other checkout does not answer it: ${this.#unanswered}`];
    return [{ title: this.#workload.title, target: '', measured: '', verdict: 'not run', notes }];
  }
}

type Pairs = Readonly<Record<'before' | 'after', WorkloadRun[]>>;

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
