import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  Kind,
  Lexer,
  type SelectionSetNode,
  Source,
  TokenKind,
} from 'graphql';
import { QueryTooLargeError } from '../errors.ts';
import { countComparisons } from './field-comparisons.ts';

/** How large a document of any principal may be. Every number is far above what our consumers send. */
export interface DocumentLimits {
  /** Words and signs of the document's text. */
  readonly tokens: number;
  /** Lines of that text: to say in which one an error is, they are counted from the beginning, for each error. */
  readonly lines: number;
  /** Fields below one another, from the root to the leaf; introspection by GraphiQL needs 15. */
  readonly depth: number;
  /** Renamed fields, in the whole document. */
  readonly aliases: number;
  /** Fields of one operation's root, after fragments are spread. */
  readonly rootFields: number;
  /** Fields of one operation, after fragments are spread. */
  readonly fields: number;
  /** Directives on one field or fragment. */
  readonly directives: number;
  readonly operations: number;
  readonly fragments: number;
  /** Of one operation. */
  readonly variables: number;
  /** Of fields with one another, to see that they can be merged: see field-comparisons.ts. */
  readonly comparisons: number;
}

export const documentLimits: DocumentLimits = {
  tokens: 10_000,
  lines: 2000,
  depth: 20,
  aliases: 100,
  rootFields: 50,
  fields: 5000,
  directives: 4,
  operations: 50,
  fragments: 250,
  variables: 250,
  comparisons: 10_000,
};

/** `measured` of something was above `allowed`; both are in `extensions`. */
export class LimitExceededError extends QueryTooLargeError {
  override readonly details: Readonly<Record<string, string | number>>;
  constructor(limit: string, measured: number, allowed: number, sentence: string) {
    super(`${sentence}; at most ${allowed} may be asked for.`);
    this.details = { limit, measured, allowed };
  }
}

/**
 * Checks a document's text before it is parsed: a parser recurses, so that a few kilobytes of braces would end it.
 * Returns the number of tokens. Throws LimitExceededError, whose `measured` is one above the limit: counting stops there.
 */
export function checkText(text: string, { tokens, lines, depth }: DocumentLimits): number {
  checkLines(text, lines);
  const lexer = new Lexer(new Source(text));
  let count = 0;
  let open = 0;
  const deepest = MAX_NESTING_PER_FIELD * depth;
  for (let { kind } = advance(lexer); kind !== TokenKind.EOF; { kind } = advance(lexer)) {
    count += 1;
    if (count > tokens) {
      throw new LimitExceededError('tokens', count, tokens, `The document has more than ${tokens} tokens`);
    }
    open += opens(kind);
    if (open > deepest) throw nestedTooDeep('document is', open, deepest);
  }
  return count;
}

/** An input value may lie in braces too, a little deeper than the fields around it. */
const MAX_NESTING_PER_FIELD = 4;

/** Checks the variables of a request before they are coerced, which recurses too. Throws LimitExceededError. */
export function checkVariables(
  variables: Readonly<Record<string, unknown>>,
  { depth }: DocumentLimits = documentLimits,
): void {
  const deepest = MAX_NESTING_PER_FIELD * depth;
  let level: object[] = [variables];
  for (let open = 0; level.length > 0; open++) {
    if (open > deepest) throw nestedTooDeep('variables are', open, deepest);
    level = level.flatMap((value) => Object.values(value).filter(isNested));
  }
}

function isNested(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function nestedTooDeep(what: string, measured: number, allowed: number): LimitExceededError {
  const sentence = `The ${what} nested more than ${allowed} levels deep`;
  return new LimitExceededError('nesting', measured, allowed, sentence);
}

/** Comments are no tokens, but each ends a line. */
function checkLines(text: string, allowed: number): void {
  const lineBreak = /\r\n|[\n\r]/g;
  for (let count = 1; lineBreak.test(text); count++) {
    if (count < allowed) continue;
    throw new LimitExceededError('lines', count + 1, allowed, `The document has more than ${allowed} lines`);
  }
}

/** Text that is no GraphQL ends here: the parser explains it. */
function advance(lexer: Lexer): { kind: TokenKind } {
  try {
    return lexer.advance();
  } catch {
    return { kind: TokenKind.EOF };
  }
}

function opens(kind: TokenKind): number {
  if (kind === TokenKind.BRACE_L || kind === TokenKind.BRACKET_L || kind === TokenKind.PAREN_L) return 1;
  return kind === TokenKind.BRACE_R || kind === TokenKind.BRACKET_R || kind === TokenKind.PAREN_R ? -1 : 0;
}

/** Checks a parsed document before it is validated. Throws LimitExceededError. */
export function checkDocument(document: DocumentNode, limits: DocumentLimits): void {
  const { aliases, directives } = countWritten(document);
  const { operations, fragments } = countDefinitions(document);
  hold('operations', operations, limits, (measured) => `The document has ${measured} operations`);
  hold('fragments', fragments, limits, (measured) => `The document has ${measured} fragments`);
  hold('aliases', aliases, limits, (measured) => `The document has ${measured} aliases`);
  hold('directives', directives, limits, (measured) => `A field has ${measured} directives`);
  const sizeOf = createMeasure(document);
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
    const variables = definition.variableDefinitions?.length ?? 0;
    hold('variables', variables, limits, (measured) => `The query has ${measured} variables`);
    const { width, depth, fields } = sizeOf(definition.selectionSet);
    hold('depth', depth, limits, (measured) => `The query is ${measured} fields deep`);
    hold('rootFields', width, limits, (measured) => `The query has ${measured} fields at its root`);
    hold('fields', fields, limits, (measured) => `The query has ${measured} fields, fragments spread`);
  }
  const comparisons = countComparisons(document, limits.comparisons);
  hold('comparisons', comparisons, limits, () => 'The document selects the same fields over and over');
}

function countDefinitions({ definitions }: DocumentNode): { operations: number; fragments: number } {
  const countOf = (kind: Kind) => definitions.filter((definition) => definition.kind === kind).length;
  return { operations: countOf(Kind.OPERATION_DEFINITION), fragments: countOf(Kind.FRAGMENT_DEFINITION) };
}

function hold(
  limit: keyof DocumentLimits,
  measured: number,
  limits: DocumentLimits,
  sentence: (measured: string) => string,
): void {
  const allowed = limits[limit];
  if (measured <= allowed) return;
  const shown = measured === MANY ? `more than ${MANY}` : String(measured);
  throw new LimitExceededError(limit, measured, allowed, sentence(shown));
}

/** As it is written, fragments once. */
function countWritten(document: DocumentNode): { aliases: number; directives: number } {
  let aliases = 0;
  let directives = 0;
  const visit = (selectionSet: SelectionSetNode | undefined) => {
    for (const selection of selectionSet?.selections ?? []) {
      directives = Math.max(directives, selection.directives?.length ?? 0);
      if (selection.kind === Kind.FIELD && selection.alias) aliases += 1;
      if (selection.kind !== Kind.FRAGMENT_SPREAD) visit(selection.selectionSet);
    }
  };
  for (const definition of document.definitions) {
    directives = Math.max(directives, directivesOf(definition));
    if ('selectionSet' in definition) visit(definition.selectionSet);
  }
  return { aliases, directives };
}

function directivesOf(definition: DocumentNode['definitions'][number]): number {
  return 'directives' in definition ? (definition.directives?.length ?? 0) : 0;
}

interface Size {
  /** Fields right here. */
  readonly width: number;
  /** Fields here and below. */
  readonly fields: number;
  readonly depth: number;
}

/** Fragments can double a document a hundred times over; no count goes beyond this. */
const MANY = 1_000_000_000;

const nothing: Size = { width: 0, fields: 0, depth: 0 };

/** Measures each fragment once, however often it is spread: twenty lines can mean a million fields. */
function createMeasure(document: DocumentNode): (selectionSet: SelectionSetNode) => Size {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  }
  const known = new Map<string, Size>();

  const sizeOf = (selectionSet: SelectionSetNode): Size =>
    selectionSet.selections
      .map((selection) => {
        if (selection.kind === Kind.FIELD) return sizeOfField(selection);
        if (selection.kind === Kind.INLINE_FRAGMENT) return sizeOf(selection.selectionSet);
        return sizeOfFragment(selection.name.value);
      })
      .reduce(beside, nothing);
  const sizeOfField = ({ selectionSet }: FieldNode): Size => {
    const below = selectionSet ? sizeOf(selectionSet) : nothing;
    return { width: 1, fields: Math.min(below.fields + 1, MANY), depth: below.depth + 1 };
  };
  const sizeOfFragment = (name: string): Size => {
    const size = known.get(name);
    if (size) return size;
    // A fragment inside itself counts nothing there: validation refuses it.
    known.set(name, nothing);
    const fragment = fragments.get(name);
    const measured = fragment ? sizeOf(fragment.selectionSet) : nothing;
    known.set(name, measured);
    return measured;
  };
  return sizeOf;
}

function beside(one: Size, other: Size): Size {
  return {
    width: Math.min(one.width + other.width, MANY),
    fields: Math.min(one.fields + other.fields, MANY),
    depth: Math.max(one.depth, other.depth),
  };
}
