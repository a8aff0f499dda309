import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { findFreePort } from '../../src/demo/ports.ts';
import { endProcess, untilListening } from './processes.ts';

const binary = ['/usr/sbin/haproxy', '/usr/local/sbin/haproxy', '/opt/homebrew/bin/haproxy'].find((path) =>
  existsSync(path),
);

/** Machines of developers may lack it, CI may not. */
export const hasHaproxy = binary !== undefined;
if (!hasHaproxy && process.env.CI)
  throw new Error('CI must not go without the tests of HAProxy: install it.');

export interface HaproxyServer {
  readonly port: number;
  /** Where it is asked over HTTP whether it has the role; without it, every server is led to in turn. */
  readonly rolePort?: number;
}

export interface Haproxy extends AsyncDisposable {
  readonly port: number;
}

/** Leads to the server that has the role, and ends the connections to one that has lost it; without roles, in turns. */
export async function startHaproxy(
  servers: readonly HaproxyServer[],
  { endsSessions = true } = {},
): Promise<Haproxy> {
  const directory = mkdtempSync(join(tmpdir(), 'cdr-haproxy-'));
  const file = join(directory, 'haproxy.cfg');
  const port = await findFreePort();
  const lines = servers.map(
    (server, index) =>
      `  server s${index} 127.0.0.1:${server.port}${server.rolePort ? ` check port ${server.rolePort}` : ''}`,
  );
  writeFileSync(
    file,
    `global
  stats socket ${join(directory, 'stats')}
defaults
  mode tcp
  timeout connect 2s
  timeout client 30m
  timeout server 30m
  timeout check 2s
listen postgres
  bind 127.0.0.1:${port}
  balance roundrobin
  option httpchk GET /replica
  default-server inter 100ms fall 1 rise 1${endsSessions ? ' on-marked-down shutdown-sessions' : ''}
${lines.join('\n')}
`,
  );
  const haproxy = spawn(binary!, ['-db', '-q', '-f', file], { stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  haproxy.stderr!.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-2000);
  });
  await untilListening('HAProxy', port, haproxy, () => errors);
  await untilChecked(join(directory, 'stats'));
  return {
    port,
    async [Symbol.asyncDispose]() {
      await endProcess(haproxy);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Before its first check HAProxy takes every server for one that has the role. */
async function untilChecked(socketPath: string): Promise<void> {
  for (let attempt = 0; attempt < 500; attempt++) {
    const statistics = await readStatistics(socketPath).catch(() => 'INI');
    if (!/\bINI\b/.test(statistics)) return;
    await delay(20);
  }
  throw new Error('HAProxy does not ask for roles.');
}

function readStatistics(socketPath: string): Promise<string> {
  const socket = connect(socketPath);
  socket.write('show stat\n');
  return text(socket);
}
