import DataLoader from 'dataloader';
import { type AccountRow, type CustomerRow, selectAccounts, selectCustomers } from '../db/calls/accounts.ts';
import type { Reader } from '../db/reader.ts';
import { QueryTimeoutError, ReplicaLockedError } from '../errors.ts';
import type { Carrier } from '../numbering/carrier.ts';
import {
  type CarrierLoader,
  type CarrierLookUp,
  createCarrierLoader,
  type FindCarrierNow,
  findCarrierNow,
  lookUpCarriers,
} from './carriers.ts';
import { createNodeLoader, type NodeLoader } from './nodes.ts';

/** Made per request: one statement however many calls ask, and nothing remembered for the next principal. */
export interface Loaders {
  readonly account: DataLoader<string, AccountRow>;
  readonly customer: DataLoader<string, CustomerRow>;
  /** By type and id. */
  readonly node: NodeLoader;
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
    account: new DataLoader(
      givingUp(async (ids) => {
        const rows = await selectAccounts(await reader(), ids);
        return ids.map((id) => rows.get(id) ?? unknownAccount(id));
      }),
    ),
    customer: new DataLoader(
      givingUp(async (ids) => {
        const rows = await selectCustomers(await reader(), ids);
        return ids.map((id) => rows.get(id) ?? { id, name: null });
      }),
    ),
    node: createNodeLoader(reader),
    carrier: createCarrierLoader(carriers),
    carriersOf: (numbers) => lookUpCarriers(carriers, numbers),
    findCarrierNow: carriers.findNow && ((text, from, to) => findCarrierNow(carriers, text, from, to)),
  };
}

/** After so many failures an object is not looked up again for the same request. Of those that take long, one is enough. */
export const MAX_FAILURES = 3;

/** Whether the statement waited for as long as one may. */
export function isLongWait(error: unknown): boolean {
  return error instanceof QueryTimeoutError || error instanceof ReplicaLockedError;
}

/**
 * Fails at once where looking up has failed before: a list looks objects up a hundred times, and would wait as often for
 * a table that is locked. With another standby there are other loaders.
 */
function givingUp<Row>(
  load: (ids: readonly string[]) => Promise<readonly Row[]>,
): (ids: readonly string[]) => Promise<readonly Row[]> {
  let failures = 0;
  let failure: unknown;
  return async (ids) => {
    if (failures >= MAX_FAILURES) throw failure;
    try {
      return await load(ids);
    } catch (error) {
      failures += isLongWait(error) ? MAX_FAILURES : 1;
      failure = error;
      throw error;
    }
  };
}

function unknownAccount(id: string): AccountRow {
  return { id, customerId: null, username: null, currency: null, timeZone: null, blocked: null };
}
