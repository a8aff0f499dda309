import { spawnSync } from 'node:child_process';

/** Brings the loopback up and hands over to the command. */
const SCRIPT = 'ip link set lo up && exec "$@"';

/** The command as it runs where there is no network but the loopback. Undefined where that is not allowed. */
export function withoutNetwork(command: readonly string[]): string[] | undefined {
  const wrapped = (inner: readonly string[]) => ['--net', '--', 'sh', '-c', SCRIPT, 'sh', ...inner];
  const trial = spawnSync('unshare', wrapped(['true']), { stdio: 'ignore' });
  return trial.status === 0 ? ['unshare', ...wrapped(command)] : undefined;
}
