import pg from 'pg';
import type { Log } from './migrate-session.ts';

interface Progress {
  readonly index: string | null;
  readonly phase: string;
  readonly blocks_done: string;
  readonly blocks_total: string;
  readonly tuples_done: string;
  readonly tuples_total: string;
  readonly lockers_done: string;
  readonly lockers_total: string;
}

/**
 * Reports index builds of the given backend from a second connection, until disposed. Says something only when
 * there is something new to say, so short builds stay silent. A build never fails because watching it did.
 */
export function watchIndexBuilds(
  url: string,
  backend: number,
  log: Log,
  everyMilliseconds = 1_000,
): AsyncDisposable {
  const client = new pg.Client({ connectionString: url, application_name: 'cdr-gateway migrate (progress)' });
  client.on('error', () => {});
  let said = '';
  let looking: Promise<void> = Promise.resolve();
  const connected = client.connect().catch(() => {});
  const timer = setInterval(() => {
    looking = looking.then(look).catch(() => {});
  }, everyMilliseconds);

  async function look(): Promise<void> {
    await connected;
    const { rows } = await client.query<Progress>(
      `select index.relname as index, phase, blocks_done, blocks_total, tuples_done, tuples_total,
        lockers_done, lockers_total
      from pg_stat_progress_create_index as progress
      left join pg_class as index on index.oid = progress.index_relid
      where pid = $1`,
      [backend],
    );
    const line = rows[0] ? describe(rows[0]) : said;
    if (line !== said) log(line);
    said = line;
  }

  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await looking;
      await connected;
      await client.end().catch(() => {});
    },
  };
}

/** "building xdrs_…_idx: scanning table, 42 %" */
export function describe(progress: Progress): string {
  const { index, phase, blocks_done, blocks_total, tuples_done, tuples_total } = progress;
  const waiting = phase.startsWith('waiting')
    ? ` (${progress.lockers_done} of ${progress.lockers_total} transactions ended)`
    : '';
  const share = percentage(blocks_done, blocks_total) ?? percentage(tuples_done, tuples_total);
  return `  building ${index ?? 'an index'}: ${phase}${share === null ? '' : `, ${share} %`}${waiting}`;
}

function percentage(done: string, total: string): number | null {
  return Number(total) > 0 ? Math.floor((100 * Number(done)) / Number(total)) : null;
}
