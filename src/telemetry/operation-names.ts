import { type DocumentNode, getOperationAST, Kind, type SelectionSetNode } from 'graphql';
import { type Fragments, fragmentsOf } from '../streaming/selection.ts';

/** Beside the names of query fields: asked for several of them, only for the schema, or for nothing we understand. */
const SEVERAL = 'several';
const INTROSPECTION = 'introspection';
export const OTHER = 'other';
export const catchAlls = [SEVERAL, INTROSPECTION, OTHER] as const;

/** On the request itself, not in a WeakMap: see the log of the request. */
const ASKED = Symbol('what the request asks for');
type AskingRequest = Request & { [ASKED]?: string };

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

/** Of the path alone, and quickly: every request passes here. */
export function partOf(url: string): Part {
  const start = url.indexOf('/', url.indexOf('//') + 2);
  const end = url.indexOf('?', start);
  const path = start < 0 ? '/' : url.slice(start, end < 0 ? undefined : end);
  if (Object.hasOwn(exactParts, path)) return exactParts[path]!;
  return path.startsWith('/grafana/') ? 'grafana' : 'other';
}

/** Keeps which of the `known` query fields an operation asks for: words of ours, as many as there are fields. */
export function noteAsked(
  request: AskingRequest,
  document: DocumentNode,
  operationName: string | null | undefined,
  known: ReadonlySet<string>,
): void {
  request[ASKED] = askedBy(document, operationName, known);
}

/** What was noted; undefined when there was no operation to look at. */
export function askedOf(request: AskingRequest): string | undefined {
  return request[ASKED];
}

function askedBy(
  document: DocumentNode,
  operationName: string | null | undefined,
  known: ReadonlySet<string>,
): string {
  const operation = getOperationAST(document, operationName);
  if (!operation) return OTHER;
  const names = [...rootFields(operation.selectionSet, fragmentsOf(document))];
  const ours = names.filter((field) => known.has(field));
  if (ours.length > 1) return SEVERAL;
  if (ours.length === 1) return ours[0]!;
  return names.length > 0 && names.every((field) => field.startsWith('__')) ? INTROSPECTION : OTHER;
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
