/** A query as people hand it on. The token is a name to fill in, never the real one: the browser has none. */
export async function asCurl(operation: string, variables: unknown, accept?: string): Promise<string> {
  const body = JSON.stringify({ query: await textOf(operation), variables });
  return [
    'curl "$GATEWAY_URL/graphql" \\',
    '  -H "Authorization: Bearer $GATEWAY_TOKEN" \\',
    "  -H 'Content-Type: application/json' \\",
    ...(accept ? [`  -H 'Accept: ${accept}' \\`] : []),
    `  -d '${body.replaceAll("'", "'\\''")}'`,
  ].join('\n');
}

/** For GraphiQL: the text, and its variables as a comment that can be pasted below. */
export async function asGraphql(operation: string, variables: unknown): Promise<string> {
  const lines = JSON.stringify(variables, null, 2).split('\n');
  return `${await textOf(operation)}\n\n# Variables\n${lines.map((line) => `# ${line}`).join('\n')}\n`;
}

export function asJson(value: unknown): string {
  return JSON.stringify(value, null, 2);
}

/** The page asks by hash: the texts come only to be copied. */
async function textOf(operation: string): Promise<string> {
  const { TypedDocumentString, ...documents } = await import('../generated/graphql.ts');
  const found = Object.values(documents).find(
    (document) => document instanceof TypedDocumentString && document.__meta__?.hash === operation,
  );
  // The generator indents where a fragment begins.
  return String(found).trim().replaceAll('\n    fragment', '\n\nfragment');
}
