import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PROJECT } from '../../bench/gateway.ts';
import { help, parseSettings } from '../../bench/settings.ts';

const names = { rowNames: ['list', 'memory'], workloadNames: ['list'] };

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'checkouts-'));
  for (const path of ['empty', 'complete/src', 'complete/node_modules', 'not-installed/src']) {
    mkdirSync(join(directory, path), { recursive: true });
  }
  for (const path of ['complete', 'not-installed']) writeFileSync(join(directory, path, 'src/cli.ts'), '');
  symlinkSync(PROJECT, join(directory, 'this-one'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const against = (path: string, ...more: string[]) =>
  parseSettings(['--against', join(directory, path), ...more], names);

describe('a benchmark against another checkout', () => {
  test('compares fifteen pairs, or more, and writes what all rows have shown', () => {
    expect(against('complete')).toMatchObject({
      pairs: 15,
      against: join(directory, 'complete'),
      writesResults: true,
    });
    expect(against('complete', '--pairs', '40', '--rows', 'list')).toMatchObject({
      pairs: 40,
      rows: ['list'],
      writesResults: false,
    });
  });

  test.each([
    ['a directory that is not there', 'missing', [], 'there is no such directory'],
    ['a file', 'complete/src/cli.ts', [], 'there is no such directory'],
    ['a directory without a gateway', 'empty', [], 'there is no gateway in it'],
    ['a checkout without its packages', 'not-installed', [], 'there are no node_modules'],
    ['this checkout by another name', 'this-one', [], 'that is this checkout'],
    ['too few pairs', 'complete', ['--pairs', '14'], 'a whole number from 15'],
    ['pairs that are no number', 'complete', ['--pairs', 'many'], 'a whole number from 15'],
    ['repeats', 'complete', ['--repeats', '3'], '--pairs does'],
    ['a row that is not of time', 'complete', ['--rows', 'memory'], 'not one for --against'],
    ['a row that there is not', 'complete', ['--rows', 'nothing'], 'There is no row'],
  ])('refuses %s', (_, path, more, reason) => {
    expect(() => against(path, ...more)).toThrow(reason);
  });

  test('refuses pairs where there is nothing to compare with', () => {
    expect(() => parseSettings(['--pairs', '20'], names)).toThrow('--pairs goes with --against');
  });

  test('is in the help', () => {
    expect(help(names)).toContain('--against DIR');
  });
});
