import { type AliasedRawBuilder, type RawBuilder, sql } from 'kysely';

/** One expression per column of the model; null where the database has nothing to offer. */
export type ColumnsSql<Model> = Readonly<Record<keyof Model & string, RawBuilder<unknown> | null>>;

/** `(select … as i_xdr, null::text as country, … from … where …) as alias`, typed as the model. */
export function derivedTable<Model, Alias extends string>(
  alias: Alias,
  columns: ColumnsSql<Model>,
  types: Readonly<Record<keyof Model & string, string>>,
  from: RawBuilder<unknown>,
): AliasedRawBuilder<Model, Alias> {
  const list = (Object.keys(types) as (keyof Model & string)[]).map(
    (name) => sql`${columns[name] ?? sql`null::${sql.raw(types[name])}`} as ${sql.id(name)}`,
  );
  return sql<Model>`(select ${sql.join(list)} from ${from})`.as(alias);
}

/**
 * The tenant's condition. One account is compared with `=`, because only then does an index on the account also
 * give the order; an empty list lets nothing through.
 */
export function scopeSql(
  account: RawBuilder<unknown>,
  ids: readonly string[] | undefined,
): RawBuilder<unknown> {
  if (ids === undefined) return sql``;
  if (ids.length === 0) return sql`where false`;
  if (ids.length === 1) return sql`where ${account} = ${ids[0]}::bigint`;
  return sql`where ${account} = any(${ids}::bigint[])`;
}

/** The values in scopeSql, in its order. */
export function scopeValues(ids: readonly string[] | undefined): readonly unknown[] {
  if (ids === undefined || ids.length === 0) return [];
  return ids.length === 1 ? [ids[0]] : [ids];
}

/** Columns of the model that nothing offers. */
export function missingColumns<Model>(columns: ColumnsSql<Model>): readonly (keyof Model & string)[] {
  return (Object.keys(columns) as (keyof Model & string)[]).filter((name) => columns[name] === null);
}
