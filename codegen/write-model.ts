/** `npm run model`: writes src/db/generated/model.ts from all migrations; `-- --check` fails when it is not up to date. */
import { ModelDriftError, writeModel } from './model.ts';

try {
  await writeModel({ check: process.argv.includes('--check') });
} catch (error) {
  if (!(error instanceof ModelDriftError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
