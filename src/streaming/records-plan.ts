import { type GraphQLNamedOutputType, type GraphQLObjectType, getNamedType, isObjectType } from 'graphql';
import { type FileFormat, obstacleToLines } from './file-format.ts';
import { type Leaf, leavesOf } from './leaves.ts';
import { collectFields, type SelectedField, type SelectionContext } from './selection.ts';

declare module 'graphql' {
  // biome-ignore lint/suspicious/noExplicitAny: merged declarations have the same parameters
  interface GraphQLFieldExtensions<_TSource, _TContext, _TArgs = any> {
    /** Of a field that lists what a file of its object has as records. */
    records?: true;
  }
}

/** A field whose object has a list that can be a file: what the executor answers, record by record. */
export interface RecordsPlan {
  /** Response keys of the field and of its list. */
  readonly key: string;
  readonly listKey: string;
  /** Response keys of a record. */
  readonly recordKeys: readonly string[];
  /** The cells of a record; undefined when it does not fit into one line. */
  readonly leaves: readonly Leaf[] | undefined;
  /** What is selected beside the list. */
  readonly others: readonly string[];
}

/** Undefined when the type of the field has no such list, or it is not what is selected, or not once. */
export function planRecords(
  selected: SelectedField,
  type: GraphQLNamedOutputType,
  selection: SelectionContext,
): RecordsPlan | undefined {
  if (!isObjectType(type)) return undefined;
  const members = collectFields(selected.selectionSets, type, selection) ?? [];
  const lists = members.filter(({ name }) => type.getFields()[name]?.extensions.records === true);
  const [list] = lists;
  if (!list || lists.length > 1) return undefined;
  const record = getNamedType(type.getFields()[list.name]!.type) as GraphQLObjectType;
  const fields = collectFields(list.selectionSets, record, selection);
  if (!fields) return undefined;
  return {
    key: selected.key,
    listKey: list.key,
    recordKeys: fields.map(({ key }) => key),
    leaves: leavesOf(list, record, selection),
    others: members.filter((member) => member !== list).map(({ key }) => key),
  };
}

/** Why the records cannot be a file of this format; undefined when they can. */
export function obstacleToRecords(format: FileFormat, plan: RecordsPlan): string | undefined {
  if (plan.others.length > 0) return `A file has rows only: ask for "${plan.listKey}" alone.`;
  if (format === 'ndjson') return obstacleToLines(plan.recordKeys);
  return plan.leaves
    ? undefined
    : 'A CSV file is flat, and this selection is not: accept application/x-ndjson.';
}
