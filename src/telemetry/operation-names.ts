import { type GraphQLSchema, Kind, type OperationDefinitionNode, type SelectionSetNode } from 'graphql';
import type { OperationDescription } from '../http/request-facts.ts';
import { pathOf } from '../http/request-target.ts';
import type { Fragments } from '../streaming/selection.ts';

/** Beside the names of query fields: several of them, only the schema, or nothing we understand. */
const SEVERAL = 'several';
export const INTROSPECTION = 'introspection';
export const OTHER = 'other';
export const catchAlls = [SEVERAL, INTROSPECTION, OTHER] as const;

const MAX_NAME_LENGTH = 64;
/** A version or a year may be in a name. */
const MAX_NAME_DIGITS = 5;

/** Those that may be a label. */
export function queryFieldsOf(schema: GraphQLSchema): readonly string[] {
  return Object.keys(schema.getQueryType()?.getFields() ?? {});
}

/** The parts of the gateway. */
export const parts = ['graphql', 'grafana', 'metrics', 'probe', 'other'] as const;
export type Part = (typeof parts)[number];
const exactParts: Readonly<Record<string, Part>> = {
  '/graphql': 'graphql',
  '/grafana': 'grafana',
  '/metrics': 'metrics',
  '/livez': 'probe',
  '/readyz': 'probe',
  '/health': 'probe',
};

export function partOf(url: string): Part {
  const path = pathOf(url);
  if (Object.hasOwn(exactParts, path)) return exactParts[path]!;
  return path.startsWith('/grafana/') ? 'grafana' : 'other';
}

/**
 * What an operation asks for. `fields` are the query fields of the schema: the words of ours that may be a label.
 * The document need not be valid.
 */
export function describeOperation(
  operation: OperationDefinitionNode,
  fragments: Fragments,
  fields: ReadonlySet<string>,
): OperationDescription {
  return {
    name: operation.name && shownName(operation.name.value),
    type: operation.operation,
    field: describeFields(operation.selectionSet, fragments, fields),
  };
}

/** Cut, and from its first digit on where it has so many that it may hold a number or a token. */
function shownName(name: string): string {
  const shown = name.slice(0, MAX_NAME_LENGTH);
  const digits = shown.match(/\d/g)?.length ?? 0;
  return digits > MAX_NAME_DIGITS ? shown.replace(/\d.*/, '…') : shown;
}

function describeFields(
  selectionSet: SelectionSetNode,
  fragments: Fragments,
  fields: ReadonlySet<string>,
): string {
  const names = [...rootFields(selectionSet, fragments)];
  const ours = names.filter((name) => fields.has(name));
  if (ours.length > 1) return SEVERAL;
  if (ours.length === 1) return ours[0]!;
  return names.length > 0 && names.every((name) => name.startsWith('__')) ? INTROSPECTION : OTHER;
}

/** The document is not validated yet: a fragment may be missing, or contain itself. */
function rootFields(root: SelectionSetNode, fragments: Fragments): ReadonlySet<string> {
  const names = new Set<string>();
  const seen = new Set<SelectionSetNode>([root]);
  for (const { selections } of seen) {
    for (const selection of selections) {
      if (selection.kind === Kind.FIELD) names.add(selection.name.value);
      else if (selection.kind === Kind.INLINE_FRAGMENT) seen.add(selection.selectionSet);
      else {
        const fragment = fragments.get(selection.name.value);
        if (fragment) seen.add(fragment.selectionSet);
      }
    }
  }
  return names;
}
