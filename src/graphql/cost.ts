import {
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
  type ValueNode,
} from 'graphql';
import { MAX_NODES } from '../resolvers/nodes.ts';
import { LimitExceededError } from './document-limits.ts';

/** An aggregation reads every call of its filter, so it is worth a list of some 60,000 whole calls. */
export const AGGREGATION_POINTS = 2_000_000;

/** A point is about a microsecond that an operation has a connection for itself. */
export const POINTS_PER_MILLI = 1000;

/** To read and check a text takes about a microsecond a character, of the only thread there is. */
export function pointsOfText(length: number): number {
  return length;
}

/** Nothing of a refused text is kept, so the next one like it is as dear; and errors have to be written. */
export function pointsOfRefused(length: number): number {
  return 1000 + 10 * length;
}

/** What a field costs by itself, by schema coordinate; any other costs 1. */
export const fieldPoints: Readonly<Record<string, number>> = {
  'CdrStats.rows': AGGREGATION_POINTS,
  'CdrStats.totals': AGGREGATION_POINTS,
  'CdrConnection.totalCount': AGGREGATION_POINTS,
  'CdrConnection.estimatedCount': 10_000,
  'Query.cdr': 10_000,
  'Query.carriers': 20_000,
  'Query.node': 10_000,
  'Query.nodes': 100_000,
  'Cdr.carrier': 10,
};

/** Fields that are answered without a connection: how long connections were used says nothing of their work. */
const fieldsOfThread: ReadonlySet<string> = new Set(['Query.carriers']);

/** What a list may have to read beside what it answers: every call of its range, to find those that match. */
const SEARCH_POINTS = AGGREGATION_POINTS;

/** Parts of a filter that an index finds; any other is looked for in every call that these leave. */
const indexedFilters: ReadonlySet<string> = new Set(['accountIds', 'customerIds', 'from', 'to']);

/** Of each item of a list, beside its fields. */
const ITEM_POINTS = 10;

/** Items of a list without a size in the document: a default page, the groups of a picture, the standbys. */
const USUAL_ITEMS = 50;

/** The most items of a list that takes the ids of them. */
const itemsByField: Readonly<Record<string, number>> = { 'Query.nodes': MAX_NODES };

/** Beyond it no Int argument goes. */
const MAX_INT = 2 ** 31 - 1;

/** A principal with small pages may still request twenty aggregations at once: a page of tiles. */
const MIN_ALLOWANCE = 40_000_000;

/** One page of the largest size with 60 fields, or two with 25, or five with 4. */
const POINTS_PER_CALL = 70;

export interface CostOptions {
  readonly schema: GraphQLSchema;
  readonly operation: OperationDefinitionNode;
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  /** As the client sent them; what is missing or not a number counts as not given. */
  readonly variables: Readonly<Record<string, unknown>>;
}

export interface Cost {
  readonly points: number;
  /** Of these, what was worth its price whatever the statements took. */
  readonly kept: number;
}

/** Points that a principal may spend on one request. A single list of `maxPage` calls is always within. */
export function allowanceOf({ maxPage }: { readonly maxPage: number }): number {
  return Math.max(MIN_ALLOWANCE, POINTS_PER_CALL * maxPage);
}

/** Throws LimitExceededError when a request costs more than `allowed` points. */
export function checkCost(cost: number, allowed: number): void {
  if (cost <= allowed) return;
  throw new LimitExceededError('cost', cost, allowed, `The query costs ${cost} points`);
}

/** A text that is the same for variables of the same cost. */
export function costKeyOf(
  { variableDefinitions }: OperationDefinitionNode,
  variables: CostOptions['variables'],
): string {
  if (!variableDefinitions?.length) return '';
  return variableDefinitions.map(({ variable }) => sizeOf(variables[variable.name.value])).join();
}

/** A number or a boolean; of a filter, whether it searches; of anything else, whether it is there. */
function sizeOf(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (value == null) return String(value);
  return searches(value) ? 'search' : 'other';
}

/** Whether calls that match a filter must be looked for, one by one. */
function searches(filter: unknown): boolean {
  if (typeof filter !== 'object' || filter === null || Array.isArray(filter)) return false;
  return Object.entries(filter).some(([name, value]) => value != null && !indexedFilters.has(name));
}

/** A value of which no more matters than that it is there. */
const SOMETHING = Symbol('something');

/**
 * An upper bound of the work behind an operation, known before it runs: items of lists times what is selected of
 * each, plus what is dear by itself. Each fragment is counted once per page size, however often it is spread.
 */
export function costOf({ schema, operation, fragments, variables }: CostOptions): Cost {
  let kept = 0;
  const values = { ...defaultsOf(operation), ...variables };
  const known = new Map<string, number>();

  const costOfSet = (set: SelectionSetNode, parent: GraphQLNamedType | undefined, items: number): number =>
    set.selections.reduce((sum, selection) => sum + costOfSelection(selection, parent, items), 0);

  const costOfSelection = (
    selection: SelectionNode,
    parent: GraphQLNamedType | undefined,
    items: number,
  ): number => {
    if (isLeftOut(selection, values)) return 0;
    if (selection.kind === Kind.FIELD) return costOfField(selection, parent, items);
    if (selection.kind === Kind.FRAGMENT_SPREAD) return costOfFragment(selection.name.value, items);
    const on = selection.typeCondition ? schema.getType(selection.typeCondition.name.value) : parent;
    return costOfSet(selection.selectionSet, on, items);
  };

  /** `items`: how many there are in each list right below the parent. */
  const costOfField = (node: FieldNode, parent: GraphQLNamedType | undefined, items: number): number => {
    const field =
      isObjectType(parent) || isInterfaceType(parent) ? parent.getFields()[node.name.value] : undefined;
    const coordinate = `${parent?.name}.${node.name.value}`;
    const own = (fieldPoints[coordinate] ?? 1) + searchPointsOf(node, coordinate, values);
    if (fieldsOfThread.has(coordinate)) kept += own;
    // Introspection and unknown fields; the schema is not large enough to matter.
    if (!field || !node.selectionSet) return own;
    const below = costOfSet(node.selectionSet, getNamedType(field.type), pageOf(node, field, values));
    const count = itemsByField[coordinate] ?? items;
    return own + (isList(field.type) ? count * (ITEM_POINTS + below) : below);
  };

  const costOfFragment = (name: string, items: number): number => {
    const key = `${items} ${name}`;
    const fragment = fragments.get(name);
    const cost = known.get(key);
    if (cost !== undefined || !fragment) return cost ?? 0;
    known.set(key, 0);
    const measured = costOfSet(
      fragment.selectionSet,
      schema.getType(fragment.typeCondition.name.value),
      items,
    );
    known.set(key, measured);
    return measured;
  };

  const root = schema.getRootType(operation.operation) ?? undefined;
  return { points: costOfSet(operation.selectionSet, root, USUAL_ITEMS), kept };
}

/** Aggregations read every call of their range anyway. */
function searchPointsOf(node: FieldNode, coordinate: string, values: Record<string, unknown>): number {
  if (coordinate !== 'Query.cdrs') return 0;
  const filter = node.arguments?.find(({ name }) => name.value === 'filter');
  return searches(readValue(filter?.value, values)) ? SEARCH_POINTS : 0;
}

function defaultsOf({ variableDefinitions = [] }: OperationDefinitionNode): Record<string, unknown> {
  return Object.fromEntries(
    variableDefinitions.map(({ variable, defaultValue }) => [
      variable.name.value,
      readValue(defaultValue, {}),
    ]),
  );
}

/** Page size of the lists right below this field. */
function pageOf(
  node: FieldNode,
  field: GraphQLField<unknown, unknown>,
  values: Record<string, unknown>,
): number {
  if (!field.args.some(({ name }) => name === 'first')) return USUAL_ITEMS;
  const given = new Map(node.arguments?.map(({ name, value }) => [name.value, readValue(value, values)]));
  const size = given.get('first') ?? given.get('last');
  return isSize(size) ? size : USUAL_ITEMS;
}

/** What is none is refused before anything is read. */
function isSize(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_INT;
}

function isLeftOut({ directives = [] }: SelectionNode, values: Record<string, unknown>): boolean {
  return directives.some(({ name, arguments: given = [] }) => {
    const condition = readValue(given[0]?.value, values);
    return (name.value === 'skip' && condition === true) || (name.value === 'include' && condition === false);
  });
}

/** Numbers, booleans and which fields an object has, which is all that cost depends on. */
function readValue(node: ValueNode | undefined, values: Record<string, unknown>): unknown {
  if (node?.kind === Kind.VARIABLE) return values[node.name.value];
  if (node?.kind === Kind.INT || node?.kind === Kind.FLOAT) return Number(node.value);
  if (node?.kind === Kind.OBJECT) {
    return Object.fromEntries(
      node.fields.map(({ name, value }) => [name.value, valueOfField(value, values)]),
    );
  }
  return node?.kind === Kind.BOOLEAN ? node.value : undefined;
}

function valueOfField(node: ValueNode, values: Record<string, unknown>): unknown {
  if (node.kind === Kind.VARIABLE) return values[node.name.value];
  return node.kind === Kind.NULL ? null : SOMETHING;
}

function isList(type: GraphQLOutputType): boolean {
  return isListType(isNonNullType(type) ? type.ofType : type);
}
