import { readdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';

/** The unit of processor times in /proc: a hundredth of a second on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** Seconds of processor that the process has used so far, all its threads; 0 when it is gone. */
export function cpuSeconds(pid: number): number {
  try {
    const nanoseconds = readdirSync(`/proc/${pid}/task`).map((thread) =>
      Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]),
    );
    return nanoseconds.reduce((sum, part) => sum + part, 0) / 1e9;
  } catch {
    return 0;
  }
}

/**
 * Seconds of processor of a PostgreSQL server's backends: those that are alive, and those that have ended, such as
 * parallel workers. 0 where there is no /proc.
 */
export function backendCpuSeconds(postmaster: number): number {
  const ended = statOf(postmaster);
  if (!ended) return 0;
  const alive = childrenOf(postmaster).reduce((sum, pid) => sum + cpuSeconds(pid), 0);
  return alive + (Number(ended[13]) + Number(ended[14])) / TICKS_PER_SECOND;
}

function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && Number(statOf(pid)?.[1]) === parent);
}

/** The words of /proc/PID/stat from the state on: 1 is the parent, 13 and 14 the times of children that have ended. */
function statOf(pid: number): string[] | undefined {
  try {
    // The name stands in parentheses and may hold spaces.
    return readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)!.split(' ');
  } catch {
    return undefined;
  }
}

/** The part of the machine's processors in use over that time, 0 to 1: said beside the results. */
export async function machineLoad(milliseconds: number): Promise<number> {
  const before = processorTimes();
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  const after = processorTimes();
  return 1 - (after.idle - before.idle) / (after.all - before.all);
}

function processorTimes(): { idle: number; all: number } {
  const times = cpus().map((cpu) => cpu.times);
  const sum = (part: (time: (typeof times)[number]) => number) =>
    times.reduce((total, time) => total + part(time), 0);
  return {
    idle: sum(({ idle }) => idle),
    all: sum(({ user, nice, sys, idle, irq }) => user + nice + sys + idle + irq),
  };
}
