import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import { addHistory } from '../../src/graphiql/bundle.ts';
import { createGraphiQL } from '../../src/graphiql/routes.ts';
import { createRouter } from '../../src/http/routes.ts';

const fetchFrom = createRouter([createGraphiQL().route]);
const browser = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

async function get(path: string, headers: Record<string, string> = {}, method = 'GET') {
  return await fetchFrom(new Request(`http://gateway${path}`, { method, headers }));
}

describe('the page', () => {
  test('is small, and its own inline script does not exist', async () => {
    const response = await get('/graphql', browser);
    const html = await response.text();

    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(html.length).toBeLessThan(4096);
    expect(html).not.toMatch(/<script(?![^>]* src=)|\son\w+=|style=/);
    // The page is open to strangers.
    expect(html).not.toContain('data-account');
  });

  test('loads nothing from anywhere else, and says so to the browser', async () => {
    const response = await get('/graphql', browser);
    const policy = response.headers.get('content-security-policy');

    expect(await response.text()).not.toMatch(/https?:|\/\//);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).toContain("connect-src 'self';");
  });

  test('is not sent again while it stays the same', async () => {
    const etag = (await get('/graphql', browser)).headers.get('etag')!;
    const again = await get('/graphql', { ...browser, 'if-none-match': etag });

    expect(again.status).toBe(304);
    expect(await again.text()).toBe('');
    expect((await get('/graphql', { ...browser, 'if-none-match': '"old"' })).status).toBe(200);
    // A proxy that compresses it has made its tag a weak one.
    const weak = `"old", W/${etag}`;
    expect((await get('/graphql', { ...browser, 'if-none-match': weak })).status).toBe(304);
  });

  test('opens links too, and answers HEAD', async () => {
    expect((await get('/graphql?query=%7Bviewer%7Bname%7D%7D&variables=%7B%7D', browser)).status).toBe(200);
    const head = await get('/graphql', browser, 'HEAD');
    expect([head.status, await head.text()]).toEqual([200, '']);
  });

  test.each([
    ['/graphql', { accept: 'application/json' }, 'GET'],
    ['/graphql', {}, 'GET'],
    ['/graphql', browser, 'POST'],
    ['/graphql/', browser, 'GET'],
    ['/else/graphql', browser, 'GET'],
  ] as const)('is not for %s %o %s', async (path, headers, method) => {
    expect((await get(path, headers, method)).status).toBe(404);
  });
});

describe('its files', () => {
  let files: string[] = [];
  beforeAll(async () => {
    const html = await (await get('/graphql', browser)).text();
    files = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path!);
  });

  const bytesOf = async (response: Response) => Buffer.from(await response.arrayBuffer());

  test('are there, and kept by browsers for ever', async () => {
    expect(files).toHaveLength(9);
    for (const file of files) {
      const response = await get(file, { 'accept-encoding': 'gzip' });
      expect(response.status, file).toBe(200);
      expect(response.headers.get('cache-control')).toContain('immutable');
      expect(response.headers.get('vary')).toBe('Accept-Encoding');
    }
  });

  test('are the same in every encoding, brotli as soon as it is ready', async () => {
    const bundle = files.find((file) => file.endsWith('/graphiql.js'))!;
    const encodingFor = async (accepted: string) =>
      (await get(bundle, { 'accept-encoding': accepted })).headers.get('content-encoding');
    await expect.poll(() => encodingFor('gzip, deflate, br'), { timeout: 20_000, interval: 200 }).toBe('br');

    const plain = await bytesOf(await get(bundle));
    const gzip = await bytesOf(await get(bundle, { 'accept-encoding': 'gzip;q=0.5, br;q=0' }));
    const brotli = await bytesOf(await get(bundle, { 'accept-encoding': 'br' }));
    expect(plain.length).toBeGreaterThan(5_000_000);
    expect(gunzipSync(gzip).equals(plain)).toBe(true);
    expect(brotliDecompressSync(brotli).equals(plain)).toBe(true);
    expect(brotli.length).toBeLessThan(1_500_000);
  });

  test('have the length that they say', async () => {
    const response = await get(files[0]!, { 'accept-encoding': 'gzip' });

    expect(response.headers.get('content-length')).toBe(String((await bytesOf(response)).length));
  });

  test('include what the page and the editor load beside them', async () => {
    const beside = (name: string) => files[0]!.replace(/[^/]+$/, name);
    const page = (await bytesOf(await get(beside('page.js')))).toString();
    const imported = [...page.matchAll(/from '\.\/([^']+)'/g)].map(([, name]) => name!);

    expect(imported).toEqual(['answers.ts', 'examples.ts', 'history.ts', 'tabs.ts']);
    const workers = ['editorWorkerService', 'graphql', 'json', 'answers'].map(
      (label) => `${label}.worker.js`,
    );
    for (const name of [...imported, ...workers]) {
      const response = await get(beside(name));
      expect(response.status, name).toBe(200);
      expect(response.headers.get('content-type'), name).toContain('text/javascript');
    }
  });

  test('have the history that the bundle leaves out', async () => {
    const bundle = (
      await bytesOf(await get(files.find((file) => file.endsWith('/graphiql.js'))!))
    ).toString();
    const [, history] = /const ([\w$]+)=\{title:"History",/.exec(bundle)!;
    const [, plugins] = /plugins:\[([^\]]+)\],schemaDescription:/.exec(bundle)!;

    expect(plugins!.split(',')).toHaveLength(2);
    expect(plugins!.split(',')).toContain(history);
    expect(addHistory('another bundle')).toBe('another bundle');
  });

  test('in TypeScript reach the browser without types', async () => {
    const tabs = await get(files.find((file) => file.endsWith('/tabs.ts'))!);

    expect(await tabs.text()).not.toMatch(/interface |: string/);
  });

  test.each(['/graphql/assets/', '/graphql/assets/old/graphiql.js', '/graphql/assets/x/../y'])(
    '%s is none of them',
    async (path) => {
      expect((await get(path)).status).toBe(404);
    },
  );

  test('are asked with GET', async () => {
    expect((await get(files[0]!, {}, 'POST')).status).toBe(405);
    expect((await get(files[0]!.replace(/[^/]+$/, 'constructor'))).status).toBe(404);
  });
});
