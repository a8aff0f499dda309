/**
 * Writes src/generated from the gateway's schema and src/operations: a type for each operation, and its text by hash.
 * Committed; `--check` fails when it is not up to date, or when an operation does not fit the schema any more.
 */
import { hash } from 'node:crypto';
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { preset } from '@graphql-codegen/client-preset';
import { codegen } from '@graphql-codegen/core';
import { buildSchema, parse, Source } from 'graphql';
import { GENERATED_FROM, hashSources } from './generated-from.ts';

const here = import.meta.dirname;
const schemaFile = process.env.SCHEMA ?? join(here, '../../schema.graphql');
const output = join(here, 'src/generated/');

const schemaAst = buildSchema(readFileSync(schemaFile, 'utf8'));
const documents = globSync(join(here, 'src/operations/*.graphql'))
  .sort()
  .map((file) => {
    const rawSDL = readFileSync(file, 'utf8');
    // By its name an error says which file it is in.
    return { location: basename(file), rawSDL, document: parse(new Source(rawSDL, basename(file))) };
  });

const sections = await preset.buildGeneratesSection({
  baseOutputDir: output,
  schema: parse(readFileSync(schemaFile, 'utf8')),
  schemaAst,
  documents,
  plugins: [],
  pluginMap: {},
  config: {
    documentMode: 'string',
    useTypeImports: true,
    strictScalars: true,
    scalars: {
      ID: { input: 'string', output: 'string' },
      DateTime: { input: 'string', output: 'string' },
      Decimal: { input: 'string', output: 'string' },
      BigInt: { input: 'number | string', output: 'number | string' },
    },
  },
  presetConfig: {
    fragmentMasking: false,
    persistedDocuments: { mode: 'embedHashInDocument', hashAlgorithm: 'sha256' },
  },
});

const files = await Promise.all(
  sections.map(async (section) => ({ filename: section.filename, content: await codegen(section) })),
);
const find = (name: string) => files.find(({ filename }) => basename(filename) === name)!;
const manifest = hashAsWritten(find('graphql.ts'));
find('persisted-documents.json').content = `${JSON.stringify(manifest, null, 2)}\n`;
files.push({ filename: join(output, 'operations.ts'), content: printOperations(manifest) });

// The gateway's own check compares it, without what is installed here.
files.push({ filename: GENERATED_FROM, content: hashSources(schemaFile) });

const stale: string[] = [];
mkdirSync(output, { recursive: true });
for (const section of files) {
  const { content } = section;
  const committed = globSync(section.filename).length > 0 ? readFileSync(section.filename, 'utf8') : '';
  if (content === committed) continue;
  if (process.argv.includes('--check')) stale.push(section.filename);
  else writeFileSync(section.filename, content);
}
if (stale.length > 0) {
  console.error(`Not up to date: ${stale.join(', ')}. Run "npm run codegen" and commit what it writes.`);
  process.exitCode = 1;
}

/**
 * Texts by their hashes, which are put in the place of those in the file. What is hashed there has its fields in the order of
 * their names; but a file has its columns in the order of the document.
 */
function hashAsWritten(file: { content: string }): Readonly<Record<string, string>> {
  const texts: Record<string, string> = {};
  file.content = file.content.replace(
    /(new TypedDocumentString\(`([^`]*)`, \{"hash":")sha256:[0-9a-f]{64}/g,
    (_match, begin: string, text: string) => {
      const hashed = `sha256:${hash('sha256', text)}`;
      texts[hashed] = text;
      return begin + hashed;
    },
  );
  return texts;
}

/** What the browser needs of an operation: its hash and its types. The texts stay on the server. */
function printOperations(byHash: Readonly<Record<string, string>>): string {
  const lines = Object.entries(byHash).flatMap(([hash, text]) =>
    parse(text).definitions.flatMap((definition) => {
      if (definition.kind !== 'OperationDefinition') return [];
      const name = definition.name!.value;
      const constant = name[0]!.toLowerCase() + name.slice(1);
      const type = `types.${name}${definition.operation === 'subscription' ? 'Subscription' : 'Query'}`;
      return `export const ${constant} = '${hash}' as Operation<${type}, ${type}Variables>;\n`;
    }),
  );
  return [
    "import type { TypedDocument } from 'cdr-gateway-client';\nimport type * as types from './graphql.ts';\n\n",
    '/** An operation by the hash of its text, with what it takes and gives. */\n',
    'export type Operation<Result, Variables> = string & TypedDocument<Result, Variables>;\n\n',
    ...lines.sort(),
  ].join('');
}
