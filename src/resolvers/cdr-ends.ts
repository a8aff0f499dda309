import type { CdrKeyset, CdrPage } from '../db/calls/cdr-page.ts';
import { selectKeyBeyond } from '../db/calls/cdrs.ts';
import type { Reader } from '../db/reader.ts';

/** The first and the last call of a page in the order of its list; undefined when it is empty. */
export interface CdrEnds {
  readonly first: CdrKeyset | undefined;
  readonly last: CdrKeyset | undefined;
  /** Whether the list goes on beyond the page in the direction of reading. */
  readonly goesOn: boolean;
}

/** Finds them without the calls in between, which PostgreSQL only counts. */
export async function findEnds(
  reader: Reader,
  { size, fromEnd, ...list }: Omit<CdrPage, 'limit'> & { readonly size: number },
): Promise<CdrEnds> {
  const backwards = { ...list, order: opposites[list.order], after: list.before, before: list.after };
  /** The list in the direction of reading, and against it: calls are counted from the end of the other. */
  const [ahead, behind] = fromEnd ? [backwards, list] : [list, backwards];
  const far = await selectKeyBeyond(reader, { ...behind, limit: size - 1 });
  const near = await selectKeyBeyond(reader, { ...behind, limit: 0 });
  const goesOn =
    far !== undefined && (await selectKeyBeyond(reader, { ...behind, limit: size })) !== undefined;
  const end = far ?? (await selectKeyBeyond(reader, { ...ahead, limit: 0 }));
  return fromEnd ? { first: end, last: near, goesOn } : { first: near, last: end, goesOn };
}

const opposites = { NEWEST_FIRST: 'OLDEST_FIRST', OLDEST_FIRST: 'NEWEST_FIRST' } as const;
