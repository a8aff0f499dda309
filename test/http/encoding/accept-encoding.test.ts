import { expect, test } from 'vitest';
import { parseAcceptEncoding } from '../../../src/http/encoding/accept-encoding.ts';

const all = ['zstd', 'br', 'gzip'];

test.each([
  [undefined, [], true],
  ['', [], true],
  ['identity', [], true],
  ['deflate', [], true],
  ['gzip', ['gzip'], true],
  ['GZIP', ['gzip'], true],
  ['gzip, deflate', ['gzip'], true],
  ['br, gzip, deflate', ['br', 'gzip'], true],
  ['deflate, gzip, br, zstd', all, true],
  ['*', all, true],
  ['*;q=0.1, zstd;q=0', ['br', 'gzip'], true],
  // As the client ranks them, and of equal ones as we do.
  ['zstd;q=0.2, gzip', ['gzip', 'zstd'], true],
  ['gzip;q=0.5, br;q=0.5', ['br', 'gzip'], true],
  ['zstd;q=0, br;q=0.000, gzip;q=0.5', ['gzip'], true],
  ['gzip; Q=0.5', ['gzip'], true],
  // None is one of the choices.
  ['gzip;q=0.5, identity', [], true],
  ['gzip;q=0.5, identity;q=0.5', ['gzip'], true],
  ['gzip, identity;q=0.5', ['gzip'], true],
  ['gzip, identity;q=0', ['gzip'], false],
  ['gzip, *;q=0', ['gzip'], false],
  ['gzip, *;q=0, identity;q=0.1', ['gzip'], true],
  ['identity;q=0', [], false],
  ['*;q=0', [], false],
  // What is no weight is a refusal.
  ['gzip;q=2, br;q=-1, zstd;q=x', [], true],
  ['gzip;q=', [], true],
  [',,;q=1,gzip', ['gzip'], true],
  ['gzip;level=9', ['gzip'], true],
] as const)('Accept-Encoding: %s', (header, codings, identity) => {
  expect(parseAcceptEncoding(header)).toEqual({ codings, identity });
});

test('a header that no client repeats is not kept', () => {
  const long = `${'x, '.repeat(1000)}gzip`;
  expect(parseAcceptEncoding(long).codings).toEqual(['gzip']);
  expect(parseAcceptEncoding(long)).not.toBe(parseAcceptEncoding(long));
  expect(parseAcceptEncoding('gzip, br')).toBe(parseAcceptEncoding('gzip, br'));
});
