import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What `src/generated` was written from: the gateway's schema and the operations, as one hash. */
export const GENERATED_FROM = join(import.meta.dirname, 'src/generated/generated-from.txt');

export function hashSources(schemaFile: string): string {
  const hash = createHash('sha256');
  const operations = globSync(join(import.meta.dirname, 'src/operations/*.graphql')).sort();
  for (const file of [schemaFile, ...operations]) hash.update(readFileSync(file)).update('\0');
  return `${hash.digest('hex')}\n`;
}
