/**
 * Writes dist/package, as it is installed, and packs it: `node packages/client/build.ts [DIRECTORY]`. The package that lies
 * here is TypeScript as it stands, for those who use it within this repository. The same source gives the same bytes.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const here = import.meta.dirname;
const output = resolve(process.argv[2] ?? join(here, 'dist'));
const staged = join(output, 'package');
const tsc = join(here, '../../node_modules/typescript/bin/tsc');

rmSync(staged, { recursive: true, force: true });
mkdirSync(staged, { recursive: true });
execFileSync(process.execPath, [tsc, '-p', here, '--outDir', staged], { stdio: ['ignore', 2, 2] });
cpSync(join(here, 'README.md'), join(staged, 'README.md'));
cpSync(join(here, '../../LICENSE'), join(staged, 'LICENSE'));

const { private: _, exports: __, ...manifest } = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8'));
const published = {
  ...manifest,
  exports: { '.': { types: './index.d.ts', default: './index.js' } },
  types: './index.d.ts',
};
writeFileSync(join(staged, 'package.json'), `${JSON.stringify(published, null, 2)}\n`);

const packed = execFileSync('npm', [
  'pack',
  '--json',
  '--ignore-scripts',
  '--pack-destination',
  output,
  staged,
]);
const [{ filename, size, unpackedSize }] = JSON.parse(packed.toString());
console.log(join(output, filename));
console.error(`${(size / 1000).toFixed(1)} kB, unpacked ${(unpackedSize / 1000).toFixed(1)} kB`);
