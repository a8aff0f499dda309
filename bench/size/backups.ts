import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Cluster } from '../../src/demo/cluster.ts';
import type { PostgresNode } from '../../src/demo/postgres-node.ts';
import { findServerAccount, giveTreeTo, type ServerAccount } from '../../src/demo/server-account.ts';

const run = promisify(execFile);

/** Bytes as they lie in the repository, compressed and encrypted. */
export interface BackupFigures {
  readonly fullBytes: number;
  readonly fullSeconds: number;
  /** What the day added to the backups, and to the archive. */
  readonly incrementalBytes: number;
  readonly incrementalSeconds: number;
  readonly archiveBytes: number;
  /** From nothing to every call compared. */
  readonly drillSeconds: number;
}

export interface Backups extends AsyncDisposable {
  /** The full one, of what is there before the day. */
  begin(standby: PostgresNode): Promise<void>;
  /** The one of the day, and a restore of both. */
  end(): Promise<BackupFigures>;
}

/** Sets the primary up to archive, which restarts it. */
export async function openBackups({ primary }: Cluster, programs: string): Promise<Backups> {
  const account = findServerAccount();
  const directory = await mkdtemp(join(tmpdir(), 'cdr-size-'));
  const config = join(directory, 'pgbackrest.conf');
  for (const name of ['repository', 'log', 'lock', 'spool', 'scratch']) await mkdir(join(directory, name));
  await giveTreeTo(account, directory);
  primary.setting('archive_mode', 'on');
  primary.setting('archive_command', `pgbackrest --config=${config} --stanza=size archive-push %p`);
  const file = join(primary.dataDir, 'pg_hba.conf');
  await writeFile(file, `local all postgres trust\n${await readFile(file, 'utf8')}`);
  await primary.stop();
  await primary.start();
  const command = (...args: readonly string[]) =>
    cdrGateway([...args, '--config', config, '--json'], account);
  const archive = join(directory, 'repository/archive');
  let standbyUrl = '';
  let full: Taken | undefined;
  let archivedBefore = 0;
  return {
    async begin(standby) {
      standbyUrl = standby.url({ database: 'calls' });
      await writeFile(config, configuration(directory, primary, standby), { mode: 0o600 });
      await giveTreeTo(account, directory);
      const flags = [`--config=${config}`, '--stanza=size', 'stanza-create'];
      await run('pgbackrest', flags, { ...account, env: { PATH: process.env.PATH } });
      full = takenOf(await command('backup', 'run'));
      archivedBefore = await bytesIn(archive);
    },
    async end() {
      const taken = takenOf(await command('backup', 'run'));
      const archiveBytes = (await bytesIn(archive)) - archivedBefore;
      const began = performance.now();
      const scratch = join(directory, 'scratch');
      const flags = ['--scratch', scratch, '--bin', programs, '--settle-hours', '0'];
      await command('backup', 'drill', ...flags, '--replica', standbyUrl);
      return {
        fullBytes: full!.bytes,
        fullSeconds: full!.seconds,
        incrementalBytes: taken.bytes,
        incrementalSeconds: taken.seconds,
        archiveBytes,
        drillSeconds: (performance.now() - began) / 1000,
      };
    },
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}

interface Taken {
  readonly bytes: number;
  readonly seconds: number;
}

function takenOf(text: string): Taken {
  const { backup, seconds } = JSON.parse(text);
  return { bytes: backup.addedBytes, seconds };
}

/** As "backup plan" prints it, for two servers of one host. */
function configuration(directory: string, primary: PostgresNode, standby: PostgresNode): string {
  const state = ['log', 'lock', 'spool'].map((kind) => `${kind}-path=${join(directory, kind)}`);
  const servers = [primary, standby].flatMap(({ dataDir, port, socketDir }, index) => [
    `pg${index + 1}-path=${dataDir}`,
    `pg${index + 1}-port=${port}`,
    `pg${index + 1}-socket-path=${socketDir}`,
  ]);
  const kept = [
    'repo1-retention-full=9999999',
    'repo1-retention-archive=4',
    'repo1-retention-archive-type=full',
  ];
  const cipher = ['repo1-cipher-type=aes-256-cbc', 'repo1-cipher-pass=of-a-measurement'];
  const rest = ['expire-auto=n', 'backup-standby=y', 'start-fast=y', 'compress-type=zst', 'process-max=2'];
  const repository = `repo1-path=${join(directory, 'repository')}`;
  return ['[global]', repository, ...kept, ...cipher, ...rest, ...state, '[size]', ...servers, ''].join('\n');
}

/** Rejects with what it printed when it ends with anything but 0. `--replica URL` is REPLICA_URLS, kept out of the arguments. */
async function cdrGateway(args: readonly string[], account: ServerAccount): Promise<string> {
  const at = args.indexOf('--replica');
  const own = at < 0 ? args : args.filter((_, index) => index !== at && index !== at + 1);
  const env = { PATH: process.env.PATH, ...(at >= 0 && { REPLICA_URLS: args[at + 1] }) };
  const { stdout } = await run(process.execPath, ['src/cli.ts', ...own], { ...account, env });
  return stdout;
}

async function bytesIn(directory: string): Promise<number> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(
    files.map(async (file) => (await stat(join(file.parentPath, file.name))).size),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
