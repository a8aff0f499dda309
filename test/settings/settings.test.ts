import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { wholeNumber } from '../../src/settings/kinds.ts';
import { BadSettingsError, parseSettings } from '../../src/settings/parse.ts';
import { type Environment, settingGroup, settingsIn } from '../../src/settings/setting.ts';
import { allSettings, gatewaySettings, parseGatewaySettings } from '../../src/settings.ts';

const REQUIRED = {
  REPLICA_URLS: 'postgresql://gateway@replica:5432/calls',
  ADMIN_TOKEN: 'admin-token-of-the-tests',
};
const every = settingsIn(allSettings);

const directory = mkdtempSync(join(tmpdir(), 'cdr-settings-'));
afterAll(() => rmSync(directory, { recursive: true }));

function aFile(name: string, content: string): string {
  const file = join(directory, name);
  writeFileSync(file, content);
  return file;
}

function problemsOf(env: Environment): readonly string[] {
  try {
    parseGatewaySettings(env);
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(BadSettingsError);
    return (error as BadSettingsError).problems;
  }
}

describe('the table', () => {
  test('has each name once, and keeps those that operators use', () => {
    const names = every.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    const published =
      'REPLICA_URLS PRIMARY_URL CDR_SOURCE API_HOST API_PORT ALLOWED_ORIGINS ADMIN_TOKEN ACCOUNT_TOKEN ACCOUNT_ID ' +
      'ADMIN_MAX_PAGE ACCOUNT_MAX_PAGE DB_MAX_CONNECTIONS STATEMENT_TIMEOUT MAX_STALENESS READ_AFTER_WAIT ' +
      'POLL_INTERVAL METRICS_TOKEN GRAPHIQL NUMBERING_PLAN NUMBERING_OPERATORS NUMBERING_STRIP_PREFIXES ' +
      'DRAIN_TIMEOUT LOG_LEVEL OTEL_EXPORTER_OTLP_ENDPOINT OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ' +
      'OTEL_EXPORTER_OTLP_HEADERS OTEL_SERVICE_NAME OTEL_TRACES_SAMPLER OTEL_TRACES_SAMPLER_ARG ' +
      'DB_HOST DB_PORT DB_NAME DB_USER DB_PASSWORD MIGRATE_URL GATEWAY_PASSWORD';
    expect(names).toEqual(expect.arrayContaining(published.split(' ')));
  });

  test.each(every)('$name has a default and an example that it takes itself', (setting) => {
    for (const text of [setting.default, setting.example]) {
      if (text !== undefined) expect(() => setting.kind.parse(text)).not.toThrow();
    }
  });

  test('gives a new setting to the code by its row alone', () => {
    const group = settingGroup({
      members: { size: { name: 'SIZE', meaning: 'A size', kind: wholeNumber(1, 9), default: '2' } },
    });
    const { size }: { size: number } = parseSettings(group, { SIZE: '3' });
    expect(size).toBe(3);
    expect(parseSettings(group, {}).size).toBe(2);
  });
});

describe('the settings of a gateway', () => {
  test('need a standby and a token, and nothing else', () => {
    const { databases, source, http, replicas, telemetry } = parseGatewaySettings(REQUIRED);
    expect(databases).toMatchObject({
      replicaUrls: [REQUIRED.REPLICA_URLS],
      replicaUrlsFile: undefined,
      primaryUrl: undefined,
      readFromPrimary: false,
    });
    expect(source.name).toBe('xdrs');
    expect(http).toEqual({
      host: '127.0.0.1',
      port: 3001,
      allowedOrigins: [],
      compression: 'auto',
      drainTimeoutSeconds: 30,
    });
    expect(replicas.maxStalenessSeconds).toBeUndefined();
    expect(telemetry.traces).toBeUndefined();
  });

  test('are all named when they are wrong, and by themselves before they are compared', () => {
    expect(
      problemsOf({ API_PORT: '70000', MAX_STALENESS: '1 s', GRAPHIQL: 'yes', ACCOUNT_ID: '14,x' }),
    ).toEqual([
      expect.stringMatching(/^REPLICA_URLS: missing/),
      'MAX_STALENESS: expected seconds, such as 30 or 0.5, got "1 s"',
      'API_PORT: expected a whole number from 0 to 65535, got "70000"',
      'GRAPHIQL: expected true or false, got "yes"',
      'ACCOUNT_ID: expected account ids such as 14 or 14,15, got "14,x"',
    ]);
  });

  test.each([
    [{ ADMIN_TOKEN: undefined }, 'ADMIN_TOKEN or ACCOUNT_TOKEN: missing'],
    [{ ACCOUNT_ID: '14' }, 'ACCOUNT_TOKEN and ACCOUNT_ID: set both or neither'],
    [{ ACCOUNT_TOKEN: REQUIRED.ADMIN_TOKEN, ACCOUNT_ID: '14' }, 'ADMIN_TOKEN and ACCOUNT_TOKEN: must differ'],
    [{ REPLICA_URLS: ' , ' }, 'REPLICA_URLS: missing'],
    [
      { ALLOWED_ORIGINS: 'https://a.example, https://b.example/x' },
      'ALLOWED_ORIGINS: expected origins such as https://portal.example, got "https://b.example/x"',
    ],
  ])('must go together: %o', (env, problem) => {
    expect(problemsOf({ ...REQUIRED, ...env })).toEqual([expect.stringContaining(problem)]);
  });

  test('count as unset when they are empty', () => {
    const { http, databases } = parseGatewaySettings({ ...REQUIRED, API_PORT: '', PRIMARY_URL: '' });
    expect([http.port, databases.primaryUrl]).toEqual([3001, undefined]);
  });
});

describe('a secret', () => {
  test.each(every.filter(({ secret }) => secret))(
    '$name may be in a file, and what is given directly wins',
    (setting) => {
      const group = settingGroup({ members: { value: setting } });
      const given = setting.name.endsWith('HEADERS')
        ? 'key=0123456789abcdef'
        : setting.name.includes('URL')
          ? 'postgresql://a@b/c'
          : '0123456789abcdef0123456789abcdef';
      const value = setting.kind.parse(given);
      const file = aFile(setting.name, `${given}\n`);
      expect(parseSettings(group, { [`${setting.name}_FILE`]: file })).toEqual({ value });
      expect(
        parseSettings(group, {
          [`${setting.name}_FILE`]: aFile('other', 'of no use'),
          [setting.name]: given,
        }),
      ).toEqual({ value });
      expect(() => parseSettings(group, { [`${setting.name}_FILE`]: '/none/here' })).toThrow(
        `${setting.name}: the file "/none/here" cannot be read`,
      );
    },
  );

  test('is a secret alone: other settings are read from no file', () => {
    expect(parseGatewaySettings({ ...REQUIRED, API_PORT_FILE: aFile('port', '4000') }).http.port).toBe(3001);
    expect(problemsOf({ ADMIN_TOKEN: REQUIRED.ADMIN_TOKEN, DB_HOST_FILE: '/none/here' })).toEqual([
      expect.stringMatching(/^REPLICA_URLS: missing/),
    ]);
  });

  test.each(every.filter(({ secret, mayHoldPassword }) => secret || mayHoldPassword))(
    '$name is not repeated when it is wrong',
    (setting) => {
      const group = settingGroup({ members: { value: setting } });
      for (const bad of ['sesame street', 'mysql://me:sesame@host/db', 'sesame,%sesame', '\u0000sesame']) {
        const wrong = () => parseSettings(group, { [setting.name]: bad });
        expect(wrong).not.toThrow('sesame');
      }
    },
  );
});

describe('the older spelling of one standby', () => {
  const older = (env: Environment) =>
    parseGatewaySettings({ ADMIN_TOKEN: REQUIRED.ADMIN_TOKEN, ...env }).databases.replicaUrls;

  test('becomes a URL', () => {
    expect(older({ DB_HOST: '10.0.0.5' })).toEqual(['postgresql://gateway@10.0.0.5:5432/sippy']);
    expect(
      older({ DB_HOST: 'db', DB_PORT: '5433', DB_NAME: 'a/b', DB_USER: 'me', DB_PASSWORD: 'p@ss/word' }),
    ).toEqual(['postgresql://me:p%40ss%2Fword@db:5433/a%2Fb']);
  });

  test('is looked at only where the newer one is not given', () => {
    expect(older({ DB_HOST: 'db', DB_PORT: 'x', REPLICA_URLS: REQUIRED.REPLICA_URLS })).toEqual([
      REQUIRED.REPLICA_URLS,
    ]);
    expect(problemsOf({ ...REQUIRED, DB_PORT: 'x' })).toEqual([]);
    expect(problemsOf({ ADMIN_TOKEN: REQUIRED.ADMIN_TOKEN, DB_HOST: 'db', DB_PORT: 'x' })).toEqual([
      'DB_PORT: expected a whole number from 1 to 65535, got "x"',
    ]);
  });
});

describe('the command line', () => {
  const run = promisify(execFile);

  test('prints what is wrong, and no stack', async () => {
    const failed = run('node', ['src/cli.ts', 'serve'], { env: { PATH: process.env.PATH, API_PORT: 'x' } });
    const { stderr, code } = await failed.catch((error) => error);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^Bad settings:\n( {2}- [A-Z_]+.*\n)+$/);
  });

  test('names every setting of a gateway in its help', async () => {
    const { stdout } = await run('node', ['src/cli.ts', 'serve', '--help'], {
      env: { PATH: process.env.PATH },
    });
    for (const { name, secret } of settingsIn(gatewaySettings)) {
      expect(stdout).toMatch(new RegExp(`^  ${name} `, 'm'));
      if (secret) expect(stdout).toContain(`or ${name}_FILE`);
    }
  });
});
