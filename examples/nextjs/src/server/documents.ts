import * as generated from '../generated/graphql.ts';

/** An operation that the browser may ask for, by the hash of its text. */
export interface PersistedDocument {
  readonly name: string;
  readonly text: string;
}

/** The committed operations. The browser names one by its hash; it cannot send GraphQL of its own. */
export const persistedDocuments: ReadonlyMap<string, PersistedDocument> = new Map(
  Object.entries(generated).flatMap(([name, value]) => {
    if (!(value instanceof generated.TypedDocumentString)) return [];
    const hash = value.__meta__?.hash as string | undefined;
    return hash ? [[hash, { name: name.replace(/Document$/, ''), text: value.toString() }] as const] : [];
  }),
);
