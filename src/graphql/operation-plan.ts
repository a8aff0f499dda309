import {
  type DocumentNode,
  type ExecutionArgs,
  GraphQLError,
  getOperationAST,
  getVariableValues,
  Kind,
  type OperationDefinitionNode,
  type VariableValues,
} from 'graphql';
import type { CdrsArguments } from '../resolvers/cdrs.ts';
import { type ConnectionPlan, isStreamable, planConnection } from '../streaming/connection-plan.ts';
import { collectFields, fragmentsOf, type SelectedField } from '../streaming/selection.ts';

/** An operation with lists that stream, and the rest of it for the ordinary executor. */
export interface OperationPlan {
  /** In response order. */
  readonly roots: readonly PlannedRoot[];
  /** Undefined when nothing is left over. */
  readonly rest: DocumentNode | undefined;
}

export type PlannedRoot = PlannedList | SelectedField;

/** A list that streams, with the arguments of this request. */
export interface PlannedList {
  readonly plan: ConnectionPlan;
  readonly arguments: CdrsArguments;
}

/** What is the same for every request whose variables leave out the same fields. */
interface Shape {
  readonly roots: readonly (ConnectionPlan | SelectedField)[];
  readonly rest: DocumentNode | undefined;
}

/** Undefined: the ordinary executor must answer it all. By operation, then by its boolean variables. */
const shapes = new WeakMap<OperationDefinitionNode, Map<string, Shape | undefined>>();
/** Of an operation; a client needs many boolean variables to have as many. */
const MAX_SHAPES = 64;

/**
 * How the operation is answered; undefined when the ordinary executor must answer it all, bad arguments included:
 * its errors are the spec's.
 */
export function planOperation(
  args: ExecutionArgs,
): OperationPlan | { readonly errors: readonly GraphQLError[] } | undefined {
  const operation = getOperationAST(args.document, args.operationName);
  if (operation?.operation !== 'query') return undefined;
  const definitions = operation.variableDefinitions ?? [];
  const given = getVariableValues(args.schema, definitions, args.variableValues ?? {});
  if (!given.variableValues) return { errors: given.errors };
  const variables = given.variableValues;
  try {
    const shape = shapeOf(args, operation, variables);
    return (
      shape && {
        rest: shape.rest,
        roots: shape.roots.map((root) =>
          isConnection(root) ? { plan: root, arguments: argumentsOf(root, variables) } : root,
        ),
      }
    );
  } catch (error) {
    if (error instanceof GraphQLError) return undefined;
    throw error;
  }
}

export function isPlannedList(root: PlannedRoot): root is PlannedList {
  return 'plan' in root;
}

function argumentsOf(plan: ConnectionPlan, variables: VariableValues): CdrsArguments {
  return plan.argumentsWith(variables) as unknown as CdrsArguments;
}

/** Only `@skip` and `@include` change what is selected, and they take booleans. */
function shapeOf(
  args: ExecutionArgs,
  operation: OperationDefinitionNode,
  variables: VariableValues,
): Shape | undefined {
  const booleans = Object.entries(variables.coerced).filter(([, value]) => typeof value === 'boolean');
  const key = booleans.join();
  const known = shapes.get(operation) ?? new Map<string, Shape | undefined>();
  shapes.set(operation, known);
  if (known.has(key)) return known.get(key);
  const shape = planRoots(args, operation, variables);
  if (known.size < MAX_SHAPES) known.set(key, shape);
  return shape;
}

function planRoots(
  { schema, document }: ExecutionArgs,
  operation: OperationDefinitionNode,
  variables: VariableValues,
): Shape | undefined {
  const fragments = fragmentsOf(document);
  const fields = collectFields([operation.selectionSet], fragments, variables);
  const definitions = schema.getQueryType()!.getFields();
  const roots = fields?.map((field) => {
    const definition = definitions[field.name];
    const plan =
      isStreamable(definition) && planConnection(field, definition, { schema, fragments, variables });
    return plan || field;
  });
  if (!roots?.some(isConnection)) return undefined;
  const left = roots.filter((root) => !isConnection(root)) as SelectedField[];
  return { roots, rest: left.length > 0 ? documentOf(document, operation, left) : undefined };
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
