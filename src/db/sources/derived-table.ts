import { type RawBuilder, sql } from 'kysely';
import { inScope, type OwnerColumns, type Ownership, type Scope } from '../scope.ts';
import type { ValueSql } from './columns.ts';
import type { ScopedRelation } from './model.ts';

/** One expression per column of the model. */
export type ColumnsSql<Model> = Readonly<Record<keyof Model & string, ValueSql>>;

/** Expressions of `textSql`, for the columns that have one. */
export type TextsSql<Model> = Partial<Record<keyof Model & string, RawBuilder<unknown>>>;

/** What the column is called that has the values of another as text. */
export const textName = <Name extends string>(name: Name) => `${name}_text` as const;

export interface RelationParts<Model, Alias extends string> {
  readonly alias: Alias;
  readonly columns: ColumnsSql<Model>;
  readonly types: Readonly<Record<keyof Model & string, string>>;
  /** Columns whose values may be beyond their type, as text. */
  readonly texts?: TextsSql<Model>;
  /** Columns that the relation has not, although the model does: a statement that needs one must fail, not read null. */
  readonly gone?: ReadonlySet<string>;
  /** Columns that hold a number of a person, or somebody's identity. */
  readonly numbers?: readonly string[];
  /** The table and what is joined to it. */
  readonly from: RawBuilder<unknown>;
  /** Columns of the table itself, so that its indexes find what a scope lets through. */
  readonly owners: OwnerColumns;
  readonly ownership: Ownership | null;
}

/** `(select … as i_xdr, null::text as country, … from … where …) as alias`, typed as the model. */
export function scopedRelation<Model, Alias extends string>(
  parts: RelationParts<Model, Alias>,
): ScopedRelation<Model, Alias> {
  const { alias, columns, types, texts = {}, gone, numbers = [], from, owners, ownership } = parts;
  const names = (Object.keys(types) as (keyof Model & string)[]).filter((name) => !gone?.has(name));
  /** Where a scope has no whole numbers, nothing that is built on the relation can have them. */
  const seenIn = (scope: Scope, name: string, value: ValueSql) =>
    scope.numbers && numbers.includes(name) ? withoutNumber(value, scope.numbers) : value;
  const listFor = (scope: Scope, only: ReadonlySet<string> | undefined) => {
    const typed = names.map((name): [string, RawBuilder<unknown>] => {
      const value = seenIn(scope, name, columns[name]);
      return [name, value ?? sql`null::${sql.raw(types[name])}`];
    });
    const asText = Object.entries<RawBuilder<unknown>>(texts as never).map(
      ([name, text]): [string, RawBuilder<unknown>] => [textName(name), seenIn(scope, name, text) ?? text],
    );
    return [...typed, ...asText]
      .filter(([name]) => !only || only.has(name))
      .map(([name, value]) => sql`${value} as ${sql.id(name)}`);
  };
  return (scope, only) => {
    const condition = inScope(scope, owners, ownership);
    const rows = condition ? sql`${from} where ${condition}` : from;
    return sql<Model>`(select ${sql.join(listFor(scope, only))} from ${rows})`.as(alias);
  };
}

/** `3361*****78`: the destination and the length stay, the person goes. ASCII, which every encoding has. */
function withoutNumber(value: ValueSql, numbers: NonNullable<Scope['numbers']>): RawBuilder<unknown> {
  if (numbers === 'hidden' || value === null) return sql`null::text`;
  return sql`case when length(${value}) <= 6 then repeat('*', length(${value}))
    else left(${value}, 4) || repeat('*', length(${value}) - 6) || right(${value}, 2) end`;
}
