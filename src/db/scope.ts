import { type RawBuilder, type SqlBool, sql } from 'kysely';

/**
 * Whose calls a principal may see, and what of their numbers. It says which kind it is and is never absent: "everybody" is
 * written down, and an empty list of ids sees nothing. Ids are decimal digits of a bigint.
 */
export type Scope = NumbersInScope &
  (
    | { readonly kind: 'all' }
    | { readonly kind: 'accounts'; readonly accountIds: readonly string[] }
    | { readonly kind: 'customers'; readonly customerIds: readonly string[] }
  );

interface NumbersInScope {
  /** Whole when missing. Otherwise no relation of the scope has them: what is not there cannot be shown, sought or counted. */
  readonly numbers?: 'masked' | 'hidden';
}

export type ScopeKind = Scope['kind'];

/** The columns that say whose a row of a relation is; null where the relation has none. */
export interface OwnerColumns {
  readonly account: RawBuilder<unknown> | null;
  readonly customer: RawBuilder<unknown> | null;
}

/** The table `accounts`, which knows the customer of each account: the way to an owner that a relation does not name. */
export interface Ownership {
  /** The table itself, to select from. */
  readonly from: RawBuilder<unknown>;
  readonly account: RawBuilder<unknown>;
  readonly customer: RawBuilder<unknown>;
}

/** A scope that is not of everybody, as SQL sees it. */
export interface Owners {
  readonly by: keyof OwnerColumns;
  readonly ids: readonly string[];
}

/** Null: everybody's. The compiler rejects a kind of scope that has no line here. */
export function ownersOf(scope: Scope): Owners | null {
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

/** Whether nothing is kept from principals with this scope. */
export function isOfEverybody(scope: Scope): boolean {
  return ownersOf(scope) === null;
}

/**
 * Where the ids of a scope belong in a statement. The text never has them: they are filled in when it is executed, so
 * that they are always those of the scope it is executed for.
 */
export const scopeIds = Symbol('ids of the scope');

/** What is filled in for `scopeIds`. */
export function idsOfScope(scope: Scope): string | readonly string[] {
  const ids = ownersOf(scope)?.ids ?? [];
  return ids.length === 1 ? ids[0]! : ids;
}

/** What a scope lets through: kind of owner, and ids as an array literal of PostgreSQL; null: everybody's. */
export function ownerIdsOf(scope: Scope): { readonly by: keyof OwnerColumns; readonly ids: string } | null {
  const owners = ownersOf(scope);
  return owners && { by: owners.by, ids: `{${owners.ids.join(',')}}` };
}

/** What the SQL of a relation in scope depends on: scopes of one shape differ in nothing but ids. */
export function shapeOfScope(scope: Scope): string {
  const owners = ownersOf(scope);
  const shape = owners ? `${scope.kind} ${owners.ids.length === 1 ? 'one' : 'many'}` : scope.kind;
  return scope.numbers ? `${shape}, numbers ${scope.numbers}` : shape;
}

/** How often `scopeIds` stands in the SQL of `inScope`. */
export function idsPerRelation(scope: Scope): 0 | 1 {
  return ownersOf(scope) ? 1 : 0;
}

/**
 * The rows of a relation that a scope lets through; null: all. Where the relation does not say whose they are, the
 * accounts do; where nothing says it, nothing is let through.
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
  // One id is compared with `=`: only then does an index on it also give the order.
  const matches = (column: RawBuilder<unknown>) =>
    ids.length === 1
      ? sql<SqlBool>`${column} = ${scopeIds}::bigint`
      : sql<SqlBool>`${column} = any(${scopeIds}::bigint[])`;
  if (columns[by]) return matches(columns[by]);
  // Never true. It has the ids all the same, so that every restricted relation has them once.
  if (!columns[other] || !ownership) return sql`${scopeIds}::text is null`;
  return sql`${columns[other]} in (select ${ownership[other]} from ${ownership.from} where ${matches(ownership[by])})`;
}

/** Whose a call is or was, as far as that is known; undefined where it is not, null where it is nobody's. */
export interface CallOwner {
  readonly account?: string | null | undefined;
  readonly customer?: string | null | undefined;
}

/** The same of an owner in memory: whether the scope lets its calls through. Null where what it depends on is not known. */
export function passesScope(scope: Scope, owner: CallOwner): boolean | null {
  const owners = ownersOf(scope);
  if (!owners) return true;
  const id = owner[owners.by];
  if (id === undefined) return null;
  return id !== null && owners.ids.includes(id);
}

/**
 * Of which accounts the calls of a list can be: of these alone; of every one; or of whichever the owners in the scope
 * have, which no statement's text can say.
 */
export function accountsOfList(
  scope: Scope,
  wanted: readonly string[] | null | undefined,
): readonly string[] | 'every' | 'unknown' {
  const owners = ownersOf(scope);
  if (!owners) return wanted ?? 'every';
  if (owners.by !== 'account') return 'unknown';
  return wanted == null ? owners.ids : wanted.filter((id) => owners.ids.includes(id));
}
