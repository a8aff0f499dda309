import {
  type GraphQLResolveInfo,
  GraphQLStreamDirective,
  getDirectiveValues,
  Kind,
  type SelectionSetNode,
} from 'graphql';

/** The names of the fields selected on the value that is being resolved, fragments included, directives ignored. */
export function selectedFields(info: GraphQLResolveInfo): ReadonlySet<string> {
  return fieldNames(info, { isDeep: false });
}

/** As selectedFields, with the fields of those fields, and so on: whatever may be resolved below. */
export function fieldsBelow(info: GraphQLResolveInfo): ReadonlySet<string> {
  return fieldNames(info, { isDeep: true });
}

function fieldNames(
  { fieldNodes, fragments }: GraphQLResolveInfo,
  { isDeep }: { readonly isDeep: boolean },
): ReadonlySet<string> {
  const names = new Set<string>();
  const visited = new Set<string>();
  const visit = (selectionSet: SelectionSetNode | undefined): void => {
    for (const selection of selectionSet?.selections ?? []) {
      if (selection.kind === Kind.FIELD) {
        names.add(selection.name.value);
        if (isDeep) visit(selection.selectionSet);
      } else if (selection.kind === Kind.INLINE_FRAGMENT) visit(selection.selectionSet);
      else if (!visited.has(selection.name.value)) {
        visited.add(selection.name.value);
        visit(fragments[selection.name.value]?.selectionSet);
      }
    }
  };
  for (const node of fieldNodes) visit(node.selectionSet);
  return names;
}

/** Whether the document has `@stream` on this list, to be given it bit by bit. */
export function isStreamed({ fieldNodes, variableValues }: GraphQLResolveInfo): boolean {
  return fieldNodes.some((node) => {
    const stream = getDirectiveValues(GraphQLStreamDirective, node, variableValues);
    return stream !== undefined && stream.if !== false;
  });
}
