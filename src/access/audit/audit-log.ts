import { type FileHandle, mkdir, open, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Logger } from 'pino';
import { closedFiles, closedName, headFile } from './audit-files.ts';
import { chain, checkLine, type Link, OPENED, START } from './chain.ts';
import type { AuditSettings } from './settings.ts';

export interface AuditLogOptions extends Pick<AuditSettings, 'key' | 'maxMegabytes' | 'keepDays'> {
  readonly file: string;
  readonly logger: Logger;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

export interface AuditReports {
  readonly lines: number;
  /** Lines that could not be written; the chain says how many where it goes on. */
  readonly lost: number;
}

/** Lines that wait while the disk is busy or full: some megabytes. */
const MAX_WAITING = 10_000;
/** A line waits so long for others: each write costs the disk as much. */
const FLUSH_MILLIS = 100;
/** Hashed without a pause: a millisecond or two. */
const MAX_TOGETHER = 500;
/** Of the last line, which says where the chain goes on. */
const TAIL_BYTES = 64 * 1024;
const DAY_MILLIS = 86_400_000;

/**
 * The audit of one gateway: lines are appended to a file, and closed files are kept for a while. A request never waits
 * for it. A disk that takes nothing costs lines, which are counted, logged and noted in the chain, and stops no answer.
 */
export class AuditLog {
  readonly #options: AuditLogOptions;
  readonly #now: () => number;
  #handle: FileHandle | undefined;
  #head: Link = START;
  #bytes = 0;
  #day = 0;
  #waiting: object[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** One flush after the other. */
  #flushing: Promise<void> = Promise.resolve();
  #lines = 0;
  #lost = 0;
  /** Since the last line that was written. */
  #lostSince = 0;
  #hasFailed = false;
  #isClosed = false;

  private constructor(options: AuditLogOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** Goes on where the file ends. Rejects when it cannot be opened, or its last line is none of an audit. */
  static async open(options: AuditLogOptions): Promise<AuditLog> {
    const log = new AuditLog(options);
    await mkdir(dirname(options.file), { recursive: true });
    await log.#open();
    await log.#forgetOld();
    return log;
  }

  get reports(): AuditReports {
    return { lines: this.#lines, lost: this.#lost };
  }

  write(record: object): void {
    if (this.#isClosed || this.#waiting.length >= MAX_WAITING) {
      this.#lose(1);
      return;
    }
    this.#waiting.push(record);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#flushing = this.#flushing.then(() => this.#flush());
    }, FLUSH_MILLIS).unref();
  }

  /** Writes what waits. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#flushing;
    await this.#flush();
    await this.#handle?.close();
    this.#options.logger.info({ ...this.#head }, 'the audit ends with this line');
  }

  async #flush(): Promise<void> {
    while (this.#waiting.length > 0) {
      const records = this.#waiting.splice(0, MAX_TOGETHER);
      try {
        await this.#rotate();
        await this.#append(records);
        this.#hasFailed = false;
      } catch (error) {
        this.#lose(records.length);
        if (!this.#hasFailed) this.#options.logger.error({ err: error }, 'the audit cannot be written');
        this.#hasFailed = true;
        await this.#reopen();
      }
    }
  }

  async #append(records: readonly object[]): Promise<void> {
    const { key, file } = this.#options;
    const lost = this.#lostSince;
    const all = lost > 0 ? [this.#note('lost', { lines: lost }), ...records] : records;
    let head = this.#head;
    let text = '';
    for (const record of all) {
      const line = chain(head, record, key);
      text += line.text;
      head = line;
    }
    await this.#handle!.appendFile(text);
    await writeFile(headFile(file), `${head.sequence} ${head.hash}\n`, { mode: 0o600 });
    this.#head = { sequence: head.sequence, hash: head.hash };
    this.#bytes += Buffer.byteLength(text);
    this.#lines += records.length;
    this.#lostSince -= lost;
  }

  /** Of the audit itself, not of a request. */
  #note(event: string, more: object): object {
    return { at: new Date(this.#now()).toISOString(), event, ...more };
  }

  #lose(lines: number): void {
    this.#lost += lines;
    this.#lostSince += lines;
  }

  async #rotate(): Promise<void> {
    const { file, maxMegabytes } = this.#options;
    const isFull = this.#bytes >= maxMegabytes * 1_000_000;
    if (this.#bytes === 0 || (!isFull && this.#day === this.#today())) return;
    await this.#handle!.close();
    await rename(file, closedName(file, this.#head.sequence));
    await this.#open();
    await this.#forgetOld();
  }

  /** After a failure, part of the lines may be there. */
  async #reopen(): Promise<void> {
    await this.#handle?.close().catch(() => {});
    await this.#open().catch(() => {});
  }

  async #open(): Promise<void> {
    const { file } = this.#options;
    this.#handle = await open(file, 'a+', 0o600);
    const { size, mtimeMs } = await this.#handle.stat();
    this.#day = Math.floor((size > 0 ? mtimeMs : this.#now()) / DAY_MILLIS);
    this.#bytes = size;
    if (size > 0) {
      await this.#findHead(size);
    } else {
      this.#head = (await this.#headOfClosed()) ?? START;
      // Lines that are taken from the beginning of the oldest file leave one that is no beginning. What is before it may be
      // deleted, and it must be known all the same whether it is as it was written.
      await this.#append([this.#note(OPENED, { previous: this.#head.hash })]);
    }
  }

  /** A line that was being written when the process ended has no end; it is cut off, and the next one says so. */
  async #findHead(size: number): Promise<void> {
    const { key } = this.#options;
    const { last, torn } = await readEnd(this.#handle!, size);
    if (torn > 0) await this.#handle!.truncate(size - torn);
    this.#bytes = size - torn;
    if (last === undefined) {
      this.#head = (await this.#headOfClosed()) ?? START;
    } else {
      const checked = checkLine(last, undefined, key);
      if ('wrong' in checked) throw new Error(`The last line of ${this.#options.file} ${checked.wrong}.`);
      this.#head = checked.link;
    }
    if (torn > 0) await this.#append([this.#note('resumed', { tornBytes: torn })]);
  }

  async #headOfClosed(): Promise<Link | undefined> {
    const path = (await closedFiles(this.#options.file)).at(-1);
    if (path === undefined) return undefined;
    await using handle = await open(path, 'r');
    const { last } = await readEnd(handle, (await handle.stat()).size);
    const checked = last === undefined ? undefined : checkLine(last, undefined, this.#options.key);
    if (!checked || 'wrong' in checked) throw new Error(`The last line of ${path} is no line of an audit.`);
    return checked.link;
  }

  async #forgetOld(): Promise<void> {
    const { file, keepDays } = this.#options;
    if (keepDays === 0) return;
    for (const path of await closedFiles(file)) {
      const { mtimeMs } = await stat(path);
      if (this.#now() - mtimeMs > keepDays * DAY_MILLIS) await rm(path);
    }
  }

  #today(): number {
    return Math.floor(this.#now() / DAY_MILLIS);
  }
}

/** The last whole line, and how many bytes come after it. */
async function readEnd(
  handle: FileHandle,
  size: number,
): Promise<{ last: string | undefined; torn: number }> {
  const length = Math.min(size, TAIL_BYTES);
  const bytes = Buffer.alloc(length);
  await handle.read(bytes, 0, length, size - length);
  const end = bytes.lastIndexOf(0x0a);
  if (end < 0) return { last: undefined, torn: size };
  const start = end === 0 ? -1 : bytes.lastIndexOf(0x0a, end - 1);
  return { last: bytes.toString('utf8', start + 1, end), torn: length - end - 1 };
}
