import { BackupError } from './backup-error.ts';
import { type PgBackRestOptions, runPgBackRest } from './pgbackrest.ts';
import { explainWords } from './pgbackrest-failures.ts';

export type BackupType = 'full' | 'diff' | 'incr';

/** A backup that is whole. One that was interrupted is none. */
export interface Backup {
  readonly label: string;
  readonly type: BackupType;
  /** When it began and when it was complete. */
  readonly startedAt: Date;
  readonly stoppedAt: Date;
  /** From here on the backup is consistent. */
  readonly stopLsn: string;
  /** Backups without which it cannot be restored. */
  readonly references: readonly string[];
  /** Bytes of the cluster. */
  readonly clusterBytes: number;
  /** Bytes that it added to the repository. */
  readonly addedBytes: number;
  /** Whether pages with wrong checksums were found while it was taken. */
  readonly hasPageErrors: boolean;
}

export interface Repository {
  /** Oldest first. */
  readonly backups: readonly Backup[];
  /** Names of WAL segments; null where nothing was archived. */
  readonly archive: { readonly oldest: string; readonly newest: string } | null;
  /** What PostgreSQL calls the system identifier of the cluster, as it is now. */
  readonly cluster: string;
  readonly major: number;
}

interface InfoOfBackup {
  readonly label: string;
  readonly type: BackupType;
  readonly timestamp: { readonly start: number; readonly stop: number };
  readonly lsn: { readonly start: string; readonly stop: string };
  readonly reference: readonly string[] | null;
  readonly info: { readonly size: number; readonly repository: { readonly delta: number } };
  readonly error?: boolean | null;
}

interface InfoOfStanza {
  readonly status: { readonly code: number; readonly message: string };
  readonly repo?: readonly { readonly status: { readonly code: number; readonly message: string } }[];
  readonly backup: readonly InfoOfBackup[];
  readonly archive: readonly {
    readonly id: string;
    readonly min: string | null;
    readonly max: string | null;
  }[];
  readonly db: readonly { readonly id: number; readonly 'system-id': number; readonly version: string }[];
}

/** pgBackRest's numbers: all is well, and there is no backup yet. */
const READABLE = new Set([0, 2]);

/** What is in the repository. Throws a BackupError where there is none, or it cannot be read. */
export async function readRepository(options: PgBackRestOptions): Promise<Repository> {
  // As text: a system identifier has more digits than a number of JavaScript.
  const text = await runPgBackRest(['info', '--output=json'], options);
  const exact = withoutControls(text).replaceAll(/"system-id":(\d+)/g, '"system-id":"$1"');
  const [stanza] = JSON.parse(exact) as readonly InfoOfStanza[];
  const { code, message } = stanza?.status ?? { code: 1, message: 'missing stanza path' };
  const database = stanza?.db.at(-1);
  if (!READABLE.has(code) || !stanza || !database) {
    const detail = stanza?.repo?.find(({ status }) => status.code !== 0)?.status.message ?? message;
    throw new BackupError(explainWords(detail));
  }
  const archive = stanza.archive.at(-1);
  return {
    backups: stanza.backup.map(toBackup),
    archive: archive?.min && archive.max ? { oldest: archive.min, newest: archive.max } : null,
    cluster: String(database['system-id']),
    major: Number.parseInt(database.version, 10),
  };
}

/** Its messages have lines, which it writes into its JSON as they are. */
function withoutControls(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ');
}

function toBackup({ label, type, timestamp, lsn, reference, info, error }: InfoOfBackup): Backup {
  return {
    label,
    type,
    startedAt: new Date(timestamp.start * 1000),
    stoppedAt: new Date(timestamp.stop * 1000),
    stopLsn: lsn.stop,
    references: reference ?? [],
    clusterBytes: info.size,
    addedBytes: info.repository.delta,
    hasPageErrors: error === true,
  };
}
