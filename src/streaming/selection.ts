import {
  type DirectiveNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLIncludeDirective,
  type GraphQLObjectType,
  type GraphQLSchema,
  GraphQLSkipDirective,
  getDirectiveValues,
  isAbstractType,
  Kind,
  type NamedTypeNode,
  type SelectionSetNode,
  type VariableValues,
} from 'graphql';

/** A field as a response shows it: all selections of one response key, merged. */
export interface SelectedField {
  readonly key: string;
  readonly name: string;
  /** At least one; all have the same arguments, or the document would not be valid. */
  readonly nodes: readonly [FieldNode, ...FieldNode[]];
  readonly selectionSets: readonly SelectionSetNode[];
}

interface Merged extends SelectedField {
  readonly nodes: [FieldNode, ...FieldNode[]];
  readonly selectionSets: SelectionSetNode[];
}

export type Fragments = ReadonlyMap<string, FragmentDefinitionNode>;

export function fragmentsOf(document: DocumentNode): Fragments {
  const fragments = document.definitions.filter((definition) => definition.kind === Kind.FRAGMENT_DEFINITION);
  return new Map(fragments.map((fragment) => [fragment.name.value, fragment]));
}

/** What the fields of a selection depend on, beside the type they are selected on. */
export interface SelectionContext {
  readonly schema: GraphQLSchema;
  readonly fragments: Fragments;
  readonly variables: VariableValues;
}

/**
 * The fields of selection sets on an object type, in response order: fragments flattened, `@skip` and `@include`
 * decided. Undefined when a selection carries a directive of another kind, which is the executor's to understand.
 */
export function collectFields(
  selectionSets: readonly SelectionSetNode[],
  type: GraphQLObjectType,
  { schema, fragments, variables }: SelectionContext,
): SelectedField[] | undefined {
  const fields = new Map<string, Merged>();
  const visited = new Set<string>();

  const visit = (selectionSet: SelectionSetNode): boolean =>
    selectionSet.selections.every((selection) => {
      if (selection.directives?.every(isUnderstood) === false) return false;
      if (!isIncluded(selection, variables)) return true;
      if (selection.kind === Kind.INLINE_FRAGMENT) {
        return !isOn(selection.typeCondition, type, schema) || visit(selection.selectionSet);
      }
      if (selection.kind === Kind.FRAGMENT_SPREAD) {
        const name = selection.name.value;
        if (visited.has(name)) return true;
        visited.add(name);
        const { typeCondition, selectionSet } = fragments.get(name)!;
        return !isOn(typeCondition, type, schema) || visit(selectionSet);
      }
      const key = selection.alias?.value ?? selection.name.value;
      const field = fields.get(key);
      if (field) field.nodes.push(selection);
      else fields.set(key, { key, name: selection.name.value, nodes: [selection], selectionSets: [] });
      if (selection.selectionSet) fields.get(key)!.selectionSets.push(selection.selectionSet);
      return true;
    });

  return selectionSets.every(visit) ? [...fields.values()] : undefined;
}

/** Whether a fragment applies to the type: within one on an interface there may be others, on any type that has it. */
function isOn(condition: NamedTypeNode | undefined, type: GraphQLObjectType, schema: GraphQLSchema): boolean {
  if (!condition || condition.name.value === type.name) return true;
  const abstract = schema.getType(condition.name.value);
  return isAbstractType(abstract) && schema.isSubType(abstract, type);
}

function isUnderstood({ name }: DirectiveNode): boolean {
  return name.value === 'skip' || name.value === 'include';
}

function isIncluded(
  node: { readonly directives?: readonly DirectiveNode[] },
  variables: VariableValues,
): boolean {
  if (!node.directives?.length) return true;
  const skip = getDirectiveValues(GraphQLSkipDirective, node, variables);
  const include = getDirectiveValues(GraphQLIncludeDirective, node, variables);
  return skip?.if !== true && include?.if !== false;
}
