import type { Exchange } from './client/connection.ts';
import type { WireRequest } from './client/jobs.ts';
import { backendCpuSeconds, cpuSeconds } from './cpu.ts';
import type { Stage } from './stage.ts';

/** One run of one side. Milliseconds. */
export interface MeasuredRun {
  readonly total: number;
  readonly firstByte: number;
  readonly bytes: number;
  /** Of the side's own process. */
  readonly ownCpu: number;
  /** Of PostgreSQL's backends meanwhile. */
  readonly databaseCpu: number;
}

/** Runs it, and looks at what the side's process and PostgreSQL have used of the processor meanwhile. */
async function withCpu(
  { database }: Stage,
  pid: number,
  run: () => Promise<Pick<Exchange, 'total' | 'firstByte' | 'bytes'>>,
): Promise<MeasuredRun> {
  const [own, backends] = [cpuSeconds(pid), backendCpuSeconds(database.postmaster)];
  const { total, firstByte, bytes } = await run();
  return {
    total,
    firstByte,
    bytes,
    ownCpu: (cpuSeconds(pid) - own) * 1000,
    databaseCpu: (backendCpuSeconds(database.postmaster) - backends) * 1000,
  };
}

export function runRequest(stage: Stage, pid: number, request: WireRequest): Promise<MeasuredRun> {
  return withCpu(stage, pid, () => stage.client.read(request));
}

export function runCopy(stage: Stage, select: string, format: 'text' | 'csv'): Promise<MeasuredRun> {
  const psql = stage.psql();
  return withCpu(stage, psql.pid, async () => {
    const { milliseconds } = await psql.copy(select, format);
    return { total: milliseconds, firstByte: Number.NaN, bytes: Number.NaN };
  });
}
