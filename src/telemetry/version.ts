import { readFileSync } from 'node:fs';

/** Of package.json: what the metrics, the traces and `--version` say. */
export function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
