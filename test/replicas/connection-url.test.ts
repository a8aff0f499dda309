import { Client } from 'pg';
import { describe, expect, test } from 'vitest';
import { namesOf, parseConnection } from '../../src/replicas/connection-url.ts';

/** What node-postgres makes of it. */
const optionsOf = (url: string) =>
  (new Client({ connectionString: url }) as unknown as { connectionParameters: { options: string } })
    .connectionParameters.options;

describe('a connection URL', () => {
  test('names its standby by fragment, and the rest by position, never by address', () => {
    const urls = [
      'postgresql://u:p@10.0.0.1/db',
      'postgresql://u:p@10.0.0.2:6000/db#amsterdam',
      'postgresql://10.0.0.3/db',
    ];
    expect(namesOf(urls.map(parseConnection))).toEqual(['replica-1', 'amsterdam', 'replica-3']);
  });

  test('may not name two standbys alike', () => {
    const urls = ['postgresql://10.0.0.1/db#a', 'postgresql://10.0.0.2/db#a'];
    expect(() => namesOf(urls.map(parseConnection))).toThrow('named "a"');
  });

  test('tells host and port, with the default port', () => {
    expect(parseConnection('postgresql://db.example/calls').address).toEqual({
      host: 'db.example',
      port: 5432,
    });
    expect(parseConnection('postgresql:///calls?host=/run/postgresql').address.host).toBe('/run/postgresql');
  });

  test('carries session settings as options, after those it had', () => {
    const { url } = parseConnection('postgresql://u:p@h/db?options=-c%20work_mem%3D8MB&sslmode=disable#name');
    const withSettings = url({ TimeZone: 'UTC', application: 'a b' });
    expect(optionsOf(withSettings)).toBe('-c work_mem=8MB -c TimeZone=UTC -c application=a\\ b');
    expect(withSettings).toContain('sslmode=disable');
    expect(withSettings).not.toContain('#');
  });

  test('is never shown when it cannot be read', () => {
    expect(() => parseConnection('postgresql://u:secret@[')).toThrow(/^(?!.*secret)/);
  });
});
