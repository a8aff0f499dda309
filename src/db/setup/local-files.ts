import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, chown, readFile, rename, stat, unlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Account, Layout } from './layout.ts';
import { readHere } from './run-here.ts';
import { refuse } from './setup-error.ts';

/** What is in the directory that a standby is to have. */
export type DirectoryState =
  | { readonly kind: 'empty' }
  /** A standby of the cluster with this identifier; `pid` while it runs. */
  | { readonly kind: 'standby'; readonly control: ControlFile; readonly pid: number | undefined };

/** What a server that is down knows of itself. */
export interface ControlFile {
  readonly systemIdentifier: string;
  /** As in "shut down", "in production", "shut down in recovery". */
  readonly state: string;
  readonly timeline: number;
  /** How far it is at least. */
  readonly position: bigint;
}

/** Throws a SetupRefusedError where something is there that is no standby. Nothing is ever deleted. */
export async function inspectDirectory(layout: Layout): Promise<DirectoryState> {
  const { dataDirectory } = layout;
  const entries = existsSync(dataDirectory) ? readEntries(dataDirectory) : [];
  if (entries.length === 0) return { kind: 'empty' };
  if (!entries.includes('PG_VERSION') || !existsSync(join(dataDirectory, 'global/pg_control'))) {
    const example = entries.slice(0, 3).join(', ');
    refuse(
      `${dataDirectory} is not empty (${example}) and holds no cluster: setup empties no directory; clear it yourself, or name another.`,
    );
  }
  const control = await readControl(layout);
  if (!entries.includes('standby.signal')) {
    refuse(
      `${dataDirectory} holds a cluster of its own (system identifier ${control.systemIdentifier}) that is no standby: setup empties no directory. Where nothing in it is needed (a fresh installation), stop it and clear it: sudo -u ${layout.account.name || 'postgres'} find ${dataDirectory} -mindepth 1 -delete`,
    );
  }
  return { kind: 'standby', control, pid: runningPid(dataDirectory) };
}

function readEntries(directory: string): readonly string[] {
  try {
    return readdirSync(directory).filter((name) => name !== 'lost+found');
  } catch (error) {
    return refuse(
      `${directory} cannot be read (${(error as Error).message}): run this as root, or as its owner.`,
    );
  }
}

async function readControl({ binaries, dataDirectory, account }: Layout): Promise<ControlFile> {
  const program = join(binaries, 'pg_controldata');
  const text = await readHere([program, dataDirectory], { account }).catch((error: Error) =>
    refuse(`${dataDirectory} cannot be looked at (${error.message}).`),
  );
  const find = (label: string) => new RegExp(`^${label}: +(.*)$`, 'm').exec(text)?.[1] ?? '';
  const positions = [find('Latest checkpoint location'), find('Minimum recovery ending location')];
  return {
    systemIdentifier: find('Database system identifier'),
    state: find('Database cluster state'),
    timeline: Math.max(
      ...[find("Latest checkpoint's TimeLineID"), find("Min recovery ending loc's timeline")].map(Number),
    ),
    position: positions.map(parseLsn).reduce((one, other) => (one > other ? one : other)),
  };
}

export function parseLsn(text: string): bigint {
  const [, high, low] = /^([\dA-F]+)\/([\dA-F]+)$/i.exec(text) ?? [];
  return high && low ? (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`) : 0n;
}

/** Undefined while the server is down. */
export function runningPid(dataDirectory: string): number | undefined {
  const file = join(dataDirectory, 'postmaster.pid');
  if (!existsSync(file)) return undefined;
  const pid = Number(readFileSync(file, 'utf8').split('\n')[0]);
  try {
    process.kill(pid, 0);
    return pid;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' ? pid : undefined;
  }
}

/** Whether a running server accepts connections. */
export function isReady(dataDirectory: string): boolean {
  const file = join(dataDirectory, 'postmaster.pid');
  return existsSync(file) && readFileSync(file, 'utf8').split('\n')[7]?.trim() === 'ready';
}

/** Rejects where it is taken. */
export function isPortFree(port: number, address: string): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'EADDRINUSE'));
    server.listen({ port, host: address, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

export async function readText(file: string): Promise<string> {
  return existsSync(file) ? readFile(file, 'utf8') : '';
}

/** Whole or not at all: under another name first. Owner and mode are those of before, or as given. */
export async function writeText(
  file: string,
  text: string,
  { account, mode = 0o600 }: { account: Account; mode?: number },
): Promise<void> {
  const before = existsSync(file) ? await stat(file) : undefined;
  const draft = `${file}.${randomBytes(4).toString('hex')}`;
  try {
    await writeFile(draft, text, { mode: 0o600 });
    if (process.getuid?.() === 0) {
      await chown(draft, before?.uid ?? account.uid, before?.gid ?? account.gid);
    }
    await chmod(draft, before ? before.mode & 0o777 : mode);
    await rename(draft, file);
  } catch (error) {
    await unlink(draft).catch(() => {});
    throw error;
  }
}
