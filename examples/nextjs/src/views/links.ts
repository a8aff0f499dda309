import { type PageQuery, printPageQuery } from '../filter/page-query.ts';
import type { TimeRange } from '../filter/time-range.ts';

export interface LinkOptions {
  /** The columns that are shown, where they are not those of the start. */
  readonly columns: readonly string[];
  /** The times that are seen, to stay at them; without it a range that moves goes on moving. */
  readonly fixedTo?: TimeRange | undefined;
}

/** `?range=24h&type=ERRORS`: everything that was chosen, and nothing else. */
export function searchOf(query: PageQuery, { columns, fixedTo }: LinkOptions): string {
  return printPageQuery({
    ...query,
    columns: [...columns],
    ...(fixedTo && { from: new Date(fixedTo.from), to: new Date(fixedTo.to) }),
  });
}

/** Whether the range moves with the time. */
export function isMoving({ from, to }: PageQuery): boolean {
  return from === null || to === null || from >= to;
}
