import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findFreePort } from '../src/demo/ports.ts';
import { anXdr } from './support/builders.ts';
import { createTestDatabase, type TestDatabase } from './support/postgres.ts';
import { hasRedis, startRedis } from './support/redis.ts';

const run = promisify(execFile);
const { version } = JSON.parse(readFileSync('package.json', 'utf8'));

const canBuild = spawnSync('dpkg-deb', ['--version']).status === 0;
const canInstall = canBuild && canLayer();

/** Where a system can be laid above this one it is installed without a trace: that needs Linux, root, and a disk for the layer. */
function canLayer(): boolean {
  const place = mkdtempSync(join(tmpdir(), 'cdr-layer-'));
  try {
    for (const name of ['upper', 'work']) mkdirSync(join(place, name));
    const layer = `lowerdir=/usr,upperdir=${place}/upper,workdir=${place}/work`;
    const mount = ['mount', '-t', 'overlay', 'overlay', '-o', layer, '/usr'];
    return spawnSync('unshare', ['--mount', '--propagation', 'private', ...mount]).status === 0;
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

const TOKEN = 'token-of-the-administrator';

describe.skipIf(!canBuild)('the Debian package', () => {
  let directory: string;
  let file: string;
  let database: TestDatabase;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'cdr-deb-'));
    // The service is not root, and reads its credentials here.
    chmodSync(directory, 0o755);
    const { stdout } = await run(process.execPath, ['codegen/write-deb.ts', directory]);
    file = stdout.trim();
    database = await createTestDatabase();
    await database.insertXdrs([anXdr({ i_xdr: '1' })]);
  }, 400_000);
  afterAll(async () => {
    await database?.[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  });

  const dpkg = (...args: readonly string[]) =>
    execFileSync('dpkg-deb', [...args, file], { encoding: 'utf8', maxBuffer: 64 * 1024 ** 2 });

  test('says what it is, and has command, units, settings and documents, all of root', () => {
    expect(dpkg('--info')).toMatch(
      new RegExp(
        `Package: cdr-gateway\\n Version: ${version.replaceAll('.', '\\.')}\\n Architecture: all\\n`,
      ),
    );
    const lines = dpkg('--contents').split('\n').filter(Boolean);
    expect(lines.filter((line) => !line.includes(' root/root '))).toEqual([]);
    const modes = new Map(lines.map((line) => [line.replace(/^.*? \.\//, '/'), line.slice(0, 10)]));
    expect(Object.fromEntries([...modes].filter(([path]) => wanted.has(path)))).toEqual(
      Object.fromEntries(wanted),
    );
    const misplaced = /\/(typescript|vitest|postgres-\d+[\w-]*|\.package-lock\.json|secrets|\.env)(\/|$)/;
    expect([...modes.keys()].filter((path) => misplaced.test(path))).toEqual([]);
  });

  test.skipIf(!canInstall)(
    'is installed, serves on a port by its unit, keeps its settings when it is upgraded, and goes',
    async () => {
      const port = await findFreePort();
      await using redis = hasRedis ? await startRedis() : undefined;
      const told = await runInstalled(directory, file, [
        'cdr-gateway --version >/told/version',
        `install -m 0600 /dev/stdin /etc/cdr-gateway/admin-token <<<'${TOKEN}'`,
        `install -m 0600 /dev/stdin /etc/cdr-gateway/replica-urls <<<'${database.replicaUrls.join()}'`,
        'echo LOG_LEVEL=warn >>/etc/cdr-gateway/gateway.env',
        `systemctl enable --now cdr-gateway@${port}`,
        `until curl -sf localhost:${port}/readyz >/dev/null || ! systemctl is-active cdr-gateway@${port}; do sleep 0.2; done`,
        `curl -s localhost:${port}/graphql -H 'authorization: Bearer ${TOKEN}' -H 'content-type: application/json' \\
        -d '{"query":"{ cdrs(first: 1) { nodes { id } } }"}' >/told/answer || true`,
        `ps -o user= -p "$(cat $HOST_STATE/units/cdr-gateway@${port}.pid)" >/told/user || true`,
        ...(redis ? publishing(port, redis.url) : []),
        `systemctl stop cdr-gateway@${port}`,
        `journalctl -u cdr-gateway@${port} -o cat >/told/log`,
        `dpkg --force-unsafe-io -i ${file} >/dev/null && tail -n 1 /etc/cdr-gateway/gateway.env >/told/kept`,
        'dpkg --purge cdr-gateway >/dev/null 2>&1 && ls /usr/bin/cdr-gateway /usr/lib/cdr-gateway /etc/cdr-gateway >/told/left 2>/dev/null || true',
      ]);
      expect(told('log')).toBe('');
      expect(told('version')).toBe(`${version}\n`);
      expect(JSON.parse(told('answer'))).toMatchObject({ data: { cdrs: { nodes: [{ id: '1' }] } } });
      expect(told('user')).toBe('nobody\n');
      if (redis) expect(told('published')).toMatch(/"change":"mark"/);
      expect(told('kept')).toBe('LOG_LEVEL=warn\n');
      // The secrets were put there by whoever installed it.
      const secrets = ['admin-token', ...(redis ? ['publish-token', 'publish.env'] : []), 'replica-urls'];
      expect(told('left')).toBe(`/etc/cdr-gateway:\n${secrets.join('\n')}\n`);
    },
    400_000,
  );
});

const wanted = new Map([
  ['/usr/bin/cdr-gateway', '-rwxr-xr-x'],
  ['/usr/lib/systemd/system/cdr-gateway@.service', '-rw-r--r--'],
  ['/usr/lib/systemd/system/cdr-gateway-backup.timer', '-rw-r--r--'],
  ['/usr/lib/systemd/system/cdr-gateway-restore-drill.service', '-rw-r--r--'],
  ['/usr/lib/systemd/system/cdr-gateway-publish.service', '-rw-r--r--'],
  ['/etc/cdr-gateway/gateway.env', '-rw-r-----'],
  ['/usr/share/doc/cdr-gateway/operations.md', '-rw-r--r--'],
  ['/usr/share/doc/cdr-gateway/copyright', '-rw-r--r--'],
  ['/usr/lib/cdr-gateway/node_modules/cdr-gateway/dist/src/cli.js', '-rwxr-xr-x'],
  ['/usr/lib/cdr-gateway/node_modules/cdr-gateway/docker/nginx/site.conf', '-rw-r--r--'],
]);

/** The publisher's unit, until it has published: to begin with, up to when nothing is missing. */
function publishing(gatewayPort: number, redisUrl: string): readonly string[] {
  const { port } = new URL(redisUrl);
  const unit = 'cdr-gateway-publish';
  return [
    'install -m 0600 /etc/cdr-gateway/admin-token /etc/cdr-gateway/publish-token',
    `printf '%s\\n' PUBLISH_FROM=http://127.0.0.1:${gatewayPort}/graphql PUBLISH_TO=${redisUrl} PUBLISH_PORT=0 |
      install -m 0600 /dev/stdin /etc/cdr-gateway/publish.env`,
    `systemctl enable --now ${unit}`,
    `until redis-cli -p ${port} xrange cdr-changes - + count 1 >/told/published && grep -q mark /told/published ||
      ! systemctl is-active ${unit}; do sleep 0.2; done`,
    `systemctl stop ${unit}`,
  ];
}

/** Does that where the package is installed, on a system of its own above this one. Resolves with what was written into /told. */
async function runInstalled(
  directory: string,
  file: string,
  commands: readonly string[],
): Promise<(name: string) => string> {
  const layers = ['usr', 'etc', 'var'].map((name) => {
    const [upper, work] = [join(directory, name), join(directory, `${name}-work`)];
    for (const each of [upper, work]) mkdirSync(each);
    return `mount -t overlay overlay -o lowerdir=/${name},upperdir=${upper},workdir=${work} /${name}`;
  });
  const told = join(directory, 'told');
  for (const each of [told, join(directory, 'state')]) mkdirSync(each);
  const script = join(directory, 'script');
  const node = `ln -sf ${resolve('node_modules/node/bin/node')} /usr/local/bin/node`;
  const install = `dpkg --force-unsafe-io -i ${file} >/dev/null`;
  writeFileSync(script, [...layers, node, install, ...commands].join('\n').replaceAll('/told/', `${told}/`));
  const env = {
    PATH: `${resolve('test/operations/stand-ins')}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
    HOST_STATE: join(directory, 'state'),
    LC_ALL: 'C.UTF-8',
  };
  const namespace = ['--mount', '--propagation', 'private', 'bash', '-euo', 'pipefail', script];
  await run('unshare', namespace, { env });
  return (name) => readFileSync(join(told, name), 'utf8');
}
