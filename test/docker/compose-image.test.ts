import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

const run = promisify(execFile);
const read = (file: string) => readFileSync(file, 'utf8');
const dockerfiles = ['docker/Dockerfile', 'docker/web.Dockerfile'];

describe('what goes into an image', () => {
  test('nothing the gateway imports is left out by "npm ci --omit=dev --omit=optional"', () => {
    const { dependencies } = JSON.parse(read('package.json'));
    const files = globSync(['src/**/*.ts', 'migrations/*.ts', 'docker/demo/*.ts']);
    const imported = new Set(
      files.flatMap((file) =>
        [
          ...read(file).matchAll(
            /^(?:import|export) (?!type )[^;]*?from '([^'.][^']*)';|import\('([^'.][^']*)'\)/gm,
          ),
        ]
          .map((found) => (found[1] ?? found[2])!)
          .filter((name) => !name.startsWith('node:'))
          .map((name) => name.split('/', name.startsWith('@') ? 2 : 1).join('/')),
      ),
    );

    expect(imported.size).toBeGreaterThan(5);
    expect([...imported].filter((name) => !Object.hasOwn(dependencies, name))).toEqual([]);
  });

  test('the build sees what is copied, and nothing else of the checkout', () => {
    const lines = read('.dockerignore').split('\n');
    const shown = lines.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
    const copied = dockerfiles.flatMap((file) =>
      [...read(file).matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap((found) => found[1]!.split(' ')),
    );

    expect(lines.find((line) => line && !line.startsWith('#'))).toBe('*');
    expect(shown.filter((path) => !copied.some((source) => source.startsWith(path)))).toEqual([]);
    expect(copied.filter((source) => !shown.some((path) => source.startsWith(path)))).toEqual([]);
  });

  test('what the explorer is built of imports nothing that stays outside', () => {
    const without = read('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('examples/nextjs/'))
      .flatMap((pattern) => globSync([pattern, `${pattern}/**`]));
    const seen = globSync([
      'examples/nextjs/*.{ts,mjs}',
      'examples/nextjs/{src,scripts,test}/**/*.{ts,tsx,mjs}',
    ])
      .filter((file) => !without.includes(file))
      .flatMap((file) =>
        [...read(file).matchAll(/^(?:import|export) [^;]*?'(\.[^']*)'/gm)].map((found) => ({
          file,
          target: join(dirname(file), found[1]!),
        })),
      );

    expect(without.length).toBeGreaterThan(5);
    expect(seen.length).toBeGreaterThan(50);
    expect(seen.filter(({ target }) => without.includes(target))).toEqual([]);
  });

  test.each(dockerfiles)('%s ends as a user that is not root, with node as the first process', (file) => {
    const last = read(file)
      .split(/^FROM /m)
      .at(-1)!;

    expect(last).toMatch(/^USER 1000:1000$/m);
    expect(last).toMatch(/^(ENTRYPOINT|CMD) \["node", /m);
    expect(last).not.toMatch(/^(ENTRYPOINT|CMD) [^[]/m);
  });
});

describe.each([
  { file: 'docker/Dockerfile', variable: 'API_PORT', path: '/livez' },
  { file: 'docker/web.Dockerfile', variable: 'PORT', path: '/sign-in' },
])('the health check of $file', ({ file, variable, path }) => {
  const [program = '', ...args] = JSON.parse(
    /^HEALTHCHECK[^[]*CMD (\[.*\])$/m.exec(read(file))![1]!,
  ) as string[];
  const check = (port: number) =>
    run(program === 'node' ? process.execPath : program, args, { env: { [variable]: String(port) } }).then(
      () => 'healthy',
      ({ code }) => code,
    );

  test('passes when the process answers, and fails when it says no or nothing', async () => {
    let status = 200;
    const server = createServer(({ url }, response) => {
      response.statusCode = url === path ? status : 404;
      response.end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;

    expect(await check(port)).toBe('healthy');
    status = 503;
    expect(await check(port)).toBe(1);
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
    expect(await check(port)).toBe(1);
  });
});

describe('the switch of the demo', () => {
  const script = 'docker/demo/calls.ts';
  const open: TestDatabase[] = [];
  afterEach(async () => {
    for (const database of open.splice(0)) await database[Symbol.asyncDispose]();
  });

  async function newDatabase(): Promise<TestDatabase> {
    const database = await createTestDatabase();
    open.push(database);
    return database;
  }

  const countOf = async ({ pool }: TestDatabase) =>
    (await pool.query('select count(*)::int as calls from xdrs')).rows[0].calls as number;

  test('fills empty tables once, and leaves calls that are there alone', async () => {
    const database = await newDatabase();
    const load = async () => {
      const { stdout } = await run(process.execPath, [script, 'load', '1500'], {
        env: { MIGRATE_URL: database.primaryUrl },
      });
      return stdout;
    };

    expect(await load()).toMatch(/^Loaded 1500 calls/);
    expect(await load()).toBe('There are calls already; nothing is loaded.\n');
    expect(await countOf(database)).toBe(1500);
  });

  test('writes calls as they end until it is told to stop', async () => {
    const database = await newDatabase();
    const writer = spawn(process.execPath, [script, 'live', '200'], {
      env: { MIGRATE_URL: database.primaryUrl },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const ended = once(writer, 'exit');
    for (let look = 0; look < 500 && (await countOf(database)) < 50; look++) await delay(20);
    writer.kill('SIGTERM');

    expect(await ended).toEqual([0, null]);
    expect(await countOf(database)).toBeGreaterThanOrEqual(50);
  });

  test('says how it is used, and which setting is missing', async () => {
    const fail = (args: string[]) =>
      run(process.execPath, [script, ...args], { env: {} }).then(
        () => expect.unreachable(),
        ({ code, stderr }) => ({ code, stderr }),
      );

    expect(await fail([])).toMatchObject({ code: 2, stderr: expect.stringContaining('Usage') });
    expect(await fail(['load', 'many'])).toMatchObject({ code: 2 });
    expect(await fail(['load', '5'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('MIGRATE_URL_FILE'),
    });
  });
});
