import { describe, expect, test } from 'vitest';
import { demoHelp, parseDemoOptions } from '../../src/demo/demo-options.ts';

test('without flags there are 200,000 calls, two standbys of PostgreSQL 18, and 20 live calls a second', () => {
  expect(parseDemoOptions([])).toEqual({
    cdrs: 200_000,
    replicas: 2,
    pg: 18,
    port: 3001,
    rate: 20,
    seed: 1,
    dataDir: undefined,
    json: false,
    webPort: undefined,
  });
});

test('every flag is understood', () => {
  const args =
    '--cdrs 5 --replicas 3 --pg 14 --port 0 --rate 0 --seed 9 --data-dir /var/tmp/calls --json --web --web-port 8080'.split(
      ' ',
    );
  expect(parseDemoOptions(args)).toEqual({
    cdrs: 5,
    replicas: 3,
    pg: 14,
    port: 0,
    rate: 0,
    seed: 9,
    dataDir: '/var/tmp/calls',
    json: true,
    webPort: 8080,
  });
});

test('the call explorer is started only when asked for, on port 3000', () => {
  expect(parseDemoOptions(['--web'])).toMatchObject({ webPort: 3000 });
  expect(parseDemoOptions(['--web', '--web-port', '0'])).toMatchObject({ webPort: 0 });
});

test('help is asked for with --help or -h, and names every flag', () => {
  expect(parseDemoOptions(['--help'])).toBe('help');
  expect(parseDemoOptions(['-h'])).toBe('help');
  for (const flag of [
    'cdrs',
    'replicas',
    'pg',
    'port',
    'rate',
    'seed',
    'data-dir',
    'web',
    'web-port',
    'json',
    'help',
  ]) {
    expect(demoHelp).toContain(`--${flag}`);
  }
});

describe('a bad flag gets one sentence', () => {
  test.each([
    [['--cdrs', 'many'], '--cdrs takes a whole number from 0 to 1000000000, not "many".'],
    [['--cdrs', '-1'], /--cdrs/],
    [['--cdrs', '1.5'], '--cdrs takes a whole number from 0 to 1000000000, not "1.5".'],
    [['--pg', '13'], '--pg takes a whole number from 14 to 18, not "13".'],
    [['--replicas', '0'], '--replicas takes a whole number from 1 to 8, not "0".'],
    [['--port', '65536'], '--port takes a whole number from 0 to 65535, not "65536".'],
    [['--colour', 'red'], /^Unknown option '--colour'; --help lists the options\.$/],
    [['now'], /^Unexpected argument 'now'/],
    [['--port'], /--port/],
    [['--web-port', '3000'], '--web-port needs --web.'],
    [['--web', '--web-port', '65536'], '--web-port takes a whole number from 0 to 65535, not "65536".'],
    [['--data-dir', ''], '--data-dir needs the name of a directory.'],
  ])('%j', (args, sentence) => {
    expect(() => parseDemoOptions(args)).toThrow(sentence);
    expect(() => parseDemoOptions(args)).toThrow(expect.objectContaining({ name: 'DemoError' }));
  });
});
