import { TableChangedError } from '../../errors.ts';

/** The measured columns of a call that may hold what is no finite number: numeric, in the relation `xdrs`. */
export type CallNumber = 'xdrs.duration' | 'xdrs.charged_amount' | 'xdrs.pdd';

/**
 * Whether the value is a finite number. NaN is above Infinity to PostgreSQL. Numbers of more than 100,000 digits could be
 * stored too, but their sums could not.
 */
export const isReadable = (column: CallNumber) => `${column} > -1e100000 and ${column} < 1e100000`;

const UNREADABLE = ['NaN', 'Infinity', '-Infinity'];

/** Where quick sums have met a value that is none. Null for a sum of nothing. */
export const isUnreadableSum = (sum: string) =>
  `${sum} in (${UNREADABLE.map((text) => `'${text}'`).join(', ')})`;

/** The same of PostgreSQL's text. */
export const isUnreadableText = (sum: string | null) => sum !== null && UNREADABLE.includes(sum);

/** Whether a sum was too large for any type. */
export function isOverflow(error: unknown): boolean {
  return error instanceof TableChangedError && (error.cause as { code?: unknown }).code === '22003';
}

/** Whether the value is a finite number above 0. */
export const isPositive = (column: CallNumber) => `${column} > 0 and ${column} < 'Infinity'`;
