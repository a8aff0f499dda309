import type { TypedDocumentString } from '../generated/graphql.ts';

/** A question as people hand it on. The token is a name to fill in, never the real one: the browser has none. */
export function asCurl(document: TypedDocumentString<unknown, never>, variables: unknown): string {
  const body = JSON.stringify({ query: tidy(document), variables });
  return [
    'curl "$GATEWAY_URL/graphql" \\',
    '  -H "Authorization: Bearer $GATEWAY_TOKEN" \\',
    "  -H 'Content-Type: application/json' \\",
    `  -d '${body.replaceAll("'", "'\\''")}'`,
  ].join('\n');
}

/** For GraphiQL: the text, and its variables as a comment that can be pasted below. */
export function asGraphql(document: TypedDocumentString<unknown, never>, variables: unknown): string {
  const lines = JSON.stringify(variables, null, 2).split('\n');
  return `${tidy(document)}\n\n# Variables\n${lines.map((line) => `# ${line}`).join('\n')}\n`;
}

export function asJson(value: unknown): string {
  return JSON.stringify(value, null, 2);
}

/** The generator indents the first line. */
function tidy(document: TypedDocumentString<unknown, never>): string {
  return document.toString().trim().replaceAll('\n    fragment', '\n\nfragment');
}
