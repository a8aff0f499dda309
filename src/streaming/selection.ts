import {
  type DirectiveNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLIncludeDirective,
  GraphQLSkipDirective,
  getDirectiveValues,
  Kind,
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

/**
 * The fields of selection sets on an object type, in response order: fragments flattened, `@skip` and `@include`
 * decided. Undefined when a selection carries a directive of another kind, which is the executor's to understand.
 * No type of ours is abstract, so a fragment always applies.
 */
export function collectFields(
  selectionSets: readonly SelectionSetNode[],
  fragments: Fragments,
  variables: VariableValues,
): SelectedField[] | undefined {
  const fields = new Map<string, Merged>();
  const visited = new Set<string>();

  const visit = (selectionSet: SelectionSetNode): boolean =>
    selectionSet.selections.every((selection) => {
      if (selection.directives?.every(isUnderstood) === false) return false;
      if (!isIncluded(selection, variables)) return true;
      if (selection.kind === Kind.INLINE_FRAGMENT) return visit(selection.selectionSet);
      if (selection.kind === Kind.FRAGMENT_SPREAD) {
        const name = selection.name.value;
        if (visited.has(name)) return true;
        visited.add(name);
        return visit(fragments.get(name)!.selectionSet);
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
