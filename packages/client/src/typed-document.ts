/**
 * A document that knows its result and its variables: the same declaration as in `@graphql-typed-document-node/core`, so
 * that a TypedDocumentNode, a TypedDocumentString of GraphQL Code Generator and `typedDocument` all fit.
 */
export interface TypedDocument<Result, Variables> {
  __apiType?: (variables: Variables) => Result;
}

/** Gives types to the text of a document. */
export function typedDocument<Result, Variables = Record<string, never>>(
  text: string,
): string & TypedDocument<Result, Variables> {
  return text;
}

/** Variables and options behind a document: variables may be left out where none is required. */
// biome-ignore lint/complexity/noBannedTypes: an object without members is what is to fit
export type VariablesAndOptions<Variables, Options> = {} extends Variables
  ? [variables?: Variables, options?: Options]
  : [variables: Variables, options?: Options];

const printed = new WeakMap<object, string>();

/** The text that the gateway is sent. */
export async function textOf(document: TypedDocument<unknown, never>): Promise<string> {
  // A string is one too, at run time.
  const given: unknown = document;
  if (typeof given !== 'object' || given === null || !('kind' in given)) return String(given);
  const known = printed.get(given);
  if (known !== undefined) return known;
  const { printDocument } = await import('./print-document.ts');
  const text = printDocument(given as Parameters<typeof printDocument>[0]);
  printed.set(given, text);
  return text;
}
