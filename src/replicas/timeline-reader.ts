import type { Client } from 'pg';
import { parseLsn } from './lsn.ts';
import type { Sample } from './sample.ts';
import type { SwitchPoint } from './token.ts';

/** Made by `migrate up` (0011) where somebody runs it who may read the files; the role sees the function and not the files. */
const MAY_READ = `select /* mayReadTimelines */ has_schema_privilege(pg_namespace.oid, 'usage')
    and has_function_privilege(pg_proc.oid, 'execute') as may
  from pg_namespace join pg_proc on pronamespace = pg_namespace.oid
  where nspname = 'cdr_gateway' and proname = 'timeline_history'`;
const HISTORY = `select /* timelineHistory */ timeline, ended_at
  from cdr_gateway.timeline_history() where of_timeline = $1 order by timeline`;

/** What is not there now may be made or granted later. */
const RETRY_SECONDS = 60;

/** Reads where the timelines of a server part, once for each timeline that it is on. */
export class TimelineReader {
  #read: string | undefined;
  #refused: string | undefined;
  #refusedAt = Number.NEGATIVE_INFINITY;

  /**
   * Undefined when it was read before, or cannot be read. Rejects where the connection fails: then the next call tries again,
   * since clients wait for what it says while roles move, which is when connections fail.
   */
  async read(client: Client, sample: Sample): Promise<readonly SwitchPoint[] | undefined> {
    const { systemIdentifier, timeline, startStamp, answeredAt } = sample;
    // A server that was made anew from another one starts anew.
    const key = `${systemIdentifier}/${timeline}/${startStamp}`;
    if (timeline === 1 || this.#read === key) return undefined;
    if (this.#refused === key && answeredAt - this.#refusedAt < RETRY_SECONDS) return undefined;
    const points = await readHistory(client, timeline);
    if (points) {
      this.#read = key;
    } else {
      this.#refused = key;
      this.#refusedAt = answeredAt;
    }
    return points;
  }
}

/** Undefined where it may not be read, or is not there. */
async function readHistory(client: Client, timeline: number): Promise<readonly SwitchPoint[] | undefined> {
  const { rows: found } = await client.query<{ may: unknown }>(MAY_READ);
  // The connections of the watcher leave every value as text.
  if (found[0]?.may !== true && found[0]?.may !== 't') return undefined;
  const { rows } = await client.query<{ timeline: string; ended_at: string }>(HISTORY, [timeline]);
  if (rows.length === 0) return undefined;
  return rows.map((row) => ({ timeline: Number(row.timeline), lsn: parseLsn(row.ended_at) }));
}
