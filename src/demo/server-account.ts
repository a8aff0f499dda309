import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { lchown, readdir } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { DemoError } from './demo-error.ts';

/**
 * The user PostgreSQL runs as: it refuses to run as root. Absent ids mean "as we are".
 * Spread it into the options of `spawn`.
 */
export interface ServerAccount {
  readonly uid?: number;
  readonly gid?: number;
}

/** Tried in this order when we are root; the second exists on nearly every Unix. */
const UNPRIVILEGED = ['postgres', 'nobody', 'daemon'];

/** Throws a DemoError where there is no user PostgreSQL would accept. */
export function findServerAccount(passwdFile = '/etc/passwd'): ServerAccount {
  if (process.getuid?.() !== 0) {
    requireName();
    return {};
  }
  const lines = readLines(passwdFile);
  for (const name of UNPRIVILEGED) {
    const [, , uid, gid] = lines.find((line) => line.startsWith(`${name}:`))?.split(':') ?? [];
    // Not macOS' nobody, whose id is -2: not every system call takes it.
    if (Number(uid) > 0 && Number(gid) >= 0) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new DemoError(
    `PostgreSQL refuses to run as root, and ${passwdFile} names none of ${UNPRIVILEGED.join(', ')}: run as an ordinary user instead.`,
  );
}

/** initdb looks its own user up by id and stops where that fails (a container started with `--user 12345`). */
function requireName(): void {
  try {
    userInfo();
  } catch {
    throw new DemoError(
      `PostgreSQL needs a user with a name, and user id ${process.getuid?.()} has none: run as a user listed in /etc/passwd.`,
    );
  }
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch {
    return [];
  }
}

/** True when that user may enter the directory; every directory above it counts too. */
export function canEnter(account: ServerAccount, directory: string): boolean {
  const { status } = spawnSync('/bin/sh', ['-c', 'cd "$1"', 'sh', directory], { ...account, cwd: '/' });
  return status === 0;
}

/** Hands a directory and all that is inside to that user. */
export async function giveTreeTo(account: ServerAccount, directory: string): Promise<void> {
  await giveTo(account, directory);
  for (const entry of await readdir(directory, { recursive: true }))
    await giveTo(account, join(directory, entry));
}

/** Hands a file, a link itself, or a directory without what is inside to that user. */
export async function giveTo(account: ServerAccount, path: string): Promise<void> {
  if (account.uid !== undefined && account.gid !== undefined) await lchown(path, account.uid, account.gid);
}
