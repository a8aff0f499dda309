import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { httpSettings } from '../../src/http/settings.ts';
import { settingsIn } from '../../src/settings/setting.ts';
import { gatewaySettings } from '../../src/settings.ts';
import {
  compose,
  composeText,
  readEnvFile,
  type Service,
  variablesOf,
  withDefaults,
} from './compose-file.ts';

const services = Object.entries(compose.services);
const names = Object.keys(compose.services);
const gateways = services.filter(([name]) => name.startsWith('gateway-'));
const databases = services.filter(([name]) => name === 'primary' || name.startsWith('replica-'));
const standbys = databases.filter(([name]) => name !== 'primary');

/** Of the projects themselves, with a version that does not move. */
const OFFICIAL =
  /^(postgres|nginx|node|prom\/prometheus|prom\/alertmanager|prom\/node-exporter|grafana\/grafana):v?\d+\.\d+(\.\d+)?(-[a-z-]+)?$/;
/** Of a variable that would hold a secret; with _FILE at its end it holds a path. */
const SECRET_NAME = /(PASSWORD|TOKEN|SECRET|USERS|_URLS?)$/;
const OURS = /^cdr-[a-z-]+:local$/;

/** Whether docker can tell: its image has a check of its own, or the file gives it one. */
function hasHealthcheck({ healthcheck, build }: Service): boolean {
  if (healthcheck?.disable) return false;
  if (healthcheck?.test) return true;
  return (
    build !== undefined &&
    readFileSync(join('docker', build.context, build.dockerfile), 'utf8').includes('HEALTHCHECK')
  );
}

describe('the images', () => {
  test.each(services)('%s runs an official image of a fixed version, or ours', (_, { image }) => {
    const [variable, fallback] = [...variablesOf(image)][0] ?? [];

    expect(image).toBe(`\${${variable}:-${fallback}}`);
    expect(fallback).toMatch(new RegExp(`${OFFICIAL.source}|${OURS.source}`));
  });

  test.each(services.filter(([, { build }]) => build))(
    '%s is built from a file that is there',
    (_, { build }) => {
      expect(existsSync(join('docker', build!.context, build!.dockerfile))).toBe(true);
    },
  );

  test('those that we build start from the image of compose.yaml', () => {
    const node = variablesOf(composeText).get('NODE_IMAGE');
    for (const file of ['docker/Dockerfile', 'docker/web.Dockerfile']) {
      expect(readFileSync(file, 'utf8')).toContain(`ARG NODE_IMAGE=${node}\n`);
    }
  });
});

describe('what can be changed from outside', () => {
  test('env.example has every variable, with the default of compose.yaml, and no other', () => {
    const example = new Map(readEnvFile('docker/env.example'));
    example.delete('COMPOSE_PROFILES');

    expect(Object.fromEntries(example)).toEqual(Object.fromEntries(variablesOf(composeText)));
  });

  test('env.example starts every part', () => {
    const profiles = new Set(services.flatMap(([, service]) => service.profiles ?? []));

    expect(new Set(readEnvFile('docker/env.example').get('COMPOSE_PROFILES')?.split(','))).toEqual(profiles);
  });

  test('without its optional parts the stack is still whole', () => {
    const optional = new Set(services.filter(([, { profiles }]) => profiles).map(([name]) => name));
    const missed = services
      .filter(([name]) => !optional.has(name))
      .flatMap(([name, service]) =>
        Object.keys(service.depends_on ?? {}).map((other) => `${name} needs ${other}`),
      )
      .filter((sentence) => optional.has(sentence.split(' ').at(-1)!));

    expect(optional).toEqual(new Set(['web', 'prometheus', 'alertmanager', 'node-exporter', 'grafana']));
    expect(missed).toEqual([]);
  });

  test('one optional part does without the others', () => {
    const profileOf = (name: string) => compose.services[name]!.profiles?.[0];
    const needed = services.flatMap(([name, { depends_on = {} }]) =>
      Object.entries(depends_on)
        .filter(([other, { required }]) => required !== false && profileOf(other))
        .filter(([other]) => profileOf(other) !== profileOf(name))
        .map(([other]) => `${name} needs ${other}`),
    );

    expect(needed).toEqual([]);
  });

  test.each(services.filter(([, { ports }]) => ports))(
    '%s listens on the loopback address unless told otherwise',
    (_, { ports }) => {
      for (const port of ports!) expect(withDefaults(port)).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
    },
  );

  test('only nginx and what watches it have ports outside', () => {
    const open = services.filter(([, { ports }]) => ports).map(([name]) => name);

    expect(open).toEqual(['nginx', 'prometheus', 'alertmanager', 'grafana']);
  });
});

describe('the order of the start', () => {
  const waits = services.flatMap(([name, { depends_on = {} }]) =>
    Object.entries(depends_on).map(([on, { condition }]) => ({ name, on, condition })),
  );

  test.each(waits)('$name can wait for $on: $condition', ({ on, condition }) => {
    expect(names).toContain(on);
    const target = compose.services[on]!;
    if (condition === 'service_healthy') expect(hasHealthcheck(target)).toBe(true);
    else expect([condition, target.restart]).toEqual(['service_completed_successfully', 'no']);
  });

  test('gateways start with standbys and calls, nginx with gateways', () => {
    for (const [, { depends_on }] of gateways) {
      expect(Object.keys(depends_on!)).toEqual(
        expect.arrayContaining([...standbys.map(([name]) => name), 'calls']),
      );
    }
    expect(Object.keys(compose.services.nginx!.depends_on!)).toEqual(gateways.map(([name]) => name));
  });
});

describe('files and secrets', () => {
  const mounts = services.flatMap(([name, { volumes = [] }]) => volumes.map((volume) => ({ name, volume })));

  test.each(mounts)(
    '$name mounts $volume, which is there and cannot be written, or is a volume',
    ({ volume }) => {
      const [source = '', , mode] = volume.split(':');
      if (/^[./]/.test(source)) expect([existsSync(resolve('docker', source)), mode]).toEqual([true, 'ro']);
      else expect(compose.volumes).toHaveProperty([source]);
    },
  );

  test('every secret is declared and used', () => {
    const used = new Set(services.flatMap(([, { secrets = [] }]) => secrets));

    expect(used).toEqual(new Set(Object.keys(compose.secrets)));
  });

  test('a secret is read from the file of its name, and only by a service that was given it', () => {
    for (const [name, { file }] of Object.entries(compose.secrets)) {
      expect(withDefaults(file)).toBe(`./secrets/${name}`);
    }
    const readers = services.flatMap(([name, service]) =>
      [...JSON.stringify(service).matchAll(/\/run\/secrets\/([\w.-]+)/g)].map((found) => ({
        name,
        secret: found[1]!,
      })),
    );
    expect(readers.length).toBeGreaterThan(15);
    for (const { name, secret } of readers) expect(compose.services[name]!.secrets).toContain(secret);
  });

  test.each(services)(
    '%s writes nothing to its image and has no rights of root',
    (name, { read_only, cap_drop, cap_add, security_opt }) => {
      const isDatabase = databases.some(([other]) => other === name);

      expect({ read_only, cap_drop, security_opt }).toEqual({
        read_only: true,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
      });
      // Files are put in their places before PostgreSQL is started as its own user.
      expect(cap_add).toEqual(
        isDatabase ? ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'SETGID', 'SETUID'] : undefined,
      );
    },
  );

  test('only what measures the machine sees its files', () => {
    const seeing = services.filter(([, { volumes = [] }]) =>
      volumes.some((volume) => volume.startsWith('/')),
    );

    expect(seeing.map(([name]) => name)).toEqual(['node-exporter']);
  });

  test('no environment holds a secret itself', () => {
    const held = services.flatMap(([name, { environment = {} }]) =>
      Object.entries(environment)
        .filter(([variable]) => SECRET_NAME.test(variable) && variable !== 'GATEWAY_URL')
        .map(([variable]) => `${name}: ${variable}`),
    );

    expect(held).toEqual([]);
  });
});

const drainSeconds = Number(httpSettings.members.drainTimeoutSeconds.default);

describe('the gateways', () => {
  test.each(gateways)('%s is given settings that exist, secrets as files', (_, { environment }) => {
    const settings = new Map(settingsIn(gatewaySettings).map((setting) => [setting.name, setting]));
    for (const name of Object.keys(environment!)) {
      const setting = settings.get(name.replace(/_FILE$/, ''));
      expect(setting, name).toBeDefined();
      expect(setting!.secret ?? false).toBe(name.endsWith('_FILE'));
    }
  });

  test.each(gateways)('%s finds the samples of numbers in its image', (_, { environment }) => {
    for (const name of ['NUMBERING_PLAN', 'NUMBERING_OPERATORS']) {
      expect(existsSync(withDefaults(environment![name]!).replace(/^\/app\//, ''))).toBe(true);
    }
  });

  test.each(gateways)('%s may finish its answers before it is killed', (_, { stop_grace_period }) => {
    expect(Number.parseInt(stop_grace_period!, 10)).toBeGreaterThan(drainSeconds);
  });

  test('nginx asks each of them, and the frontend', () => {
    const site = readFileSync('docker/nginx/compose.conf', 'utf8');
    const upstreams = [...site.matchAll(/^ {4}server ([\w-]+):\d+/gm)].map((found) => found[1]);

    expect(upstreams).toEqual([...gateways.map(([name]) => name), 'web']);
  });
});

describe('what Prometheus watches', () => {
  const targets = globSync('docker/prometheus/targets/*.yml')
    .flatMap((file) => parse(readFileSync(file, 'utf8')) as { readonly targets: readonly string[] }[])
    .flatMap((group) => group.targets);

  test('is each gateway, and the disk that an alert is about', () => {
    expect(targets.toSorted()).toEqual(
      [...gateways.map(([name]) => `${name}:3001`), 'node-exporter:9100'].toSorted(),
    );
  });
});

describe('Grafana', () => {
  const provisioned = parse(
    readFileSync('docker/grafana/provisioning/datasources/cdr-gateway.yml', 'utf8'),
  ) as { readonly datasources: readonly { readonly type: string; readonly url: string }[] };

  test('is given the plugin of each of its data sources that is not its own', () => {
    const plugins = withDefaults(compose.services.grafana!.environment!.GF_PLUGINS_PREINSTALL!).split(',');
    const types = new Set(provisioned.datasources.map(({ type }) => type));

    expect(types).toEqual(new Set(['prometheus', 'alertmanager', ...plugins]));
  });

  test('asks services that are there', () => {
    for (const { url } of provisioned.datasources) expect(names).toContain(new URL(url).hostname);
  });
});

describe('names', () => {
  const fixed = services.flatMap(([name, { networks }]) => {
    const { inside } = networks as Record<string, { readonly ipv4_address?: string }>;
    return inside?.ipv4_address ? [`${name}:${inside.ipv4_address}`] : [];
  });

  test('of whatever may be down are known to those who ask for it', () => {
    const mapped = services.filter(([, { extra_hosts }]) => extra_hosts);

    expect(mapped.map(([name]) => name)).toEqual(
      expect.arrayContaining(
        [...databases, ...gateways].map(([name]) => name).concat('nginx', 'calls', 'switch'),
      ),
    );
    for (const [, { extra_hosts }] of mapped) expect(new Set(extra_hosts)).toEqual(new Set(fixed));
  });

  test('have addresses that Docker gives to nobody else', () => {
    const last = fixed.map((host) => Number(host.split('.').at(-1)));

    expect(new Set(last).size).toBe(databases.length + gateways.length + 1);
    expect(Math.max(...last)).toBeLessThan(128);
    expect(composeText).toMatch(/ip_range: \S+\.128\/25/);
  });
});

describe('the databases', () => {
  test('each standby has a slot on the primary, reserved before it is cloned', () => {
    const slots = [
      ...readFileSync('docker/postgres/replication.sql', 'utf8').matchAll(
        /replication_slot\('(\w+)', true\)/g,
      ),
    ];

    expect(standbys.map(([, { environment }]) => environment!.SLOT)).toEqual(slots.map((found) => found[1]));
  });

  test('each standby follows whichever of the others takes writes', () => {
    for (const [name, { environment }] of standbys) {
      const others = databases.map(([other]) => other).filter((other) => other !== name);
      expect(environment!.CLONE_OF!.split(',')).toEqual(others);
    }
  });

  test('all of them run on the same settings', () => {
    const commands = databases.map(([, service]) => JSON.stringify([service.command, service.image]));

    expect(new Set(commands).size).toBe(1);
  });
});

const hasCompose = spawnSync('docker', ['compose', 'version']).status === 0;

test.skipIf(!hasCompose)('docker compose takes the file as it is', () => {
  const stdout = execFileSync(
    'docker',
    ['compose', '-f', 'docker/compose.yaml', '--profile', '*', 'config', '--services'],
    {
      encoding: 'utf8',
    },
  );

  expect(stdout.trim().split('\n').sort()).toEqual([...names].sort());
});
