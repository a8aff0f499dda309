import { spawnSync } from 'node:child_process';

export interface ToolResult {
  readonly status: number | null;
  /** stdout and stderr. */
  readonly output: string;
}

/** Runs Prometheus's own checker. */
export function promtool(args: readonly string[], input?: string): ToolResult {
  return run('promtool', args, input);
}

/** Runs Alertmanager's own checker. */
export function amtool(args: readonly string[], input?: string): ToolResult {
  return run('amtool', args, input);
}

const version = (tool: string) => spawnSync(tool, ['--version']).status === 0;
export const hasPromtool = version('promtool');
export const hasAmtool = version('amtool');

/** For the name of a suite, so that a run which skips it says how to get it. */
export const promtoolNote = hasPromtool ? '' : ' (skipped: install promtool, apt-get install prometheus)';
export const amtoolNote = hasAmtool
  ? ''
  : ' (skipped: install amtool, apt-get install prometheus-alertmanager)';

function run(tool: string, args: readonly string[], input?: string): ToolResult {
  const { status, stdout, stderr, error } = spawnSync(tool, args, { input: input ?? '', encoding: 'utf8' });
  if (error) throw error;
  return { status, output: `${stdout}${stderr}` };
}
