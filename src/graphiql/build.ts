import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { parentPort } from 'node:worker_threads';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import {
  css,
  editorWorkerService,
  graphqlWorker,
  js,
  jsonWorker,
} from '@graphql-yoga/render-graphiql/graphiql';
import { ASSETS_PATH, type BuildMessage } from './assets.ts';
import { addHistory } from './bundle.ts';

/**
 * Runs in a thread of its own, once: eight megabytes of upstream code are read, hashed and compressed without
 * holding up requests, and are gone from memory when the thread ends.
 */

// The browser gets our TypeScript with its types blanked; the warning that this is new in Node does not belong in the log.
process.emitWarning = () => {};

/** GraphiQL's editor starts its workers from files beside its own script. */
const environment = `{
  const beside = document.currentScript.src;
  self.MonacoEnvironment = {
    globalAPI: false,
    getWorkerUrl: (_module, label) => new URL(label + '.worker.js', beside).href,
  };
}
`;

const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3" fill="#1f5fbf"/>
<path d="M3 11V8m3 3V5m3 6V7m3 4V3" stroke="#fff" stroke-width="2" stroke-linecap="round"/></svg>
`;

const script = 'text/javascript; charset=utf-8';
const assets: readonly { readonly name: string; readonly type: string; readonly body: Buffer }[] = [
  { name: 'graphiql.css', type: 'text/css; charset=utf-8', body: Buffer.from(css) },
  { name: 'page.css', type: 'text/css; charset=utf-8', body: read('page.css') },
  { name: 'page.js', type: script, body: read('page.js') },
  { name: 'answers.ts', type: script, body: readTypeScript('answers.ts') },
  { name: 'answers.worker.js', type: script, body: read('answers.worker.js') },
  { name: 'examples.ts', type: script, body: readTypeScript('examples.ts') },
  { name: 'history.ts', type: script, body: readTypeScript('history.ts') },
  { name: 'tabs.ts', type: script, body: readTypeScript('tabs.ts') },
  { name: 'icon.svg', type: 'image/svg+xml', body: Buffer.from(icon) },
  { name: 'graphiql.js', type: script, body: Buffer.from(environment + addHistory(js)) },
  { name: 'editorWorkerService.worker.js', type: script, body: Buffer.from(editorWorkerService) },
  { name: 'graphql.worker.js', type: script, body: Buffer.from(graphqlWorker) },
  { name: 'json.worker.js', type: script, body: Buffer.from(jsonWorker) },
];

function read(name: string): Buffer {
  return readFileSync(new URL(name, import.meta.url));
}

function readTypeScript(name: string): Buffer {
  return Buffer.from(stripTypeScriptTypes(read(name).toString()));
}

function digest(...parts: (string | Buffer)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('base64url').slice(0, 22);
}

function renderPage(base: string): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>GraphiQL · CDR gateway</title>
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <link rel="icon" href="${base}icon.svg">
    <link rel="stylesheet" href="${base}graphiql.css">
    <link rel="stylesheet" href="${base}page.css">
    <link rel="modulepreload" href="${base}answers.ts">
    <link rel="modulepreload" href="${base}examples.ts">
    <link rel="modulepreload" href="${base}history.ts">
    <link rel="modulepreload" href="${base}tabs.ts">
    <script defer src="${base}graphiql.js"></script>
    <script type="module" src="${base}page.js"></script>
  </head>
  <body>
    <header>
      <h1>CDR gateway</h1>
      <form id="access" autocomplete="off">
        <label for="token">Access token</label>
        <input id="token" type="password" size="24" autocomplete="off" spellcheck="false" aria-describedby="viewer">
        <button>Use</button>
      </form>
      <output id="viewer" for="token"></output>
      <button id="copy" type="button">Copy link</button>
      <output id="copied" for="copy"></output>
      <input id="link" hidden readonly aria-label="Link to this query">
      <output id="shown"></output>
      <button id="download" type="button" hidden>Download all</button>
      <output id="freshness"></output>
    </header>
    <main id="root">
      <p class="loading">Loading GraphiQL…</p>
      <noscript><p class="loading">GraphiQL needs JavaScript. The same address answers POST requests without it.</p></noscript>
    </main>
  </body>
</html>
`;
}

const post = (message: BuildMessage) => parentPort!.postMessage(message);

const hash = digest(...assets.flatMap(({ name, body }) => [name, body]));
const html = renderPage(`${ASSETS_PATH}${hash}/`);
post({
  kind: 'page',
  html,
  etag: `"${digest(html)}"`,
  hash,
  types: assets.map(({ name, type }) => [name, type]),
});
// gzip first, since it is quick and every client takes it: the first visitor is waiting.
for (const { name, body } of assets) {
  post({ kind: 'body', name, encoding: 'gzip', bytes: gzipSync(body) });
}
for (const { name, body } of assets) {
  const quality = { [constants.BROTLI_PARAM_QUALITY]: 6 };
  post({ kind: 'body', name, encoding: 'br', bytes: brotliCompressSync(body, { params: quality }) });
}
