import { readlinkSync } from 'node:fs';
import { lstat, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DemoError } from './demo-error.ts';
import { startOrphanGuard } from './orphan-guard.ts';
import { canEnter, giveTo, type ServerAccount } from './server-account.ts';

const PREFIX = 'cdr-pg-';
const OWNER_FILE = 'owner';

/**
 * A directory for one run: sockets (their paths must be short), data, copied programs. Left-overs of
 * runs that were killed together with their orphan guard go first.
 */
export async function makeRunDir(account: ServerAccount): Promise<string> {
  const places = [...new Set([tmpdir(), '/tmp'])];
  const place = places.find((candidate) => canEnter(account, candidate));
  if (!place) throw new DemoError(`PostgreSQL's user may enter neither of ${places.join(', ')}.`);

  await sweep(place, account);
  const runDir = await mkdtemp(join(place, PREFIX));
  await writeFile(join(runDir, OWNER_FILE), `${process.pid}\n${pidNamespace()}\n`);
  await giveTo(account, runDir);
  return runDir;
}

async function sweep(place: string, account: ServerAccount): Promise<void> {
  const names = (await readdir(place)).filter((name) => name.startsWith(PREFIX));
  for (const runDir of names.map((name) => join(place, name))) {
    if (await isLeftOver(runDir, account)) endRun(runDir, account);
  }
}

/** Ours, and its owner is gone: one whose process id we could see. Without an owner file it may be in the making. */
async function isLeftOver(runDir: string, account: ServerAccount): Promise<boolean> {
  try {
    const found = await lstat(runDir);
    const [pid, namespace] = (await readFile(join(runDir, OWNER_FILE), 'utf8')).split('\n');
    const isOurs = found.isDirectory() && found.uid === (account.uid ?? process.getuid?.());
    return isOurs && namespace === pidNamespace() && !isAlive(Number(pid));
  } catch {
    return false;
  }
}

/** Containers may share a directory and not their process ids; empty where the system has no such thing. */
function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}

/** A guard whose ward is gone at once does exactly what is wanted here. */
function endRun(runDir: string, account: ServerAccount): void {
  startOrphanGuard({ account, nodesDir: runDir, signal: 'QUIT', remove: [runDir] }).act();
}

export function isAlive(pid: number): boolean {
  try {
    return pid > 0 && process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Never throws: a directory that stays behind is swept by the next run. */
export async function removeDir(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true, maxRetries: 5 }).catch(() => {});
}
