/** `next build` leaves the static files out of the standalone server; here they are put where it looks for them. */
import { cpSync, existsSync } from 'node:fs';
import { join } from 'node:path';

const app = join(import.meta.dirname, '..');
const standalone = join(app, '.next/standalone');

cpSync(join(app, '.next/static'), join(standalone, '.next/static'), { recursive: true });
if (existsSync(join(app, 'public')))
  cpSync(join(app, 'public'), join(standalone, 'public'), { recursive: true });
