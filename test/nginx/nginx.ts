import { execFileSync, spawn } from 'node:child_process';
import {
  chownSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findFreePort } from '../../src/demo/ports.ts';
import { endProcess, untilListening } from '../support/processes.ts';

const binary = [
  '/usr/sbin/nginx',
  '/usr/local/sbin/nginx',
  '/usr/local/bin/nginx',
  '/opt/homebrew/bin/nginx',
].find((path) => existsSync(path));

/**
 * Machines of developers may lack it, CI may not. Linux only: there all of 127.0.0.0/8 is this machine, so that tests
 * can be many clients.
 */
export const hasNginx = binary !== undefined && process.platform === 'linux';
if (!hasNginx && process.env.CI) throw new Error('CI must not go without the tests of nginx: install it.');

/** nginx refuses nothing to root that it would refuse to itself later, so the tests run it as nobody. */
const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
const sources = 'docker/nginx';

export interface NginxOptions {
  /** `compose` is the site of compose.yaml, `host` the one for machines without containers. */
  readonly site: 'compose' | 'host';
  readonly gatewayPorts: readonly [number, number];
  /** Of the frontend. */
  readonly webPort?: number;
}

/** An nginx of its own over files of docker/nginx, with the addresses of this run put in. */
export interface Nginx extends AsyncDisposable {
  /** Of the site as the outside sees it. */
  readonly httpsPort: number;
  /** Without TLS: of the inside for `compose`, of the redirect for `host`. */
  readonly httpPort: number;
  /** Who signed the site's certificate, which names localhost. */
  readonly ca: string;
  /** Parsed lines of the access log so far. */
  readonly accessLog: () => readonly Readonly<Record<string, unknown>>[];
  readonly errorLog: () => string;
  /** Files that hold answers or bodies on disk. */
  readonly temporaryFiles: () => readonly string[];
}

/** Starts it, and resolves when it listens. Throws with the message of `nginx -t` when its files are wrong. */
export async function startNginx(options: NginxOptions): Promise<Nginx> {
  const prefix = mkdtempSync(join(tmpdir(), 'cdr-nginx-'));
  const secrets = join(prefix, 'secrets');
  execFileSync('docker/make-secrets.sh', [secrets]);
  const ports = { https: await findFreePort(), http: await findFreePort() };
  layOut(prefix, options, ports);
  giveToNobody(prefix);
  checkFiles(prefix);
  const server = spawn(binary!, ['-p', prefix, '-c', 'nginx.conf', '-g', 'daemon off;'], {
    ...nobody,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let errors = '';
  server.stderr!.setEncoding('utf8').on('data', (text) => {
    errors += text;
  });
  await untilListening('nginx', ports.https, server, () => errors);
  return {
    httpsPort: ports.https,
    httpPort: ports.http,
    ca: readFileSync(join(secrets, 'ca.crt'), 'utf8'),
    accessLog: () => linesOf(join(prefix, 'access.log')).map((line) => JSON.parse(line)),
    errorLog: () => errors,
    temporaryFiles: () =>
      readdirSync(join(prefix, 'tmp'), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && entry.name !== 'nginx.pid')
        .map(({ name }) => name),
    async [Symbol.asyncDispose]() {
      await endProcess(server);
      await rm(prefix, { recursive: true, force: true });
    },
  };
}

/** The message of `nginx -t`; undefined when the files are right. */
export function findConfigurationError(options: NginxOptions): string | undefined {
  const prefix = mkdtempSync(join(tmpdir(), 'cdr-nginx-'));
  execFileSync('docker/make-secrets.sh', [join(prefix, 'secrets')]);
  layOut(prefix, options, { https: 8443, http: 8080 });
  giveToNobody(prefix);
  try {
    checkFiles(prefix);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** The files as they are shipped, and where this run differs: addresses, and the places of files. */
function layOut(
  prefix: string,
  { site, gatewayPorts, webPort = 9 }: NginxOptions,
  ports: { https: number; http: number },
): void {
  cpSync(join(sources, 'cdr-gateway'), join(prefix, 'cdr-gateway'), { recursive: true });
  execFileSync('mkdir', ['-p', join(prefix, 'tmp')]);
  const main = new Text(join(sources, 'nginx.conf'))
    .replace('/tmp/', `${prefix}/tmp/`)
    .replace('/dev/stdout', `${prefix}/access.log`);
  const secrets = join(prefix, 'secrets');
  if (site === 'compose') {
    const text = new Text(join(sources, 'compose.conf'))
      .replace('/run/secrets', secrets)
      .replace('gateway-1:3001', `127.0.0.1:${gatewayPorts[0]}`)
      .replace('gateway-2:3001', `127.0.0.1:${gatewayPorts[1]}`)
      .replace('web:3000', `127.0.0.1:${webPort}`)
      .replace('listen 8443 ssl', `listen 127.0.0.1:${ports.https} ssl`)
      .replace('listen 8080', `listen 127.0.0.1:${ports.http}`);
    // The image's nginx knows this line, Debian 12's does not yet.
    if (!isAtLeast('1.25.1')) text.replace('    http2 on;\n', '');
    text.write(join(prefix, 'compose.conf'));
    main.write(join(prefix, 'nginx.conf'));
    return;
  }
  new Text(join(sources, 'site.conf'))
    .replace('/etc/letsencrypt/live/cdr.example.com/fullchain.pem', join(secrets, 'site.crt'))
    .replace('/etc/letsencrypt/live/cdr.example.com/privkey.pem', join(secrets, 'site.key'))
    .replace('/var/log/nginx/cdr-gateway.log', `${prefix}/access.log`)
    .replace('127.0.0.1:3001', `127.0.0.1:${gatewayPorts[0]}`)
    .replace('127.0.0.1:3002', `127.0.0.1:${gatewayPorts[1]}`)
    .replace('server_name cdr.example.com', 'server_name localhost')
    .replace('    listen [::]:80;\n', '')
    .replace('    listen [::]:443 ssl;\n', '')
    .replace('listen 80;', `listen 127.0.0.1:${ports.http};`)
    .replace('listen 443 ssl;', `listen 127.0.0.1:${ports.https} ssl;`)
    .write(join(prefix, 'site.conf'));
  // On a host the distribution's own main file includes the site, and knows nothing of ours.
  main
    .replace('    include cdr-gateway/http.conf;\n', '')
    .replace(/access_log .*;/, `access_log ${prefix}/main.log;`)
    .replace('include compose.conf', 'include site.conf')
    .write(join(prefix, 'nginx.conf'));
}

/** A file in which every replacement must find its place: a renamed host must not go unnoticed. */
class Text {
  #text: string;
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
    this.#text = readFileSync(file, 'utf8');
  }

  replace(what: string | RegExp, by: string): this {
    const changed = this.#text.replaceAll(typeof what === 'string' ? what : new RegExp(what, 'g'), by);
    if (changed === this.#text) throw new Error(`${this.#file} does not contain "${what}".`);
    this.#text = changed;
    return this;
  }

  write(file: string): void {
    writeFileSync(file, this.#text);
  }
}

function checkFiles(prefix: string): void {
  try {
    execFileSync(binary!, ['-p', prefix, '-c', 'nginx.conf', '-t'], {
      ...nobody,
      encoding: 'utf8',
      stdio: 'pipe',
    });
  } catch (error) {
    throw new Error(`nginx -t: ${(error as { stderr: string }).stderr}`);
  }
}

function isAtLeast(version: string): boolean {
  const { stderr } = spawnVersion();
  const found = /nginx\/(\d+\.\d+\.\d+)/.exec(stderr)?.[1] ?? '0.0.0';
  return found.localeCompare(version, 'en', { numeric: true }) >= 0;
}

function spawnVersion(): { stderr: string } {
  return { stderr: execFileSync('sh', ['-c', `"${binary}" -v 2>&1`], { encoding: 'utf8' }) };
}

function giveToNobody(path: string): void {
  if (nobody.uid === undefined) return;
  chownSync(path, nobody.uid, nobody.gid);
  for (const entry of readdirSync(path, { recursive: true, encoding: 'utf8' })) {
    chownSync(join(path, entry), nobody.uid, nobody.gid);
  }
}

function linesOf(file: string): readonly string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
}
