import type { WireRequest } from './client/jobs.ts';
import { backendCpuSeconds, cpuSeconds } from './cpu.ts';
import type { Stage } from './stage.ts';

/** Milliseconds of processor: of the side's own process, and of PostgreSQL's backends meanwhile. */
export interface Cpu {
  readonly ownCpu: number;
  readonly databaseCpu: number;
}

/** One run of one side. Milliseconds. */
export interface MeasuredRun extends Cpu {
  readonly total: number;
  readonly firstByte: number;
  readonly bytes: number;
}

/** Runs it, and looks at what the side's process and PostgreSQL have used of the processor meanwhile. */
export async function withCpu<T>(
  { database }: Stage,
  pid: number,
  run: () => Promise<T>,
): Promise<Cpu & { readonly result: T }> {
  const [own, backends] = [cpuSeconds(pid), backendCpuSeconds(database.postmaster)];
  const result = await run();
  return {
    result,
    ownCpu: (cpuSeconds(pid) - own) * 1000,
    databaseCpu: (backendCpuSeconds(database.postmaster) - backends) * 1000,
  };
}

export async function runRequest(stage: Stage, pid: number, request: WireRequest): Promise<MeasuredRun> {
  const { result, ...cpu } = await withCpu(stage, pid, () => stage.client.read(request));
  const { total, firstByte, bytes } = result;
  return { total, firstByte, bytes, ...cpu };
}

export async function runCopy(stage: Stage, select: string, format: 'text' | 'csv'): Promise<MeasuredRun> {
  const psql = stage.psql();
  const { result, ...cpu } = await withCpu(stage, psql.pid, () => psql.copy(select, format));
  return { total: result.milliseconds, firstByte: Number.NaN, bytes: Number.NaN, ...cpu };
}
