import { sql } from 'kysely';
import { scopeIds } from '../../src/db/scope.ts';
import type { ScopedRelation } from '../../src/db/sources/sources.ts';

/** The relation as it would be if its predicate let everything through, and still had its ids. */
export function withoutPredicate<Model, Alias extends string>(
  relation: ScopedRelation<Model, Alias>,
  alias: Alias,
): ScopedRelation<Model, Alias> {
  return (scope) => {
    if (scope.kind === 'all') return relation(scope);
    const every = relation({ kind: 'all' });
    return sql<Model>`(select * from ${every} where ${scopeIds}::text is not null or true)`.as(alias);
  };
}
