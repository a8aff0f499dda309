import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';

/** "psql (PostgreSQL) 15.18", or undefined where psql is not installed. */
export function psqlVersion(): string | undefined {
  const { status, stdout } = spawnSync('psql', ['--version'], { encoding: 'utf8' });
  return status === 0 ? stdout.trim().replace(/ \(Debian.*/, '') : undefined;
}

const DONE = 'the-statement-has-ended';

/**
 * One psql that stays open, as at a terminal: its start and its login are in no figure. What a
 * statement returns goes to /dev/null; the time is psql's own, `\timing`.
 */
export class PsqlSession {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: string[] = [];
  #errors = '';
  #ended: PromiseWithResolvers<void> | undefined;

  constructor(url: string) {
    this.#child = spawn('psql', ['-X', '-A', '-t', '-d', url]);
    this.#child.stderr.on('data', (data: Buffer) => {
      this.#errors += data.toString();
    });
    this.#child.on('exit', () => this.#ended?.reject(new Error(`psql ended. ${this.#errors}`)));
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      if (line === DONE) this.#ended?.resolve();
      else this.#lines.push(line);
    });
    this.#child.stdin.write('\\timing on\n');
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Milliseconds that `COPY (select) TO STDOUT` took, drained into /dev/null, and how many rows came. */
  async copy(
    select: string,
    format: 'text' | 'csv' = 'text',
  ): Promise<{ milliseconds: number; rows: number }> {
    const options = format === 'csv' ? ' with (format csv, header)' : '';
    const lines = await this.#run(`\\copy (${oneLine(select)}) to '/dev/null'${options}`);
    const rows = lines.map((line) => /^COPY (\d+)$/.exec(line)?.[1]).find(Boolean);
    return { milliseconds: this.#timeIn(lines), rows: Number(rows) };
  }

  /** Milliseconds until all rows of the query are here and printed, to /dev/null. */
  async query(select: string): Promise<number> {
    return this.#timeIn(await this.#run(`\\o /dev/null\n${oneLine(select)};\n\\o`));
  }

  /** For settings of the session. */
  async execute(statement: string): Promise<void> {
    await this.#run(`${oneLine(statement)};`);
  }

  close(): void {
    this.#child.stdin.end();
  }

  async #run(command: string): Promise<string[]> {
    this.#lines.length = 0;
    this.#errors = '';
    this.#ended = Promise.withResolvers();
    this.#child.stdin.write(`${command}\n\\echo ${DONE}\n`);
    await this.#ended.promise;
    if (this.#errors !== '') throw new Error(`psql: ${this.#errors.trim()}`);
    return [...this.#lines];
  }

  #timeIn(lines: readonly string[]): number {
    const time = lines.map((line) => /^Time: ([\d.]+) ms/.exec(line)?.[1]).find(Boolean);
    if (time === undefined) throw new Error(`psql said no time: ${lines.join(' / ')}`);
    return Number(time);
  }
}

const oneLine = (sql: string): string => sql.replaceAll(/\s+/g, ' ').trim();

/** The whole process, from its start to its end: what a script that calls psql waits for. Milliseconds. */
export function psqlProcess(url: string, select: string): number {
  const startedAt = performance.now();
  const { status, stderr } = spawnSync('psql', [
    '-X',
    '-d',
    url,
    '-o',
    '/dev/null',
    '-c',
    `copy (${oneLine(select)}) to stdout`,
  ]);
  if (status !== 0) throw new Error(`psql: ${stderr.toString().trim()}`);
  return performance.now() - startedAt;
}
