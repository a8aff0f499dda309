import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { startExplorer } from '../../src/demo/explorer.ts';
import { buildExplorer } from '../../src/demo/explorer-build.ts';
import { findFreePort } from '../../src/demo/ports.ts';
import { createProgress } from '../../src/demo/progress.ts';
import { isAlive } from '../../src/demo/run-dir.ts';

/** Builds by copying its source to where a build of the explorer ends. */
const COPY = `
  const { cpSync, mkdirSync, rmSync } = require('node:fs');
  rmSync('.next', { recursive: true, force: true });
  mkdirSync('.next/standalone/.next/static', { recursive: true });
  cpSync('src/server.js', '.next/standalone/server.js');
`;

/** Answers with its environment. */
const ECHO = `
  const { createServer } = require('node:http');
  createServer((request, response) => {
    if (request.url === '/crash') { console.error('It hurts.'); process.exit(3); }
    response.end(JSON.stringify({ pid: process.pid, ...process.env }));
  }).listen(process.env.PORT, process.env.HOSTNAME);
`;

const gateway = {
  graphqlUrl: 'http://127.0.0.1:1/graphql',
  tokens: { admin: 'the admin', account: 'the account' },
  accountId: '14',
};

let directory: string;
let said: string;
const progress = createProgress({ write: (text) => (said += text) });

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'cdr-explorer-'));
  said = '';
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** A package that is installed, built and started as the call explorer is, in a second. */
async function makePackage(build: string, server = ECHO): Promise<void> {
  const about = { name: 'small', version: '1.0.0' };
  const dependencies = { part: 'file:part' };
  const packages = {
    '': { ...about, dependencies },
    part: { version: '1.0.0' },
    'node_modules/part': { resolved: 'part', link: true },
  };
  const scripts = { build: 'node build.cjs' };
  await mkdir(join(directory, 'src'));
  await mkdir(join(directory, 'part'));
  const write = (name: string, content: unknown) => writeFile(join(directory, name), JSON.stringify(content));
  await write('package.json', { ...about, scripts, dependencies });
  await write('package-lock.json', { ...about, lockfileVersion: 3, packages });
  await write('part/package.json', { name: 'part', version: '1.0.0' });
  await writeFile(join(directory, 'build.cjs'), build);
  await writeFile(join(directory, 'src', 'server.js'), server);
}

/** What npm prints is shown where it takes its time. */
const withoutProgress = (text: string) => text.replaceAll(/^(?!Done in).* \(\d+ s\)\n/gm, '');

const never = new AbortController().signal;
const build = (signal = never) => buildExplorer({ directory, progress, signal });

describe('the call explorer is made ready', () => {
  test('on first use, saying what takes the time; then only after a change', async () => {
    await makePackage(COPY);
    await build();
    expect(withoutProgress(said)).toMatch(
      /^Installing the call explorer, once \(npm ci .+\)\.\nDone in \d+ s\.\nBuilding/,
    );
    const built = join(directory, '.next/standalone/server.js');
    expect(await readFile(built, 'utf8')).toBe(ECHO);

    said = '';
    await build();
    expect(said).toBe('');

    const later = new Date(Date.now() + 60_000);
    await utimes(join(directory, 'src', 'server.js'), later, later);
    await build();
    expect(withoutProgress(said)).toMatch(
      /^Building the call explorer, once \(npm run build in .+\)\.\nDone in \d+ s\.\n$/,
    );
  });

  test('or not, with what npm said at last', async () => {
    await makePackage(`console.log('So far so good.'); throw new Error('There is no paper left.');`);
    await expect(build()).rejects.toMatchObject({
      name: 'DemoError',
      message: expect.stringMatching(
        /^npm run build failed in \S+; it said at last:\n.*So far so good\..*no paper left/s,
      ),
    });
  });

  test('or not at all, where its package is missing', async () => {
    await expect(build()).rejects.toMatchObject({
      name: 'DemoError',
      message: `The call explorer is not here: ${directory} is missing.`,
    });
  });

  test('until told to stop, which ends what npm has started too', async () => {
    await makePackage(
      `require('node:fs').writeFileSync('pid', String(process.pid)); setInterval(() => {}, 1000);`,
    );
    const controller = new AbortController();
    const building = build(controller.signal);
    const pid = await vi.waitUntil(
      async () => Number(await readFile(join(directory, 'pid'), 'utf8').catch(() => '')),
      { timeout: 20_000 },
    );
    expect(isAlive(pid)).toBe(true);
    controller.abort();
    await expect(building).rejects.toMatchObject({ name: 'AbortError' });
    await vi.waitUntil(() => !isAlive(pid), { timeout: 5_000 });
  });
});

describe('the call explorer', () => {
  async function start(onEnd: (why: string) => void = () => {}) {
    await build();
    return startExplorer({
      directory,
      port: await findFreePort(),
      gateway,
      jwtSecret: 'the secret',
      signal: never,
      onEnd,
    });
  }

  test('knows the gateway, what it signs tokens with and two users, and nothing of our own environment', async () => {
    await makePackage(COPY);
    const explorer = await start();
    try {
      const settings = (await (await fetch(explorer.url)).json()) as Record<string, string>;
      expect(settings).toMatchObject({
        pid: explorer.pid,
        GATEWAY_URL: gateway.graphqlUrl,
        GATEWAY_JWT_SECRET: 'the secret',
      });
      // Of the gateway's own tokens it has none.
      expect(JSON.stringify(settings)).not.toMatch(/the admin|the account/);
      expect(JSON.parse(settings.USERS!)).toEqual([
        { name: 'admin', password: 'admin', role: 'admin', accountIds: [] },
        { name: 'customer', password: 'customer', role: 'customer', accountIds: ['14'] },
      ]);
      expect(settings).not.toHaveProperty('PATH');
    } finally {
      await explorer.stop();
    }
    expect(isAlive(explorer.pid)).toBe(false);
  });

  test('is ended even when it does not listen', async () => {
    await makePackage(COPY, `process.on('SIGTERM', () => {});${ECHO}`);
    const explorer = await start();
    await explorer.stop();
    expect(isAlive(explorer.pid)).toBe(false);
  });

  test('says why when it cannot start', async () => {
    await makePackage(COPY, `console.error('Bad settings'); process.exit(1);`);
    await expect(start()).rejects.toMatchObject({
      name: 'DemoError',
      message: 'The call explorer ended while it started:\n\nBad settings',
    });
  });

  test('tells when it ends by itself', async () => {
    await makePackage(COPY);
    const onEnd = vi.fn();
    const explorer = await start(onEnd);
    await fetch(`${explorer.url}/crash`).catch(() => {});
    await vi.waitUntil(() => onEnd.mock.calls.length > 0, { timeout: 5_000 });
    expect(onEnd).toHaveBeenCalledWith('It hurts.');
  });

  test('is not started on a port that is in use', async () => {
    await makePackage(COPY);
    await build();
    const server = createServer((_, response) => response.writeHead(404).end()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const { port } = server.address() as AddressInfo;
      const starting = startExplorer({
        directory,
        port,
        gateway,
        jwtSecret: 'the secret',
        signal: never,
        onEnd: () => {},
      });
      await expect(starting).rejects.toThrow(/ended while it started:.*EADDRINUSE/s);
    } finally {
      server.close();
    }
  });
});
