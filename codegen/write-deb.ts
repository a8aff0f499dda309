/**
 * Writes a Debian package: `npm run deb [-- DIRECTORY]`. In it are what `npm pack` packs and what that needs to run, the command, the
 * units, and a file of settings. Needs dpkg-deb.
 */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const { name, version, description, engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** Where the package is on a host. */
const HOME = `/usr/lib/${name}/node_modules/${name}`;

const destination = resolve(process.argv[2] ?? '.');
const staging = mkdtempSync(join(tmpdir(), 'cdr-deb-'));
try {
  const tree = join(staging, 'tree');
  installPackage(staging, join(tree, 'usr/lib', name));
  write(tree, `usr/bin/${name}`, command(), 0o755);
  for (const unit of readdirSync(join(root, 'docker/systemd'))) {
    write(tree, `usr/lib/systemd/system/${installedName(unit)}`, unitOf(unit));
  }
  write(tree, `etc/${name}/gateway.env`, settings(), 0o640);
  for (const file of readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })) {
    if (file.endsWith('.md')) copy(join('docs', file), join(tree, 'usr/share/doc', name, file));
  }
  copy('LICENSE', join(tree, 'usr/share/doc', name, 'copyright'));
  copy('CHANGELOG.md', join(tree, 'usr/share/doc', name, 'CHANGELOG.md'));
  const kilobytes = execFileSync('du', ['-sk', tree], { encoding: 'utf8' }).split('\t')[0]!;
  write(tree, 'DEBIAN/control', control(kilobytes));
  write(tree, 'DEBIAN/conffiles', `/etc/${name}/gateway.env\n`);
  for (const script of ['postinst', 'prerm']) {
    write(tree, `DEBIAN/${script}`, readFileSync(join(root, 'docker/debian', script), 'utf8'), 0o755);
  }
  const file = join(destination, `${name}_${version}_all.deb`);
  execFileSync('dpkg-deb', ['--root-owner-group', '-Zgzip', '--build', tree, file], { stdio: 'ignore' });
  console.log(file);
} finally {
  rmSync(staging, { recursive: true, force: true });
}

/** As an operator would by npm, from the tarball: without what is for developers, and without the databases of the demo. */
function installPackage(scratch: string, target: string): void {
  const pack = ['pack', '--json', '--pack-destination', scratch];
  const told = execFileSync('npm', pack, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [{ filename }] = JSON.parse(told.slice(told.indexOf('[')));
  mkdirSync(target, { recursive: true });
  const flags = ['--prefer-offline', '--omit=optional', '--ignore-scripts', '--no-audit', '--no-fund'];
  execFileSync('npm', ['install', ...flags, '--prefix', target, join(scratch, filename)], {
    cwd: target,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  for (const file of ['package.json', 'package-lock.json', 'node_modules/.package-lock.json']) {
    rmSync(join(target, file), { force: true });
  }
  for (const file of globSync('node_modules/**/*.{map,d.ts,d.cts,d.mts}', { cwd: target })) {
    rmSync(join(target, file));
  }
}

function write(tree: string, path: string, text: string, mode = 0o644): void {
  const file = join(tree, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  chmodSync(file, mode);
}

function copy(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  cpSync(join(root, from), to);
}

/** Finds Node as the units do. */
function command(): string {
  return `#!/bin/sh\nPATH=/usr/local/bin:$PATH exec node ${HOME}/dist/src/cli.js "$@"\n`;
}

/** One gateway per port, as docs/operations.md installs it. */
function installedName(unit: string): string {
  return unit === `${name}.service` ? `${name}@.service` : unit;
}

/** The units of a checkout, with the paths of the package. */
function unitOf(unit: string): string {
  return readFileSync(join(root, 'docker/systemd', unit), 'utf8')
    .replaceAll(`file:/opt/${name}/docs/`, `file:/usr/share/doc/${name}/`)
    .replaceAll(`/opt/${name}`, HOME)
    .replaceAll('node src/cli.ts', `node dist/src/cli.js`)
    .replace(/^#( Two ways| {3}as ).*\n/gm, '');
}

function settings(): string {
  const lines = readFileSync(join(root, '.env.example'), 'utf8').split('\n');
  const own = lines.map((line) => line.replace(/^[A-Z_]+=$/, '# $&'));
  return `# Secrets are files beside this one: replica-urls and admin-token, of root, mode 0600.\n${own.join('\n')}`;
}

function control(kilobytes: string): string {
  const node = engines.node.replace('>=', '');
  return `Package: ${name}
Version: ${version}
Architecture: all
Maintainer: ${name} <root@localhost>
Installed-Size: ${kilobytes}
Section: net
Priority: optional
Recommends: nodejs (>= ${node})
Suggests: pgbackrest, nginx
Description: ${description}
 Needs Node ${node} or later, as the package nodejs or in /usr/local/bin.
 .
 It starts nothing: /usr/share/doc/${name}/operations.md says how a gateway is
 given its databases, and started.
`;
}
