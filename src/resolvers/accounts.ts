import { type AccountRow, selectAccounts } from '../db/calls/accounts.ts';
import type { Reader } from '../db/reader.ts';
import { parseId } from './cdr-filter.ts';

/** The account, or null when there is none that this principal may see. */
export async function findAccount(
  { reader }: { reader(): Promise<Reader> },
  id: string,
): Promise<AccountRow | null> {
  const key = parseId(id, 'id');
  const rows = await selectAccounts(await reader(), [key]);
  return rows.get(key) ?? null;
}
