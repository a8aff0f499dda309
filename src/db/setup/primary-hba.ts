import { type Kysely, sql } from 'kysely';
import { selectJson } from '../catalogue/catalogue.ts';
import { reload } from './primary-server.ts';

/**
 * Writes pg_hba.conf over SQL, so that a primary needs nothing of ours on its host, and loads it. The text of before is
 * kept beside it, and is written back where the server does not understand the new one.
 */
export async function writeHba(
  db: Kysely<unknown>,
  file: string,
  before: string,
  text: string,
): Promise<void> {
  const errorsBefore = await selectErrors(db);
  await copyToFile(db, `${file}.before-cdr-gateway`, before);
  await copyToFile(db, file, text);
  const written = await selectFile(db, file);
  const errors = await selectErrors(db);
  if (written === text && errors.length <= errorsBefore.length) return reload(db);
  await copyToFile(db, file, before);
  throw new Error(
    written === text
      ? `The server does not understand the new ${file} (${errors.at(-1)}); it is as it was before.`
      : `${file} could not be written whole; it is as it was before.`,
  );
}

/** COPY as CSV, with separators that no line holds, puts out text as it is; an empty line is a null. */
async function copyToFile(db: Kysely<unknown>, file: string, text: string): Promise<void> {
  const lines = text.replace(/\n$/, '').split('\n');
  if (lines.some((line) => /[^\P{Cc}\t]/u.test(line) || line === '\\.')) {
    throw new Error(`${file} has control characters: edit it by hand.`);
  }
  await sql`
    copy (select nullif(line, '') from unnest(string_to_array(${sql.lit(lines.join('\n'))}, chr(10))) with ordinality as found (line, number)
      order by number)
    to ${sql.lit(file)} (format csv, delimiter e'\\x02', quote e'\\x01', escape e'\\x01')`.execute(db);
}

async function selectFile(db: Kysely<unknown>, file: string): Promise<string> {
  const [row] = await selectJson<{ text: string }>(db, sql`select pg_read_file(${file}) as text`);
  return row!.text;
}

async function selectErrors(db: Kysely<unknown>): Promise<readonly string[]> {
  const rows = await selectJson<{ error: string; line: number }>(
    db,
    sql`select error, line_number as line from pg_hba_file_rules where error is not null order by line_number`,
  );
  return rows.map(({ error, line }) => `line ${line}: ${error}`);
}
