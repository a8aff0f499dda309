import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { httpSettings } from '../../src/http/settings.ts';
import { settingsIn } from '../../src/settings/setting.ts';
import { gatewaySettings } from '../../src/settings.ts';
import { sinkSettings } from '../../src/sinks/settings.ts';

const unit = readFileSync('docker/systemd/cdr-gateway.service', 'utf8');
const publishUnit = readFileSync('docker/systemd/cdr-gateway-publish.service', 'utf8');
const site = readFileSync('docker/nginx/site.conf', 'utf8');
const ports = [...site.matchAll(/^ {4}server 127\.0\.0\.1:(\d+)/gm)].map((found) => found[1]!);

const drainSeconds = Number(httpSettings.members.drainTimeoutSeconds.default);

const canVerify = spawnSync('systemd-analyze', ['--version']).status === 0;

describe('without containers', () => {
  test('PM2 starts a gateway on each port that nginx asks, and lets it finish its answers', () => {
    const { apps } = createRequire(import.meta.url)('../../docker/pm2.config.cjs');

    expect(ports).toHaveLength(2);
    expect(apps.map(({ env }: { env: Record<string, string> }) => env.API_PORT)).toEqual(ports);
    for (const { kill_timeout } of apps) {
      expect(kill_timeout).toBeGreaterThan(1000 * drainSeconds);
    }
  });

  test('systemd does so too', () => {
    const timeout = Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)![1]);

    expect(timeout).toBeGreaterThan(drainSeconds);
  });

  test.each([
    ['the gateway', unit, gatewaySettings],
    ['the publisher', publishUnit, sinkSettings],
  ] as const)('the unit gives %s secrets that exist, as files', (_, text, settings) => {
    const given = [...text.matchAll(/\b([A-Z_]+)_FILE=%d\/([\w-]+)/g)];
    const loaded = [...text.matchAll(/^#?LoadCredential=([\w-]+):/gm)].map((found) => found[1]);

    expect(given.length).toBeGreaterThan(0);
    expect(given.map((found) => found[2])).toEqual(loaded);
    const secrets = settingsIn(settings).filter(({ secret }) => secret);
    expect(secrets.map(({ name }) => name)).toEqual(expect.arrayContaining(given.map((found) => found[1])));
  });

  test('the publisher answers beside the gateways, under the same restrictions', () => {
    expect(ports).not.toContain(/PUBLISH_PORT=(\d+)/.exec(publishUnit)![1]);
    const restrictions = (text: string) =>
      text
        .split('\n')
        .filter((line) =>
          /^(DynamicUser|UMask|NoNew|Cap|Ambient|Protect|Private|Remove|Lock|Restrict|System)/.test(line),
        );
    expect(restrictions(publishUnit)).toEqual(restrictions(unit));
  });

  test.skipIf(!canVerify)('systemd finds nothing wrong with the units, alone or one per port', () => {
    const dir = mkdtempSync(join(tmpdir(), 'cdr-unit-'));
    try {
      const units = readdirSync('docker/systemd');
      for (const name of units) cpSync(join('docker/systemd', name), join(dir, name));
      cpSync('docker/systemd/cdr-gateway.service', join(dir, 'cdr-gateway@.service'));
      expect(units).toContain('cdr-gateway-restore-drill.timer');
      const { stderr, status } = spawnSync(
        'systemd-analyze',
        ['verify', '--man=no', ...[...units, 'cdr-gateway@3001.service'].map((name) => join(dir, name))],
        { encoding: 'utf8' },
      );
      expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
