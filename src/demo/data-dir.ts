import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Binaries } from './binaries.ts';
import { DemoError } from './demo-error.ts';
import { isAlive, removeDir } from './run-dir.ts';
import { canEnter, giveTo, type ServerAccount } from './server-account.ts';

const run = promisify(execFile);

/** Present in a temporary directory from its first moment. */
const OF_THE_RUN = ['owner', 'programs'];
const DESCRIPTION_FILE = 'cluster.json';

/** The description that a data directory holds; the primary's data lie beside it in `primary`. */
export interface ClusterDescription {
  readonly major: number;
  /** Of the superuser, `postgres`. */
  readonly password: string;
  readonly replicationPassword: string;
}

export interface OpenDataDirOptions {
  /** Absolute. */
  readonly directory: string;
  readonly binaries: Binaries;
  readonly account: ServerAccount;
  /** A directory the account may enter. */
  readonly scratchDir: string;
}

/** What `openDataDir` found or made. */
export interface OpenedDataDir {
  readonly description: ClusterDescription;
  readonly isReused: boolean;
}

/** Makes a primary's data in an empty or absent directory, or accepts what an earlier run left there in order. */
export async function openDataDir(options: OpenDataDirOptions): Promise<OpenedDataDir> {
  const { directory, binaries, account } = options;
  const names = await listOrMake(directory, account);
  if (names.includes(DESCRIPTION_FILE)) {
    const description = await readDescription(directory);
    await acceptLeftOver(directory, names, description, binaries);
    return { description, isReused: true };
  }
  if (names.some((name) => !OF_THE_RUN.includes(name))) {
    throw new DemoError(
      `${directory} is not empty and holds no database of ours: choose another directory or empty it.`,
    );
  }
  return { description: await create(options), isReused: false };
}

/** What is in the directory; an empty one becomes the account's. */
async function listOrMake(directory: string, account: ServerAccount): Promise<string[]> {
  const parent = dirname(directory);
  if (!canEnter(account, nearestExisting(parent))) {
    throw new DemoError(
      `PostgreSQL does not run as root, and its own user may not enter ${parent}: choose a directory outside of home.`,
    );
  }
  try {
    await mkdir(parent, { recursive: true });
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const names = await readdir(directory);
    if (names.length === 0) await giveTo(account, directory);
    return names;
  } catch (error) {
    throw new DemoError(`${directory} cannot be used as a data directory: ${(error as Error).message}`);
  }
}

function nearestExisting(directory: string): string {
  return existsSync(directory) ? directory : nearestExisting(dirname(directory));
}

async function readDescription(directory: string): Promise<ClusterDescription> {
  const file = join(directory, DESCRIPTION_FILE);
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch {
    throw new DemoError(`${file} is damaged: remove ${directory} and start again.`);
  }
}

async function acceptLeftOver(
  directory: string,
  names: readonly string[],
  { major }: ClusterDescription,
  binaries: Binaries,
): Promise<void> {
  if (major !== binaries.major) {
    throw new DemoError(
      `${directory} was made by PostgreSQL ${major}, not ${binaries.major}: start with --pg ${major} or choose another directory.`,
    );
  }
  const lockFile = join(directory, 'primary', 'postmaster.pid');
  const pid = Number((await readFile(lockFile, 'utf8').catch(() => '')).split('\n')[0]);
  if (await isServerOf(pid, join(directory, 'primary'))) {
    throw new DemoError(
      `${directory} is in use by PostgreSQL process ${pid}: stop that demo first, or kill -INT ${pid}.`,
    );
  }
  // Stale: its process id may by now be another program's, which would keep PostgreSQL from starting.
  await rm(lockFile, { force: true });
  const standbys = names.filter(
    (name) => name !== 'primary' && name !== DESCRIPTION_FILE && !name.includes('.'),
  );
  await Promise.all(standbys.map((name) => removeDir(join(directory, name))));
}

async function isServerOf(pid: number, dataDir: string): Promise<boolean> {
  if (!isAlive(pid)) return false;
  const { stdout } = await run('ps', ['-o', 'command=', '-p', String(pid)]).catch(() => ({
    stdout: dataDir,
  }));
  return stdout.includes(dataDir);
}

async function create({
  directory,
  binaries,
  account,
  scratchDir,
}: OpenDataDirOptions): Promise<ClusterDescription> {
  const secret = () => randomBytes(16).toString('hex');
  const description = { major: binaries.major, password: secret(), replicationPassword: secret() };
  const passwordFile = join(scratchDir, 'password');
  await writeFile(passwordFile, description.password, { mode: 0o600 });
  await giveTo(account, passwordFile);
  await initdb({ dataDir: join(directory, 'primary'), passwordFile, binaries, account });
  await rm(passwordFile);
  await writeFile(join(directory, DESCRIPTION_FILE), JSON.stringify(description), { mode: 0o600 });
  return description;
}

async function initdb(options: {
  dataDir: string;
  passwordFile: string;
  binaries: Binaries;
  account: ServerAccount;
}): Promise<void> {
  const { dataDir, passwordFile, binaries, account } = options;
  const flags = ['--username=postgres', '--auth=scram-sha-256', `--pwfile=${passwordFile}`];
  // The same order of texts on every machine, independent of its locales.
  flags.push('--encoding=UTF8', '--locale=C', '--no-sync', '--no-instructions');
  try {
    await run(binaries.initdb, [...flags, '-D', dataDir], {
      ...account,
      cwd: '/',
      env: { LC_ALL: 'C', TZ: 'UTC' },
    });
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    const problem = stderr?.split('\n').find((line) => /error|could not/i.test(line)) ?? message;
    throw new DemoError(`initdb failed: ${problem}`);
  }
}
