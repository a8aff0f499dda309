/**
 * Writes what is generated: `schema.graphql`, in test/generated the types of the operations that our consumers send
 * (test/consumers/*.graphql), the dashboards of Grafana, and what is said of the settings and of the fields of a
 * call. All of it is committed; `--check` fails when something is not up to date.
 */
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { codegen } from '@graphql-codegen/core';
import * as operations from '@graphql-codegen/typescript-operations';
import { parse, printSchema } from 'graphql';
import { dashboardFiles } from './codegen/dashboards.ts';
import { fieldsFiles } from './codegen/fields.ts';
import { settingsFiles } from './codegen/settings.ts';
import { schema } from './src/schema/index.ts';

const scalars = {
  ID: { input: 'string', output: 'string' },
  DateTime: { input: 'string | number', output: 'string' },
  Decimal: { input: 'string | number', output: 'string' },
  BigInt: { input: 'number | string', output: 'number | string' },
};

const files: Readonly<Record<string, () => string | Promise<string>>> = {
  ...dashboardFiles,
  ...settingsFiles,
  ...fieldsFiles,
  'schema.graphql': () => `# Written by "npm run schema" from src/schema.\n\n${printSchema(schema)}\n`,
  'test/generated/operations.ts': () =>
    codegen({
      filename: 'test/generated/operations.ts',
      schema: parse(printSchema(schema)),
      schemaAst: schema,
      documents: globSync('test/consumers/*.graphql')
        .sort()
        .map((location) => ({ location, document: parse(readFileSync(location, 'utf8')) })),
      config: { scalars, strictScalars: true, skipTypename: true },
      plugins: [{ operations: {} }],
      pluginMap: { operations },
    }),
};

const stale: string[] = [];
for (const [file, generate] of Object.entries(files)) {
  const content = await generate();
  const committed = globSync(file).length > 0 ? readFileSync(file, 'utf8') : '';
  if (content === committed) continue;
  if (process.argv.includes('--check')) stale.push(file);
  else writeFileSync(file, content);
}
if (stale.length > 0) {
  console.error(`Not up to date: ${stale.join(', ')}. Run "npm run schema" and commit what it writes.`);
  process.exitCode = 1;
}
