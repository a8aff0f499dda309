/**
 * `next build` leaves the static files out of the standalone server; here they are put where it looks for them. Those of
 * an earlier build go: how new the directory is tells how new the build is.
 */
import { cpSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const app = join(import.meta.dirname, '..');
const standalone = join(app, '.next/standalone');

rmSync(join(standalone, '.next/static'), { recursive: true, force: true });
cpSync(join(app, '.next/static'), join(standalone, '.next/static'), { recursive: true });
if (existsSync(join(app, 'public')))
  cpSync(join(app, 'public'), join(standalone, 'public'), { recursive: true });
