/**
 * Writes `dist`, the part of the package that runs: the same files as in the repository with their types blanked, because Node
 * strips no types below node_modules. `npm pack` runs it. Lines stay where they are, so that a stack reads the same.
 */
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const output = join(root, 'dist');

/** Read as text: GraphiQL's page takes them, and the gateway strips their types when it starts. */
const FOR_THE_BROWSER = /^src\/graphiql\/(answers|examples|history|tabs)\.ts$/;

/** The relative specifiers of imports, and of files that are started as threads. */
const SPECIFIER = /((?:\bfrom |\bimport |\bimport\(|\bnew URL\()')(\.\.?\/[^']+)\.ts'/g;

// Stripping is new in Node, which says so at each call: here it is only a step of the build.
process.removeAllListeners('warning');

rmSync(output, { recursive: true, force: true });
for (const file of globSync(['src/**/*.*', 'migrations/*.ts'], { cwd: root }).sort()) {
  const target = join(output, file);
  mkdirSync(dirname(target), { recursive: true });
  const isCode = extname(file) === '.ts' && !file.endsWith('.d.ts');
  if (isCode) writeFileSync(target.replace(/\.ts$/, '.js'), toJavaScript(file));
  if (!isCode || FOR_THE_BROWSER.test(file)) cpSync(join(root, file), target);
}
const { name, version, type } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
writeFileSync(join(output, 'package.json'), `${JSON.stringify({ name, version, type }, null, 2)}\n`);

function toJavaScript(file: string): string {
  const text = stripTypeScriptTypes(readFileSync(join(root, file), 'utf8'));
  return text.replaceAll(SPECIFIER, "$1$2.js'");
}
