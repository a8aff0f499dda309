import { Client } from 'pg';
import { describe, expect, test } from 'vitest';
import { expandHosts, parseConnection, splitUrls } from '../../src/replicas/connection-url.ts';

/** What node-postgres makes of it. */
const optionsOf = (url: string) =>
  (new Client({ connectionString: url }) as unknown as { connectionParameters: { options: string } })
    .connectionParameters.options;

describe('a connection URL', () => {
  test('says by its fragment what its standby is called, where it stands and what share it gets', () => {
    const of = (url: string) => {
      const { label, zone, weight } = parseConnection(url);
      return [label, zone, weight];
    };
    expect(of('postgresql://u:p@10.0.0.1/db')).toEqual([undefined, undefined, 1]);
    expect(of('postgresql://u:p@10.0.0.2:6000/db#amsterdam')).toEqual(['amsterdam', undefined, 1]);
    expect(of('postgresql://10.0.0.3/db#paris;zone=fr-1;weight=0.5')).toEqual(['paris', 'fr-1', 0.5]);
    expect(of('postgresql://10.0.0.3/db#;zone=fr%201')).toEqual([undefined, 'fr 1', 1]);
    for (const fragment of ['a;zone=', 'a;weight=x', 'a;color=red', 'a;weight=-1', 'a;']) {
      expect(() => parseConnection(`postgresql://10.0.0.3/db#${fragment}`)).toThrow(/zone/);
    }
  });

  test('may name several hosts, each of them a server, with what they have in common', () => {
    const url = 'postgresql://u:p,w@one:5433,two/db?sslmode=require&target_session_attrs=read-write#a;zone=z';
    expect(expandHosts(url)).toEqual([
      'postgresql://u:p,w@one:5433/db?sslmode=require#a-1;zone=z',
      'postgresql://u:p,w@two:5432/db?sslmode=require#a-2;zone=z',
    ]);
    expect(splitUrls(`${url}, postgresql://three/db\npostgres://four/db,`)).toEqual([
      url,
      'postgresql://three/db',
      'postgres://four/db',
    ]);
  });

  test('reaches a socket by the directory it is in, also with a user', () => {
    for (const url of [
      'postgresql://u:p@/calls?host=/cloudsql/project:zone:name',
      'postgresql:///calls?host=/cloudsql/project:zone:name',
      'postgresql://u:p@%2Fcloudsql%2Fproject%3Azone%3Aname/calls',
    ]) {
      const { address, database, url: urlOf } = parseConnection(url);
      expect([address.host, database]).toEqual(['/cloudsql/project:zone:name', 'calls']);
      const { host } = new Client({ connectionString: urlOf({}) });
      expect(host).toBe('/cloudsql/project:zone:name');
    }
  });

  test('tells host and port, with the default port', () => {
    expect(parseConnection('postgresql://db.example/calls').address).toEqual({
      host: 'db.example',
      port: 5432,
    });
    expect(parseConnection('postgresql:///calls?host=/run/postgresql').address.host).toBe('/run/postgresql');
    expect(parseConnection('postgresql://[::1]:5433/calls').address).toEqual({ host: '::1', port: 5433 });
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
