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
  const ended = readStat(postmaster);
  if (!ended) return 0;
  const alive = findChildren(postmaster).reduce((sum, pid) => sum + cpuSeconds(pid), 0);
  return alive + (Number(ended[13]) + Number(ended[14])) / TICKS_PER_SECOND;
}

function findChildren(parent: number): number[] {
  return processes()
    .filter(({ stat }) => Number(stat[1]) === parent)
    .map(({ pid }) => pid);
}

function processes(): { readonly pid: number; readonly stat: readonly string[] }[] {
  return readdirSync('/proc')
    .map(Number)
    .flatMap((pid) => {
      const stat = pid > 0 ? readStat(pid) : undefined;
      return stat ? [{ pid, stat }] : [];
    });
}

/** The words of /proc/PID/stat from the state on: 1 is the parent, 11 to 14 its times and those of ended children. */
function readStat(pid: number): string[] | undefined {
  try {
    // The name stands in parentheses and may hold spaces.
    return readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)!.split(' ');
  } catch {
    return undefined;
  }
}

/**
 * Returns a function that says what part of the machine's processors others have used since, 0 to 1: other than this
 * process and all below it. Undefined where there is no /proc.
 */
export function watchOthers(): () => number | undefined {
  if (!readStat(process.pid)) return () => undefined;
  const before = { machine: processorTimes(), own: treeSeconds(process.pid) };
  return () => {
    const machine = processorTimes();
    const all = machine.all - before.machine.all;
    const idle = machine.idle - before.machine.idle;
    const own = (treeSeconds(process.pid) - before.own) * 1000;
    return Math.max(0, (all - idle - own) / all);
  };
}

/** Of a process and all below it, those that have ended included. */
function treeSeconds(root: number): number {
  const all = processes();
  const parseSeconds = (pid: number): number => {
    const stat = all.find((process) => process.pid === pid)?.stat ?? [];
    const own = [11, 12, 13, 14].reduce((sum, index) => sum + Number(stat[index] ?? 0), 0) / TICKS_PER_SECOND;
    const children = all.filter((process) => Number(process.stat[1]) === pid);
    return children.reduce((sum, child) => sum + parseSeconds(child.pid), own);
  };
  return parseSeconds(root);
}

/** Milliseconds since the machine started, of all its processors together. */
function processorTimes(): { readonly idle: number; readonly all: number } {
  const times = cpus().map((cpu) => cpu.times);
  const sum = (part: (time: (typeof times)[number]) => number) =>
    times.reduce((total, time) => total + part(time), 0);
  return {
    idle: sum(({ idle }) => idle),
    all: sum(({ user, nice, sys, idle, irq }) => user + nice + sys + idle + irq),
  };
}
