import {
  type DocumentNode,
  type FieldNode,
  GraphQLError,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  getVariableValues,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type VariableValues,
} from 'graphql';
import { type ConnectionPlan, planConnection } from '../streaming/connection-plan.ts';
import type { ResponseFailure } from '../streaming/json-connection.ts';
import { planRecords, type RecordsPlan } from '../streaming/records-plan.ts';
import { collectFields, type SelectedField } from '../streaming/selection.ts';
import { RequestErrors } from './errors.ts';
import type { Operation, Shape } from './operation.ts';

/** An operation with lists that stream, and the rest of it for the ordinary executor. */
export interface OperationPlan {
  /** In response order. */
  readonly roots: readonly PlannedRoot[];
  /** Undefined when nothing is left over. */
  readonly rest: DocumentNode | undefined;
  /** Coerced. */
  readonly variables: VariableValues;
}

export type PlannedRoot = PlannedList | SelectedField;

/** A list that streams, with the arguments of this request. */
export interface PlannedList {
  readonly plan: ConnectionPlan;
  readonly arguments: Readonly<Record<string, unknown>>;
}

/** Of variables that do not fit: as many as graphql-js reports. */
const MAX_ERRORS = 50;

/**
 * How the operation is answered; undefined when the ordinary executor must answer it all, bad arguments included:
 * its errors are the spec's. Throws RequestErrors when the variables do not fit.
 */
export function planOperation(
  schema: GraphQLSchema,
  operation: Operation,
  inputs: Readonly<Record<string, unknown>>,
): OperationPlan | undefined {
  const { definition } = operation;
  if (definition.operation !== 'query') return undefined;
  const variables = coerceVariables(schema, definition, inputs);
  try {
    const shape = operation.shapes.get(shapeKeyOf(variables), () => planRoots(schema, operation, variables));
    if (!shape) return undefined;
    const roots = shape.roots.map((root) =>
      isConnection(root) ? { plan: root, arguments: root.argumentsWith(variables) } : root,
    );
    return { roots, rest: shape.rest, variables };
  } catch (error) {
    if (error instanceof GraphQLError) return undefined;
    throw error;
  }
}

/** The records of a file, where the operation is one field that lists some; what it answers is the executor's. */
export function planRecordsOf(
  schema: GraphQLSchema,
  { definition, fragments }: Operation,
  inputs: Readonly<Record<string, unknown>>,
): RecordsPlan | undefined {
  if (definition.operation !== 'query') return undefined;
  const variables = coerceVariables(schema, definition, inputs);
  try {
    const query = schema.getQueryType()!;
    const fields = collectFields([definition.selectionSet], query, { schema, fragments, variables }) ?? [];
    const [field] = fields;
    const declared = field && query.getFields()[field.name];
    if (!declared || fields.length > 1) return undefined;
    return planRecords(field, getNamedType(declared.type), { schema, fragments, variables });
  } catch (error) {
    if (error instanceof GraphQLError) return undefined;
    throw error;
  }
}

/** Throws RequestErrors when they do not fit. */
function coerceVariables(
  schema: GraphQLSchema,
  { variableDefinitions = [] }: OperationDefinitionNode,
  inputs: Readonly<Record<string, unknown>>,
): VariableValues {
  const coerced = getVariableValues(schema, variableDefinitions, inputs, { maxErrors: MAX_ERRORS });
  if (!coerced.variableValues) throw new RequestErrors(coerced.errors);
  return coerced.variableValues;
}

/** The places in the document that select what lies at this path of a response; none when nothing does. */
export function fieldNodesAt(
  schema: GraphQLSchema,
  { definition, fragments }: Operation,
  variables: VariableValues,
  path: ResponseFailure['path'],
): readonly FieldNode[] {
  let selectionSets: readonly SelectionSetNode[] = [definition.selectionSet];
  let type: GraphQLNamedType = schema.getQueryType()!;
  let nodes: readonly FieldNode[] = [];
  for (const key of path) {
    if (typeof key === 'number') continue;
    // No list that streams has an item of an abstract type, and no path leads to the fields of a scalar.
    if (!isObjectType(type)) return nodes;
    const parent: GraphQLObjectType = type;
    const fields = collectFields(selectionSets, parent, { schema, fragments, variables });
    const field = fields?.find((each) => each.key === key);
    if (!field) return nodes;
    ({ nodes, selectionSets } = field);
    type = getNamedType(parent.getFields()[field.name]!.type);
  }
  return nodes;
}

export function isPlannedList(root: PlannedRoot): root is PlannedList {
  return 'plan' in root;
}

/** Only `@skip` and `@include` change what is selected, and they take booleans. */
function shapeKeyOf({ coerced }: VariableValues): string {
  let key = '';
  for (const name in coerced) {
    if (typeof coerced[name] === 'boolean') key += `${name}:${coerced[name]},`;
  }
  return key;
}

function planRoots(
  schema: GraphQLSchema,
  { document, definition, fragments }: Operation,
  variables: VariableValues,
): Shape | undefined {
  const query = schema.getQueryType()!;
  const selection = { schema, document, operation: definition, fragments, variables };
  const fields = collectFields([definition.selectionSet], query, selection);
  const definitions = query.getFields();
  const roots = fields?.map((field) => {
    return planConnection(field, definitions[field.name], selection) ?? field;
  });
  if (!roots?.some(isConnection)) return undefined;
  const left = roots.filter((root) => !isConnection(root)) as SelectedField[];
  return { roots, rest: left.length > 0 ? documentOf(document, definition, left) : undefined };
}

function isConnection(root: ConnectionPlan | SelectedField): root is ConnectionPlan {
  return 'list' in root;
}

/** The same operation with only these fields. */
function documentOf(
  document: DocumentNode,
  operation: OperationDefinitionNode,
  fields: readonly SelectedField[],
): DocumentNode {
  const selections = fields.flatMap(({ nodes }) => nodes);
  const reduced = { ...operation, selectionSet: { kind: Kind.SELECTION_SET, selections } } as const;
  return {
    kind: Kind.DOCUMENT,
    definitions: document.definitions.map((definition) => (definition === operation ? reduced : definition)),
  };
}
