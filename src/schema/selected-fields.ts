import {
  type FieldNode,
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

/** The names of the fields of the operation itself, each as often as it is selected; directives are ignored. */
export function rootFields({ operation, fragments }: GraphQLResolveInfo): readonly string[] {
  const names: string[] = [];
  visitFields(operation.selectionSet, { fragments, visited: new Set() }, ({ name }) =>
    names.push(name.value),
  );
  return names;
}

function fieldNames(
  { fieldNodes, fragments }: GraphQLResolveInfo,
  { isDeep }: { readonly isDeep: boolean },
): ReadonlySet<string> {
  const names = new Set<string>();
  const visit: Visit = { fragments, visited: new Set() };
  const note = ({ name, selectionSet }: FieldNode): void => {
    names.add(name.value);
    if (isDeep) visitFields(selectionSet, visit, note);
  };
  for (const { selectionSet } of fieldNodes) visitFields(selectionSet, visit, note);
  return names;
}

interface Visit {
  readonly fragments: GraphQLResolveInfo['fragments'];
  /** Names of fragments: each is visited once, however often it is spread. */
  readonly visited: Set<string>;
}

function visitFields(
  selectionSet: SelectionSetNode | undefined,
  visit: Visit,
  note: (field: FieldNode) => void,
): void {
  for (const selection of selectionSet?.selections ?? []) {
    if (selection.kind === Kind.FIELD) note(selection);
    else if (selection.kind === Kind.INLINE_FRAGMENT) visitFields(selection.selectionSet, visit, note);
    else if (!visit.visited.has(selection.name.value)) {
      visit.visited.add(selection.name.value);
      visitFields(visit.fragments[selection.name.value]?.selectionSet, visit, note);
    }
  }
}

/** Whether the document has `@stream` on this list, to be given it bit by bit. */
export function isStreamed({ fieldNodes, variableValues }: GraphQLResolveInfo): boolean {
  return fieldNodes.some((node) => {
    const stream = getDirectiveValues(GraphQLStreamDirective, node, variableValues);
    return stream !== undefined && stream.if !== false;
  });
}
