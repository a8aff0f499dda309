import { type RawBuilder, sql } from 'kysely';
import { inScope, type OwnerColumns, type Ownership } from '../scope.ts';
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
  const { alias, columns, types, texts = {}, gone, from, owners, ownership } = parts;
  const names = (Object.keys(types) as (keyof Model & string)[]).filter((name) => !gone?.has(name));
  const typed = names.map(
    (name) => sql`${columns[name] ?? sql`null::${sql.raw(types[name])}`} as ${sql.id(name)}`,
  );
  const asText = Object.entries(texts).map(([name, text]) => sql`${text} as ${sql.id(textName(name))}`);
  const list = [...typed, ...asText];
  return (scope) => {
    const condition = inScope(scope, owners, ownership);
    const rows = condition ? sql`${from} where ${condition}` : from;
    return sql<Model>`(select ${sql.join(list)} from ${rows})`.as(alias);
  };
}
