import {
  type ASTNode,
  BREAK,
  type DocumentNode,
  execute,
  type FieldNode,
  type GraphQLError,
  GraphQLList,
  GraphQLObjectType,
  GraphQLSchema,
  isInputType,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
  specifiedDirectives,
  visit,
} from 'graphql';

/** What is selected of an object that calls refer to: the graphql executor does it once per object, not per call. */
export interface RelatedSelection {
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  /** Whether no variable of the operation can change what is answered for an object. */
  readonly isFixed: boolean;
}

/** As GraphQL answers a field: its value, and the failures below it. */
export interface RelatedValue {
  readonly value: unknown;
  readonly failures: readonly RelatedFailure[];
}

export interface RelatedFailure {
  /** From the object on; empty: the object itself. */
  readonly path: readonly (string | number)[];
  readonly error: unknown;
}

/** What a field is executed with: that of the operation it is part of. */
export interface RelatedExecution {
  readonly contextValue: unknown;
  readonly variableValues: Readonly<Record<string, unknown>> | undefined;
}

const FIELD = 'objects';

/** One per type: a schema whose only field lists objects of that type, which need not be found by any field of ours. */
const schemas = new WeakMap<GraphQLObjectType, GraphQLSchema>();

function schemaFor(type: GraphQLObjectType, of: GraphQLSchema): GraphQLSchema {
  const known = schemas.get(type);
  if (known) return known;
  const query = new GraphQLObjectType({
    name: 'RelatedObjects',
    fields: { [FIELD]: { type: new GraphQLList(type) } },
  });
  // Variables of the operation may be of any input type.
  const types = Object.values(of.getTypeMap()).filter((each) => isInputType(each));
  const schema = new GraphQLSchema({ query, types, directives: specifiedDirectives });
  schemas.set(type, schema);
  return schema;
}

export interface SelectionSource {
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
}

/** `nodes` are the selections of one field of the document, which are merged. */
export function selectRelated(
  type: GraphQLObjectType,
  nodes: readonly FieldNode[],
  { schema, document, operation }: SelectionSource,
): RelatedSelection {
  const selections = nodes.flatMap(({ selectionSet }) => selectionSet?.selections ?? []);
  const field: FieldNode = {
    kind: Kind.FIELD,
    name: { kind: Kind.NAME, value: FIELD },
    selectionSet: { kind: Kind.SELECTION_SET, selections },
  };
  const reduced: OperationDefinitionNode = {
    kind: Kind.OPERATION_DEFINITION,
    // Of a subscription too: what a message refers to is read as by a query.
    operation: OperationTypeNode.QUERY,
    variableDefinitions: operation.variableDefinitions,
    selectionSet: { kind: Kind.SELECTION_SET, selections: [field] },
  };
  const fragments = document.definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION);
  return {
    schema: schemaFor(type, schema),
    document: { kind: Kind.DOCUMENT, definitions: [reduced, ...fragments] },
    isFixed: ![reduced.selectionSet, ...fragments].some(hasVariables),
  };
}

function hasVariables(node: ASTNode): boolean {
  let isFound = false;
  visit(node, {
    Variable() {
      isFound = true;
      return BREAK;
    },
  });
  return isFound;
}

/** Of each object, in order. An object that is an error is null, and the failure is its own. */
export async function executeRelated(
  { schema, document }: RelatedSelection,
  objects: readonly unknown[],
  execution: RelatedExecution,
): Promise<readonly RelatedValue[]> {
  const { data, errors = [] } = await execute({
    schema,
    document,
    ...execution,
    rootValue: { [FIELD]: objects },
  });
  const values = data?.[FIELD] as readonly unknown[] | null | undefined;
  const failures = new Map<number, RelatedFailure[]>();
  for (const error of errors) noteFailure(failures, error);
  return objects.map((_, index) => ({
    value: values?.[index] ?? null,
    failures: failures.get(index) ?? none,
  }));
}

const none: readonly RelatedFailure[] = [];

function noteFailure(failures: Map<number, RelatedFailure[]>, error: GraphQLError): void {
  // Nothing but objects can fail: the list may hold nulls.
  const [, index, ...path] = error.path ?? [];
  if (typeof index !== 'number') throw error;
  const known = failures.get(index) ?? [];
  known.push({ path, error: error.originalError ?? error });
  failures.set(index, known);
}
