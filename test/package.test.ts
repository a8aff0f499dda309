import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { anXdr } from './support/builders.ts';
import { createTestDatabase, type TestDatabase } from './support/postgres.ts';
import { endProcess } from './support/processes.ts';

const run = promisify(execFile);
const { version, engines } = JSON.parse(readFileSync('package.json', 'utf8'));
/** The machine's own, with which npm runs: an older one than ours, perhaps. */
const machinesNode = process.env.npm_node_execpath;

let directory: string;
/** Not ours: an empty package, in which the tarball is installed. */
let consumer: string;
let command: string;
let packed: readonly string[];
let database: TestDatabase;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'cdr-package-'));
  consumer = join(directory, 'consumer');
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', directory]);
  const [{ filename, files }] = JSON.parse(stdout.slice(stdout.indexOf('[')));
  packed = files.map(({ path }: { path: string }) => path);
  await mkdir(consumer);
  await writeFile(join(consumer, 'package.json'), '{ "name": "consumer", "private": true }');
  const flags = ['--prefer-offline', '--omit=optional', '--ignore-scripts', '--no-audit', '--no-fund'];
  await run('npm', ['install', ...flags, join(directory, filename)], { cwd: consumer });
  command = join(consumer, 'node_modules/.bin/cdr-gateway');
  database = await createTestDatabase();
  await database.insertXdrs([anXdr({ i_xdr: '1' })]);
}, 240_000);

afterAll(async () => {
  await database?.[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

/** The installed command, as a shell finds it. */
async function cdrGateway(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = execFile(process.execPath, [command, ...args], { env, cwd: consumer });
  const output = { stdout: '', stderr: '' };
  child.stdout!.on('data', (text) => (output.stdout += text));
  child.stderr!.on('data', (text) => (output.stderr += text));
  const [code] = await once(child, 'close');
  return { code: code as number, ...output };
}

describe('the package', () => {
  test('has what an operator needs, and neither tests nor sources nor anything of this checkout', () => {
    const wanted = [
      'LICENSE',
      'README.md',
      'CHANGELOG.md',
      'docs/operations.md',
      'docker/systemd/cdr-gateway.service',
      'docker/nginx/site.conf',
      'docker/prometheus/rules/replication.yml',
      'dist/src/cli.js',
      'dist/src/db/generated/model.js',
    ];
    expect(packed).toEqual(expect.arrayContaining(wanted));
    const migrations = globSync('migrations/*.ts').map((file) => `dist/${file.replace('.ts', '.js')}`);
    expect(packed.filter((file) => file.startsWith('dist/migrations/'))).toEqual(migrations.sort());
    const misplaced =
      /(^|\/)(tests?|secrets|bench|node_modules|\.env|.*\.test\..*|.*\.(key|pem|crt|log|tgz))(\/|$)/;
    expect(packed.filter((file) => misplaced.test(file))).toEqual([]);
    const typeScript = packed.filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'));
    expect(typeScript.every((file) => file.startsWith('dist/src/graphiql/'))).toBe(true);
  });

  test('installs without a tool of the developers, and says which Node it needs', () => {
    const installed = JSON.parse(
      readFileSync(join(consumer, 'node_modules/cdr-gateway/package.json'), 'utf8'),
    );
    expect(installed.engines).toEqual(engines);
    for (const name of ['typescript', 'vitest', 'testcontainers']) {
      expect(existsSync(join(consumer, 'node_modules', name)), name).toBe(false);
    }
  });

  test('leaves no import of a file that is not there', () => {
    const root = join(consumer, 'node_modules/cdr-gateway/dist');
    const files = globSync('**/*.js', { cwd: root }).filter((file) => !file.includes('graphiql/page'));
    const missing = files.flatMap((file) =>
      [...readFileSync(join(root, file), 'utf8').matchAll(/(?:from |import\()'(\.\.?\/[^']+)'/g)]
        .map((found) => join(root, file, '..', found[1]!))
        .filter((target) => !existsSync(target)),
    );
    expect(files.length).toBeGreaterThan(300);
    expect(missing).toEqual([]);
  });
});

describe('the installed command', () => {
  test('is found by npx, prints its version, and its commands', async () => {
    const { stdout } = await run('npx', ['--no-install', 'cdr-gateway', '--version'], { cwd: consumer });
    expect(stdout).toBe(`${version}\n`);
    expect(await cdrGateway(['--help'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/ {2}serve .* {2}doctor /s),
      stderr: '',
    });
  });

  test.skipIf(!machinesNode)('says in a sentence which Node it needs, to one that is too old', async () => {
    const { stdout } = await run(machinesNode!, ['--version']);
    const isOld = Number.parseInt(stdout.slice(1), 10) < Number(engines.node.slice(2));
    const result = await run(machinesNode!, [command, '--version']).then(
      ({ stdout }) => stdout,
      ({ stderr }: { stderr: string }) => stderr,
    );
    expect(result).toMatch(
      isOld ? /^Node \d+ or later is needed, and this is [\d.]+\..*\n$/ : `${version}\n`,
    );
  });

  test('doctor and migrate examine a database', async () => {
    const doctor = await cdrGateway(['doctor', '--json'], { REPLICA_URLS: database.replicaUrls[0]! });
    expect(doctor.stderr).toBe('');
    expect(JSON.parse(doctor.stdout)).toMatchObject({ exitCode: doctor.code });
    const { code, stdout, stderr } = await cdrGateway(['migrate', 'status'], {
      MIGRATE_URL: database.primaryUrl,
    });
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('0001_tables');
  });

  test('serves calls, its version in metrics and log, and GraphiQL with all its files', async () => {
    const token = 'token-of-the-administrator';
    const { server, ready } = await serve({
      REPLICA_URLS: database.replicaUrls.join(),
      API_PORT: '0',
      ADMIN_TOKEN: token,
    });
    try {
      expect(ready).toMatchObject({ service: 'cdr-gateway', version, replicas: 2 });
      const url = `http://127.0.0.1:${ready.port}`;
      const response = await fetch(`${url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        body: JSON.stringify({ query: '{ cdrs(first: 1) { nodes { id } } }' }),
      });
      expect(await response.json()).toMatchObject({ data: { cdrs: { nodes: [{ id: '1' }] } } });
      expect(await (await fetch(`${url}/metrics`)).text()).toContain(`version="${version}"`);
      const page = await (await fetch(`${url}/graphql`, { headers: { accept: 'text/html' } })).text();
      const assets = [...page.matchAll(/(?:href|src)="(\/[^"]+\.(?:ts|js|css))"/g)].map((found) => found[1]!);
      expect(assets.length).toBeGreaterThan(5);
      for (const asset of assets) expect((await fetch(url + asset)).status, asset).toBe(200);
    } finally {
      await endProcess(server);
    }
  });
});

/** Resolves with its line that says it is ready. */
async function serve(
  env: Readonly<Record<string, string>>,
): Promise<{ server: ChildProcess; ready: Record<string, unknown> }> {
  const server = spawn(process.execPath, [command, 'serve'], {
    env,
    cwd: consumer,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let errors = '';
  server.stderr.on('data', (text) => (errors += text));
  const ready = Promise.withResolvers<Record<string, unknown>>();
  createInterface({ input: server.stdout }).on('line', (line) => {
    const entry = JSON.parse(line) as Record<string, unknown>;
    if (entry.msg === 'ready') ready.resolve(entry);
  });
  server.once('close', () => ready.reject(new Error(`The gateway ended: ${errors}`)));
  return { server, ready: await ready.promise };
}
