import type { CdrKeyset, CdrPage } from '../db/calls/cdr-page.ts';
import type { Reader } from '../db/reader.ts';
import type { RelatedFinder } from './related-objects.ts';

/** A page of calls, checked and decoded, and the standby it is read from: what the arguments of `cdrs` mean. */
export interface OpenList {
  readonly reader: Reader;
  readonly page: Omit<CdrPage, 'limit'>;
  /** How many calls at most. */
  readonly size: number;
  /** What cursors begin with when the standby has replayed so far. */
  cursorPrefixAt(replayedLsn: string): string;
  /** The cursor of a call that was read, by what the standby had replayed when the last of them was. */
  cursorOf(keyset: CdrKeyset): Promise<string>;
  /**
   * The standby to go on with after a failure, no older than the failed one when that has read calls; throws when there is
   * none, or the failure is final.
   */
  replace(failed: Reader, error: unknown, had: { readonly hasRows: boolean }): Promise<Reader>;
  /** Finds the objects that calls refer to, on the same standby. */
  readonly relatedFinder: RelatedFinder;
  /**
   * Whether a call lies beyond the page that was read, with these at its ends, on the side where a cursor bounds it.
   * False where none does.
   */
  liesBeyond(
    side: 'previous' | 'next',
    ends: { readonly first: CdrKeyset | undefined; readonly last: CdrKeyset | undefined },
  ): Promise<boolean>;
  /** Decimal digits. */
  count(kind: 'totalCount' | 'estimatedCount'): Promise<string>;
}
