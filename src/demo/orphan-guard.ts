import { spawn } from 'node:child_process';
import type { ServerAccount } from './server-account.ts';

/**
 * `cat` returns when the other end of its input closes, which the kernel does for us however the
 * process holding it went. A process id in a left-over file may belong to a stranger by now, so the
 * command line must name our directory before anything is ended.
 */
const SCRIPT = `
cat >/dev/null
ours() {
  if [ -r "/proc/$1/cmdline" ]; then tr '\\0' ' ' <"/proc/$1/cmdline"; else ps -o command= -p "$1"; fi |
    grep -F -q -- "$2"
}
pids=''
for file in "$1"/*/postmaster.pid; do
  [ -f "$file" ] || continue
  read -r pid <"$file"
  ours "$pid" "$1" || continue
  kill -CONT "$pid"
  kill "-$2" "$pid" && pids="$pids $pid"
done
for pid in $pids; do
  tries=0
  while kill -0 "$pid" 2>/dev/null && [ $tries -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
done
shift 2
rm -rf -- "$@"
`;

/** What is left to do when we are gone without having stopped the servers. */
export interface OrphanGuardOptions {
  readonly account: ServerAccount;
  /** The directory whose sub-directories are PostgreSQL data directories. */
  readonly nodesDir: string;
  /** INT ends a server in order, QUIT at once. */
  readonly signal: 'INT' | 'QUIT';
  /** Directories that are of no use then. */
  readonly remove: readonly string[];
}

export interface OrphanGuard {
  /** Nothing is left to do: it ends and does nothing. */
  dismiss(): void;
  /** Does at once what it would do if we were gone. */
  act(): void;
}

/**
 * Starts a tiny process which outlives us by a moment: when we die without stopping our PostgreSQL
 * servers (SIGKILL, a crash), it stops them.
 */
export function startOrphanGuard(options: OrphanGuardOptions): OrphanGuard {
  const { account, nodesDir, signal, remove } = options;
  const child = spawn('/bin/sh', ['-c', SCRIPT, 'orphan-guard', nodesDir, signal, ...remove], {
    ...account,
    cwd: '/',
    // A process group of its own: Ctrl-C in the terminal is for us, not for the guard.
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  child.on('error', () => {});
  child.stdin.on('error', () => {});
  child.unref();
  (child.stdin as unknown as { unref(): void }).unref();
  return {
    dismiss() {
      // The whole group: the shell waits for a `cat`.
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
      child.stdin.destroy();
    },
    act: () => void child.stdin.end(),
  };
}
