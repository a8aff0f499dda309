import type pg from 'pg';
import { migrateToLatest } from '../../src/db/migrate.ts';
import type { SourceName } from '../../src/db/sources.ts';
import { insertAsSippy, sippyIndexesSql, sippyTablesSql, type XdrRow } from '../support/sippy.ts';
import { createDatabase, type TestDatabase } from './databases.ts';

export const sourceNames: readonly SourceName[] = ['xdrs', 'sippy'];

/** A database of either kind, with its tables and indexes and no rows. */
export async function createSourceDatabase(major: number, name: SourceName): Promise<TestDatabase> {
  const database = await createDatabase(major);
  if (name === 'xdrs') await migrateToLatest(database.url);
  else await database.client.query(sippyTablesSql + sippyIndexesSql);
  return database;
}

/** The same calls, as either switch writes them. */
export async function insertCalls(
  client: pg.ClientBase,
  name: SourceName,
  rows: readonly XdrRow[],
): Promise<void> {
  if (name === 'sippy') return insertAsSippy(client, rows);
  await client.query('insert into xdrs select * from json_populate_recordset(null::xdrs, $1)', [
    JSON.stringify(rows.map((row) => ({ duration: '0', charged_amount: '0', ...row }))),
  ]);
}

/** A plausible answered call with every column filled that both kinds of switch have. */
export const aCall = (overrides: Partial<XdrRow> = {}): XdrRow => ({
  i_xdr: '1',
  i_account: '14',
  i_customer: '3',
  cli: '33123456789',
  cld: '442071838750',
  cli_in: '0123456789',
  cld_in: '00442071838750',
  setup_time: '2026-01-05 08:59:57.25+00',
  connect_time: '2026-01-05 09:00:00.000001+00',
  disconnect_time: '2026-01-05 09:01:02+00',
  duration: '62.921805825',
  charged_quantity: 63,
  charged_amount: '0.0133',
  disconnect_cause: 16,
  call_id: 'a@b',
  prefix: '4420',
  country: 'United Kingdom',
  region: 'London',
  remote_ip: '192.0.2.7',
  pdd: '1.25',
  release_source: 'caller',
  user_agent: 'phone',
  i_protocol: 1,
  ...overrides,
});
