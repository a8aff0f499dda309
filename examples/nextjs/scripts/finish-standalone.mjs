/**
 * `next build` puts the standalone server as deep as the app lies below the root; here it moves up, with everything it
 * needs, which is all within the app. It leaves out the static files; here they are put where it looks for them. Those of an
 * earlier build go: how new the directory is tells how new the build is.
 */
import { cpSync, existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join, sep } from 'node:path';

const app = join(import.meta.dirname, '..');
const standalone = join(app, '.next/standalone');

let place = '';
for (let above = app; !existsSync(join(standalone, place, 'server.js')); above = dirname(above)) {
  if (above === dirname(above)) throw new Error(`There is no server in ${standalone}.`);
  place = join(basename(above), place);
}
if (place !== '') {
  for (const name of readdirSync(join(standalone, place))) {
    rmSync(join(standalone, name), { recursive: true, force: true });
    renameSync(join(standalone, place, name), join(standalone, name));
  }
  rmSync(join(standalone, place.split(sep)[0]), { recursive: true, force: true });
}

rmSync(join(standalone, '.next/static'), { recursive: true, force: true });
cpSync(join(app, '.next/static'), join(standalone, '.next/static'), { recursive: true });
if (existsSync(join(app, 'public')))
  cpSync(join(app, 'public'), join(standalone, 'public'), { recursive: true });
