import { type GraphQLSchema, getNamedType, Kind, TypeInfo, visit, visitWithTypeInfo } from 'graphql';
import type { Operation } from './operation.ts';

/** Fields of the root whose value follows from what the standby has replayed, and from nothing else. */
export const fieldsOfDatabase: ReadonlySet<string> = new Set([
  'cdr',
  'cdrs',
  'cdrStats',
  'account',
  'node',
  'nodes',
]);

/** Below these fields there are types that are read elsewhere: numbers are looked up in files. */
export const typesOfElsewhere: ReadonlySet<string> = new Set(['Carrier']);

/** Arguments that lead behind the first page: a cursor says itself what the standby must have replayed. */
const CURSORS = new Set(['after', 'before']);

interface Reusability {
  readonly isOfDatabase: boolean;
  readonly hasCursor: boolean;
  /** Variables that are cursors, where they are given. */
  readonly cursorVariables: readonly string[];
}

const known = new WeakMap<Operation, Reusability>();

/** Whether an answer to the operation holds for as long as the standby has replayed nothing since. */
export function isReusable(
  schema: GraphQLSchema,
  operation: Operation,
  variables: Readonly<Record<string, unknown>>,
): boolean {
  const reusability = known.get(operation) ?? learn(schema, operation);
  known.set(operation, reusability);
  const { isOfDatabase, hasCursor, cursorVariables } = reusability;
  return isOfDatabase && !hasCursor && cursorVariables.every((name) => variables[name] == null);
}

function learn(schema: GraphQLSchema, { definition, fragments }: Operation): Reusability {
  if (definition.operation !== 'query') return { isOfDatabase: false, hasCursor: false, cursorVariables: [] };
  const root = schema.getQueryType();
  const types = new TypeInfo(schema);
  const cursorVariables = new Set<string>();
  let isOfDatabase = true;
  let hasCursor = false;
  const visitor = visitWithTypeInfo(types, {
    Field({ name }) {
      const parent = types.getParentType();
      const type = types.getType();
      if (parent === root && name.value !== '__typename') isOfDatabase &&= fieldsOfDatabase.has(name.value);
      if (type && typesOfElsewhere.has(getNamedType(type).name)) isOfDatabase = false;
    },
    Argument({ name, value }) {
      if (!CURSORS.has(name.value) || value.kind === Kind.NULL) return;
      if (value.kind === Kind.VARIABLE) cursorVariables.add(value.name.value);
      else hasCursor = true;
    },
  });
  for (const node of [definition, ...fragments.values()]) visit(node, visitor);
  const defaults = definition.variableDefinitions?.filter(({ defaultValue }) => defaultValue);
  hasCursor ||= defaults?.some(({ variable }) => cursorVariables.has(variable.name.value)) ?? false;
  return { isOfDatabase, hasCursor, cursorVariables: [...cursorVariables] };
}
