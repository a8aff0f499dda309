import {
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLSchema,
  getArgumentValues,
  getNamedType,
  type VariableValues,
} from 'graphql';
import type { CdrColumnName } from '../db/sources/cdr-columns.ts';
import type { Member } from './row-encoder.ts';
import { collectFields, type Fragments, type SelectedField } from './selection.ts';

/**
 * A `cdrs` field whose list can be streamed, and what else is asked of the connection. The same for every request
 * whose variables leave out the same fields.
 */
export interface ConnectionPlan {
  readonly key: string;
  readonly typeName: string;
  /** Coerced, defaults filled in. Throws what argument coercion throws. */
  argumentsWith(variables: VariableValues): Readonly<Record<string, unknown>>;
  readonly list: ListPlan;
  /** In response order; `list` says where the list stands among them only by being written first. */
  readonly others: readonly OtherPlan[];
}

export interface ListPlan {
  readonly key: string;
  readonly members: readonly Member[];
  /** Whether each call comes with its cursor. */
  readonly hasCursors: boolean;
}

export type OtherPlan =
  | { readonly kind: 'totalCount' | 'estimatedCount'; readonly key: string }
  | { readonly kind: 'constant'; readonly key: string; readonly value: string }
  | { readonly kind: 'pageInfo'; readonly key: string; readonly members: readonly PageInfoMember[] };

export interface PageInfoMember {
  readonly key: string;
  readonly name: 'hasNextPage' | 'hasPreviousPage' | 'startCursor' | 'endCursor' | '__typename';
}

interface Selection {
  readonly schema: GraphQLSchema;
  readonly fragments: Fragments;
  readonly variables: VariableValues;
}

/** True for the root fields whose lists stream: the schema marks them. */
export function isStreamable(
  field: GraphQLField<unknown, unknown> | undefined,
): field is GraphQLField<unknown, unknown> {
  return field?.extensions.streams === true;
}

/**
 * The plan of a root field; undefined when its selection is not one list of columns, and the ordinary executor must
 * answer: two lists, `account` beside columns, an unknown directive.
 */
export function planConnection(
  selected: SelectedField,
  field: GraphQLField<unknown, unknown>,
  selection: Selection,
): ConnectionPlan | undefined {
  const type = getNamedType(field.type) as GraphQLObjectType;
  const members = collectFields(selected.selectionSets, selection.fragments, selection.variables);
  const lists = members?.filter(({ name }) => name === 'nodes' || name === 'edges');
  const [listField] = lists ?? [];
  if (!members || !listField || lists?.length !== 1) return undefined;
  const list = planList(listField, type, selection);
  const others = members
    .filter((member) => member !== listField)
    .map((member) => planOther(member, type, selection));
  if (!list || !others.every((other) => other !== undefined)) return undefined;
  return {
    key: selected.key,
    typeName: type.name,
    argumentsWith: (variables) => getArgumentValues(field, selected.nodes[0], variables),
    list,
    others,
  };
}

function planList(
  field: SelectedField,
  connection: GraphQLObjectType,
  selection: Selection,
): ListPlan | undefined {
  const item = getNamedType(connection.getFields()[field.name]!.type) as GraphQLObjectType;
  const members = planMembers(field, item, selection);
  const hasCursors = members?.some(({ kind }) => kind === 'cursor') ?? false;
  return members && { key: field.key, members, hasCursors };
}

/** Members of a call or an edge; undefined when one of them is neither column, cursor nor node. */
function planMembers(
  field: SelectedField,
  type: GraphQLObjectType,
  selection: Selection,
): Member[] | undefined {
  const fields = collectFields(field.selectionSets, selection.fragments, selection.variables);
  const members = fields?.map((member): Member | undefined => {
    const { key, name } = member;
    if (name === '__typename') return { kind: 'constant', key, value: type.name };
    const definition = type.getFields()[name]!;
    const column = definition.extensions.column as CdrColumnName | undefined;
    if (column) return { kind: 'column', key, column };
    if (definition.extensions.cursor === true) return { kind: 'cursor', key };
    if (definition.extensions.node !== true) return undefined;
    const inner = planMembers(member, getNamedType(definition.type) as GraphQLObjectType, selection);
    return inner && { kind: 'object', key, members: inner };
  });
  return members?.every((member) => member !== undefined) ? members : undefined;
}

function planOther(
  field: SelectedField,
  type: GraphQLObjectType,
  selection: Selection,
): OtherPlan | undefined {
  const { key, name } = field;
  if (name === '__typename') return { kind: 'constant', key, value: type.name };
  if (name === 'totalCount' || name === 'estimatedCount') return { kind: name, key };
  if (name !== 'pageInfo') return undefined;
  const members = collectFields(field.selectionSets, selection.fragments, selection.variables);
  return members && { kind: 'pageInfo', key, members: members as unknown as PageInfoMember[] };
}
