import SchemaBuilder from '@pothos/core';
import type { Context } from '../context.ts';
import type { InstantArgument } from '../resolvers/cdr-filter.ts';

export interface SchemaTypes {
  Context: Context;
  Scalars: {
    ID: { Input: string; Output: string | number };
    /** Out: the RFC 3339 text, ready. */
    DateTime: { Input: InstantArgument; Output: string };
    /** Decimal text, both ways. */
    Decimal: { Input: string; Output: string };
    /** Decimal digits out; in as graphql-scalars parses it. */
    BigInt: { Input: bigint | number; Output: string | bigint | number };
  };
}

/** Defines no types: each file of this room registers its own. */
export const builder = new SchemaBuilder<SchemaTypes>({});

builder.queryType({
  description:
    'Calls, statistics, and the truth about how old the answer is. Everything is read from hot standbys; ' +
    '`extensions.replica` of each answer says from which one, and as of when.',
});
