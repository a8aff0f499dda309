import type { WireType } from '../db/sources/cdr-columns.ts';

/** The GraphQL type of a column, by the way its values travel. */
export const fieldTypes = {
  id: 'ID',
  text: 'String',
  timestamp: 'DateTime',
  decimal: 'Decimal',
  integer: 'Int',
} as const satisfies Record<WireType, string>;
