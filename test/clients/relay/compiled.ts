import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConcreteRequest, ReaderFragment } from 'relay-runtime';

/** The file of the compiler for this machine; null where it has none. */
const compiler: string | null = createRequire(import.meta.url)('relay-compiler');
export const hasRelayCompiler = compiler !== null;

/** What Relay's compiler makes of `calls.ts` and our schema, by the names of operations and fragments. */
export interface Compiled extends Disposable {
  readonly report: string;
  operation(name: string): ConcreteRequest;
  fragment(name: string): ReaderFragment;
}

/** Throws what the compiler reports. */
export function compileOperations(): Compiled {
  const folder = mkdtempSync(join(tmpdir(), 'relay-'));
  const dispose = () => rmSync(folder, { recursive: true, force: true });
  try {
    const config = JSON.parse(readFileSync(new URL('relay.config.json', import.meta.url), 'utf8'));
    // In a form that Node loads without a bundler.
    const loadable = { ...config, language: 'javascript', eagerEsModules: false };
    writeFileSync(join(folder, 'relay.config.json'), JSON.stringify(loadable));
    cpSync('schema.graphql', join(folder, config.schema));
    mkdirSync(join(folder, config.src));
    cpSync(new URL('calls.ts', import.meta.url), join(folder, config.src, 'calls.js'));
    const report = execFileSync(compiler!, ['relay.config.json'], {
      cwd: folder,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const load = createRequire(join(folder, config.src, '__generated__', 'loader.js'));
    return {
      report,
      operation: (name) => load(`./${name}.graphql`),
      fragment: (name) => load(`./${name}.graphql`),
      [Symbol.dispose]: dispose,
    };
  } catch (error) {
    dispose();
    throw error;
  }
}
