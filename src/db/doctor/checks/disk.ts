import { statfs } from 'node:fs/promises';
import { sql } from 'kysely';
import { selectJson } from '../../catalogue/catalogue.ts';
import { type Check, present } from '../check.ts';
import type { Finding } from '../finding.ts';
import type { Server } from '../server.ts';

const MIN_FREE_SHARE = 0.2;

/** What `statfs` says of a directory. */
export type FreeSpace = (
  directory: string,
) => Promise<{ readonly freeBytes: number; readonly totalBytes: number }>;

/** The disks under servers on this very host; those of others are the business of node_exporter. */
export function createDiskCheck(freeSpace: FreeSpace = statfsOf): Check {
  return {
    topic: 'disks',
    async examine({ servers, adminOf }) {
      const findings: Finding[] = [];
      const unseen: string[] = [];
      for (const server of servers) {
        const admin = adminOf(server);
        if (!admin) continue;
        const directory = admin.setting('data_directory')?.value;
        if (!admin.facts.isLocal || !directory) {
          unseen.push(
            `the disk of ${server.place}, which is on another host: run doctor there, or watch node_exporter`,
          );
          continue;
        }
        findings.push(...(await examineDisk(server, { admin, directory, freeSpace, unseen })));
      }
      return { findings, unseen };
    },
  };
}

async function statfsOf(directory: string) {
  const { bavail, blocks, bsize } = await statfs(directory);
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
}

interface DiskView {
  readonly admin: Server;
  readonly directory: string;
  readonly freeSpace: FreeSpace;
  readonly unseen: string[];
}

async function examineDisk(
  server: Server,
  { admin, directory, freeSpace, unseen }: DiskView,
): Promise<readonly Finding[]> {
  try {
    const space = await freeSpace(directory);
    const kept = await selectKeptBytes(admin);
    return present([nearlyFull(server, directory, space), slotsBeyondDisk(server, space, kept)]);
  } catch (error) {
    unseen.push(`the disk of ${server.place}: ${(error as Error).message}`);
    return [];
  }
}

type Space = Awaited<ReturnType<FreeSpace>>;

function nearlyFull(
  { place }: Server,
  directory: string,
  { freeBytes, totalBytes }: Space,
): Finding | undefined {
  if (freeBytes >= totalBytes * MIN_FREE_SHARE) return undefined;
  const share = Math.round((freeBytes / totalBytes) * 100);
  return {
    code: 'DISK_NEARLY_FULL',
    severity: 'warning',
    server: place,
    message: `${share} % of the disk of ${directory} is free: with none left, the server stops with a PANIC.`,
  };
}

/** The limit on slots protects the disk only where it is below what is free. */
function slotsBeyondDisk(server: Server, { freeBytes }: Space, keptBytes: number): Finding | undefined {
  const limit = Number(server.setting('max_slot_wal_keep_size')!.value);
  if (limit < 0 || limit * 2 ** 20 <= freeBytes + keptBytes) return undefined;
  return {
    code: 'SLOT_LIMIT_BEYOND_DISK',
    severity: 'warning',
    server: server.place,
    message: `max_slot_wal_keep_size is ${limit} MB, and ${Math.round(freeBytes / 2 ** 20)} MB are free: the disk is full before a slot is given up.`,
    remedy: {
      on: server.facts.isStandby ? 'standby' : 'primary',
      run: `alter system set max_slot_wal_keep_size = '${Math.max(1, Math.floor(freeBytes / 2 ** 21))}MB'; select pg_reload_conf();`,
    },
  };
}

async function selectKeptBytes({ db }: Server): Promise<number> {
  const [found] = await selectJson<{ bytes: number }>(
    db,
    sql`select coalesce(sum(size), 0)::float8 as bytes from pg_ls_waldir()`,
  );
  return found!.bytes;
}
