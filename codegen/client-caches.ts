import { readFileSync } from 'node:fs';
import { isInterfaceType, isObjectType } from 'graphql';
import { schema } from '../src/schema/index.ts';

const KEYS = 'test/clients/generated/client-keys.ts';

/** What caches of clients are told about our types, and docs/clients.md with the code that test/clients runs. */
export const cacheFiles: Readonly<Record<string, () => string>> = {
  [KEYS]: clientKeys,
  'docs/clients.md': () => withBlocks(readFileSync('docs/clients.md', 'utf8')),
};

const types = Object.values(schema.getTypeMap()).filter(({ name }) => !name.startsWith('__'));

function clientKeys(): string {
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
  const objects = types.filter(isObjectType).filter((type) => !roots.includes(type));
  const embedded = objects.filter((type) => !('id' in type.getFields())).map(({ name }) => name);
  const interfaces = types.filter(isInterfaceType).map((type) => {
    const names = schema.getPossibleTypes(type).map(({ name }) => `'${name}'`);
    return `  ${type.name}: [${names.sort().join(', ')}],\n`;
  });
  return `// Written by "npm run schema" from src/schema.

/** For graphcache: types without an id are parts of what they are selected on. All others it keys by their \`id\`. */
export const keys = {
${embedded.map((name) => `  ${name}: () => null,\n`).join('')}};

/** For Apollo Client and graphcache: which types a fragment on an interface applies to. */
export const possibleTypes = {
${interfaces.join('')}};
`;
}

const BLOCK = /<!-- (test\/clients\/\S+) -->\n```(\w+)\n[\s\S]*?```\n/g;

/** The document with each block of code as the file that is named before it. */
function withBlocks(document: string): string {
  return document.replaceAll(BLOCK, (_, file: string, language: string) => {
    const code = file === KEYS ? clientKeys() : readFileSync(file, 'utf8');
    const shown = code.replaceAll('../generated/client-keys.ts', './client-keys.ts');
    return `<!-- ${file} -->\n\`\`\`${language}\n${shown.trimEnd()}\n\`\`\`\n`;
  });
}
