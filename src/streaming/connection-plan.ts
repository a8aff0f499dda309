import {
  type FieldNode,
  type GraphQLField,
  type GraphQLObjectType,
  getArgumentValues,
  getNamedType,
  Kind,
  type VariableValues,
} from 'graphql';
import type { CdrColumnName } from '../db/sources/cdr-columns.ts';
import { isList, leavesOf } from './leaves.ts';
import type { NodeType } from './node-id.ts';
import type { OpenList } from './open-list.ts';
import type { RelatedField, RelatedPlan } from './related-objects.ts';
import { type SelectionSource, selectRelated } from './related-selection.ts';
import type { Member } from './row-encoder.ts';
import { collectFields, type SelectedField, type SelectionContext } from './selection.ts';

declare module 'graphql' {
  /** What the streaming path reads from the schema; the schema's own declarations are held to these types. */
  // biome-ignore lint/suspicious/noExplicitAny: merged declarations have the same parameters
  interface GraphQLFieldExtensions<_TSource, _TContext, _TArgs = any> {
    /** Of a field whose list streams: opens the list that the arguments mean. */
    openList?: (args: _TArgs, context: _TContext) => Promise<OpenList>;
    /** Of a field that is a column of a call. */
    column?: CdrColumnName;
    /** Of the field that is the id of an object in the whole API. */
    nodeId?: NodeType;
    /** Of the field of an edge that is its cursor, and of the one that is its call. */
    cursor?: true;
    node?: true;
    /** Of a field that is another object, found by the value of a column. */
    related?: Pick<RelatedPlan, 'name' | 'column' | 'leaf'>;
  }
}

/**
 * A field whose list can be streamed, and what else is selected of its connection. The same for every request whose
 * variables leave out the same fields.
 */
export interface ConnectionPlan {
  readonly key: string;
  readonly typeName: string;
  /** The list, by coerced arguments and the context of the request. */
  open(args: Readonly<Record<string, unknown>>, context: unknown): Promise<OpenList>;
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

/** The fields of `PageInfo`. The schema is held to them; what is not among them is left to the executor. */
export const pageInfoFields = ['hasNextPage', 'hasPreviousPage', 'startCursor', 'endCursor'] as const;
export type PageInfoField = (typeof pageInfoFields)[number];

export type PageInfoMember =
  | { readonly key: string; readonly name: PageInfoField }
  | { readonly key: string; readonly constant: string };

interface Selection extends SelectionSource, SelectionContext {}

/**
 * The plan of a root field; undefined when it is no list that streams, or its selection is not one list of columns, and
 * the ordinary executor must answer: two lists, an unknown directive.
 */
export function planConnection(
  selected: SelectedField,
  field: GraphQLField<unknown, unknown> | undefined,
  selection: Selection,
): ConnectionPlan | undefined {
  const open = field?.extensions.openList;
  if (!open) return undefined;
  const type = getNamedType(field.type) as GraphQLObjectType;
  const members = collectFields(selected.selectionSets, type, selection);
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
    open,
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

/** Members of a call or an edge; undefined when one of them is neither column, id, cursor, node nor a related object. */
function planMembers(
  field: SelectedField,
  type: GraphQLObjectType,
  selection: Selection,
): Member[] | undefined {
  const fields = collectFields(field.selectionSets, type, selection);
  const members = fields?.map((member): Member | undefined => {
    const { key, name } = member;
    if (name === '__typename') return { kind: 'constant', key, value: type.name };
    const definition = type.getFields()[name]!;
    const column = definition.extensions.column;
    if (column) return { kind: 'column', key, column };
    if (definition.extensions.cursor === true) return { kind: 'cursor', key };
    const { nodeId, related } = definition.extensions;
    if (nodeId) return { kind: 'nodeId', key, type: nodeId };
    if (related)
      return { kind: 'related', key, object: { ...related, ...planRelated(member, definition, selection) } };
    if (definition.extensions.node !== true) return undefined;
    const inner = planMembers(member, getNamedType(definition.type) as GraphQLObjectType, selection);
    return inner && { kind: 'object', key, members: inner };
  });
  return members?.every((member) => member !== undefined) ? members : undefined;
}

function planRelated(
  field: SelectedField,
  definition: GraphQLField<unknown, unknown>,
  selection: Selection,
): Pick<RelatedPlan, 'selection' | 'leaves'> {
  const leaf = definition.extensions.related?.leaf;
  if (leaf) return planLeaf(leaf, selection);
  const type = getNamedType(definition.type) as GraphQLObjectType;
  const leaves = leavesOf(field, type, selection);
  return {
    selection: selectRelated(type, field.nodes, selection),
    // What an object of a call has many of has no place in the line of the call.
    leaves: leaves?.some(isList) ? undefined : leaves,
  };
}

/** A field of another object that is a field of the call: it is selected as if that object were. */
function planLeaf(
  { type, field }: RelatedField,
  selection: Selection,
): Pick<RelatedPlan, 'selection' | 'leaves'> {
  const node = (name: string): FieldNode => ({ kind: Kind.FIELD, name: { kind: Kind.NAME, value: name } });
  const selections = [node(field)];
  const object = selection.schema.getType(type) as GraphQLObjectType;
  const nodes = [{ ...node(field), selectionSet: { kind: Kind.SELECTION_SET, selections } } as const];
  return { selection: selectRelated(object, nodes, selection), leaves: [{ path: [], form: 'text' }] };
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
  const pageInfo = getNamedType(type.getFields()[name]!.type) as GraphQLObjectType;
  const members = collectFields(field.selectionSets, pageInfo, selection)?.map(
    (member): PageInfoMember | undefined => {
      if (member.name === '__typename') return { key: member.key, constant: pageInfo.name };
      const known = pageInfoFields.find((each) => each === member.name);
      return known && { key: member.key, name: known };
    },
  );
  return members?.every((member) => member !== undefined) ? { kind: 'pageInfo', key, members } : undefined;
}
