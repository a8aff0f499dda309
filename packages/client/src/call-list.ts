import type { Cdr, CdrFilter, CdrOrder } from './generated/schema.ts';
import { type TypedDocument, typedDocument } from './typed-document.ts';

export interface CallListVariables {
  readonly filter?: CdrFilter | null | undefined;
  readonly orderBy?: CdrOrder | undefined;
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
}

export interface CallListResult<Field extends keyof Cdr> {
  readonly cdrs: {
    readonly edges: readonly ({ readonly cursor: string; readonly node: Pick<Cdr, Field> | null } | null)[];
  } | null;
}

/** A document that lists calls with these fields of `Cdr`, for `streamCalls` without generated code of your own. */
export function callList<const Field extends keyof Cdr>(
  fields: readonly [Field, ...Field[]],
): string & TypedDocument<CallListResult<Field>, CallListVariables> {
  return typedDocument(
    `query CallList($filter: CdrFilter, $orderBy: CdrOrder! = NEWEST_FIRST, $first: Int, $after: String) {
  cdrs(filter: $filter, orderBy: $orderBy, first: $first, after: $after) {
    edges {
      cursor
      node { ${fields.join(' ')} }
    }
  }
}`,
  );
}
