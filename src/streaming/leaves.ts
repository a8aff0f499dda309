import {
  type GraphQLNamedType,
  type GraphQLObjectType,
  getNamedType,
  getNullableType,
  isEnumType,
  isListType,
  isObjectType,
} from 'graphql';
import { collectFields, type SelectedField, type SelectionContext } from './selection.ts';

/**
 * How CSV writes a value: what a spreadsheet may compute with is bare; an id is in quotes, and so is text, which may
 * need an apostrophe.
 */
export type CellForm = 'bare' | 'id' | 'text';

/** A value of an object, for formats without objects. */
export interface Leaf {
  /** Response keys from the object to the value. */
  readonly path: readonly string[];
  readonly form: CellForm;
  /** Of a list of objects: the leaves of each. They share one cell. */
  readonly items?: readonly Leaf[];
}

/** The leaves of an object in the order of the selection; undefined when lists lie in lists, or values in a list. */
export function leavesOf(
  field: Pick<SelectedField, 'selectionSets'>,
  type: GraphQLObjectType,
  selection: SelectionContext,
): readonly Leaf[] | undefined {
  const members = collectFields(field.selectionSets, type, selection);
  if (!members) return undefined;
  const leaves: Leaf[] = [];
  for (const member of members) {
    const declared = type.getFields()[member.name]?.type;
    const named = declared && getNamedType(declared);
    if (!isObjectType(named)) {
      if (declared && isListType(getNullableType(declared))) return undefined;
      leaves.push({ path: [member.key], form: formOf(named) });
      continue;
    }
    const below = leavesOf(member, named, selection);
    if (!below) return undefined;
    if (!isListType(getNullableType(declared!))) {
      leaves.push(...below.map((leaf) => ({ ...leaf, path: [member.key, ...leaf.path] })));
    } else if (below.some(isList)) return undefined;
    else leaves.push({ path: [member.key], form: 'text', items: below });
  }
  return leaves;
}

/** Whether the values of the leaf share a cell. */
export function isList({ items }: Leaf): boolean {
  return items !== undefined;
}

/** Undefined: `__typename`. */
function formOf(type: GraphQLNamedType | undefined): CellForm {
  if (type === undefined || type.name === 'String' || isEnumType(type)) return 'text';
  return type.name === 'ID' ? 'id' : 'bare';
}
