import type { FilteredRow } from '../db/calls/cdr-row-filter.ts';
import type { LedgerEntry } from '../db/calls/ledger-entries.ts';
import type { CallOwner } from '../db/scope.ts';
import type { Source } from '../db/sources/sources.ts';
import type { CallChange } from './change-stream.ts';

/** A call that was corrected or deleted. */
export interface CorrectedCall {
  readonly key: bigint;
  /** As it is now; undefined: it is gone. */
  readonly row: FilteredRow | undefined;
  /** Whose it was before, at each change. */
  readonly oldOwners: readonly CallOwner[];
}

/** Each call once, whatever became of it. */
export function correctedCalls(
  corrected: ReadonlyMap<bigint, readonly CallOwner[]>,
  rows: ReadonlyMap<bigint, FilteredRow>,
): readonly CorrectedCall[] {
  return [...corrected].map(([key, oldOwners]) => ({ key, row: rows.get(key), oldOwners }));
}

/** What the ledger says became of calls; an entry without a call is of none. */
export function changesOfLedger(
  entries: readonly LedgerEntry[],
  { hasCustomers }: Pick<Source, 'hasCustomers'>,
): readonly CallChange[] {
  return entries.flatMap(({ key, oldAccount, oldCustomer }) => {
    if (key === null) return [];
    // A table that does not say the customer has none to be noted.
    const oldOwner = { account: oldAccount, customer: hasCustomers ? oldCustomer : undefined };
    return { kind: 'update', key, commitLsn: 0n, oldOwner };
  });
}

export interface GroupedChanges {
  /** Keys of calls that have come. */
  readonly inserted: ReadonlySet<bigint>;
  /** Owners before, by the key of the call. */
  readonly corrected: ReadonlyMap<bigint, readonly CallOwner[]>;
}

export interface InsertJudgement {
  /** The call of an insert was told already. */
  isKnown(change: CallChange): boolean;
  /**
   * The key of an insert had been one of a call before: then the new call may have been read, and told, when the deletion of
   * the old one was, since rows are read as they are and not as they were.
   */
  isReused(change: CallChange): boolean;
}

/** What became of each call. One that came and was corrected since has come: nobody was told what it was before. */
export function groupChanges(
  changes: readonly CallChange[],
  { isKnown, isReused }: InsertJudgement,
): GroupedChanges {
  const inserted = new Set<bigint>();
  const reused = new Set<bigint>();
  const corrected = new Map<bigint, CallOwner[]>();
  for (const change of changes) {
    const { kind, key, oldOwner } = change;
    const owners = corrected.get(key);
    if (owners) {
      if (kind !== 'insert') owners.push(oldOwner);
    } else if (kind === 'insert') {
      if (isKnown(change)) continue;
      inserted.add(key);
      if (isReused(change)) reused.add(key);
    } else if (!inserted.has(key) || reused.has(key)) {
      inserted.delete(key);
      corrected.set(key, [oldOwner]);
    }
  }
  return { inserted, corrected };
}
