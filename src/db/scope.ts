import { type RawBuilder, type SqlBool, sql } from 'kysely';

/**
 * Whose calls a principal may see. It says which kind it is and is never absent: "everybody" is written down, and an
 * empty list of ids sees nothing. Ids are decimal digits of a bigint.
 */
export type Scope =
  | { readonly kind: 'all' }
  | { readonly kind: 'accounts'; readonly accountIds: readonly string[] }
  | { readonly kind: 'customers'; readonly customerIds: readonly string[] };

export type ScopeKind = Scope['kind'];

/** By which columns the rows of a relation belong to somebody; null where the relation does not say. */
export interface OwnerColumns {
  readonly account: RawBuilder<unknown> | null;
  readonly customer: RawBuilder<unknown> | null;
}

/** The table `accounts`, which knows the customer of each account: the way to an owner that a relation does not name. */
export interface Ownership {
  readonly account: RawBuilder<unknown>;
  readonly customer: RawBuilder<unknown>;
}

/** A scope that is not of everybody, as SQL sees it. */
interface Owners {
  readonly by: keyof OwnerColumns;
  readonly ids: readonly string[];
}

/** Null: everybody's. The compiler rejects a kind of scope that has no line here. */
function ownersOf(scope: Scope): Owners | null {
  switch (scope.kind) {
    case 'all':
      return null;
    case 'accounts':
      return { by: 'account', ids: scope.accountIds };
    case 'customers':
      return { by: 'customer', ids: scope.customerIds };
    default:
      throw new UnknownScopeError(scope);
  }
}

/** Cannot happen in code that compiles. */
class UnknownScopeError extends Error {
  constructor(scope: never) {
    super(`A scope of no known kind: ${JSON.stringify(scope)}`);
  }
}

/**
 * The rows of a relation that a scope lets through. Where the relation does not say whose they are, the accounts do;
 * where nothing says it, nothing is let through.
 */
export function inScope(
  scope: Scope,
  columns: OwnerColumns,
  ownership: Ownership | null,
): RawBuilder<SqlBool> | null {
  const owners = ownersOf(scope);
  if (!owners) return null;
  const { by, ids } = owners;
  const other = by === 'account' ? 'customer' : 'account';
  if (columns[by]) return isOneOf(columns[by], ids);
  if (!columns[other] || !ownership) return sql`false`;
  return sql`${columns[other]} in (select ${ownership[other]} from accounts where ${isOneOf(ownership[by], ids)})`;
}

/** One id is compared with `=`: only then does an index on it also give the order. */
function isOneOf(column: RawBuilder<unknown>, ids: readonly string[]): RawBuilder<SqlBool> {
  return ids.length === 1 ? sql`${column} = ${ids[0]}::bigint` : sql`${column} = any(${ids}::bigint[])`;
}

/** What the SQL of inScope depends on: scopes of one shape differ in nothing but values. */
export function shapeOfScope(scope: Scope): string {
  const owners = ownersOf(scope);
  return owners ? `${scope.kind} ${owners.ids.length === 1 ? 'one' : 'many'}` : scope.kind;
}

/** The values in inScope. */
export function valuesOfScope(scope: Scope): readonly unknown[] {
  const owners = ownersOf(scope);
  if (!owners) return [];
  return owners.ids.length === 1 ? [owners.ids[0]] : [owners.ids];
}

/** The accounts that a list is of, when they can be named: those wanted, as far as the scope names accounts itself. */
export function accountsWithin(
  scope: Scope,
  wanted: readonly string[] | null | undefined,
): readonly string[] | undefined {
  const owners = ownersOf(scope);
  if (owners?.by !== 'account') return wanted ?? undefined;
  return wanted == null ? owners.ids : wanted.filter((id) => owners.ids.includes(id));
}
