import { type BigIntStats, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Loaded } from './plan-file.ts';
import type { BadLine } from './records.ts';
import { UnusableFileError, whyUnusable } from './text-lines.ts';

/** What is known of a file, for logs, metrics and `doctor`. */
export interface FileReport {
  readonly path: string;
  /** In use now; 0 when nothing was ever loaded. */
  readonly entries: number;
  /** Of the file that is in use, and the first few of them. */
  readonly badLines: number;
  readonly firstBad: readonly BadLine[];
  /** Milliseconds since 1970; null when nothing was ever loaded. */
  readonly loadedAt: number | null;
  /** Why the file as it is now is not what is in use; null when it is. A sentence. */
  readonly problem: string | null;
}

/** A file whose content is kept, and replaced as a whole when the file has changed. */
export interface WatchedFile<Content> {
  /** Undefined when nothing was ever loaded. */
  current(): Content | undefined;
  report(): FileReport;
  /** Resolves when the file has been read for the first time, or could not be. */
  readonly firstRead: Promise<void>;
  close(): void;
}

export interface WatchedFileOptions<Content> {
  readonly path: string;
  read(path: string): Promise<Loaded<Content>>;
  /** After each time the file was read, or could not be. */
  onRead(report: FileReport): void;
  /** Between two looks. A change is read when two looks in a row saw the same file: it is no longer being written. */
  readonly pollMillis: number;
}

/** What a file must still have of the entries it replaces: with less it was probably cut in the download. */
const MIN_SHARE = 0.5;

/** Polls: unlike events, that notices files which are renamed into place, and works on every file system. */
export function watchFile<Content>({
  path,
  read,
  onRead,
  pollMillis,
}: WatchedFileOptions<Content>): WatchedFile<Content> {
  const stop = new AbortController();
  let inUse: (Loaded<Content> & { readonly loadedAt: number }) | undefined;
  let problem: string | null = null;
  /** Which file was read last, and which one was seen last. */
  let readLast: string | undefined;
  let seenLast: string | undefined;

  const report = (): FileReport => ({
    path,
    entries: inUse?.entries ?? 0,
    badLines: inUse?.badLines ?? 0,
    firstBad: inUse?.firstBad ?? [],
    loadedAt: inUse?.loadedAt ?? null,
    problem,
  });

  async function load(identity: string): Promise<void> {
    try {
      const loaded = await read(path);
      if (stop.signal.aborted) return;
      // It was written to meanwhile; the first time, half of it is better than nothing.
      if (inUse && (await readIdentity(path)) !== identity) return;
      problem = findProblem(loaded, inUse?.entries ?? 0);
      if (problem === null) inUse = { ...loaded, loadedAt: Date.now() };
    } catch (error) {
      const before = problem;
      problem = whyUnusable(error);
      // A disk that fails may recover without a trace in the file; it is tried again, and reported once.
      if (!(error instanceof UnusableFileError)) {
        readLast = undefined;
        if (problem !== before) onRead(report());
        return;
      }
    }
    readLast = identity;
    onRead(report());
  }

  async function look(): Promise<void> {
    const identity = await readIdentity(path);
    const isSettled = identity === seenLast;
    seenLast = identity;
    if (isSettled && identity !== readLast) await load(identity);
  }

  async function watch(): Promise<void> {
    while (!stop.signal.aborted) {
      await delay(pollMillis, undefined, { signal: stop.signal, ref: false }).catch(() => {});
      if (!stop.signal.aborted) await look();
    }
  }

  seenLast = readIdentitySync(path);
  const firstRead = load(seenLast);
  firstRead.then(watch);

  return { current: () => inUse?.content, report, firstRead, close: () => stop.abort() };
}

function findProblem({ entries, badLines }: Loaded<unknown>, before: number): string | null {
  if (entries === 0) return `It has no usable line${badLines > 0 ? `, and ${badLines} bad ones` : ''}.`;
  if (entries >= before * MIN_SHARE) return null;
  return `It has ${entries} entries where there were ${before}, as if it were cut; restart to use it all the same.`;
}

const MISSING = 'missing';

async function readIdentity(path: string): Promise<string> {
  return stat(path, { bigint: true }).then(describe, () => MISSING);
}

function readIdentitySync(path: string): string {
  try {
    return describe(statSync(path, { bigint: true }));
  } catch {
    return MISSING;
  }
}

/** The time of change (ctime) moves when rights are granted too. */
function describe({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`;
}
