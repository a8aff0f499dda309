import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { globSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ServedGateway, serveGateway } from '../gateway/served-gateway.ts';
import { anXdr } from '../support/builders.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

const run = promisify(execFile);
const tsc = resolve('node_modules/typescript/bin/tsc');
/** The machine's own, with which npm runs: an older one than ours, perhaps, and the package must run there. */
const machinesNode = process.env.npm_node_execpath ?? process.execPath;

let directory: string;
let tarball: string;
/** An empty package, in which it is installed. */
let consumer: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'cdr-client-'));
  consumer = join(directory, 'consumer');
  tarball = await build('first');
  await mkdir(consumer);
  await writeFile(
    join(consumer, 'package.json'),
    '{ "name": "consumer", "private": true, "type": "module" }',
  );
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', tarball], { cwd: consumer });
}, 120_000);
afterAll(() => rm(directory, { recursive: true, force: true }));

async function build(name: string): Promise<string> {
  const { stdout } = await run(process.execPath, ['packages/client/build.ts', join(directory, name)]);
  return stdout.trim();
}

interface CheckOptions {
  /** The types that a file finds: of a browser, or of Node. */
  readonly environment?: 'browser' | 'node';
  readonly resolution?: 'nodenext' | 'bundler';
}

/** What the compiler says of each file, as strict as it can be; empty where it is content. */
async function checkAll(
  files: Readonly<Record<string, string>>,
  { environment = 'browser', resolution = 'nodenext' }: CheckOptions = {},
): Promise<string[]> {
  const names = Object.keys(files);
  for (const name of names) await writeFile(join(consumer, name), files[name]!);
  const options = [
    ...['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess'],
    ...['--module', resolution === 'bundler' ? 'esnext' : 'nodenext', '--moduleResolution', resolution],
    ...['--target', 'es2022', '--lib', environment === 'browser' ? 'es2022,dom,dom.iterable' : 'es2022'],
    ...['--types', environment === 'node' ? 'node' : '', '--typeRoots', resolve('node_modules/@types')],
  ];
  const said = await run(process.execPath, [tsc, ...options, ...names], { cwd: consumer }).then(
    () => '',
    ({ stdout }: { stdout: string }) => stdout,
  );
  const isAbout = (name: string, text: string) => text.startsWith(`${name}(`);
  const messages = said.split(/^(?=\S+\(\d)/m).filter((message) => message.trim() !== '');
  expect(messages.filter((message) => !names.some((name) => isAbout(name, message)))).toEqual([]);
  return names.map((name) => messages.filter((message) => isAbout(name, message)).join(''));
}

describe('the package', () => {
  test('is JavaScript and types, its README and its licence, and needs nothing', async () => {
    const files = globSync('node_modules/**/*', { cwd: consumer }).map((file) => file.replaceAll('\\', '/'));
    const packages = files.filter((file) => basename(file) === 'package.json');
    expect(packages).toEqual(['node_modules/cdr-gateway-client/package.json']);
    const manifest = JSON.parse(await readFile(join(consumer, packages[0]!), 'utf8'));
    expect(manifest).not.toHaveProperty('dependencies');
    expect(manifest).not.toHaveProperty('private');
    const inside = files.map((file) => file.replace(/^node_modules\/cdr-gateway-client\/?/, ''));
    expect(inside).toEqual(expect.arrayContaining(['README.md', 'LICENSE', 'index.js', 'index.d.ts']));
    expect(inside.filter((file) => /\.ts$/.test(file) && !file.endsWith('.d.ts'))).toEqual([]);
  });

  test('is the same bytes when it is built again', async () => {
    const digest = async (file: string) =>
      createHash('sha256')
        .update(await readFile(file))
        .digest('hex');
    expect(await digest(await build('second'))).toBe(await digest(tarball));
  });

  test('loads what a page without streams does not need later', async () => {
    const inside = join(consumer, 'node_modules/cdr-gateway-client');
    const seen = new Set<string>();
    const visit = async (file: string) => {
      if (seen.has(file)) return;
      seen.add(file);
      const text = await readFile(join(inside, file), 'utf8');
      for (const [, path] of text.matchAll(/from '\.\.?\/([^']+)'/g)) await visit(path!);
    };
    await visit('index.js');
    expect(seen).not.toContain('line-reader.js');
    expect(seen).not.toContain('print-document.js');
  });
});

describe('its types', () => {
  const begin = `
    import { callList, GatewayClient, typedDocument, type TypedDocument } from 'cdr-gateway-client';
    const gateway = new GatewayClient({ url: 'http://gateway.invalid/graphql' });
    type Result = { cdr: { id: string; cld: string | null } | null };
    declare const CALL: TypedDocument<Result, { id: string }>;
  `;

  test.each([
    ['browser', 'nodenext'],
    ['browser', 'bundler'],
    ['node', 'nodenext'],
  ] as const)('fit for a %s with the resolution of %s', async (environment, resolution) => {
    const text = `${begin}
      const { data } = await gateway.execute(CALL, { id: '1' }, { signal: AbortSignal.timeout(1000) });
      const cld: string | null | undefined = data.cdr?.cld;
      for await (const { id, durationSeconds } of gateway.streamCalls(callList(['id', 'durationSeconds']))) {
        const both: [string, string | null] = [id, durationSeconds];
      }
      export { cld };`;
    expect(await checkAll({ 'fits.ts': text }, { environment, resolution })).toEqual(['']);
  });

  const refused: readonly (readonly [what: string, line: string, message: RegExp])[] = [
    [
      'a variable of the wrong type',
      `await gateway.execute(CALL, { id: 1 });`,
      /'number' is not assignable to type 'string'/,
    ],
    ['no variable where one is needed', `await gateway.execute(CALL);`, /Expected 2-3 arguments/],
    [
      'a variable that there is not',
      `await gateway.execute(CALL, { id: '1', ids: [] });`,
      /'ids' does not exist/,
    ],
    [
      'a field that was not selected',
      `(await gateway.execute(CALL, { id: '1' })).data.cdr?.cli;`,
      /'cli' does not exist/,
    ],
    ['null taken for a value', `(await gateway.execute(CALL, { id: '1' })).data.cdr.id;`, /possibly 'null'/],
    [
      'text without types',
      `await gateway.execute('{ viewer { name } }');`,
      /no properties in common|not assignable/,
    ],
    ['a field of a call that there is not', `callList(['id', 'price']);`, /'"price"' is not assignable/],
    ['a call without fields', `callList([]);`, /not assignable/],
    [
      'a filter that there is not',
      `gateway.streamCalls(callList(['id']), { filter: { country: 'France' } });`,
      /'country' does not exist/,
    ],
    ['calls without cursors', `gateway.streamCalls(CALL, { id: '1' });`, /select edges \{ cursor node/],
    [
      'a list that cannot go on',
      `gateway.streamCalls(typedDocument<{ cdrs: { edges: { cursor: string; node: { id: string } }[] } }, { first: number }>(''));`,
      /declare the variables \$first: Int and \$after/,
    ],
  ];

  test('do not let pass what would fail', async () => {
    const files = refused.map(([, line], index) => [`refused-${index}.ts`, `${begin}\n${line}`]);
    const said = await checkAll(Object.fromEntries(files));
    for (const [index, [what, , message]] of refused.entries()) expect(said[index], what).toMatch(message);
  });
});

describe('the examples of its README', () => {
  const readme = 'packages/client/README.md';
  let database: TestDatabase;
  let gateway: ServedGateway;

  beforeAll(async () => {
    database = await createTestDatabase();
    await database.insertXdrs(
      Array.from({ length: 200 }, (_, index) => anXdr({ i_xdr: String(index + 1), duration: '2' })),
    );
    gateway = await serveGateway(database);
  });
  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]();
    await database?.[Symbol.asyncDispose]();
  });

  async function examples(): Promise<string[]> {
    const text = await readFile(readme, 'utf8');
    return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code!);
  }

  /** What the example prints. Its address and its token are those of a reader. */
  async function print(name: string, code: string, node: string): Promise<string> {
    const real = code
      .replaceAll('http://127.0.0.1:3001/graphql', gateway.url)
      .replaceAll("'the token'", `'${gateway.headers.authorization!.replace('Bearer ', '')}'`);
    const file = join(consumer, name);
    await writeFile(file, real);
    const options = [
      '--module',
      'nodenext',
      '--target',
      'es2022',
      '--lib',
      'es2022,dom,dom.iterable',
      '--types',
      '',
    ];
    await run(process.execPath, [tsc, ...options, file], { cwd: consumer });
    return (await run(node, [file.replace(/\.ts$/, '.js')], { cwd: consumer })).stdout;
  }

  test('are checked by the compiler as they stand', async () => {
    const codes = await examples();
    expect(codes).toHaveLength(4);
    const files = Object.fromEntries(codes.map((code, index) => [`example-${index}.ts`, code]));
    expect(await checkAll(files)).toEqual(['', '', '', '']);
  });

  test.each([
    ['our Node', process.execPath],
    ['the Node of the machine', machinesNode],
  ])(
    'run over a real gateway with %s',
    async (_, node) => {
      const [stream, operations, freshness, errors] = await examples();
      expect(await print('stream.ts', stream!, node)).toMatch(/^400 s of conversation, read from \S+\n$/);
      expect(await print('operations.ts', operations!, node)).toMatch(
        /^United Kingdom 200 100\nfrom \S+, at most [\d.e-]+ s old\n$/,
      );
      expect(await print('freshness.ts', freshness!, node)).toMatch(
        /^200 200\nno standby is that fresh: the best is [\d.e-]+ s behind\n$/,
      );
      expect(await print('errors.ts', errors!, node)).toBe('sign in again\n');
    },
    120_000,
  );
});
