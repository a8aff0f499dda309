import type { CdrKeyset, CdrPage } from '../db/calls/cdr-page.ts';
import { selectCdrPage, selectKeyBeyond } from '../db/calls/cdrs.ts';
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

type Bounded = Pick<CdrPage, 'filter' | 'order' | 'after' | 'before'>;

/**
 * Whether a call lies beyond a page on the side where a cursor bounds it; the call of the cursor is one, unless it has
 * been deleted meanwhile. False where no cursor does.
 */
export async function liesBeyond(
  reader: Reader,
  side: 'previous' | 'next',
  { filter, order, after, before }: Bounded,
  { first, last }: Pick<CdrEnds, 'first' | 'last'>,
): Promise<boolean> {
  const isPrevious = side === 'previous';
  const bound = isPrevious ? after : before;
  if (!bound) return false;
  // Between the cursor and the page is nothing.
  const edge = (isPrevious ? first : last) ?? besides(bound, isPrevious === (order === 'OLDEST_FIRST'));
  const page = isPrevious ? { before: edge, fromEnd: true } : { after: edge };
  const rows = await selectCdrPage(reader, { filter, order, ...page, limit: 1 }, ['connect_time', 'i_xdr']);
  return rows.length > 0;
}

const MAX_KEY = 2n ** 63n - 1n;
const MIN_KEY = -(2n ** 63n);

/** The place next to this one, of the same time. */
function besides({ micros, id }: CdrKeyset, isAbove: boolean): CdrKeyset {
  if (id === null || id === (isAbove ? MAX_KEY : MIN_KEY)) return { micros, id };
  return { micros, id: isAbove ? id + 1n : id - 1n };
}
