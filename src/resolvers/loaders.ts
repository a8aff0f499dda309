import DataLoader from 'dataloader';
import { type AccountRow, type CustomerRow, selectAccounts, selectCustomers } from '../db/calls/accounts.ts';
import type { Reader } from '../db/reader.ts';
import type { Carrier } from '../numbering/carrier.ts';
import {
  type CarrierLoader,
  type CarrierLookUp,
  createCarrierLoader,
  type FindCarrierNow,
  findCarrierNow,
  lookUpCarriers,
} from './carriers.ts';

/** Made per request: one statement however many calls ask, and nothing remembered for the next principal. */
export interface Loaders {
  readonly account: DataLoader<string, AccountRow>;
  readonly customer: DataLoader<string, CustomerRow>;
  /** By number, as the switch wrote it. */
  readonly carrier: CarrierLoader;
  /** The same for many numbers at once, of which none is remembered. Never rejects. */
  carriersOf(numbers: readonly string[]): Promise<readonly (Carrier | null)[]>;
  /** Of the number that lies there, when it need not be looked up. Never throws. */
  readonly findCarrierNow: FindCarrierNow | undefined;
}

/** An id that the database does not know, or has no table for, loads as a row of nulls beside its id. */
export function createLoaders(reader: () => Promise<Reader>, carriers: CarrierLookUp): Loaders {
  return {
    account: new DataLoader(async (ids) => {
      const rows = await selectAccounts(await reader(), ids);
      return ids.map((id) => rows.get(id) ?? unknownAccount(id));
    }),
    customer: new DataLoader(async (ids) => {
      const rows = await selectCustomers(await reader(), ids);
      return ids.map((id) => rows.get(id) ?? { id, name: null });
    }),
    carrier: createCarrierLoader(carriers),
    carriersOf: (numbers) => lookUpCarriers(carriers, numbers),
    findCarrierNow: carriers.findNow && ((text, from, to) => findCarrierNow(carriers, text, from, to)),
  };
}

function unknownAccount(id: string): AccountRow {
  return { id, customerId: null, username: null, currency: null, timeZone: null, blocked: null };
}
