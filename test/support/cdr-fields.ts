import type { GraphQLField, GraphQLObjectType } from 'graphql';
import type { CdrColumnName } from '../../src/db/sources/cdr-columns.ts';
import { schema } from '../../src/schema/index.ts';

export interface ColumnField {
  readonly name: string;
  readonly column: CdrColumnName;
  readonly definition: GraphQLField<unknown, unknown>;
}

/** The fields of a call that are columns: a test of every one of them is also of those that will be added. */
export const columnFields: readonly ColumnField[] = Object.values(
  (schema.getType('Cdr') as GraphQLObjectType).getFields(),
).flatMap((definition) => {
  const column = definition.extensions.column as CdrColumnName | undefined;
  return column ? [{ name: definition.name, column, definition }] : [];
});

export const columnFieldNames: readonly string[] = columnFields.map(({ name }) => name);
