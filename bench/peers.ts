import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findFreePort } from '../src/demo/ports.ts';
import { ServerProcess } from './server-process.ts';
import type { Endpoint } from './wire.ts';

const FOLDER = fileURLToPath(new URL('peers/', import.meta.url));

export const peerNames = ['postgraphile', 'naive', 'bare'] as const;
export type PeerName = (typeof peerNames)[number];

/** As the table names them. */
export const peerTitles: Readonly<Record<PeerName, string>> = {
  postgraphile: 'PostGraphile 5.1',
  naive: 'naive Yoga + Pothos',
  bare: 'bare Node http',
};

export interface Peer extends AsyncDisposable {
  readonly process: ServerProcess;
  readonly endpoint: Endpoint;
}

/** Fetches the peers' packages when they are not there. Undefined when they are; else why they cannot be had. */
export function installPeers(log: (line: string) => void): string | undefined {
  if (isInstalled()) return undefined;
  log('Fetching the packages of the peers into bench/peers, once (npm ci)');
  const { status, stderr, error } = spawnSync(
    'npm',
    ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'],
    { cwd: FOLDER, encoding: 'utf8' },
  );
  if (status === 0) return undefined;
  return `npm ci in bench/peers failed: ${(error?.message ?? stderr).trim().split('\n')[0]}`;
}

/** npm writes this file last. */
function isInstalled(): boolean {
  const installed = join(FOLDER, 'node_modules/.package-lock.json');
  if (!existsSync(installed)) return false;
  const wanted = JSON.parse(readFileSync(join(FOLDER, 'package.json'), 'utf8')).dependencies;
  const { packages } = JSON.parse(readFileSync(installed, 'utf8'));
  return Object.entries(wanted).every(
    ([name, version]) => packages[`node_modules/${name}`]?.version === version,
  );
}

/** Versions of the peers, as their package.json pins them. */
export function peerVersions(): Readonly<Record<string, string>> {
  return JSON.parse(readFileSync(join(FOLDER, 'package.json'), 'utf8')).dependencies;
}

export async function startPeer(
  name: PeerName,
  { databaseUrl, scratchDir }: { databaseUrl: string; scratchDir: string },
): Promise<Peer> {
  const port = await findFreePort();
  const started = await ServerProcess.start({
    name: peerTitles[name],
    command: process.execPath,
    args: [join(FOLDER, `${name}.js`)],
    env: {
      DATABASE_URL: databaseUrl,
      PORT: String(port),
      NODE_ENV: 'production',
      GRAPHILE_ENV: 'production',
    },
    logFile: join(scratchDir, `${name}.log`),
    ...(name === 'bare'
      ? { readyUrl: `http://127.0.0.1:${port}/calls?account=1&first=1` }
      : { readyUrl: `http://127.0.0.1:${port}/graphql`, readyBody: '{"query":"{ __typename }"}' }),
  });
  return { process: started, endpoint: { port }, [Symbol.asyncDispose]: () => started.stop() };
}
