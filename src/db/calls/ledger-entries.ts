import type { Reader } from '../reader.ts';
import { readRows } from '../wire/rows.ts';
import type { KeySpan } from './arrived-calls.ts';

/** A call that was corrected or deleted, as the primary noted it (migration 0010_ledger). */
export interface LedgerEntry {
  readonly n: bigint;
  /** Null: the table of calls was emptied. */
  readonly key: bigint | null;
  readonly oldAccount: string | null;
  readonly oldCustomer: string | null;
}

/** Where the gateway reads: not calls, and of no principal. */
export type LedgerReader = Pick<Reader, 'pool' | 'signal' | 'onRows'>;

/** Nobody has asked for one. */
export const NO_LEDGER = 'There is no ledger.';

/** Why there is none to read, in a sentence; null: there is. */
export async function selectWhyNoLedger(reader: LedgerReader, table: string): Promise<string | null> {
  const text = `select /* whyNoLedger */ case
    when to_regclass('cdr_gateway.ledger') is null or not has_schema_privilege('cdr_gateway', 'usage')
      then '${NO_LEDGER}'
    when not has_table_privilege('cdr_gateway.ledger', 'select') then 'This role may not read cdr_gateway.ledger: run "migrate up".'
    when (select count(*) from pg_trigger where tgrelid = to_regclass($1) and tgname like 'gateway\\_ledger\\_%'
      and tgenabled in ('O', 'A')) < 3 then 'The table of calls has lost the triggers of the ledger: run "migrate up".'
    end as reason`;
  const [row] = await read<{ reason: string | null }>(reader, text, [table]);
  return row!.reason;
}

/** The smallest and the largest number; 0 and 0 where nothing was noted. */
export async function selectLedgerBounds(reader: LedgerReader): Promise<readonly [bigint, bigint]> {
  const text =
    'select /* ledgerBounds */ coalesce(min(n), 0)::text as low, coalesce(max(n), 0)::text as high from cdr_gateway.ledger';
  const [row] = await read<{ low: string; high: string }>(reader, text, []);
  return [BigInt(row!.low), BigInt(row!.high)];
}

/** Entries of a span of numbers, in their order, the first `limit` of them. */
export async function selectLedgerBetween(
  reader: LedgerReader,
  { above, upTo }: KeySpan,
  limit: number,
): Promise<readonly LedgerEntry[]> {
  const text = `${ENTRIES} where entry.n > $1::bigint and entry.n <= $2::bigint order by entry.n limit $3::bigint`;
  const values = [String(above), String(upTo), limit];
  return (await read<EntryRow>(reader, text, values)).map(entryOf);
}

/** Entries with one of these numbers, in their order. */
export async function selectLedgerOf(
  reader: LedgerReader,
  numbers: readonly bigint[],
): Promise<readonly LedgerEntry[]> {
  const text = `${ENTRIES} where entry.n = any($1::bigint[]) order by entry.n`;
  return (await read<EntryRow>(reader, text, [numbers.map(String)])).map(entryOf);
}

async function read<Row>(
  { pool, signal, onRows }: LedgerReader,
  text: string,
  values: readonly unknown[],
): Promise<Row[]> {
  const rows = await readRows<Row>(pool, { text, values }, signal);
  onRows?.(rows.length);
  return rows;
}

/** Entries are ordered by the number, not by the text of it that is selected under the same name. */
const ENTRIES =
  'select /* ledgerEntries */ entry.n::text, call_key::text as key, old_account::text as account, old_customer::text as customer ' +
  'from cdr_gateway.ledger as entry';

interface EntryRow {
  readonly n: string;
  readonly key: string | null;
  readonly account: string | null;
  readonly customer: string | null;
}

function entryOf({ n, key, account, customer }: EntryRow): LedgerEntry {
  return {
    n: BigInt(n),
    key: key === null ? null : BigInt(key),
    oldAccount: account,
    oldCustomer: customer,
  };
}
