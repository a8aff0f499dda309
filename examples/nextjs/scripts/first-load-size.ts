/**
 * Prints the JavaScript that the first load of the calls page brings, compressed as a server would send it, and fails
 * above the limit. What is loaded later (the drawer, the pictures, …) is listed apart.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { startExplorer } from '../test/browser/explorer-process.ts';

const LIMIT_BYTES = 200_000;
const chunks = join(import.meta.dirname, '../.next/static/chunks');

/** A page needs no gateway to say which scripts it has. */
const explorer = await startExplorer({ gatewayUrl: 'http://127.0.0.1:9/graphql' });
try {
  const cookie = await explorer.signIn('admin');
  const html = await (await fetch(`${explorer.url}/calls`, { headers: { cookie } })).text();
  const names = [
    ...new Set(
      [...html.matchAll(/<script[^>]+src="\/_next\/static\/chunks\/([^"?]+)"(?![^>]*nomodule)/gi)].map(
        ([, name]) => name!,
      ),
    ),
  ];
  if (names.length === 0) throw new Error('The page has no scripts: was it built?');
  const files = names.map((name) => ({ name, bytes: readFileSync(join(chunks, name)) }));
  const size = (compress: (bytes: Buffer) => Buffer) =>
    files.reduce((sum, { bytes }) => sum + compress(bytes).length, 0);
  for (const { name, bytes } of files) console.log(`${kilo(gzipSync(bytes).length).padStart(9)}  ${name}`);
  const gzip = size((bytes) => gzipSync(bytes));
  const later = readdirSync(chunks)
    .filter((name) => name.endsWith('.js') && !names.includes(name))
    .reduce((sum, name) => sum + gzipSync(readFileSync(join(chunks, name))).length, 0);
  console.log(
    `\nfirst load: ${kilo(gzip)} gzip, ${kilo(size(brotliCompressSync))} brotli, ${kilo(size((bytes) => bytes))} plain`,
  );
  console.log(`later, when asked for: ${kilo(later)} gzip`);
  console.log(`limit: ${kilo(LIMIT_BYTES)} gzip`);
  if (gzip > LIMIT_BYTES) process.exitCode = 1;
} finally {
  await explorer.stop();
}

function kilo(bytes: number): string {
  return `${(bytes / 1000).toFixed(1)} kB`;
}
